"""Who watches what executions do, as coverage does: the seam, and who is watching at the moment.

An engine asks once a visit whether there is an observer, and does nothing else where there is none. Observers look:
what they see is shared, and they change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from stepsim.asl.errors import StatesError
from stepsim.asl.machine import (
    Catcher,
    ChoiceRule,
    ChoiceState,
    MapState,
    ParallelState,
    State,
    StateMachine,
    TaskState,
)

if TYPE_CHECKING:
    from stepsim.runtime.frame import Frame


class Observer(Protocol):
    """What is told to it, in the order in which it happens. Accounts on several threads may have the same one."""

    def began(self, machine: StateMachine, name: str) -> None:
        """An execution of the state machine of this name begins, or a map run's child that is kept."""
        ...

    def entered(self, state: State) -> None:
        """A state was entered."""
        ...

    def left(self, state: State, frame: Frame) -> None:
        """A state was left, whatever way, for the next one or at the end."""
        ...

    def chose(self, state: ChoiceState, rule: ChoiceRule | None) -> None:
        """The first rule that is true was found; None: there was none."""
        ...

    def failed(self, state: TaskState | ParallelState | MapState, error: StatesError, frame: Frame) -> None:
        """An attempt has failed."""
        ...

    def retried(self, state: TaskState | ParallelState | MapState, error: StatesError, *, again: bool) -> None:
        """The retriers were asked about an error; `again`: one of them has the state tried once more."""
        ...

    def caught(self, state: TaskState | ParallelState | MapState, catcher: Catcher, frame: Frame) -> None:
        """A catcher's way is taken."""
        ...

    def mapped(self, state: MapState, items: int, failed: int) -> None:
        """A Map has read its items or, distributed, ended its run: so many items, of which so many have failed."""
        ...

    def timed_out(self, machine: StateMachine) -> None:
        """An execution has taken longer than its machine lets it."""
        ...


_watching: list[Observer] = []


def current() -> Observer | None:
    """Who is to watch the accounts that are made now."""
    return _watching[-1] if _watching else None


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Have every account watched that this process makes in the meantime, on whatever thread."""
    _watching.append(observer)
    try:
        yield
    finally:
        _watching.remove(observer)
