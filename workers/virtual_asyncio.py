"""asyncio inside handlers: a loop's timers wait on the timeline, its sockets are waited for as they are.

A loop reads ``time.monotonic``, which is virtual in handlers, so the one thing left is how it waits: in its selector.
A socket or pipe gets real time first, while virtual time stands still; what runs in an executor's threads
(``asyncio.to_thread``) runs on the timeline, see `virtual_threads`.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.events
import selectors
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from greenlet import getcurrent

from stepsim.workers.greenlets import HandlerGreenlet, rounded_up_ms
from stepsim.workers.patching import Patch
from stepsim.workers.virtual_threads import VirtualCondition

_GRACE_S = 1.0
"""How long in real time an open socket or pipe may stay silent before the loop's next timer is due."""

_WAKE_UP_PIPE = 1
"""A loop's own entry in its selector."""

_real_select = selectors.DefaultSelector.select
_real_run_in_executor = asyncio.base_events.BaseEventLoop.run_in_executor


def _select(selector: selectors.DefaultSelector, timeout: float | None = None) -> list[Any]:
    current = getcurrent()
    if type(current) is not HandlerGreenlet or (timeout is not None and timeout <= 0):
        return _real_select(selector, timeout)
    loop: Any = asyncio.events._get_running_loop()
    if loop is None or getattr(loop, "_selector", None) is not selector:
        return _real_select(selector, timeout)
    if getattr(loop, "_executor_shutdown_called", False):
        # asyncio.run ends by joining its executor in a thread, under a timer of five minutes.
        return _real_select(selector, None)
    calls: _Calls | None = getattr(loop, "_calls_on_the_timeline", None)
    if calls is not None and calls.running:
        calls.ended.wait(timeout)
        return _real_select(selector, 0)
    if timeout is None:
        return _real_select(selector, None)
    silent = len(selector.get_map()) <= _WAKE_UP_PIPE
    ready = _real_select(selector, 0 if silent else min(timeout, _GRACE_S))
    if ready:
        return ready
    current.pause(max(1, rounded_up_ms(timeout)))
    return _real_select(selector, 0)


class _Calls:
    """What a loop has running in executors' threads, which are no threads in a handler."""

    def __init__(self) -> None:
        self.running = 0
        self.ended = VirtualCondition()


def _run_in_executor(loop: Any, executor: Any, func: Any, *args: Any) -> Any:
    if type(getcurrent()) is not HandlerGreenlet or not isinstance(executor, ThreadPoolExecutor | None):
        return _real_run_in_executor(loop, executor, func, *args)
    calls: _Calls | None = getattr(loop, "_calls_on_the_timeline", None)
    if calls is None:
        calls = loop._calls_on_the_timeline = _Calls()
    calls.running += 1

    def call() -> Any:
        # It does not run inside the loop: code there may well run a loop of its own.
        try:
            return func(*args)
        finally:
            calls.running -= 1
            calls.ended.notify_all()

    return _real_run_in_executor(loop, executor, call)


ASYNCIO_PATCHES: list[Patch] = [
    (selectors.DefaultSelector, "select", _select),
    (asyncio.base_events.BaseEventLoop, "run_in_executor", _run_in_executor),
]
