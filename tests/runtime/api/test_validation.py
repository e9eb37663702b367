"""`stepsim.runtime.api.validation`."""

from __future__ import annotations

from contextlib import suppress

import pytest

from stepsim.runtime.api.records import Params
from stepsim.runtime.api.validation import check_input, operation_names
from stepsim.runtime.cloud.call import ApiError

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"


def refusal(operation: str, params: Params) -> str:
    """The code and message with which parameters are refused."""
    with pytest.raises(ApiError) as raised:
        check_input(operation, params)
    return f"{raised.value.code}: {raised.value.message}"


@pytest.mark.parametrize(
    ("operation", "params", "constraint"),
    [
        (
            "ListStateMachines",
            {"maxResults": 1001},
            "Value '1001' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000",
        ),
        (
            "ListStateMachines",
            {"maxResults": -1},
            "Value '-1' at 'maxResults' failed to satisfy constraint: "
            "Member must have value greater than or equal to 0",
        ),
        (
            "UpdateMapRun",
            {"mapRunArn": ARN, "toleratedFailurePercentage": 100.5},
            "Value '100.5' at 'toleratedFailurePercentage' failed to satisfy constraint: "
            "Member must have value less than or equal to 100",
        ),
        (
            "ListStateMachines",
            {"nextToken": ""},
            "Value '' at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "ListExecutions",
            {"statusFilter": "succeeded"},
            "Value 'succeeded' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: "
            "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]",
        ),
        (
            "DescribeStateMachine",
            {},
            "Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null",
        ),
        (
            "TagResource",
            {"resourceArn": ARN, "tags": [{"key": "one"}, {"key": ""}]},
            "Value '' at 'tags.2.member.key' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "CreateStateMachineAlias",
            {"name": "1", "routingConfiguration": [{"stateMachineVersionArn": ARN, "weight": 100}]},
            "Value '1' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$",
        ),
        (
            "CreateStateMachineAlias",
            {"name": "PROD", "routingConfiguration": [{"stateMachineVersionArn": "v", "weight": n} for n in (1, 2, 3)]},
            "Value '[RoutingConfigurationListItem(stateMachineVersionArn=v, weight=1), "
            "RoutingConfigurationListItem(stateMachineVersionArn=v, weight=2), "
            "RoutingConfigurationListItem(stateMachineVersionArn=v, weight=3)]' at 'routingConfiguration' "
            "failed to satisfy constraint: Member must have length less than or equal to 2",
        ),
        (
            "ValidateStateMachineDefinition",
            {"definition": ""},
            "Value at 'definition' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
    ],
)
def test_one_constraint(operation: str, params: Params, constraint: str) -> None:
    """A constraint of the model that does not hold is named, with the value unless it is sensitive."""
    assert refusal(operation, params) == f"ValidationException: 1 validation error detected: {constraint}"


def test_several_constraints() -> None:
    """All constraints that fail are named at once."""
    message = refusal("ListStateMachines", {"maxResults": 1001, "nextToken": ""})
    assert message.startswith("ValidationException: 2 validation errors detected: Value '1001' at 'maxResults' failed")
    assert "; Value '' at 'nextToken' failed" in message


def test_types() -> None:
    """A value of another type than the model's cannot be read at all."""
    assert refusal("ListStateMachines", {"maxResults": "1"}) == (
        "SerializationException: STRING_VALUE cannot be converted to Integer"
    )
    assert refusal("CreateActivity", {"name": True}) == (
        "SerializationException: TRUE_VALUE cannot be converted to String"
    )
    assert (
        refusal("CreateActivity", {"name": 1}) == "SerializationException: NUMBER_VALUE cannot be converted to String"
    )


def test_what_is_fine() -> None:
    """Valid parameters pass, and so do members that the model does not know and those that are null."""
    check_input("ListStateMachines", {})
    check_input("ListStateMachines", {"maxResults": 0, "nextToken": None, "unheardOf": 1})
    check_input("StartExecution", {"stateMachineArn": ARN, "traceHeader": "Root=1"})


@pytest.mark.parametrize("operation", sorted(operation_names()))
def test_every_operation_is_known(operation: str) -> None:
    """Whatever operation the model has can be checked: members that it does not know make no difference."""
    with suppress(ApiError):
        check_input(operation, {})
    assert refusal("DescribeActivity", {"unheardOf": 1}).startswith("ValidationException: 1 validation error")
