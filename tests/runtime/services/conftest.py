"""A stand for integrations: an account on moto, functions that are modelled, and virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from stepsim.asl.payload import Payload
from stepsim.runtime.account import Account
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.dice import Dice
from stepsim.runtime.execution import Execution
from stepsim.runtime.functions import Function, Functions
from stepsim.runtime.simulation import drive
from stepsim.runtime.statistics import Statistics
from stepsim.workers.modelled import Model
from stepsim.workers.worker import Done, Invocation, InvocationResult

SDK = "arn:aws:states:::aws-sdk:"
START_MS = 1_767_578_400_000


class Answers:
    """A worker that answers each event's text with what a function makes of it, after 100 ms."""

    def __init__(self, stand: Stand, answer: Callable[[str], InvocationResult]) -> None:
        self._stand = stand
        self._answer = answer

    def invoke(self, invocation: Invocation, done: Done) -> None:
        """Answer the invocation."""
        scheduler = self._stand.account.scheduler
        self._stand.events.append(invocation.event)
        result = self._answer(invocation.event)
        scheduler.call_at(scheduler.now_ms + 100, lambda: done(result))


class Stand:
    """An account for one test."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.events: list[str] = []
        self.account: Account

    def execution(
        self,
        definition: Any,
        value: Any = None,
        *,
        functions: Mapping[str, Callable[[str], InvocationResult] | Function] | None = None,
        models: Mapping[str, Model] | None = None,
    ) -> Execution:
        """An execution that has been started; `end` runs it."""
        statistics = Statistics()
        dice = Dice(0)
        made = [
            answer if isinstance(answer, Function) else Function(name, Answers(self, answer))
            for name, answer in (functions or {}).items()
        ]
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=Functions(made, dice, statistics),
            call=self.cloud.perform,
            models=models or {},
            start_ms=START_MS,
        )
        payload = Payload({} if value is None else value)
        return self.account.start_execution(definition, payload, machine_name="machine", name="one")

    def run(self, definition: Any, value: Any = None, **options: Any) -> Execution:
        """An execution that has ended."""
        execution = self.execution(definition, value, **options)
        drive(self.account, execution)
        return execution

    def task(self, resource: str, parameters: Any, value: Any = None, **options: Any) -> Execution:
        """An ended execution of a machine of one Task."""
        fields = options.pop("fields", {})
        task = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **fields}
        return self.run({"StartAt": "T", "States": {"T": task}}, value, **options)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as opened:
        yield opened


@pytest.fixture
def stand(cloud: Cloud) -> Stand:
    return Stand(cloud)
