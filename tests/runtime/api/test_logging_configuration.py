"""`stepsim.runtime.api.logging_configuration`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.logging_configuration import log_group_in_moto
from stepsim.runtime.cloud.cloud import Cloud

GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/orders"


def destination(arn: str = f"{GROUP}:*") -> dict[str, Any]:
    """A log destination."""
    return {"cloudWatchLogsLogGroup": {"logGroupArn": arn}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"level": "OFF", "includeExecutionData": False}),
        ({"destinations": []}, {"level": "OFF", "includeExecutionData": False, "destinations": []}),
        (
            {"level": "ALL", "destinations": [destination()]},
            {"level": "ALL", "includeExecutionData": False, "destinations": [destination()]},
        ),
        (
            {"includeExecutionData": True, "destinations": [destination()]},
            {"level": "OFF", "includeExecutionData": True, "destinations": [destination()]},
        ),
    ],
)
def test_defaults(service: Any, given: dict[str, Any], kept: dict[str, Any]) -> None:
    """What is not said is OFF, and without data."""
    arn = service.machine(loggingConfiguration=given)
    assert service("DescribeStateMachine", stateMachineArn=arn)["loggingConfiguration"] == kept


@pytest.mark.parametrize(
    "given",
    [
        {"level": "ALL"},
        {"level": "ERROR", "destinations": []},
        {"destinations": [destination(), destination()]},
        {"level": "ALL", "destinations": [{}]},
    ],
)
def test_number_of_destinations(service: Any, given: dict[str, Any]) -> None:
    """Where anything is logged, it goes to one place; never to two."""
    arn = service.machine()
    assert service.refusal("UpdateStateMachine", stateMachineArn=arn, loggingConfiguration=given) == (
        "InvalidLoggingConfiguration",
        "Invalid Logging Configuration: Must specify exactly one Log Destination.",
    )


def test_log_group_must_be_there(service: Any) -> None:
    """A log group that is not there is refused, and so is an ARN that does not end as AWS wants it."""
    service.operations.registries.log_group_exists = {GROUP}.__contains__
    arn = service.machine(loggingConfiguration={"level": "ALL", "destinations": [destination()]})
    for missing in (GROUP, f"{GROUP}2:*"):
        given = {"level": "ALL", "destinations": [destination(missing)]}
        assert service.refusal("UpdateStateMachine", stateMachineArn=arn, loggingConfiguration=given) == (
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Log Destination not found.",
        )


def test_moto_knows_its_log_groups() -> None:
    """moto is asked for a log group of the ARN's region; what is no log group's ARN leads to none."""
    with Cloud() as cloud:
        cloud.client("logs").create_log_group(logGroupName="/aws/vendedlogs/states/orders")
        assert log_group_in_moto(GROUP)
        assert not log_group_in_moto(GROUP.replace("us-east-1", "us-west-2"))
        assert not log_group_in_moto(f"{GROUP}2")
        assert not log_group_in_moto("arn:aws:logs:us-east-1")
