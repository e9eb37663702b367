"""The process's clocks on a simulation's time, where no handler runs that needs more of it: moto stamps with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import TracebackType

import time_machine

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class ShownClock:
    """Makes ``time.time`` and ``datetime.now`` show a time of its own for the length of a ``with`` block."""

    def __init__(self, start_ms: int) -> None:
        """`start_ms`: what is shown at first, in milliseconds since 1970-01-01T00:00Z."""
        self._shown_ms = start_ms
        self._travel = time_machine.travel(_EPOCH + dt.timedelta(milliseconds=start_ms), tick=False)
        self._traveller: time_machine.Traveller | None = None

    def following(self, now_ms: Callable[[], int]) -> Callable[[], None]:
        """What makes the clocks show `now_ms`; to be called before somebody reads one."""

        def show_now() -> None:
            present_ms = now_ms()
            if present_ms != self._shown_ms:
                assert self._traveller is not None
                self._traveller.shift(dt.timedelta(milliseconds=present_ms - self._shown_ms))
                self._shown_ms = present_ms

        return show_now

    def __enter__(self) -> ShownClock:
        self._traveller = self._travel.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._travel.stop()
