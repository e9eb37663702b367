"""The Step Functions API on an account without a cloud, on a clock that stands until it is told the time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.statistics import Statistics

HOME = Home("123456789012", "us-east-1")
ROLE = "arn:aws:iam::123456789012:role/states"
START_MS = 1_767_578_400_000


class Service:
    """Calls operations in boto3's terms; an error is raised."""

    home = HOME
    role = ROLE

    def __init__(self) -> None:
        dice, statistics = Dice(1), Statistics()
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=Functions([], dice, statistics),
            call=no_cloud,
            models={},
            start_ms=START_MS,
        )
        self.operations = StepFunctions(self.account)

    @property
    def registry(self) -> Registry:
        """What lives at home."""
        return self.operations.registries[HOME]

    def __call__(self, operation: str, **params: Any) -> Response:
        replies: list[Response | ApiError] = []
        self.operations.call(operation, Params(params), HOME, replies.append)
        self.advance(0)
        answer = replies[0]
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def refusal(self, operation: str, **params: Any) -> tuple[str, str]:
        """The code and message of the error that a call gets."""
        with pytest.raises(ApiError) as raised:
            self(operation, **params)
        return raised.value.code, raised.value.message

    def advance(self, ms: int) -> None:
        """Let time pass."""
        scheduler = self.account.scheduler
        until_ms = scheduler.now_ms + ms
        while (due_ms := scheduler.next_deadline()) is not None and due_ms <= until_ms:
            scheduler.advance(due_ms)
        scheduler.advance(until_ms)

    def machine(self, name: str = "orders", definition: Any = None, **params: Any) -> str:
        """Create a machine; returns its ARN."""
        text = json.dumps(passing() if definition is None else definition)
        created = self("CreateStateMachine", name=name, definition=text, roleArn=ROLE, **params)
        arn: str = created["stateMachineArn"]
        return arn

    def publish(self, machine: str) -> str:
        """Give a machine another revision, and publish it; returns the version's ARN."""
        text = json.dumps(passing(len(self.registry.machine(machine).versions)))
        updated = self("UpdateStateMachine", stateMachineArn=machine, definition=text, publish=True)
        arn: str = updated["stateMachineVersionArn"]
        return arn


def passing(result: Any = None) -> dict[str, Any]:
    """A machine that gives a result and ends."""
    return {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Result": result, "End": True}}}


@pytest.fixture
def service() -> Service:
    """An account in which nothing is yet."""
    return Service()
