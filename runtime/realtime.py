"""The real driver: the same scheduler, told the system clock by anyio. Besides `simulation`, only this waits."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import NoReturn

import anyio

from stepsim.runtime.account import Account
from stepsim.runtime.run_subject import RunSubject
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.simulation import Progress, interrupt, rare_collections

_LOOK_S = 0.1

_TURN_S = 0.02
"""How long executions have their turn before anybody else is heard, and the clock is looked at, again."""


def now_ms() -> int:
    """The system clock, in milliseconds since 1970-01-01T00:00Z."""
    return time.time_ns() // 1_000_000


def fresh_seed() -> int:
    """A seed that no run has had: for accounts whose ids must not be those of the last one."""
    return int.from_bytes(os.urandom(8), "big")


def _turn(scheduler: Scheduler) -> None:
    """Let it be now: what is due happens, as much of it as fits into a turn."""
    over_s = time.monotonic() + _TURN_S
    scheduler.advance(max(now_ms(), scheduler.now_ms), lambda: time.monotonic() > over_s)


def _never() -> bool:
    return False


async def drive(
    account: Account,
    execution: RunSubject,
    progress: Progress | None = None,
    interrupted: Callable[[], bool] = _never,
) -> None:
    """Run an execution to its end on the system clock, and what faults have made run besides.

    Wakes for the scheduler's deadlines, for answers from outside, and ten times a second for `progress` and to stop the
    execution where `interrupted` says so.
    """
    scheduler = account.scheduler
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def wake() -> None:
        event.set()

    scheduler.wake = wake
    with rare_collections():
        while execution.status == "RUNNING" or account.unfinished:
            event.clear()
            _turn(scheduler)
            if interrupted():
                interrupt(account, execution)
            if execution.status != "RUNNING" and not account.unfinished:
                break
            deadline_ms = scheduler.next_deadline()
            wait_s = _LOOK_S if deadline_ms is None else min(_LOOK_S, max(0.0, (deadline_ms - now_ms()) / 1000))
            if event.is_set() or not wait_s:
                await asyncio.sleep(0)
            else:
                # A cancel scope would do the same, and take as long as a short turn.
                timer = loop.call_later(wait_s, wake)
                try:
                    await event.wait()
                finally:
                    timer.cancel()
            if progress is not None:
                progress()
    scheduler.wake = None


class Driver:
    """Tells a scheduler the system clock, for as long as `run` runs and whenever somebody asks."""

    def __init__(self, scheduler: Scheduler, failed: Callable[[Exception], None]) -> None:
        """An exception out of one step goes to `failed`; everything else goes on."""
        self._scheduler = scheduler
        self._failed = failed
        self._advancing = False
        self._woken = anyio.Event()

    def wake(self) -> None:
        """Let `run` look at the scheduler soon."""
        self._woken.set()

    def advance(self) -> None:
        """Let it be now: what is due happens, as much of it as fits into a turn.

        Nothing, where that is being done already further up the stack.
        """
        if self._advancing:
            return
        self._advancing = True
        try:
            _turn(self._scheduler)
        except Exception as error:
            self._failed(error)
            self._woken.set()
        finally:
            self._advancing = False

    async def run(self) -> NoReturn:
        """Drive the scheduler until cancelled."""
        self._scheduler.wake = self.wake
        try:
            while True:
                self._woken = anyio.Event()
                self.advance()
                deadline_ms = self._scheduler.next_deadline()
                if deadline_ms is None:
                    await self._woken.wait()
                    continue
                with anyio.move_on_after(max(0.0, (deadline_ms - now_ms()) / 1000)):
                    await self._woken.wait()
        finally:
            self._scheduler.wake = None
