"""One attempt of a Task: what a service integration gets, and the events that every integration writes.

A `Service` is a generator of effects that returns the task's result. Its events differ only by how the task was named:
a function's own ARN writes ``LambdaFunction…`` events, an activity ``Activity…``, everything else ``Task…``.
"""

from __future__ import annotations

from typing import Any, Protocol

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.asl.machine import TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import TaskResource
from stepsim.runtime.cloud.call import DEFAULT_REGION
from stepsim.runtime.effects import Invoke, Program, Sleep
from stepsim.runtime.frame import Frame
from stepsim.runtime.history import NOT_TRUNCATED, failure_details


class TaskCall:
    """One attempt of a Task at work."""

    __slots__ = ("deadline_ms", "frame", "heartbeat_s", "input", "resource", "state", "timeout_s")

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

    def invoke(self, request: object, *, heartbeat: bool = False) -> Invoke:
        """The effect that performs a request within the task's time; its silence counts where `heartbeat` is set."""
        heartbeat_ms = self.heartbeat_s * 1000 if heartbeat and self.heartbeat_s is not None else None
        return Invoke(request, self.deadline_ms, heartbeat_ms)

    def sleep(self, duration_ms: int) -> Program:
        """Wait, but not beyond the task's time: States.Timeout is raised when that is over."""
        until_ms = self.frame.engine.scheduler.now_ms + duration_ms
        if self.deadline_ms is not None and self.deadline_ms <= until_ms:
            yield Sleep(self.deadline_ms)
            raise StatesError(TIMEOUT)
        yield Sleep(until_ms)

    # -- events ---------------------------------------------------------------------------------------------------

    @property
    def _named(self) -> dict[str, str]:
        return {"resourceType": self.resource.resource_type, "resource": self.resource.resource}

    def scheduled(self, region: str = DEFAULT_REGION) -> None:
        """Write the Scheduled and Started events."""
        trail = self.frame.trail
        if not trail.kept:
            trail.tick()
            trail.tick()
        elif self.resource.kind == "function":
            details = {"resource": self.resource.arn, "input": self.input.text, "inputDetails": NOT_TRUNCATED}
            trail.add("LambdaFunctionScheduled", details | self._limits())
            trail.add("LambdaFunctionStarted")
        else:
            details = {**self._named, "region": region, "parameters": self.input.text}
            trail.add("TaskScheduled", details | self._limits())
            trail.add("TaskStarted", self._named)

    def _limits(self) -> dict[str, Any]:
        limits: dict[str, Any] = {}
        if self.timeout_s is not None:
            limits["timeoutInSeconds"] = self.timeout_s
        if self.heartbeat_s is not None:
            limits["heartbeatInSeconds"] = self.heartbeat_s
        if self.state.credentials is not None:
            credentials: JSON = self.state.credentials(self.frame.raw.value, self.frame)
            limits["taskCredentials"] = {"roleArn": credentials.get("RoleArn")}
        return limits

    def submitted(self, output: Payload) -> None:
        """Write TaskSubmitted: the service has taken the job, and its end is waited for."""
        trail = self.frame.trail
        details = None
        if trail.kept:
            details = {**self._named, "output": output.text, "outputDetails": NOT_TRUNCATED}
        trail.add("TaskSubmitted", details)

    def succeeded(self, output: Payload) -> None:
        """Write the Succeeded event."""
        trail = self.frame.trail
        if not trail.kept:
            trail.tick()
            return
        details: dict[str, Any] = {"output": output.text, "outputDetails": NOT_TRUNCATED}
        if self.resource.kind == "function":
            trail.add("LambdaFunctionSucceeded", details)
        else:
            trail.add("TaskSucceeded", {**self._named, **details})

    def failed(self, error: StatesError) -> None:
        """Write the Failed or TimedOut event."""
        trail = self.frame.trail
        function = self.resource.kind == "function"
        kind = "TimedOut" if error.error == TIMEOUT else "Failed"
        details: dict[str, Any] | None = None
        if trail.kept:
            details = failure_details(error) if function else {**self._named, **failure_details(error)}
        trail.add(f"LambdaFunction{kind}" if function else f"Task{kind}", details)


class Service(Protocol):
    """A task integration: runs one attempt and returns the task's result, or raises StatesError."""

    def __call__(self, call: TaskCall, /) -> Program: ...
