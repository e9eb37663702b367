"""One execution of a machine: its identity, its history and how it ended.

The program of an execution is the outermost generator: it writes the events that belong to no state, and turns every
way a machine can end into a status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from stepsim.asl.errors import RUNTIME, StatesError
from stepsim.asl.machine import StateMachine
from stepsim.asl.payload import Payload
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.effects import Expired, Program, Stopped
from stepsim.runtime.engine import Engine
from stepsim.runtime.frame import Frame, Identity
from stepsim.runtime.history import NOT_TRUNCATED, History, Trail, failure_details
from stepsim.runtime.interpreter import data_limit, run_states

Status: TypeAlias = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

STANDARD_LIMIT_S = 31_536_000
"""How long a Standard execution may run: one year."""

EXPRESS_LIMIT_S = 300
"""How long an Express execution may run: five minutes."""


class Execution:
    """An execution started by StartExecution (not a map run's child)."""

    def __init__(self, engine: Engine, machine: StateMachine, me: Identity) -> None:
        self.engine = engine
        self.machine = machine
        self.me = me
        self.history = History(engine.scheduler, limited=not me.express)
        self.status: Status = "RUNNING"
        self.output: Payload | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self.stop_ms: int | None = None
        self.redrive_ms: int | None = None
        """When it was last redriven."""
        self.when_ended: list[Callable[[Execution], None]] = []
        """Called once when it has ended, whatever way."""

    @property
    def deadline_ms(self) -> int:
        """When the machine's TimeoutSeconds are over, or the longest that AWS lets an execution run."""
        longest_s = EXPRESS_LIMIT_S if self.me.express else STANDARD_LIMIT_S
        return self.me.start_ms + min(longest_s, self.machine.timeout_s or longest_s) * 1000

    def program(self) -> Program:
        """Run the machine to its end, whatever that is."""
        trail = Trail(self.history)
        trail.add("ExecutionStarted", self._started())
        # The first StateEntered points to 0, not to ExecutionStarted (recorded).
        trail.previous = 0
        frame = Frame(self.engine, self.me, trail, {})
        try:
            output: Payload = yield from run_states(self.machine, self.me.input, frame)
            if output.too_large:
                raise data_limit(frame.state)
        except StatesError as error:
            self.error, self.cause = error.error, error.cause
            self._end("FAILED", trail, "ExecutionFailed", failure_details(error))
        except Expired:
            trail.previous = 0
            self._end("TIMED_OUT", trail, "ExecutionTimedOut", {"error": "States.Timeout"})
        except Stopped as stopped:
            trail.previous = 0
            details = dict(zip(("error", "cause"), stopped.args, strict=False))
            self.error, self.cause = details.get("error"), details.get("cause")
            self._end("ABORTED", trail, "ExecutionAborted", details)
        else:
            self.output = output
            details = {"output": output.text, "outputDetails": NOT_TRUNCATED}
            self._end("SUCCEEDED", trail, "ExecutionSucceeded", details)

    def _started(self) -> dict[str, Any]:
        return {"input": self.me.input.text, "inputDetails": NOT_TRUNCATED, "roleArn": self.me.role_arn}

    def _end(self, status: Status, trail: Trail, event: str, details: dict[str, Any]) -> None:
        self.status = status
        self.stop_ms = self.engine.scheduler.now_ms
        try:
            trail.add(event, details)
        except StatesError:
            # No room for a success as event 25,000: that event is the failure itself (measured).
            limit = f"The execution reached the maximum number of history events ({len(self.history) + 1})."
            self.status, self.error, self.cause, self.output = "FAILED", RUNTIME, limit, None
            trail.add("ExecutionFailed", {"error": RUNTIME, "cause": limit}, last=True)

    def describe(self) -> dict[str, Any]:
        """The report's ``execution``: DescribeExecution's names, with the output as JSON."""
        return {
            "executionArn": self.me.arn,
            "status": self.status,
            "output": None if self.output is None else self.output.value,
            "error": self.error,
            "cause": self.cause,
            "startDate": format_timestamp(self.me.start_ms),
            "stopDate": None if self.stop_ms is None else format_timestamp(self.stop_ms),
        }
