"""What TRACE shows of an HTTP task: the request that was sent, and what came back."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.machine import TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import parse_resource
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall, HttpFailure
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import SendHttp
from stepsim.runtime.trial_http import traced

PARAMETERS: dict[str, Any] = {
    "ApiEndpoint": "http://127.0.0.1/bills",
    "Method": "POST",
    "Headers": {"X-A": "b"},
    "RequestBody": {"id": 7},
}
TOKEN = HttpCall("POST", "http://127.0.0.1/token", (), b"client_secret=s")
SENT = HttpCall(
    "POST",
    "http://127.0.0.1/bills?key=secret",
    (("X-A", "b"), ("Authorization", "Bearer secret")),
    b'{"id":7,"pin":"secret"}',
)
ANSWER = HttpAnswer(200, {"Content-Type": ["text/plain"], "Set-Cookie": ["a", "b"]}, b"paid", "OK")


def task(resource: str = "arn:aws:states:::http:invoke") -> Any:
    return TaskState("S", None, None, None, parse_resource(resource), (), (), None, None, None)  # type: ignore[arg-type]


def perform(state: Any, effective: Any, frame: Any) -> Program:
    """An HTTP task that gets a token first."""
    yield Invoke(SendHttp(TOKEN))
    answer = yield Invoke(SendHttp(SENT))
    return answer


def run(answer: Any, *, reveal: bool, state: Any = None) -> tuple[Any, dict[str, JSON]]:
    """What the work returns when its request is answered so, and what was noted."""
    notes: dict[str, JSON] = {}
    program = traced(perform, notes, reveal=reveal)(state or task(), Payload(PARAMETERS), None)  # type: ignore[arg-type]
    next(program)
    program.send(HttpAnswer(200))
    with pytest.raises(StopIteration) as stopped:
        program.send(answer)
    return stopped.value.value, notes


def test_the_request_is_shown_as_it_was_sent() -> None:
    """Where secrets may be revealed; the call for an access token is nobody's business."""
    result, notes = run(ANSWER, reveal=True)
    assert result is ANSWER
    assert notes["request"] == {
        "protocol": "http",
        "method": "POST",
        "url": "http://127.0.0.1/bills?key=secret",
        "headers": "[X-A: b, Authorization: Bearer secret]",
        "body": '{"id":7,"pin":"secret"}',
    }
    assert notes["response"] == {
        "protocol": "http",
        "statusCode": "200",
        "statusMessage": "OK",
        "headers": "[Content-Type: text/plain, Set-Cookie: a, b]",
        "body": "paid",
    }


def test_what_a_connection_adds_is_a_secret() -> None:
    """Of the request only what the state's own definition says is shown, and the response whole."""
    _, notes = run(ANSWER, reveal=False)
    assert "secret" not in str(notes["request"])
    assert notes["request"]["url"] == "http://127.0.0.1/bills"
    assert notes["request"]["body"] == '{"id":7}'
    assert "X-A: b" in notes["request"]["headers"]
    assert notes["response"]["body"] == "paid"


def test_a_request_without_an_answer_is_shown() -> None:
    """There is no response to show."""
    _, notes = run(HttpFailure("nobody there"), reveal=True)
    assert sorted(notes) == ["request"]


def test_other_tasks_are_not_traced() -> None:
    """Whatever they send."""
    assert run(ANSWER, reveal=True, state=task("arn:aws:states:::apigateway:invoke"))[1] == {}


def test_an_error_goes_through() -> None:
    """The work sees what is thrown into it, and may end by it."""
    notes: dict[str, JSON] = {}
    program = traced(perform, notes, reveal=True)(task(), Payload(PARAMETERS), None)  # type: ignore[arg-type]
    next(program)
    with pytest.raises(TimeoutError):
        program.throw(TimeoutError())
    assert notes == {}
