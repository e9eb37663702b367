"""Thread pools in handlers."""

from __future__ import annotations

import json
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import pytest

from stepsim.workers.inline import current_invocation, pause

SHARED = ThreadPoolExecutor(2)


def _work(number: int) -> int:
    time.sleep(number)
    invocation = current_invocation()
    assert invocation is not None
    assert invocation.request_id == "r-1"
    return number


def test_calls_wait_side_by_side(stage: Any) -> None:
    """Ten sleeps on ten threads take as long as the longest; the pool's size holds."""

    def handler(event: Any, _context: Any) -> Any:
        with ThreadPoolExecutor(max_workers=event) as pool:
            return list(pool.map(_work, [3] * 10))

    assert [stage.call(handler, str(size)).duration_ms for size in (10, 5, 1)] == [3000, 6000, 30_000]
    assert json.loads(stage.call(handler, "4").payload) == [3] * 10


def test_as_completed_yields_in_the_order_of_virtual_time(stage: Any) -> None:
    """The quickest comes first, at its own moment."""

    def handler(_event: Any, _context: Any) -> Any:
        with ThreadPoolExecutor() as pool:
            calls = [pool.submit(_work, n) for n in (3, 1, 2)]
            return [(call.result(), time.monotonic()) for call in as_completed(calls)]

    assert json.loads(stage.call(handler).payload) == [[1, 1.0], [2, 2.0], [3, 3.0]]


def test_waiting_for_some_and_with_a_timeout(stage: Any) -> None:
    """wait and result take their timeouts in virtual time."""

    def handler(_event: Any, _context: Any) -> Any:
        pool = ThreadPoolExecutor()
        calls = [pool.submit(_work, n) for n in (100, 2, 50)]
        done, _ = wait(calls, return_when=FIRST_COMPLETED)
        with pytest.raises(FutureTimeout):
            calls[0].result(timeout=5)
        return [[call.result() for call in done], time.monotonic()]

    result = stage.call(handler)
    assert (json.loads(result.payload), result.duration_ms) == ([[2], 7.0], 7000)


def test_an_exception_comes_out_of_the_future(stage: Any) -> None:
    """What a call raises reaches the handler as from a thread."""

    def handler(_event: Any, _context: Any) -> Any:
        with ThreadPoolExecutor() as pool:
            return pool.submit(int, "x").result()

    assert json.loads(stage.call(handler).payload)["errorType"] == "ValueError"


def test_the_timeout_ends_the_calls_too(stage: Any) -> None:
    """A function's timeout ends what it has submitted, running or not, and the pool goes on serving others."""
    seen: list[int] = []

    def record(number: int) -> None:
        seen.append(_work(number))

    def handler(event: Any, _context: Any) -> Any:
        for number in (1, 5, 5, 5):
            SHARED.submit(record, number)
        pause(event)
        return SHARED.submit(_work, 1).result()

    result = stage.call(handler, "60000", timeout_ms=3000)
    assert (json.loads(result.payload)["errorType"], seen) == ("Sandbox.Timedout", [1])
    assert stage.call(handler, "20000").payload == "1"


def test_calls_left_running_end_with_the_handler(stage: Any) -> None:
    """Lambda freezes what still runs when a handler returns."""
    seen: list[int] = []

    def handler(_event: Any, _context: Any) -> None:
        ThreadPoolExecutor().submit(lambda: seen.append(_work(5)))
        pause(1)

    assert stage.call(handler).duration_ms == 1
    assert seen == []


def test_cancelled_calls_never_run(stage: Any) -> None:
    """shutdown(cancel_futures=True) drops what has not begun."""

    def handler(_event: Any, _context: Any) -> Any:
        pool = ThreadPoolExecutor(1)
        calls = [pool.submit(_work, 1) for _ in range(3)]
        pause(10)
        pool.shutdown(cancel_futures=True)
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(_work, 1)
        return [call.cancelled() for call in calls]

    result = stage.call(handler)
    assert (json.loads(result.payload), result.duration_ms) == ([False, True, True], 1000)


def test_pools_outside_handlers_are_real(stage: Any) -> None:
    """On the hub an executor has real threads."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(current_invocation).result() is None
