"""Thread pools inside handlers: what is submitted to a ThreadPoolExecutor runs in greenlets on the timeline.

So calls made side by side wait side by side in virtual time, in a fixed order, and belong to the handler's invocation.
Futures, ``as_completed``, ``wait`` and ``map`` work as ever. The calls end with the invocation. boto3's transfers
(``upload_file``, ``download_fileobj``, …) run their parts one after another. ``threading.Thread`` stays a real thread.
"""

from __future__ import annotations

import concurrent.futures._base as futures
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any

from greenlet import getcurrent

from stepsim.workers.greenlets import Activity, HandlerGreenlet, rounded_up_ms
from stepsim.workers.patching import Patch

_real_submit = ThreadPoolExecutor.submit
_real_shutdown = ThreadPoolExecutor.shutdown
_real_future = Future.__init__
_real_waiter: Callable[[Any], None] = futures._Waiter.__init__


class VirtualCondition:
    """What a condition variable is among greenlets: they take turns by themselves, so there is nothing to lock."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[bool], None]] = []

    def acquire(self) -> bool:
        """Always at once."""
        return True

    def release(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_error: object) -> None:
        """Nothing is held."""

    def wait(self, timeout: float | None = None) -> bool:
        """Let the handler that runs wait until somebody notifies; False where the virtual time is over first."""
        current = getcurrent()
        assert type(current) is HandlerGreenlet
        timeout_ms = None if timeout is None else rounded_up_ms(max(0.0, timeout))
        return current.wait_for(self._waiting.append, timeout_ms) is not None

    def notify_all(self) -> None:
        """Wake whoever waits."""
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake(True)


class _Event:
    """What ``as_completed`` and ``wait`` wait for."""

    def __init__(self) -> None:
        self._is_set = False
        self._condition = VirtualCondition()

    def set(self) -> None:
        self._is_set = True
        self._condition.notify_all()

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        return self._is_set or self._condition.wait(timeout)


class _Call(Activity):
    """One submitted call: a part of the invocation whose code submitted it."""

    __slots__ = ("_pool", "future", "work")

    def __init__(self, root: Activity, pool: _Pool, future: Future[Any], work: Callable[[], Any]) -> None:
        super().__init__(root.label, root.deadline_ms, root.variables)
        self.root = root
        self.future = future
        self.work = work
        self._pool = pool

    @property
    def chance(self) -> Random:
        return self.root.chance

    def write(self, text: str) -> None:
        self.root.write(text)

    def body(self) -> None:
        future = self.future
        if future.set_running_or_notify_cancel():
            try:
                result = self.work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
        self._pool.ended(self)

    def ended(self) -> None:
        """Its future has told whoever waits."""


class _Pool:
    """What one invocation has submitted to one executor."""

    def __init__(self, root: Activity, size: int) -> None:
        self._root = root
        self._size = size
        self._running = 0
        self._waiting: deque[_Call] = deque()
        self._idle = VirtualCondition()

    def submit(self, current: HandlerGreenlet, work: Callable[[], Any]) -> Future[Any]:
        call = _Call(self._root, self, Future(), work)
        if self._running < self._size:
            self._start(current, call)
        else:
            self._waiting.append(call)
        return call.future

    def _start(self, current: HandlerGreenlet, call: _Call) -> None:
        self._running += 1
        if self._root.parts is None:
            self._root.parts = []
        self._root.parts.append(call)
        current.hub.start(call)

    def ended(self, call: _Call) -> None:
        self._running -= 1
        current = getcurrent()
        assert type(current) is HandlerGreenlet
        assert self._root.parts is not None
        self._root.parts.remove(call)
        if self._waiting and not self._root.over:
            self._start(current, self._waiting.popleft())
        elif not self._running:
            self._idle.notify_all()

    def join(self) -> None:
        while self._running:
            self._idle.wait()

    def cancel(self) -> None:
        waiting = list(self._waiting)
        self._waiting.clear()
        for call in waiting:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()


def _submit(executor: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    current = getcurrent()
    if type(current) is not HandlerGreenlet:
        return _real_submit(executor, fn, *args, **kwargs)
    if executor._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    assert current.activity is not None
    root = current.activity.root
    pool = root.belongings.get(executor)
    if pool is None:
        pool = root.belongings[executor] = _Pool(root, executor._max_workers)
        if executor._initializer is not None:
            executor._initializer(*executor._initargs)
    return pool.submit(current, lambda: fn(*args, **kwargs))


def _shutdown(executor: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    _real_shutdown(executor, wait, cancel_futures=cancel_futures)
    current = getcurrent()
    if type(current) is HandlerGreenlet and current.activity is not None:
        pool = current.activity.root.belongings.get(executor)
        if pool is not None and cancel_futures:
            pool.cancel()
        if pool is not None and wait:
            pool.join()


def _future(future: Any) -> None:
    _real_future(future)
    if type(getcurrent()) is HandlerGreenlet:
        future._condition = VirtualCondition()


def _waiter(waiter: Any) -> None:
    _real_waiter(waiter)
    if type(getcurrent()) is HandlerGreenlet:
        waiter.event = _Event()


def _transfer_patch() -> Patch:
    from s3transfer.futures import NonThreadedExecutor
    from s3transfer.manager import TransferManager

    real: Callable[..., None] = TransferManager.__init__

    def init(manager: Any, client: Any, config: Any = None, osutil: Any = None, executor_cls: Any = None) -> None:
        own = NonThreadedExecutor if type(getcurrent()) is HandlerGreenlet else executor_cls
        real(manager, client, config, osutil, own)

    return TransferManager, "__init__", init


def thread_patches() -> list[Patch]:
    """What is replaced while virtual time is active."""
    return [
        (ThreadPoolExecutor, "submit", _submit),
        (ThreadPoolExecutor, "shutdown", _shutdown),
        (Future, "__init__", _future),
        (futures._Waiter, "__init__", _waiter),
        _transfer_patch(),
    ]
