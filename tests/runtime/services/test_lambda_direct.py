"""Tasks that need nothing but their input: which they are, what they send, and how much of an answer they are given."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import TaskState
from stepsim.asl.payload import Payload, WrittenPayload
from stepsim.runtime.engine import Direct
from stepsim.runtime.services.lambda_direct import direct
from stepsim.workers.worker import InvocationResult

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"


def found(resource: str, **fields: Any) -> Direct | None:
    """The way of a Task with these fields."""
    task = {"Type": "Task", "Resource": resource, "End": True, **fields}
    state = compile_machine({"StartAt": "T", "States": {"T": task}}).states["T"]
    assert isinstance(state, TaskState)
    return direct(state, task)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"FunctionName.$": "$.name"},
        {"FunctionName": ARN, "InvocationType": "Event"},
        {"FunctionName": ARN, "LogType": "Tail"},
        {"FunctionName": ARN, "ClientContext": "e30="},
        {"FunctionName": ARN, "Qualifier": 1},
        {"FunctionName": ARN, "Unknown": 1},
    ],
)
def test_what_asks_for_more_than_a_result_goes_the_long_way(parameters: Any) -> None:
    """So does what has no function's name before it has an input, and what will be refused."""
    assert found(INVOKE, Parameters=parameters) is None
    assert found(f"{INVOKE}.waitForTaskToken", Parameters={"FunctionName": ARN}) is None
    assert found("arn:aws:states:::aws-sdk:lambda:invoke", Parameters={"FunctionName": ARN}) is None


@pytest.mark.parametrize(
    ("parameters", "value", "event"),
    [
        ({"Payload.$": "$"}, {"a": [1]}, '{"a":[1]}'),
        ({"Payload": {"b.$": "$.a"}}, {"a": [1]}, '{"b":[1]}'),
        ({"Payload": None}, {"a": [1]}, "{}"),
        ({}, {"a": [1]}, "{}"),
        ({"Payload.$": "$"}, "text", None),
        ({"Payload.$": "$"}, ["x" * 70_000], None),
    ],
)
def test_the_event_is_the_payload_as_it_is_written(parameters: Any, value: Any, event: str | None) -> None:
    """Strings, and what may be too large, go the long way."""
    found_way = found(INVOKE, Parameters={"FunctionName": ARN, **parameters})
    assert found_way is not None
    assert found_way.event(Payload(value)) == event


def test_what_was_written_for_the_child_is_the_event_as_it_is() -> None:
    """Nobody reads it, and writes it again; what may be too large goes the long way."""
    found_way = found(INVOKE, Parameters={"FunctionName": ARN, "Payload.$": "$"})
    assert found_way is not None
    assert found_way.event(WrittenPayload('{"Items":[1]}')) == '{"Items":[1]}'
    assert found_way.event(WrittenPayload(f'{{"Items":["{"x" * 70_000}"]}}')) is None


def test_a_functions_own_arn_takes_the_tasks_parameters_as_its_event() -> None:
    """Without any, the input's own text."""
    plain, made = found(ARN), found(ARN, Parameters={"b.$": "$.a"})
    assert plain is not None
    assert made is not None
    assert plain.event(Payload({"a": 1}, '{"a": 1}')) == '{"a": 1}'
    assert made.event(Payload({"a": 1})) == '{"b":1}'


@pytest.mark.parametrize(
    ("fields", "reads_whole"),
    [
        ({}, True),
        ({"OutputPath": "$.Payload"}, False),
        ({"OutputPath": "$.Payload.a[0]"}, False),
        ({"OutputPath": "$.PayloadSize"}, True),
        ({"OutputPath": None}, False),
        ({"ResultPath": None, "OutputPath": "$.a"}, False),
        ({"ResultPath": "$.r", "OutputPath": "$.r.Payload"}, True),
        ({"ResultSelector": {"a": [{"b.$": "$.Payload.c"}], "s.$": "$.StatusCode"}, "ResultPath": "$.r"}, False),
        ({"ResultSelector": {"a.$": "States.Array($.Payload, $)"}}, True),
        ({"ResultSelector": {"a.$": "$.SdkResponseMetadata.RequestId"}}, True),
    ],
)
def test_few_tasks_need_what_describes_the_response(fields: Any, reads_whole: bool) -> None:
    """A path that leads into the payload alone does not."""
    found_way = found(INVOKE, Parameters={"FunctionName": ARN, "Payload.$": "$"}, **fields)
    assert found_way is not None
    assert found_way.reads_whole is reads_whole
    answer = found_way.answered(InvocationResult("[1]", version="$LATEST"))
    assert answer.value == {"ExecutedVersion": "$LATEST", "Payload": [1], "StatusCode": 200}
