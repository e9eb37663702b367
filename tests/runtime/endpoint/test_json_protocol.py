"""endpoint/json_protocol.py: the wire of Step Functions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.endpoint.json_protocol import error_response, parse_request, response
from stepsim.runtime.endpoint.request import HttpRequest


def request(operation: str, body: bytes, method: str = "POST") -> HttpRequest:
    """A call of an operation."""
    return HttpRequest(method, "/", {"x-amz-target": f"AWSStepFunctions.{operation}"}, body)


def refusal(operation: str, body: bytes, method: str = "POST") -> ApiError:
    """How a request is refused."""
    with pytest.raises(ApiError) as caught:
        parse_request(request(operation, body, method))
    return caught.value


def test_parameters_are_those_of_the_model() -> None:
    """What the model doesn't know is passed over; null is as good as absent."""
    body = b'{"name": "x", "definition": null, "nonsense": 1, "tags": [{"key": "a", "other": 2}], "publish": true}'
    assert parse_request(request("CreateStateMachine", body)) == (
        "CreateStateMachine",
        {"name": "x", "tags": [{"key": "a"}], "publish": True},
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"  "])
def test_an_absent_body_is_an_empty_one(body: bytes) -> None:
    """As AWS's front door has it."""
    assert parse_request(request("ListStateMachines", body)) == ("ListStateMachines", {})


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b"\xff\xfe{}", b'{"a": NaN}', b"[" * 100_000, b"{'a': 1}", b"1 2"]
)
def test_what_is_not_a_json_object_cannot_be_read(body: bytes) -> None:
    """SerializationException, with status 400."""
    error = refusal("StartExecution", body)
    assert (error.code, error.status) == ("SerializationException", 400)


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("StartExecution", b'{"input": 1}', "NUMBER_VALUE can not be converted to a String"),
        ("StartExecution", b'{"input": {"a": 1}}', "Start of structure or map found where not expected."),
        ("StartExecution", b'{"input": [1]}', "Start of list found where not expected"),
        ("ListExecutions", b'{"maxResults": "ten"}', "STRING_VALUE can not be converted to an Integer"),
        ("CreateStateMachine", b'{"publish": "yes"}', "STRING_VALUE can not be converted to a Boolean"),
        ("CreateStateMachine", b'{"tags": {}}', "Start of structure or map found where not expected."),
    ],
)
def test_values_have_the_types_of_the_model(operation: str, body: bytes, message: str) -> None:
    """A value of another type cannot be read."""
    error = refusal(operation, body)
    assert (error.code, error.message) == ("SerializationException", message)


def test_unknown_operations_are_named_so() -> None:
    """Also those of a wrong method."""
    assert refusal("MakeCoffee", b"{}").code == "UnknownOperationException"
    assert refusal("StartExecution", b"", "GET").code == "UnknownOperationException"


def test_a_request_has_at_most_a_megabyte() -> None:
    """AWS's quota of the API."""
    assert refusal("StartExecution", b" " * 1_048_577).status == 413


def test_timestamps_are_seconds_with_milliseconds() -> None:
    """Numbers, as JSON 1.0 has them."""
    answer = response({"startDate": datetime(2026, 1, 5, 2, 0, 0, 123000, UTC), "n": 2**70}, "id")
    assert json.loads(answer.body) == {"startDate": 1767578400.123, "n": 2**70}
    assert answer.headers == {"x-amzn-requestid": "id", "content-type": "application/x-amz-json-1.0"}


def test_an_error_carries_its_code_its_message_and_its_members() -> None:
    """As botocore parses it."""
    answer = error_response(ApiError("ValidationException", "no", 400, {"reason": "X"}), "id")
    assert (answer.status, json.loads(answer.body)) == (
        400,
        {"__type": "ValidationException", "message": "no", "reason": "X"},
    )


def test_text_of_any_kind_gets_onto_the_wire() -> None:
    """Even half a surrogate pair, which UTF-8 cannot say."""
    assert json.loads(response({"output": "\ud800é\u2028"}, "id").body)["output"] == "\ud800é\u2028"
