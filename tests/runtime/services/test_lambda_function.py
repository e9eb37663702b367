"""Functions as tasks: what they get, what comes of what they return, and how their failures are told."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from stepsim.runtime.services.lambda_function import function_name
from stepsim.workers.worker import InvocationResult

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"


def echo(event: str) -> InvocationResult:
    return InvocationResult(event)


def failing(payload: str) -> Any:
    return lambda event: InvocationResult(payload, "Unhandled")


@pytest.mark.parametrize("reference", ["f", "f:live", ARN, f"{ARN}:7", "123456789012:function:f"])
def test_a_function_has_one_name_under_all_references(reference: str) -> None:
    """Names, partial ARNs and ARNs, with a version or alias and without."""
    assert function_name(reference) == "f"


def test_a_direct_call_returns_what_the_function_returned(stand: Any) -> None:
    """The event is the task's input."""
    execution = stand.task(ARN, {"a": [1]}, functions={"f": echo})
    assert execution.output.value == {"a": [1]}
    assert stand.events == ['{"a":[1]}']


def test_invoke_returns_lambdas_response(stand: Any) -> None:
    """Its members stand by name, the payload is parsed."""
    execution = stand.task(INVOKE, {"FunctionName": "f", "Payload": {"a": 1}}, functions={"f": echo})
    response = execution.output.value
    assert list(response) == ["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]
    assert (response["Payload"], response["StatusCode"]) == ({"a": 1}, 200)


@pytest.mark.parametrize(
    ("payload", "event"), [("0", "0"), ('"text"', '"text"'), ('{"a": 1}', '{"a": 1}'), (0, "0"), (None, "{}")]
)
def test_a_string_payload_is_the_events_text(stand: Any, payload: Any, event: str) -> None:
    """Any other value is encoded; without a Payload the event is an empty object."""
    stand.task(INVOKE, {"FunctionName": "f", "Payload": payload}, functions={"f": echo})
    stand.task(INVOKE, {"FunctionName": "f"}, functions={"f": echo})
    assert stand.events == [event, "{}"]


def test_a_string_payload_that_is_no_json_is_refused(stand: Any) -> None:
    """Lambda cannot read such a request."""
    execution = stand.task(INVOKE, {"FunctionName": "f", "Payload": "plain"}, functions={"f": echo})
    assert execution.error == "Lambda.InvalidRequestContentException"


def test_a_failed_functions_payload_is_the_cause(stand: Any) -> None:
    """Spaced where the function is called directly, compact where it is invoked."""
    functions = {"f": failing('{"errorMessage": "why", "errorType": "Boom"}')}
    direct = stand.task(ARN, {}, functions=functions)
    invoked = stand.task(INVOKE, {"FunctionName": "f"}, functions=functions)
    assert (direct.error, direct.cause) == ("Boom", '{"errorMessage": "why", "errorType": "Boom"}')
    assert (invoked.error, invoked.cause) == ("Boom", '{"errorMessage":"why","errorType":"Boom"}')


def test_a_failure_without_a_type_is_unknown(stand: Any) -> None:
    """As where the runtime process exits."""
    execution = stand.task(ARN, {}, functions={"f": failing('{"errorMessage":"exited"}')})
    assert execution.error == "Lambda.Unknown"
    assert execution.cause.endswith('Returned payload: {"errorMessage":"exited"}')


@pytest.mark.parametrize(("resource", "named"), [(ARN, ARN), (INVOKE, "lambda")])
def test_a_result_that_is_too_large_need_not_be_json(stand: Any, resource: str, named: str) -> None:
    """Its size is looked at first; the cause names the function's ARN, or the service."""
    parameters = {"FunctionName": "f"}
    execution = stand.task(resource, parameters, functions={"f": lambda event: InvocationResult("a" * 300_000)})
    assert execution.error == "States.DataLimitExceeded"
    assert execution.cause.startswith(f"The state/task '{named}' returned a result with a size exceeding")


def test_a_result_that_is_no_json_is_unknown(stand: Any) -> None:
    """A function may return bytes that nobody can read."""
    execution = stand.task(ARN, {}, functions={"f": lambda event: InvocationResult("not json")})
    assert execution.error == "Lambda.Unknown"


def test_a_function_that_is_not_there_fails_the_task(stand: Any) -> None:
    """The cause names its ARN."""
    execution = stand.task(INVOKE, {"FunctionName": "g"}, functions={"f": echo})
    assert execution.error == "Lambda.ResourceNotFoundException"
    assert execution.cause.startswith(f"Function not found: {ARN[:-1]}g:$LATEST (Service: AWSLambda; Status Code: 404;")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"FunctionName": "f", "Colour": 1}, '"Colour" is not supported'),
        ({}, "'FunctionName' is required"),
        ({"FunctionName": 5}, "'FunctionName' is not a string"),
    ],
)
def test_parameters_that_invoke_does_not_take_are_named(stand: Any, parameters: Any, reason: str) -> None:
    """Nothing is ignored."""
    execution = stand.task(INVOKE, parameters, functions={"f": echo})
    assert execution.error == "States.Runtime"
    assert reason in execution.cause


@pytest.mark.parametrize(("kind", "status", "invoked"), [("Event", 202, ["1"]), ("DryRun", 204, [])])
def test_an_event_and_a_dry_run_are_not_waited_for(stand: Any, kind: str, status: int, invoked: list[str]) -> None:
    """Their answer has no payload; an event is worked off by itself."""
    execution = stand.task(
        INVOKE, {"FunctionName": "f", "Payload": 1, "InvocationType": kind}, functions={"f": failing("{}")}
    )
    response = execution.output.value
    assert list(response) == ["Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]
    assert (response["Payload"], response["StatusCode"]) == ("", status)
    assert response["SdkHttpMetadata"]["HttpStatusCode"] == status
    assert stand.events == invoked


def test_the_end_of_the_log_is_returned_where_it_is_wanted(stand: Any) -> None:
    """At most 4 KB of it, in base64."""
    log = "x" * 5_000 + "the end"
    functions = {"f": lambda event: InvocationResult(event, log=log)}
    execution = stand.task(INVOKE, {"FunctionName": "f", "LogType": "Tail"}, functions=functions)
    assert b64decode(execution.output.value["LogResult"]).decode() == log[-4096:]
    assert list(execution.output.value)[:3] == ["ExecutedVersion", "LogResult", "Payload"]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"InvocationType": "Later"}, "Lambda.AWSLambdaException"),
        ({"LogType": "All"}, "Lambda.AWSLambdaException"),
        ({"ClientContext": "no base64"}, "Lambda.InvalidRequestContentException"),
        ({"ClientContext": "MQ=="}, "Lambda.InvalidRequestContentException"),
    ],
)
def test_lambda_refuses_what_is_no_value_of_a_member(stand: Any, parameters: Any, error: str) -> None:
    """The task was scheduled, and it fails."""
    execution = stand.task(INVOKE, {"FunctionName": "f", **parameters}, functions={"f": echo})
    assert execution.error == error
    assert [event.type for event in execution.history][2:5] == ["TaskScheduled", "TaskStarted", "TaskFailed"]


def test_the_sdks_own_call_gives_a_functions_failure_as_a_result(stand: Any) -> None:
    """``aws-sdk:lambda:invoke`` returns Lambda's response as it is, the Payload as text."""
    resource, parameters = "arn:aws:states:::aws-sdk:lambda:invoke", {"FunctionName": "f", "Payload": {"n": 1}}
    output = stand.task(resource, parameters, functions={"f": echo}).output.value
    assert output == {"ExecutedVersion": "$LATEST", "Payload": '{"n":1}', "StatusCode": 200}
    failed = stand.task(resource, parameters, functions={"f": failing('{"errorType":"E"}')}).output.value
    assert failed == {**output, "FunctionError": "Unhandled", "Payload": '{"errorType":"E"}'}
