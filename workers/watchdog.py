"""Ends handlers that run on and on in real time: virtual time cannot pass while one of them never waits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from greenlet import getcurrent

from stepsim.workers.greenlets import HandlerGreenlet, Hub

_LOOKS = 4
"""How often in its time a handler is looked at: the limit holds to a quarter."""


class HandlerStuck(BaseException):
    """Raised inside a handler that has run for too long in real time without waiting for anything."""


class _Watchdog:
    """Looks now and then whether the hub has entered any handler since: costs nothing while they take turns."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._entries = -1
        self._looks = 0

    def look(self, _signal: int, _frame: FrameType | None) -> None:
        current = getcurrent()
        hub = self._hub
        if type(current) is not HandlerGreenlet or current.hub is not hub or hub.entries != self._entries:
            self._entries = hub.entries
            self._looks = 0
            return
        self._looks += 1
        if self._looks < _LOOKS:
            return
        activity = current.activity
        assert activity is not None
        if self._looks >= 2 * _LOOKS:
            # It swallowed the exception and goes on: it stays where it is.
            hub.leave_standing(current, activity)
        if self._looks == _LOOKS:
            activity.stuck = True
            raise HandlerStuck


@contextmanager
def watching(hub: Hub, limit_s: float) -> Iterator[None]:
    """Watch a hub's handlers with SIGALRM. Somebody else's alarm is left alone, and there is none outside the main
    thread: then nothing is watched."""
    taken = not hasattr(signal, "setitimer") or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
    if taken or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGALRM, _Watchdog(hub).look)
    signal.setitimer(signal.ITIMER_REAL, limit_s / _LOOKS, limit_s / _LOOKS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
