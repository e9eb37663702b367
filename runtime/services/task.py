"""One attempt of a Task: what a service integration gets, and the events that every integration writes.

A `Service` is a generator of effects that returns the task's result. Its events differ only by how the task was named:
a function's own ARN writes ``LambdaFunction…`` events, an activity ``Activity…``, everything else ``Task…``.

The Scheduled and Started events are written when the service first asks for something: parameters that it refuses
before that leave no event of the task (recorded).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol

from stepsim.asl.errors import TIMEOUT, StatesError, runtime_error
from stepsim.asl.machine import TaskState
from stepsim.asl.payload import JSON, Payload, encode
from stepsim.asl.resource import TaskResource
from stepsim.runtime.cloud.call import ACCOUNT_ID, CallSite
from stepsim.runtime.effects import Invoke, Program, Sleep
from stepsim.runtime.frame import Frame
from stepsim.runtime.history import NOT_TRUNCATED, failure_details
from stepsim.runtime.waits import AwaitTokenUntil

_EVENTS = {"function": "LambdaFunction", "activity": "Activity", "integration": "Task"}
"""What the names of a task's events begin with, by the kind of its Resource."""


class EndedByToken(Exception):
    """Somebody used the task token of a task that looks after its job: what was sent is the result."""

    def __init__(self, output: Payload) -> None:
        super().__init__()
        self.output = output


@lru_cache(maxsize=256)
def home_of(arn: str) -> tuple[str, str | None]:
    """The region and the account in an ARN; None for the account that everything lives in by default."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return region, None if account == ACCOUNT_ID else account


class TaskCall:
    """One attempt of a Task at work."""

    __slots__ = (
        "_account",
        "_begun",
        "_region",
        "_submitted",
        "credentials",
        "deadline_ms",
        "frame",
        "heartbeat_s",
        "input",
        "resource",
        "state",
        "timeout_s",
    )

    def __init__(
        self, state: TaskState, effective: Payload, frame: Frame, timeout_s: int | None, heartbeat_s: int | None
    ) -> None:
        self.state = state
        self.resource: TaskResource = state.resource
        self.input = effective
        self.frame = frame
        self.timeout_s = timeout_s
        self.heartbeat_s = heartbeat_s
        self.deadline_ms = None if timeout_s is None else frame.engine.scheduler.now_ms + timeout_s * 1000
        self.credentials: str | None = None
        """The ARN of the role that the state's Credentials name: the task acts in that role's account."""
        if state.credentials is not None:
            self.credentials = _role_of(state.credentials(frame.raw.value, frame))
        self._region, self._account = home_of(frame.me.machine_arn)
        if self.credentials is not None:
            self._account = home_of(self.credentials)[1]
        self._begun = self._submitted = False

    def site(self, function: str = "") -> CallSite:
        """Who calls: the state machine's region, and the account of the role that the task takes on."""
        site = self.frame.site(function)
        site.region = self._region
        site.account = self._account
        return site

    @property
    def request_id(self) -> str:
        """The id of this attempt's request."""
        return self.frame.engine.dice.uuid4("request", *self.frame.names)

    def invoke(self, request: object, *, heartbeat: bool = False) -> Invoke:
        """The effect that performs a request within the task's time; its silence counts where `heartbeat` is set."""
        self.begin()
        heartbeat_ms = self.heartbeat_s * 1000 if heartbeat and self.heartbeat_s is not None else None
        return Invoke(request, self.deadline_ms, heartbeat_ms)

    def start_clock(self) -> None:
        """Let the task's time begin now: that of an activity does when a worker takes it."""
        if self.timeout_s is not None:
            self.deadline_ms = self.frame.engine.scheduler.now_ms + self.timeout_s * 1000

    def sleep(self, duration_ms: int) -> Program:
        """Wait, but not beyond the task's time: States.Timeout is raised when that is over.

        Where somebody uses the task's token meanwhile, EndedByToken is raised: a job that is waited for ends early.
        """
        self.begin()
        until_ms = self.frame.engine.scheduler.now_ms + duration_ms
        if self.frame.token is not None:
            answer: Payload | None = yield self.invoke(AwaitTokenUntil(self.frame.token, until_ms))
            if answer is not None:
                raise EndedByToken(answer)
            return
        yield from self.pause(duration_ms)

    def pause(self, duration_ms: int) -> Program:
        """Wait as `sleep` does, whatever becomes of the task's token."""
        until_ms = self.frame.engine.scheduler.now_ms + duration_ms
        if not duration_ms:
            return
        if self.deadline_ms is not None and self.deadline_ms <= until_ms:
            yield Sleep(self.deadline_ms)
            raise StatesError(TIMEOUT)
        yield Sleep(until_ms)

    # -- events ---------------------------------------------------------------------------------------------------

    @property
    def _named(self) -> dict[str, str]:
        return {"resourceType": self.resource.resource_type, "resource": self.resource.resource}

    def begin(self) -> None:
        """Write the Scheduled and Started events, once."""
        if self._begun:
            return
        self._begun = True
        trail = self.frame.trail
        kind = self.resource.kind
        if not trail.kept:
            trail.tick()
            if kind != "activity":
                trail.tick()
        elif kind != "integration":
            details = {"resource": self.resource.arn, "input": self.input.text, "inputDetails": NOT_TRUNCATED}
            trail.add(f"{_EVENTS[kind]}Scheduled", details | self._limits())
            if kind == "function":
                # Of an activity, a worker's taking it is the start.
                trail.add("LambdaFunctionStarted")
        else:
            details = {**self._named, "region": self._region, "parameters": self.input.text}
            trail.add("TaskScheduled", details | self._limits())
            trail.add("TaskStarted", self._named)

    def _limits(self) -> dict[str, Any]:
        limits: dict[str, Any] = {}
        if self.timeout_s is not None:
            limits["timeoutInSeconds"] = self.timeout_s
        if self.heartbeat_s is not None:
            limits["heartbeatInSeconds"] = self.heartbeat_s
        if self.credentials is not None:
            limits["taskCredentials"] = {"roleArn": self.credentials}
        return limits

    def submitted(self, output: Payload) -> None:
        """Write TaskSubmitted: the service has taken the job, and its end is waited for."""
        self._submitted = True
        trail = self.frame.trail
        details = None
        if trail.kept:
            details = {**self._named, "output": output.text, "outputDetails": NOT_TRUNCATED}
        trail.add("TaskSubmitted", details)

    def succeeded(self, output: Payload) -> None:
        """Write the Succeeded event."""
        self.begin()
        trail = self.frame.trail
        if not trail.kept:
            trail.tick()
            return
        details: dict[str, Any] = {"output": output.text, "outputDetails": NOT_TRUNCATED}
        if self.resource.kind == "integration":
            details = {**self._named, **details}
        trail.add(f"{_EVENTS[self.resource.kind]}Succeeded", details)

    def failed(self, error: StatesError) -> None:
        """Write the Failed or TimedOut event; SubmitFailed where a job or callback was not even taken (seen on AWS)."""
        self.begin()
        trail = self.frame.trail
        kind = "SubmitFailed" if self.resource.pattern and not self._submitted else "Failed"
        if error.error == TIMEOUT:
            kind = "TimedOut"
        details: dict[str, Any] | None = None
        if trail.kept:
            details = failure_details(error)
            if self.resource.kind == "integration":
                details = {**self._named, **details}
        trail.add(f"{_EVENTS[self.resource.kind]}{kind}", details)


_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")


def _role_of(credentials: JSON) -> str:
    """The RoleArn of Credentials. Whether there is such a role is not looked up: no call here needs permissions."""
    role = credentials.get("RoleArn")
    if not isinstance(role, str) or _ROLE.fullmatch(role) is None:
        raise runtime_error(f"The RoleArn of the Credentials is not the ARN of a role: {encode(role)}")
    return role


class Service(Protocol):
    """A task integration: runs one attempt and returns the task's result, or raises StatesError."""

    def __call__(self, call: TaskCall, /) -> Program: ...
