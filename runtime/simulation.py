"""The virtual driver: the clock jumps to the next deadline until the execution has ended."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Protocol, runtime_checkable

from stepsim.runtime.account import Account
from stepsim.runtime.run_subject import RunSubject

_STEPS_BETWEEN_LOOKS = 512
_LOOK_S = 0.1

INTERRUPTED = "stepsim.Interrupted"
"""The error of an execution that Ctrl-C has ended."""

Progress = Callable[[], None]


def drive(
    account: Account, execution: RunSubject, progress: Progress | None = None, sample: Progress | None = None
) -> None:
    """Run an execution to its end in virtual time, and what faults have made run besides.

    `progress` is called about ten times a second of wall time, `sample` whenever anything has happened. Ctrl-C stops
    the execution, which ends ABORTED; a second one interrupts whatever runs.
    """
    scheduler = account.scheduler
    steps = 0
    looked_s = perf_counter()
    scheduler.may_leap = sample is None
    with interruption() as interrupted, rare_collections():
        while execution.status == "RUNNING" or account.unfinished:
            if not scheduler.jump():
                raise AssertionError("an execution waits for nothing; its longest duration is a deadline")
            if sample is not None:
                sample()
            if interrupted():
                interrupt(account, execution)
            steps += 1
            if steps % _STEPS_BETWEEN_LOOKS == 0 and progress is not None and perf_counter() - looked_s > _LOOK_S:
                looked_s = perf_counter()
                progress()


def interrupt(account: Account, subject: RunSubject) -> None:
    """Stop what is run: it ends ABORTED."""
    error, cause = INTERRUPTED, "The run was interrupted"
    if isinstance(subject, Interruptible):
        subject.stop(error, cause)
    else:
        account.stop_execution(subject.me.arn, error, cause)


@runtime_checkable
class Interruptible(Protocol):
    """More than one execution, which knows how to end them."""

    def stop(self, error: str, cause: str) -> None:
        """Let nothing more begin, and abort what runs."""
        ...


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the cycle collector look less often: fibers and children are freed by their reference counts."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C (or SIGTERM) only makes the function it yields return True; the next one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    seen = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            raise KeyboardInterrupt
        seen = True

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in signals]
    try:
        yield lambda: seen
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
