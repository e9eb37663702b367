"""Virtual time for real code: while it is installed, code in a handler's greenlet lives by the driver's timeline.

* ``time.sleep`` waits on the timeline and lets other handlers run meanwhile. The timeline counts whole milliseconds: a
  sleep is rounded up, so it never lasts less than was asked for.
* ``time.time``, ``datetime.now``, ``time.gmtime``, … show the timeline's time, and the time zone is UTC as in Lambda.
  time-machine sees to that, for the whole process: what moto stamps follows too.
* ``time.monotonic`` and ``time.perf_counter`` count virtual time in handlers, and real time everywhere else.
* chance (`virtual_chance`), botocore's jitter and retry quota (`virtual_retries`), and stdout, stderr and logging
  (`virtual_output`) belong to each invocation.
* ``asyncio.run`` works, and its loop's timers wait on the timeline (`virtual_asyncio`).
* what is submitted to a ``ThreadPoolExecutor`` runs side by side on the timeline (`virtual_threads`).

What blocks in other ways still works and takes no virtual time: ``threading.Thread``, locks, ``Event.wait(timeout)``
and ``Queue.get(timeout)``, sockets, subprocesses, ``process_time``. Code in a handler's own threads really sleeps, and
its AWS calls belong to nobody. Handlers share their module's globals, as invocations of one warm environment do, but
they may do so at the same time: a ``threading.Lock`` held over an AWS call can block the process, until the watchdog
ends the handler.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any

import time_machine
from greenlet import getcurrent

from stepsim.workers.greenlets import HandlerGreenlet, Hub, Timeline, rounded_up_ms
from stepsim.workers.patching import Patch, installed
from stepsim.workers.virtual_asyncio import ASYNCIO_PATCHES
from stepsim.workers.virtual_chance import CHANCE_TWINS, own_chance
from stepsim.workers.virtual_output import own_output
from stepsim.workers.virtual_retries import retry_patches
from stepsim.workers.virtual_threads import thread_patches
from stepsim.workers.watchdog import watching

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_real_sleep = time.sleep
_real_monotonic = time.monotonic
_real_monotonic_ns = time.monotonic_ns
_real_perf_counter = time.perf_counter
_real_perf_counter_ns = time.perf_counter_ns


def _sleep(seconds: float, /) -> None:
    current = getcurrent()
    if type(current) is not HandlerGreenlet:
        _real_sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    current.pause(rounded_up_ms(seconds))


def _monotonic() -> float:
    current = getcurrent()
    return current.hub.elapsed_ms() / 1000 if type(current) is HandlerGreenlet else _real_monotonic()


def _monotonic_ns() -> int:
    current = getcurrent()
    return current.hub.elapsed_ms() * 1_000_000 if type(current) is HandlerGreenlet else _real_monotonic_ns()


def _perf_counter() -> float:
    current = getcurrent()
    return current.hub.elapsed_ms() / 1000 if type(current) is HandlerGreenlet else _real_perf_counter()


def _perf_counter_ns() -> int:
    current = getcurrent()
    return current.hub.elapsed_ms() * 1_000_000 if type(current) is HandlerGreenlet else _real_perf_counter_ns()


CLOCK_TWINS: dict[str, Callable[..., Any]] = {
    "sleep": _sleep,
    "monotonic": _monotonic,
    "monotonic_ns": _monotonic_ns,
    "perf_counter": _perf_counter,
    "perf_counter_ns": _perf_counter_ns,
}
"""What stands in for the functions of ``time``. Each asks who calls, so that it is safe to keep for good."""

_TWIN_OF: dict[int, Callable[..., Any]] = {
    **{id(getattr(time, name)): twin for name, twin in CLOCK_TWINS.items()},
    **{id(real): twin for real, twin in CHANCE_TWINS.values()},
}


def adopt(function: Callable[..., Any]) -> None:
    """Make names that a function's module bound early (``from time import sleep``) follow virtual time as well."""
    namespace = getattr(function, "__globals__", {})
    for name, value in list(namespace.items()):
        twin = _TWIN_OF.get(id(value))
        if twin is not None:
            namespace[name] = twin


@contextmanager
def loading() -> Iterator[None]:
    """Load code of handlers: whatever its modules bind early (``from time import sleep``, ``def f(wait=sleep)``), in
    whichever of them, follows virtual time later, and is the real thing everywhere else."""
    clocks: list[Patch] = [(time, name, twin) for name, twin in CLOCK_TWINS.items()]
    with installed([*clocks, *((random, name, twin) for name, (_, twin) in CHANCE_TWINS.items())]):
        yield


@lru_cache(maxsize=1024)
def _span(duration_ms: int) -> dt.timedelta:
    """Most steps of time are short, and making a timedelta takes twice as long as showing it."""
    return dt.timedelta(milliseconds=duration_ms)


class VirtualTime:
    """Installs virtual time for the length of a ``with`` block. The greenlet that enters it drives the timeline.

    One can be active at a time. On leaving, handlers that still run are ended, and everything is as it was.
    """

    def __init__(self, timeline: Timeline, *, seed: int = 0, stuck_after_s: float = 60.0) -> None:
        """`stuck_after_s`: real seconds that a handler may run without waiting before it is ended; 0 for no limit."""
        self._timeline = timeline
        self._seed = seed
        self.stuck_after_s = stuck_after_s
        self._shown_ms = 0
        self._traveller: time_machine.Traveller | None = None
        self._hub: Hub | None = None
        self._exits = ExitStack()

    @property
    def timeline(self) -> Timeline:
        """The driver's timeline."""
        return self._timeline

    @property
    def hub(self) -> Hub:
        """Where activities are started. Raises RuntimeError outside the ``with`` block."""
        if self._hub is None:
            raise RuntimeError("virtual time is not active: invoke handlers inside `with VirtualTime(timeline):`")
        return self._hub

    def show_now(self) -> None:
        """Make the process's clocks show the timeline's time. Done for handlers whenever they start or go on; call it
        on the hub before code there (moto) reads a clock. 40 ns where time has not moved, else 0.4 µs."""
        now_ms = self._timeline.now_ms()
        if now_ms != self._shown_ms:
            assert self._traveller is not None
            self._traveller.shift(_span(now_ms - self._shown_ms))
            self._shown_ms = now_ms

    def __enter__(self) -> VirtualTime:
        if time.sleep is _sleep:
            raise RuntimeError("virtual time is already active")
        with ExitStack() as exits:
            now_ms = self._timeline.now_ms()
            self._traveller = exits.enter_context(
                time_machine.travel(_EPOCH + dt.timedelta(milliseconds=now_ms), tick=False)
            )
            self._shown_ms = now_ms
            exits.enter_context(installed([(time, name, twin) for name, twin in CLOCK_TWINS.items()]))
            exits.enter_context(installed(ASYNCIO_PATCHES + thread_patches() + retry_patches()))
            exits.enter_context(own_chance(self._seed))
            exits.enter_context(own_output())
            self._hub = hub = Hub(self._timeline, self.show_now)
            if self.stuck_after_s:
                exits.enter_context(watching(hub, self.stuck_after_s))
            exits.callback(self._close)
            self._exits = exits.pop_all()
        return self

    def _close(self) -> None:
        hub, self._hub = self._hub, None
        if hub is not None:
            hub.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()
