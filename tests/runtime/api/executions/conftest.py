"""The Step Functions API on an account in virtual time; its functions are plain Python, its S3 a dictionary."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stepsim.runtime.account import Account
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import Answer, ApiError, CallSite
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Function, Functions
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.statistics import Statistics
from stepsim.workers.worker import Done, Invocation, InvocationResult

HOME = Home("123456789012", "us-east-1")
ROLE = "arn:aws:iam::123456789012:role/r"
NOW_MS = 1_767_578_400_000
LONG_S = 10**7


class Refused(Exception):
    """Raised by a function of the API's account: an errorType and an errorMessage."""


class Inline:
    """A worker that calls `Api.function`, and takes a second."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def invoke(self, invocation: Invocation, done: Done) -> None:
        event = json.loads(invocation.event)
        self.api.calls.append(event)
        try:
            result = InvocationResult(json.dumps(self.api.function(event)))
        except Refused as refused:
            error = {"errorMessage": refused.args[1], "errorType": refused.args[0]}
            result = InvocationResult(json.dumps(error), "Unhandled")
        scheduler = self.api.account.scheduler
        scheduler.call_at(scheduler.now_ms + 1_000, lambda: done(result))


class Api:
    """The service, called as its skins call it."""

    Refused = Refused

    def __init__(self) -> None:
        dice, statistics = Dice(1), Statistics()
        self.s3: dict[str, bytes] = {}
        self.s3_refuses: ApiError | None = None
        """What objects are refused with."""
        self.function: Callable[[Any], Any] = lambda event: event
        self.calls: list[Any] = []
        functions = Functions([Function("f", Inline(self), 60_000)], dice, statistics)
        self.account = Account(
            dice=dice, statistics=statistics, functions=functions, call=self._s3, models={}, start_ms=NOW_MS
        )
        self.service = StepFunctions(self.account)

    def _s3(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        if operation == "PutObject" and self.s3_refuses is not None:
            return Answer({}, error=self.s3_refuses)
        if operation == "PutObject":
            self.s3[params["Key"]] = params["Body"]
        return Answer({})

    # -- calls ----------------------------------------------------------------------------------------------------

    def ask(self, operation: str, **params: Any) -> list[Response | ApiError]:
        """The replies so far to a call: one, or none yet."""
        replies: list[Response | ApiError] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        return replies

    def call(self, operation: str, **params: Any) -> Response:
        """The response of a call."""
        (reply,) = self.ask(operation, **params)
        assert isinstance(reply, dict), reply
        return reply

    def refused(self, operation: str, **params: Any) -> tuple[str, str]:
        """The code and message that a call is refused with."""
        (reply,) = self.ask(operation, **params)
        assert isinstance(reply, ApiError), reply
        return reply.code, reply.message

    # -- machines and executions ----------------------------------------------------------------------------------

    def machine(self, definition: Any, name: str = "m", **params: Any) -> str:
        """The ARN of a machine that is made."""
        made = self.call("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE, **params)
        return str(made["stateMachineArn"])

    def start(self, machine_arn: str, name: str = "one", value: Any = None) -> str:
        """The ARN of an execution that is started."""
        text = json.dumps({} if value is None else value)
        started = self.call("StartExecution", stateMachineArn=machine_arn, name=name, input=text)
        return str(started["executionArn"])

    def run(self, definition: Any, value: Any = None, name: str = "one") -> str:
        """The ARN of an execution that was run to its end."""
        arn = self.start(self.machine(definition), name, value)
        self.drive()
        return arn

    def drive(self, seconds: float = LONG_S) -> None:
        """Let so much time pass; without a number, until nothing runs."""
        scheduler = self.account.scheduler
        end_ms = scheduler.now_ms + int(seconds * 1000)
        while self.account.running:
            due_ms = scheduler.next_deadline()
            if due_ms is None or due_ms > end_ms:
                break
            scheduler.advance(due_ms)
        if seconds < LONG_S:
            scheduler.advance(end_ms)

    def execution(self, arn: str) -> Any:
        """The execution behind an ARN."""
        return self.service.registries[HOME].execution(arn).execution

    def describe(self, arn: str, **params: Any) -> Response:
        """DescribeExecution."""
        return self.call("DescribeExecution", executionArn=arn, **params)

    def trace(self, arn: str) -> list[str]:
        """The history as ``4<-3 MapIterationStarted``."""
        return [_line(event) for event in self.execution(arn).history]


def _line(event: HistoryEvent) -> str:
    return f"{event.id}<-{event.previous_event_id} {event.type}"


@pytest.fixture
def api() -> Api:
    return Api()
