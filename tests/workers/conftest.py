"""A timeline that jumps from callback to callback: what the simulation's driver is to handlers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

import pytest

from stepsim.workers.inline import InlineWorker
from stepsim.workers.virtual_time import VirtualTime
from stepsim.workers.worker import Invocation, InvocationResult

START_MS = 1_767_578_400_000  # 2026-01-05T02:00:00Z


class JumpingTimeline:
    """A heap of callbacks by time, then by the order they came in."""

    def __init__(self) -> None:
        self._now_ms = START_MS
        self._callbacks: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0
        self._until_ms: int | None = None

    def now_ms(self) -> int:
        return self._now_ms

    def call_at(self, due_ms: int, callback: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._callbacks, (due_ms, self._serial, callback))

    def leap(self, due_ms: int) -> bool:
        too_late = self._until_ms is not None and due_ms > START_MS + self._until_ms
        if too_late or (self._callbacks and self._callbacks[0][0] <= due_ms):
            return False
        self._now_ms = due_ms
        return True

    def run(self, until_ms: int | None = None) -> None:
        """Jump through all callbacks, or those due until so many ms after the start."""
        self._until_ms = until_ms
        while self._callbacks and (until_ms is None or self._callbacks[0][0] <= START_MS + until_ms):
            due_ms, _, callback = heapq.heappop(self._callbacks)
            self._now_ms = max(self._now_ms, due_ms)
            callback()

    def stage(self, virtual_time: VirtualTime) -> Stage:
        """Short words for a virtual time that a test enters by itself."""
        return Stage(self, virtual_time)

    @property
    def elapsed_ms(self) -> int:
        return self._now_ms - START_MS


class Stage:
    """Virtual time with short words for invoking handlers in it."""

    def __init__(self, timeline: JumpingTimeline, virtual_time: VirtualTime) -> None:
        self.timeline = timeline
        self.virtual_time = virtual_time

    def start(
        self,
        handler: Callable[..., object] | InlineWorker,
        results: list[InvocationResult],
        event: str = "{}",
        request_id: str = "r-1",
        timeout_ms: int = 900_000,
    ) -> None:
        """Start an invocation; its result is appended to `results`."""
        worker = handler if isinstance(handler, InlineWorker) else InlineWorker(handler, self.virtual_time)
        invocation = Invocation(request_id, "Load", "arn:aws:lambda:us-east-1:123456789012:function:Load", event,
                                timeout_ms, 512)  # fmt: skip
        worker.invoke(invocation, results.append)

    def call(self, handler: Callable[..., object] | InlineWorker, event: str = "{}", timeout_ms: int = 900_000,
             request_id: str = "r-1") -> InvocationResult:  # fmt: skip
        """Run one invocation to its end."""
        results: list[InvocationResult] = []
        self.start(handler, results, event, request_id, timeout_ms)
        self.timeline.run()
        [result] = results
        return result


@pytest.fixture
def timeline() -> JumpingTimeline:
    """A timeline that nobody drives yet."""
    return JumpingTimeline()


@pytest.fixture
def stage(timeline: JumpingTimeline) -> Iterator[Stage]:
    """Virtual time, active for the length of a test."""
    with VirtualTime(timeline) as virtual_time:
        yield Stage(timeline, virtual_time)
