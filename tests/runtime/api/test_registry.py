"""`stepsim.runtime.api.registry`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError


def test_addressed(service: Any) -> None:
    """An ARN leads to a machine, and to a version or an alias of it if it has one."""
    arn = service.machine(publish=True)
    routing = [{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    service("CreateStateMachineAlias", name="PROD", routingConfiguration=routing)
    record, version, alias = service.registry.addressed(arn)
    assert (record.name, version, alias) == ("orders", None, None)
    assert service.registry.addressed(f"{arn}:1").version.number == 1
    assert service.registry.addressed(f"{arn}:PROD").alias.name == "PROD"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("stateMachine:orders:2", "StateMachineDoesNotExist"),
        ("stateMachine:orders:TEST", "StateMachineDoesNotExist"),
        ("stateMachine:other", "StateMachineDoesNotExist"),
        ("stateMachine:orders/label", "ValidationException"),
        ("activity:orders", "InvalidArn"),
    ],
)
def test_addressed_in_vain(service: Any, end: str, code: str) -> None:
    """An ARN that leads nowhere, or not to a machine, is refused."""
    service.machine(publish=True)
    with pytest.raises(ApiError) as raised:
        service.registry.addressed(service.home.arn(end))
    assert raised.value.code == code


def test_uuids(service: Any) -> None:
    """No two UUIDs are the same, and another account with the same seed draws the same."""
    drawn = [service.registry.new_uuid("revision") for _ in range(3)]
    assert len(set(drawn)) == 3
    assert [type(service)().registry.new_uuid("revision")] == drawn[:1]
