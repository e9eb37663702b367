"""Which service performs which Resource, and what all attempts of a Task have in common."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.resource import parse_resource
from stepsim.runtime.services.integrations import service_of
from stepsim.workers.modelled import Model, ModelledError

SUBMIT = "arn:aws:states:::databrew:startJobRun.sync"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:states:::dynamodb:putItem",
        "arn:aws:states:::athena:startQueryExecution.sync",
        "arn:aws:states:::aws-sdk:s3:getObject",
        "arn:aws:states:::aws-sdk:s3:getObject.waitForTaskToken",
    ],
)
def test_a_resource_has_its_service(arn: str) -> None:
    """By service, action and pattern."""
    assert service_of(parse_resource(arn)) is not None


@pytest.mark.parametrize(
    "arn", [SUBMIT, "arn:aws:states:::dynamodb:putItem.sync", "arn:aws:states:::lambda:invoke.sync"]
)
def test_other_resources_have_none(arn: str) -> None:
    """Patterns that an integration does not have among them."""
    assert service_of(parse_resource(arn)) is None


def test_a_resource_without_a_service_is_named(stand: Any) -> None:
    """The cause says how to model it."""
    execution = stand.task(SUBMIT, {})
    assert execution.error == "States.Runtime"
    assert f"does not support the resource {SUBMIT} yet; model it" in execution.cause


@pytest.mark.parametrize("name", ["T", SUBMIT])
def test_a_model_stands_for_a_state_or_a_resource(stand: Any, name: str) -> None:
    """It writes the events that the integration would."""
    execution = stand.task(SUBMIT, {}, models={name: Model(returns={"JobId": "1"})})
    assert execution.output.value == {"JobId": "1"}
    assert [event.type for event in execution.history][2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]


def test_a_model_may_fail(stand: Any) -> None:
    """Its error can be caught by name."""
    fields = {"Catch": [{"ErrorEquals": ["Batch.Busy"], "Next": "T2"}], "End": True}
    model = Model(errors=[ModelledError("Batch.Busy", 1.0, "later")])
    task = {"Type": "Task", "Resource": SUBMIT, "Parameters": {}, **fields}
    machine = {"StartAt": "T", "States": {"T": task, "T2": {"Type": "Pass", "End": True}}}
    execution = stand.run(machine, models={"T": model})
    assert execution.output.value == {"Error": "Batch.Busy", "Cause": "later"}


def test_limits_and_the_role_stand_in_the_scheduled_event(stand: Any) -> None:
    """Only where the state sets them."""
    fields = {
        "TimeoutSecondsPath": "$.limit",
        "HeartbeatSeconds": 5,
        "Credentials": {"RoleArn.$": "$.role"},
    }
    value = {"limit": 60, "role": "arn:aws:iam::123456789012:role/other"}
    execution = stand.task(SUBMIT, {}, value, models={"T": Model()}, fields=fields)
    scheduled = next(event.details for event in execution.history if event.type == "TaskScheduled")
    assert (scheduled["timeoutInSeconds"], scheduled["heartbeatInSeconds"]) == (60, 5)
    assert scheduled["taskCredentials"] == {"roleArn": value["role"]}
