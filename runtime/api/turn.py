"""The end of a scheduler's turn: what was noted while executions took their steps is carried out once, in one go."""

from __future__ import annotations

from collections.abc import Callable

from stepsim.runtime.scheduler import Scheduler


class TurnEnd:
    """Calls back when whatever can happen now has happened, before the time moves on; costs nothing until asked."""

    __slots__ = ("_asked", "_callback", "_scheduler")

    def __init__(self, scheduler: Scheduler, callback: Callable[[], None]) -> None:
        self._scheduler = scheduler
        self._callback = callback
        self._asked = False

    def ask(self) -> None:
        """Have the callback called once at the end of this turn."""
        if not self._asked:
            self._asked = True
            self._scheduler.call_at(self._scheduler.now_ms, self._end)
            if self._scheduler.wake is not None:
                self._scheduler.wake()

    def _end(self) -> None:
        self._asked = False
        self._callback()
