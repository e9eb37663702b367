"""More than one listener to a history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from stepsim.runtime.history import History, HistoryEvent

Observer: TypeAlias = Callable[[HistoryEvent], None]

Listener = TypeVar("Listener")


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
    elif listener(history, type(observer)) is None:
        history.observer = _Both(present, observer)


def listener(history: History, kind: type[Listener]) -> Listener | None:
    """The observer of this type that is told of a history's events."""
    present = history.observer
    while isinstance(present, _Both):
        if isinstance(present.second, kind):
            return present.second
        present = present.first
    return present if isinstance(present, kind) else None
