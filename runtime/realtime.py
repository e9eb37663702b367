"""The real driver: the same scheduler, told the system clock by anyio. Besides `simulation`, only this waits."""

from __future__ import annotations

import time

import anyio

from stepsim.runtime.account import Account
from stepsim.runtime.execution import Execution
from stepsim.runtime.simulation import Progress, interruption, rare_collections

_LOOK_S = 0.1


def now_ms() -> int:
    """The system clock, in milliseconds since 1970-01-01T00:00Z."""
    return time.time_ns() // 1_000_000


async def drive(account: Account, execution: Execution, progress: Progress | None = None) -> None:
    """Run an execution to its end on the system clock.

    Wakes for the scheduler's deadlines, for answers from outside, and ten times a second for `progress` and Ctrl-C,
    which stops the execution.
    """
    scheduler = account.scheduler
    event = anyio.Event()

    def wake() -> None:
        event.set()

    scheduler.wake = wake
    with interruption() as interrupted, rare_collections():
        while execution.status == "RUNNING":
            event = anyio.Event()
            scheduler.advance(max(now_ms(), scheduler.now_ms))
            if interrupted():
                account.stop_execution(execution.me.arn, "stepsim.Interrupted", "The run was interrupted")
            if execution.status != "RUNNING":
                break
            deadline_ms = scheduler.next_deadline()
            wait_s = _LOOK_S if deadline_ms is None else min(_LOOK_S, max(0.0, (deadline_ms - now_ms()) / 1000))
            with anyio.move_on_after(wait_s):
                await event.wait()
            if progress is not None:
                progress()
    scheduler.wake = None
