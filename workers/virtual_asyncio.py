"""asyncio inside handlers: a loop's timers wait on the timeline, its threads and sockets are waited for as they are.

A loop reads ``time.monotonic``, which is virtual in handlers, so the one thing left is how it waits: in its selector.
While the loop has work outside (a thread, a socket), that gets real time first and virtual time stands still.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.events
import selectors
from typing import Any

from greenlet import getcurrent
from stepsim.workers.greenlets import HandlerGreenlet, rounded_up_ms
from stepsim.workers.patching import Patch

_GRACE_S = 1.0
"""How long in real time an open socket or pipe may stay silent before the loop's next timer is due."""

_WAKE_UP_PIPE = 1
"""A loop's own entry in its selector."""

_real_select = selectors.DefaultSelector.select
_real_run_in_executor = asyncio.base_events.BaseEventLoop.run_in_executor


def _select(selector: selectors.DefaultSelector, timeout: float | None = None) -> list[Any]:
    current = getcurrent()
    if type(current) is not HandlerGreenlet or timeout is None or timeout <= 0:
        return _real_select(selector, timeout)
    loop = asyncio.events._get_running_loop()
    if loop is None or getattr(loop, "_selector", None) is not selector:
        return _real_select(selector, timeout)
    if _works_in_threads(loop):
        return _real_select(selector, None)
    silent = len(selector.get_map()) <= _WAKE_UP_PIPE
    ready = _real_select(selector, 0 if silent else min(timeout, _GRACE_S))
    if ready:
        return ready
    current.pause(max(1, rounded_up_ms(timeout)))
    return _real_select(selector, 0)


def _works_in_threads(loop: Any) -> bool:
    # asyncio.run ends by joining the threads of its executor, under a timer of five minutes.
    return getattr(loop, "_calls_in_threads", 0) > 0 or getattr(loop, "_executor_shutdown_called", False)


def _run_in_executor(loop: Any, executor: Any, func: Any, *args: Any) -> Any:
    future = _real_run_in_executor(loop, executor, func, *args)
    if type(getcurrent()) is HandlerGreenlet:
        loop._calls_in_threads = getattr(loop, "_calls_in_threads", 0) + 1

        def done(_future: Any) -> None:
            loop._calls_in_threads -= 1

        future.add_done_callback(done)
    return future


ASYNCIO_PATCHES: list[Patch] = [
    (selectors.DefaultSelector, "select", _select),
    (asyncio.base_events.BaseEventLoop, "run_in_executor", _run_in_executor),
]
