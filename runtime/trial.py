"""One state tried by itself, through the interpreter and the services that executions run on: TestState.

No execution is recorded and nothing is retried: a trial says what would happen next. A state whose work is mocked is
tried as a Task with the same way in and way out (`trial_mocks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.asl.machine import FailState, MapState, ParallelState, State, StateMachine, TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.effects import Expired, Program
from stepsim.runtime.engine import Engine, PerformTask
from stepsim.runtime.frame import Frame, Identity
from stepsim.runtime.history import History, Trail
from stepsim.runtime.interpreter import assign, error_output, run_states
from stepsim.runtime.retry import RetryCounters, find_catcher, matches
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.trial_mocks import Circumstances, Refusal, stand_in

TrialStatus: TypeAlias = Literal["SUCCEEDED", "FAILED", "RETRIABLE", "CAUGHT_ERROR"]

LIMIT_MS = 300_000
"""How long a trial may take."""


@dataclass(slots=True)
class Trial:
    """What came of a state."""

    status: TrialStatus
    variables: Mapping[str, JSON]
    output: Payload | None = None
    next: str | None = None
    error: str | None = None
    cause: str | None = None
    details: dict[str, JSON] = field(default_factory=dict)
    """Which retrier or catcher took the error, in the API's names."""
    refusal: str | None = None
    """Why there was no trial at all, in the API's words."""


class TrialIdentity(Identity):
    """What the context object of a trial tells: an Express execution that nobody redrives (recorded)."""

    __slots__ = ()

    def context(self) -> dict[str, JSON]:
        """The context object's Execution and StateMachine."""
        return {
            "Execution": {
                "Id": self.arn,
                "Input": self.input.value,
                "Name": self.name,
                "RoleArn": self.role_arn,
                "StartTime": format_timestamp(self.start_ms),
            },
            "StateMachine": {"Id": self.machine_arn, "Name": self.machine_name},
        }


class _TrialFrame(Frame):
    """A frame whose errors do not say where they happened, as there is only one state (recorded), and whose context
    object may be given."""

    __slots__ = ("given",)

    given: JSON

    def explain(self, error: StatesError) -> StatesError:
        error.by_interpreter = False
        return error

    @property
    def context(self) -> JSON:
        """The context object that was given, exactly, with the item where an ItemSelector looks for one."""
        if self.given is None:
            return super().context
        return self.given if self.map_item is None else {**self.given, "Map": {"Item": self.map_item}}


def run_trial(
    state: State,
    machine: StateMachine,
    me: Identity,
    variables: Mapping[str, JSON],
    engine: Engine,
    circumstances: Circumstances,
    perform_task: PerformTask,
) -> Program:
    """Try the state that a machine starts at; whatever it leads to must be a Succeed state. Returns a `Trial`.

    `perform_task` does the work of the state where that is a Task, or mocked.
    """
    # The account's own counters are those of its executions.
    apart = Engine(
        engine.scheduler, engine.dice, Statistics(), perform_task, engine.run_map, engine.tokens, engine.activities
    )
    trail = Trail(History(engine.scheduler, kept=False, limited=False))
    frame = _TrialFrame(apart, me, trail, variables)
    frame.given = circumstances.context
    tried: State = state
    if isinstance(state, TaskState | ParallelState | MapState):
        tried = replace(state, retry=(), catch=()) if circumstances.mock is None else stand_in(state)
    alone = replace(machine, states={**machine.states, state.name: tried})
    try:
        output: Payload = yield from run_states(alone, me.input, frame)
    except StatesError as error:
        return _failed(state, error, frame, circumstances.retries)
    except Expired:
        return Trial("FAILED", frame.variables, error=TIMEOUT)
    except Refusal as refusal:
        return Trial("FAILED", frame.variables, refusal=str(refusal))
    following = None if frame.state == state.name else frame.state
    return Trial("SUCCEEDED", frame.variables, output, following)


def _failed(state: State, error: StatesError, frame: Frame, retries: int) -> Trial:
    failed = Trial("FAILED", frame.variables, error=error.error, cause=error.cause)
    if error.terminal or isinstance(state, FailState) or not isinstance(state, TaskState | ParallelState | MapState):
        return failed
    retrier = next((retrier for retrier in state.retry if matches(retrier.error_equals, error)), None)
    if retrier is not None:
        # It is shown also where it is exhausted (recorded).
        failed.details["retryIndex"] = retrier.index
        wait_ms = RetryCounters({retrier.index: retries}).next_delay_ms(state.retry, error, frame.draw)
        if wait_ms is not None:
            failed.details["retryBackoffIntervalSeconds"] = wait_ms // 1000
            failed.status = "RETRIABLE"
            return failed
    catcher = find_catcher(state.catch, error)
    if catcher is None:
        return failed
    given = error_output(error)
    try:
        output, assigned = catcher.flow(frame.raw, given, frame), assign(catcher.assign, given, frame)
    except StatesError as worse:
        return Trial("FAILED", frame.variables, error=worse.error, cause=worse.cause)
    failed.status, failed.output, failed.next = "CAUGHT_ERROR", output, catcher.next
    failed.details["catchIndex"] = state.catch.index(catcher)
    failed.variables = {**frame.variables, **(assigned or {})}
    return failed
