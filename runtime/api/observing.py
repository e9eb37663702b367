"""More than one listener to a history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stepsim.runtime.history import History, HistoryEvent

Observer: TypeAlias = Callable[[HistoryEvent], None]


class _Both:
    """Two listeners, told one after the other."""

    __slots__ = ("first", "second")

    def __init__(self, first: Observer, second: Observer) -> None:
        self.first = first
        self.second = second

    def __call__(self, event: HistoryEvent) -> None:
        self.first(event)
        self.second(event)


def observe(history: History, observer: Observer) -> None:
    """Have an observer told of each event, beside whoever is already; at most one of its type listens."""
    present = history.observer
    if present is None:
        history.observer = observer
    elif not _listens(present, type(observer)):
        history.observer = _Both(present, observer)


def _listens(present: Observer, kind: type[Observer]) -> bool:
    while isinstance(present, _Both):
        if isinstance(present.second, kind):
            return True
        present = present.first
    return isinstance(present, kind)
