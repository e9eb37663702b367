"""TestState's context object: exactly what is given, with the members that it may have."""

from __future__ import annotations

import json
from typing import Any

import pytest

LAMBDA = "arn:aws:states:::lambda:invoke"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def task(resource: str = LAMBDA) -> str:
    """A Task whose output is the context object."""
    parameters = {"FunctionName": "f"} if resource == LAMBDA else {"QueueUrl": "q", "MessageBody": "m"}
    fields = {"Type": "Task", "Resource": resource, "Parameters": parameters, "ResultSelector": {"c.$": "$$"}}
    return json.dumps({**fields, "End": True})


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"Execution": {}, "State": {}, "StateMachine": {}},
        {"Execution": {"Id": "e", "Input": [1], "Name": "n", "RoleArn": "r", "StartTime": "t", "RedriveCount": 1}},
        {"State": {"EnteredTime": "t", "Name": "S", "RetryCount": 2}, "StateMachine": {"Id": "m", "Name": "n"}},
    ],
)
def test_the_context_object_is_the_one_that_is_given(service: Any, context: Any) -> None:
    """Nothing is added to it (recorded)."""
    params = {"definition": task(), "mock": {"result": "{}"}, "context": json.dumps(context)}
    assert json.loads(service("TestState", **params)["output"]) == {"c": context}


def test_a_callback_has_the_token_that_is_given(service: Any) -> None:
    """In the place where its Parameters look for it."""
    params = {"definition": task(CALLBACK), "mock": {"result": "{}"}, "context": '{"Task": {"Token": "abc"}}'}
    assert json.loads(service("TestState", **params)["output"]) == {"c": {"Task": {"Token": "abc"}}}


def test_an_item_selector_sees_its_item_in_a_given_context(service: Any) -> None:
    """Beside what is given."""
    processor = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "ItemSelector": {"c.$": "$$"}, "ItemProcessor": processor, "End": True}
    response = service(
        "TestState",
        definition=json.dumps(state),
        input="[5]",
        mock={"result": "[]"},
        context='{"State": {"Name": "S"}}',
        inspectionLevel="DEBUG",
    )
    selected = json.loads(response["inspectionData"]["afterItemSelector"])
    assert selected == [{"c": {"State": {"Name": "S"}, "Map": {"Item": {"Index": 0, "Value": 5}}}}]


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ("[]", "it must be a JSON object"),
        ("{", "it must be a JSON object"),
        ('{"Execution": {"Id": 5}}', "Execution.Id must be a string"),
        ('{"State": {"RetryCount": "5"}}', "State.RetryCount must be a number"),
        ('{"State": 5}', "State must be an object"),
        ('{"Other": {}}', "Field 'Other' is not allowed"),
        ('{"StateMachine": {"Arn": "a"}}', "Field 'Arn' is not allowed"),
        ('{"Map": {}}', "'Map' field is not supported when mocking a Context object"),
        (
            '{"Task": {"Token": "a"}}',
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern",
        ),
    ],
)
def test_what_a_context_object_cannot_have(service: Any, context: str, why: str) -> None:
    """In AWS's words where they are known."""
    refusal = service.refusal("TestState", definition=task(), mock={"result": "{}"}, context=context)
    assert refusal == ("ValidationException", f"Invalid Context object provided: {why}")
