"""Real handlers in virtual time."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from stepsim.workers.inline import InlineWorker, current_invocation, pause, wait_for
from stepsim.workers.virtual_time import VirtualTime
from stepsim.workers.worker import Done, Invocation, InvocationResult

INVOCATION = Invocation("r-2", "Inner", "arn:aws:lambda:us-east-1:123456789012:function:Inner", "{}", 3000, 128)


def _at_once(done: Callable[[int], None]) -> None:
    done(7)


def test_the_handler_gets_the_event_and_its_result_comes_back_as_json(stage: Any) -> None:
    """JSON text goes in and out, as Lambda's runtime writes it."""
    result = stage.call(lambda event, _context: {"n": event["n"] + 1, "é": Decimal("1.50")}, '{"n": 1}')
    assert (result.payload, result.function_error, result.duration_ms) == ('{"n": 2, "é": 1.50}', None, 0)


def test_a_lone_surrogate_reaches_the_handler(stage: Any) -> None:
    """JSON allows a lone surrogate, so an event may hold one."""
    assert stage.call(lambda event, _context: len(event), '"\\ud800"').payload == "1"


def test_the_context_tells_what_lambda_tells(stage: Any) -> None:
    """Names, request id and what remains of the virtual time."""

    def handler(_event: Any, context: Any) -> Any:
        pause(1500)
        return [
            context.aws_request_id,
            context.function_name,
            context.memory_limit_in_mb,
            context.get_remaining_time_in_millis(),
        ]

    assert json.loads(stage.call(handler, timeout_ms=3000).payload) == ["r-1", "Load", "512", 1500]


def test_an_exception_becomes_lambdas_error_object(stage: Any) -> None:
    """The payload names type, message, request id and the handler's own frames as they are on Lambda."""

    def handler(_event: Any, _context: Any) -> None:
        raise KeyError("gone")

    result = stage.call(handler)
    error = json.loads(result.payload)
    assert result.function_error == "Unhandled"
    assert {**error, "stackTrace": len(error["stackTrace"])} == {
        "errorMessage": "'gone'",
        "errorType": "KeyError",
        "requestId": "r-1",
        "stackTrace": 1,
    }
    assert error["stackTrace"][0].startswith('  File "/var/task/test_inline.py", line ')


def test_frames_of_libraries_have_lambdas_paths(stage: Any) -> None:
    """No path of this machine gets into a payload."""
    result = stage.call(lambda _event, _context: json.loads("{"))
    paths = [line.split('"')[1] for line in json.loads(result.payload)["stackTrace"]]
    library = f"/var/lang/lib/python{sys.version_info.major}.{sys.version_info.minor}/json/"
    assert paths[0] == "/var/task/test_inline.py"
    assert all(path.startswith(library) for path in paths[1:])


def test_what_json_cannot_hold_is_a_marshal_error(stage: Any) -> None:
    """A set is no JSON."""
    error = json.loads(stage.call(lambda _event, _context: {1}).payload)
    assert error["errorType"] == "Runtime.MarshalError"


def test_six_megabytes_are_the_limit(stage: Any) -> None:
    """A longer response is Lambda's own error."""
    assert stage.call(lambda _event, _context: "x" * 6_291_554).function_error is None
    result = stage.call(lambda _event, _context: "x" * 6_291_555)
    assert json.loads(result.payload)["errorType"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0, "Runtime exited without providing a reason"), (3, "Runtime exited with error: exit status 3")],
)
def test_an_exit_is_a_crash(stage: Any, code: int, reason: str) -> None:
    """sys.exit ends the environment, which the service tells."""
    result = stage.call(lambda _event, _context: sys.exit(code))
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: r-1 Error: {reason}",
    }


def test_a_handler_is_ended_at_its_timeout(stage: Any) -> None:
    """It ends at that moment of virtual time, and nothing it does afterwards goes through."""
    after: list[str] = []

    def handler(_event: Any, _context: Any) -> None:
        try:
            time.sleep(10)
        finally:
            after.append("finally")
            current_invocation()
            after.append("called AWS")

    result = stage.call(handler, timeout_ms=3000)
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
    assert (result.duration_ms, stage.timeline.elapsed_ms, after) == (3000, 3000, ["finally"])


def test_the_timeout_itself_is_still_in_time(stage: Any) -> None:
    """An invocation that takes exactly its timeout succeeds."""
    assert stage.call(lambda _event, _context: time.sleep(3), timeout_ms=3000).function_error is None


def test_a_handler_that_will_not_end_is_left_standing(stage: Any) -> None:
    """A bare except around a loop of sleeps cannot keep the run from going on."""

    def handler(_event: Any, _context: Any) -> None:
        while True:
            try:
                time.sleep(1)
            except:  # noqa: E722
                continue

    result = stage.call(handler, timeout_ms=3500)
    assert (json.loads(result.payload)["errorType"], result.duration_ms) == ("Sandbox.Timedout", 3500)
    assert stage.call(lambda _event, _context: 1).payload == "1"


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_handler_that_never_waits_is_ended_in_real_time(timeline: Any, stubborn: bool) -> None:
    """An endless loop is ended by the watchdog, even one that catches everything, and the result says why."""

    def handler(_event: Any, _context: Any) -> None:
        while True:
            try:
                while True:
                    pass
            except BaseException:
                if not stubborn:
                    raise

    with VirtualTime(timeline, stuck_after_s=0.05) as virtual_time:
        stage = timeline.stage(virtual_time)
        result = stage.call(handler)
        assert stage.call(lambda _event, _context: 1).payload == "1"
    error = json.loads(result.payload)
    assert error["errorType"] == "Sandbox.Timedout"
    assert "0.05 seconds of real time" in error["errorMessage"]


def test_the_model_adds_to_what_the_code_takes(stage: Any) -> None:
    """`extra_ms` comes after what the handler waited for."""
    worker = InlineWorker(lambda _event, _context: pause(200), stage.virtual_time, extra_ms=lambda _invocation: 300)
    assert stage.call(worker).duration_ms == 500
    late = stage.call(worker, timeout_ms=450)
    assert (json.loads(late.payload)["errorType"], late.duration_ms) == ("Sandbox.Timedout", 450)


def test_thousands_wait_side_by_side(stage: Any) -> None:
    """Two thousand handlers that each sleep three times take as long as the longest one."""

    def handler(event: Any, _context: Any) -> Any:
        for _ in range(3):
            time.sleep(event / 1000)
        return event

    results: list[Any] = []
    for number in range(2000):
        stage.start(handler, results, str(number))
    stage.timeline.run()
    assert [result.payload for result in results] == [str(number) for number in range(2000)]
    assert stage.timeline.elapsed_ms == 3 * 1999


def test_equal_times_keep_their_order(stage: Any) -> None:
    """Handlers that wake at one moment go on in the order in which they began to wait."""
    log: list[str] = []

    def handler(event: Any, _context: Any) -> None:
        for step in range(3):
            log.append(f"{event}{step}")
            pause(10)

    for name in ("a", "b", "c"):
        stage.start(handler, [], f'"{name}"')
    stage.timeline.run()
    assert log == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_the_running_invocation_is_known(stage: Any) -> None:
    """Code that a handler calls can tell for which invocation it runs; the hub runs for none."""

    def handler(_event: Any, _context: Any) -> Any:
        before = current_invocation()
        pause(5)
        assert before is current_invocation()
        return before.request_id if before else None

    results: list[Any] = []
    stage.start(handler, results, request_id="a")
    stage.start(handler, results, request_id="b")
    assert current_invocation() is None
    stage.timeline.run()
    assert [result.payload for result in results] == ['"a"', '"b"']


def test_waiting_belongs_to_handlers(stage: Any) -> None:
    """pause and wait_for on the hub are mistakes."""
    with pytest.raises(RuntimeError, match="no handler is running"):
        pause(1)
    with pytest.raises(RuntimeError, match="no handler is running"):
        wait_for(_at_once)


def test_one_handler_can_invoke_another_and_wait(stage: Any) -> None:
    """The caller goes on with the answer at the moment that the other one ends."""

    def inner(_event: Any, _context: Any) -> Any:
        time.sleep(2)
        return "inner"

    def start(handler: Any, done: Done) -> None:
        InlineWorker(handler, stage.virtual_time).invoke(INVOCATION, done)

    def outer(_event: Any, _context: Any) -> Any:
        answer: InvocationResult = wait_for(partial(start, inner))
        return [answer.payload, time.time() * 1000 - 1_767_578_400_000]

    assert json.loads(stage.call(outer).payload) == ['"inner"', 2000.0]


def test_an_answer_that_is_there_at_once_takes_no_time(stage: Any) -> None:
    """wait_for returns at once where done was called before start returned."""
    assert stage.call(lambda _event, _context: wait_for(_at_once)).payload == "7"


def test_an_answer_that_never_comes_ends_at_the_timeout(stage: Any) -> None:
    """The function's timeout holds for whatever it waits for; a late answer is dropped."""
    late: list[Any] = []
    result = stage.call(lambda _event, _context: wait_for(late.append), timeout_ms=1000)
    assert result.duration_ms == 1000
    late[0]("too late")
    stage.timeline.run()


def test_handlers_still_waiting_at_the_end_are_ended_silently(timeline: Any) -> None:
    """Nothing is reported, printed or left behind when virtual time ends before they do."""
    results: list[Any] = []
    ended: list[bool] = []

    def handler(_event: Any, _context: Any) -> None:
        try:
            time.sleep(100)
        finally:
            ended.append(True)

    with VirtualTime(timeline) as virtual_time:
        for _ in range(10):
            timeline.stage(virtual_time).start(handler, results)
    gc.collect()
    assert (results, ended) == ([], [True] * 10)


def test_an_interrupt_in_a_handler_reaches_the_driver(stage: Any) -> None:
    """Control-C ends the run, not the invocation."""

    def handler(_event: Any, _context: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.call(handler)


def test_each_function_sees_its_own_variables(stage: Any) -> None:
    """os.environ is that of the function whose code runs, and Lambda's own variables win."""

    def handler(_event: Any, _context: Any) -> Any:
        before = os.environ.get("TABLE")
        time.sleep(1)
        return [before, os.environ.get("TABLE"), os.environ["AWS_LAMBDA_FUNCTION_NAME"]]

    results: list[Any] = []
    for variables in ({"TABLE": "a", "AWS_LAMBDA_FUNCTION_NAME": "mine"}, {"TABLE": "b"}, {}):
        stage.start(InlineWorker(handler, stage.virtual_time, variables=variables), results)
    stage.timeline.run()
    assert [json.loads(result.payload) for result in results] == [
        ["a", "a", "Load"],
        ["b", "b", "Load"],
        [None, None, "Load"],
    ]


def test_a_worker_needs_virtual_time(timeline: Any) -> None:
    """Invoking outside the `with` block says what is missing."""
    virtual_time = VirtualTime(timeline)
    with pytest.raises(RuntimeError, match="with VirtualTime"):
        timeline.stage(virtual_time).call(lambda _event, _context: 1)
