"""`stepsim.runtime.api.step_functions`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.step_functions import OPERATIONS, WAITING
from stepsim.runtime.api.validation import operation_names
from stepsim.runtime.cloud.call import ApiError


def test_operations_are_the_service_s() -> None:
    """Whatever can be called is an operation of botocore's model of the service."""
    assert {*OPERATIONS, *WAITING} <= operation_names()


def test_unknown_operation(service: Any) -> None:
    """What is no operation is refused as AWS does, without a text."""
    assert service.refusal("CreateStateMachines") == ("UnknownOperationException", "")


def test_input_is_checked_first(service: Any) -> None:
    """Whatever is wrong with the parameters' shape is said before anything is looked up."""
    code, message = service.refusal("ListStateMachineVersions", stateMachineArn="no ARN", maxResults=1001)
    assert (code, message.startswith("1 validation error detected: Value '1001'")) == ("ValidationException", True)
    assert service.refusal("StartSyncExecution")[0] == "ValidationException"


def test_at_the_gate(service: Any) -> None:
    """Code in the account gets the same answers, and the same refusals."""
    service.machine()
    list_machines = service.operations.gate_operations()["ListStateMachines"]
    assert [item["name"] for item in list_machines({}, "us-east-1")["stateMachines"]] == ["orders"]
    assert list_machines({}, "eu-west-1") == {"stateMachines": []}
    with pytest.raises(ApiError) as raised:
        list_machines({"maxResults": 1001}, "us-east-1")
    assert raised.value.code == "ValidationException"
