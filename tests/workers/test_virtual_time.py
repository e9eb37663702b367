"""Clock and chance of code in virtual time."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import random
import secrets
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.retries.standard
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.workers.greenlets import rounded_up_ms
from stepsim.workers.handler import HandlerReference
from stepsim.workers.inline import InlineWorker
from stepsim.workers.virtual_time import VirtualTime, loading


def test_a_sleep_takes_virtual_time_only(stage: Any) -> None:
    """A handler that sleeps an hour sees an hour pass on every clock."""

    def handler(_event: Any, _context: Any) -> Any:
        before = time.time(), time.monotonic(), time.perf_counter(), dt.datetime.now(dt.UTC)
        time.sleep(3600)
        after = time.time(), time.monotonic(), time.perf_counter(), dt.datetime.now(dt.UTC)
        return [after[0] - before[0], after[1] - before[1], after[2] - before[2], str(after[3])]

    result = stage.call(handler, timeout_ms=4_000_000)
    assert json.loads(result.payload) == [3600, 3600, 3600, "2026-01-05 03:00:00+00:00"]
    assert result.duration_ms == 3_600_000


@pytest.mark.parametrize(
    ("seconds", "elapsed_ms"), [(0, 0), (0.0004, 1), (0.1, 100), (0.29, 290), (4.1, 4100), (1.0001, 1001), (True, 1000)]
)
def test_a_sleep_is_rounded_up_to_whole_milliseconds(stage: Any, seconds: float, elapsed_ms: int) -> None:
    """A sleep lasts at least what was asked for, in whole milliseconds."""
    assert stage.call(lambda _event, _context: time.sleep(seconds)).duration_ms == elapsed_ms


def test_every_millisecond_is_shown_exactly(stage: Any) -> None:
    """Steps of a millisecond add up on the wall clock without drift."""

    def handler(_event: Any, _context: Any) -> Any:
        seen = []
        for _ in range(2000):
            time.sleep(0.001)
            seen.append(time.time_ns() // 1_000_000)
        return seen

    seen = json.loads(stage.call(handler).payload)
    assert seen == list(range(seen[0], seen[0] + 2000))


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_a_sleep_of_whole_milliseconds_takes_exactly_those(wait_ms: int) -> None:
    """What binary fractions add to a number of milliseconds is never rounded up."""
    assert rounded_up_ms(wait_ms / 1000) == wait_ms


def test_a_negative_sleep_is_refused_as_ever(stage: Any) -> None:
    """time.sleep(-1) raises ValueError in a handler."""
    result = stage.call(lambda _event, _context: time.sleep(-1))
    assert json.loads(result.payload)["errorType"] == "ValueError"


def test_everything_is_restored(timeline: Any) -> None:
    """Leaving virtual time puts back what it replaced."""
    names = [(time, "sleep"), (time, "monotonic"), (random, "random"), (os, "urandom"), (sys, "stdout")]
    before = [getattr(owner, name) for owner, name in names]
    state = random.getstate()
    with VirtualTime(timeline):
        assert all(getattr(owner, name) is not old for (owner, name), old in zip(names, before, strict=True))
    assert [getattr(owner, name) for owner, name in names] == before
    assert random.getstate() == state
    assert abs(time.time() - timeline.now_ms() / 1000) > 1


def test_only_one_can_be_active(stage: Any) -> None:
    """A second VirtualTime inside the first is refused."""
    with pytest.raises(RuntimeError, match="already active"), VirtualTime(stage.timeline):
        pass


def test_the_hub_itself_is_not_virtual(stage: Any) -> None:
    """Outside handlers perf_counter and sleep are real, and the wall clock shows the timeline when asked to."""
    started = time.perf_counter()
    time.sleep(0)
    assert time.perf_counter() > started
    stage.timeline.call_at(stage.timeline.now_ms() + 5000, lambda: None)
    stage.timeline.run()
    stage.virtual_time.show_now()
    assert time.time() * 1000 == stage.timeline.now_ms()


def test_sleep_that_was_imported_by_name_is_virtual_too(timeline: Any) -> None:
    """A module that did `from time import sleep` before virtual time began waits on the timeline all the same."""
    namespace: dict[str, Any] = {}
    exec("from time import sleep\ndef handler(event, context): sleep(100)", namespace)
    with VirtualTime(timeline) as virtual_time:
        InlineWorker(namespace["handler"], virtual_time)
        assert namespace["sleep"] is time.sleep


def _chances(_event: Any, _context: Any) -> Any:
    backoff = botocore.retries.standard.ExponentialBackoff()
    return [
        random.random(),
        random.choice("abc"),
        str(uuid.uuid4()),
        uuid.uuid1().node,
        uuid.uuid1().clock_seq,
        secrets.token_hex(4),
        os.urandom(4).hex(),
        random.SystemRandom().random(),
        backoff.delay_amount(botocore.retries.standard.RetryContext(attempt_number=2)),
    ]


def test_an_invocations_chance_is_its_own(stage: Any) -> None:
    """The same names give the same random numbers, whatever other invocations drew in between."""
    first = stage.call(_chances, request_id="a").payload
    assert stage.call(_chances, request_id="b").payload != first
    assert stage.call(_chances, request_id="a").payload == first


def test_asyncio_waits_on_the_timeline(stage: Any) -> None:
    """Timers of an event loop in a handler take virtual time, side by side."""

    async def work() -> list[float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(1800))
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 60)
        except TimeoutError:
            return [loop.time() - started]
        return []

    result = stage.call(lambda _event, _context: asyncio.run(work()), timeout_ms=10_000_000)
    assert result.payload == "[3660.0]"
    assert result.duration_ms == 3_660_000


def test_event_loops_of_many_handlers_do_not_meet(stage: Any) -> None:
    """While one handler waits inside a coroutine, another runs an event loop of its own."""

    async def work(wait_s: float) -> float:
        time.sleep(wait_s)
        await asyncio.sleep(wait_s)
        return time.time() * 1000 - 1_767_578_400_000

    results: list[Any] = []
    for wait_s in (3, 1, 2):
        stage.start(lambda _event, _context, wait_s=wait_s: asyncio.run(work(wait_s)), results)
    stage.timeline.run()
    assert [result.payload for result in results] == ["2000.0", "4000.0", "6000.0"]


def test_calls_in_threads_under_asyncio_wait_on_the_timeline(stage: Any) -> None:
    """asyncio.to_thread runs side by side in virtual time, and a timer that is due earlier comes first."""

    async def work() -> list[float]:
        loop = asyncio.get_running_loop()
        await asyncio.gather(asyncio.to_thread(time.sleep, 3), asyncio.to_thread(time.sleep, 2))
        moments = [loop.time()]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 60), 5)
        return [*moments, loop.time(), await asyncio.to_thread(lambda: asyncio.run(asyncio.sleep(1, 7.0)))]

    result = stage.call(lambda _event, _context: asyncio.run(work()))
    assert (json.loads(result.payload), result.duration_ms) == ([3.0, 8.0, 7.0], 9000)


def test_subprocesses_and_threads_still_work(stage: Any) -> None:
    """What cannot be virtual runs as it is, and takes no virtual time."""

    def handler(_event: Any, _context: Any) -> Any:
        seen: list[str] = []
        thread = threading.Thread(target=lambda: seen.append("thread"))
        thread.start()
        thread.join()
        seen.append(subprocess.run(["echo", "child"], capture_output=True, text=True, check=True).stdout.strip())
        return seen

    result = stage.call(handler)
    assert (result.payload, result.duration_ms) == ('["thread", "child"]', 0)


@pytest.fixture
def early_handler(tmp_path: Path) -> Callable[..., object]:
    """A handler loaded before virtual time begins, whose module, and one that it imports, keep `sleep` and `random`."""
    (tmp_path / "early_waits.py").write_text(
        "import time\n\n\ndef wait(seconds, sleep=time.sleep):\n    sleep(seconds)\n"
    )
    (tmp_path / "early_main.py").write_text(
        "from random import random\nfrom early_waits import wait\n\n\ndef handler(event, context):\n"
        "    wait(600)\n    return random()\n"
    )
    with loading():
        return HandlerReference.parse("early_main:handler", tmp_path).load()


def test_whatever_a_module_binds_early_follows_virtual_time(early_handler: Callable[..., object], stage: Any) -> None:
    """As a name or as a default, in the module of the handler or in one that it imports."""
    first, second = stage.call(early_handler), stage.call(early_handler)
    assert first.duration_ms == 600_000
    assert first.payload == second.payload


@pytest.mark.parametrize("leaps", [True, False])
def test_waits_that_are_leapt_over_change_nothing(timeline: Any, monkeypatch: Any, leaps: bool) -> None:
    """Handlers that wait beside each other, and one that goes on alone for longer than one may without the driver."""
    if not leaps:
        monkeypatch.setattr(timeline, "leap", lambda due_ms: False)
    log: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        for _ in range(event["times"]):
            time.sleep(event["s"])
            log.append((event["s"], time.time(), time.monotonic(), context.get_remaining_time_in_millis()))

    with VirtualTime(timeline) as virtual_time:
        stage = timeline.stage(virtual_time)
        results: list[Any] = []
        for number, (times, s) in enumerate([(3, 0.007), (2, 0.01), (600, 0.001)]):
            stage.start(handler, results, json.dumps({"times": times, "s": s}), f"r-{number}", timeout_ms=500)
        timeline.run()
    assert len(log) == 3 + 2 + 500
    assert log == sorted(log, key=lambda entry: entry[1])
    assert [result.function_error for result in results] == [None, None, "Unhandled"]
    assert timeline.elapsed_ms == 500
