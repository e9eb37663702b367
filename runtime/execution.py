"""One execution of a machine: its identity, its history and how it ended.

The program of an execution is the outermost generator: it writes the events that belong to no state, and turns every
way a machine can end into a status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from stepsim.asl.errors import StatesError
from stepsim.asl.machine import StateMachine
from stepsim.asl.payload import Payload
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.effects import Expired, Program, Stopped
from stepsim.runtime.engine import Engine
from stepsim.runtime.frame import Frame, Identity
from stepsim.runtime.history import NOT_TRUNCATED, History, Trail, failure_details
from stepsim.runtime.interpreter import data_limit, run_states
from stepsim.runtime.resume import ResumePoint, resume_point

Status: TypeAlias = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

STANDARD_LIMIT_S = 31_536_000
"""How long a Standard execution may run: one year."""

EXPRESS_LIMIT_S = 300
"""How long an Express execution may run: five minutes."""


class Execution:
    """An execution of whose end more is known than a map run counts: each one that was started by StartExecution."""

    def __init__(self, engine: Engine, machine: StateMachine, me: Identity, *, keep_history: bool = True) -> None:
        self.engine = engine
        self.machine = machine
        self.me = me
        self.history = History(engine.scheduler, kept=keep_history, limited=not me.express)
        self.status: Status = "RUNNING"
        self.output: Payload | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self.stop_ms: int | None = None
        self.pending_redrive = False
        """True of a map run's child that waits to be run again."""
        self.stopped_at: ResumePoint | None = None
        """Where a redrive goes on; known of Standard executions with a history that have ended without success."""
        self._frame: Frame | None = None
        self.when_ended: list[Callable[[Execution], None]] = []
        """Called when it has ended, whatever way; again when it has ended after a redrive."""

    @property
    def deadline_ms(self) -> int:
        """When the machine's TimeoutSeconds are over, or the longest that AWS lets an execution run."""
        longest_s = EXPRESS_LIMIT_S if self.me.express else STANDARD_LIMIT_S
        latest_ms = self.me.start_ms + longest_s * 1000
        if self.machine.timeout_s is None:
            return latest_ms
        # TimeoutSeconds begin anew with a redrive (developer guide).
        begun_ms = self.me.start_ms if self.me.redrive_ms is None else self.me.redrive_ms
        return min(latest_ms, begun_ms + self.machine.timeout_s * 1000)

    def redrive(self) -> None:
        """Make an execution that has ended without success run on: its `program` begins where it stopped."""
        now_ms = self.engine.scheduler.now_ms
        self.me.redriven(now_ms)
        if self.me.express:
            # The Express children of a map run begin anew, under the same ARN (recorded).
            self.me.start_ms = now_ms
        self.pending_redrive = False
        self.status = "RUNNING"
        self.stop_ms = self.output = self.error = self.cause = None

    def program(self) -> Program:
        """Run the machine to its end, whatever that is."""
        trail = Trail(self.history)
        frame = self._frame = Frame(self.engine, self.me, trail, {})
        observer = self.engine.observer
        if observer is not None:
            observer.began(self.machine, self.me.machine_name)
        if self.me.redrive_count and not self.me.express:
            trail.previous = len(self.history)
            trail.add("ExecutionRedriven", {"redriveCount": self.me.redrive_count})
            self._go_on(frame)
        else:
            trail.add("ExecutionStarted", self._started())
            # The first StateEntered points to 0, not to ExecutionStarted (recorded).
            trail.previous = 0
        try:
            output: Payload = yield from run_states(self.machine, self.me.input, frame)
            if output.too_large:
                raise data_limit(frame.state)
        except StatesError as error:
            self.error, self.cause = error.error, error.cause
            self._end("FAILED", trail, None if error.unrecorded else "ExecutionFailed", failure_details(error))
        except Expired:
            trail.previous = 0
            self._end("TIMED_OUT", trail, "ExecutionTimedOut", {"error": "States.Timeout"})
            if observer is not None:
                observer.timed_out(self.machine)
        except Stopped as stopped:
            trail.previous = 0
            self.error, self.cause = stopped.error, stopped.cause
            self._end("ABORTED", trail, "ExecutionAborted", failure_details(stopped))
        else:
            self.output = output
            details = {"output": output.text, "outputDetails": NOT_TRUNCATED}
            self._end("SUCCEEDED", trail, "ExecutionSucceeded", details)
        finally:
            self._frame = None
            if self.status != "SUCCEEDED" and self.history.stored and not self.me.express:
                self.stopped_at = resume_point(frame)

    def point(self) -> ResumePoint | None:
        """Where a redrive would go on if the execution ended now."""
        return self.stopped_at if self._frame is None else resume_point(self._frame)

    def abort(self) -> None:
        """End an execution whose program somebody has cancelled: that of a map run's child."""
        self._end("ABORTED", Trail(self.history), "ExecutionAborted", {})

    def _go_on(self, frame: Frame) -> None:
        point = self.stopped_at
        if point is not None:
            frame.resume, frame.variables = point, point.variables

    def _started(self) -> dict[str, Any]:
        details = {"input": self.me.input.text, "inputDetails": NOT_TRUNCATED, "roleArn": self.me.role_arn}
        return {**details, **self.me.qualifiers}

    def _end(self, status: Status, trail: Trail, event: str | None, details: dict[str, Any]) -> None:
        self.status = status
        self.stop_ms = self.engine.scheduler.now_ms
        if event is None:
            return
        try:
            trail.add(event, details, last=status != "SUCCEEDED")
        except StatesError as full:
            # No room for a success as event 25,000: that event is the failure itself (measured).
            self.status, self.error, self.cause, self.output = "FAILED", full.error, full.cause, None
            trail.add("ExecutionFailed", failure_details(full), last=True)

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
