"""For tests of state machines: one state tried by itself, or a whole machine run, without a server or a client.

`try_state` is the TestState API as a Python function: the same rules and refusals, JSON values instead of JSON texts,
and a typed result. `run_machine` runs an execution to its end, with everything around it given in Python. Time is
virtual: a Wait takes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from stepsim.asl.parse import parse
from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.machine_tests.answers import NO_TIME, Fails, Function, Hangs, MockedCall, Returns, Unanswered
from stepsim.runtime.machine_tests.recorded import HistoryError
from stepsim.runtime.machine_tests.recording import RunObserver
from stepsim.runtime.machine_tests.replay import ReplayResult, replay
from stepsim.runtime.machine_tests.result import MachineResult, StateResult
from stepsim.runtime.machine_tests.run import run_machine
from stepsim.runtime.machine_tests.subject import Machine
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.trial import TrialStatus

__all__ = [
    "ApiError",
    "Fails",
    "Function",
    "Hangs",
    "HistoryError",
    "Machine",
    "MachineResult",
    "MockedCall",
    "ReplayResult",
    "Returns",
    "RunObserver",
    "StateResult",
    "StateTest",
    "Unanswered",
    "replay",
    "run_machine",
    "try_state",
]

Definition: TypeAlias = "Mapping[str, JSON] | str | Path"
"""A definition as a value, as JSON text, or in a file (JSON or YAML)."""

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When a test begins that names no other moment."""

_NO_INPUT: JSON = {}
_HOME = Home(ACCOUNT_ID, DEFAULT_REGION)
_NO_ROLE = "RoleArn must be specified when testing a Task state"


@dataclass(frozen=True, slots=True)
class StateTest:
    """What came of a state."""

    status: TrialStatus
    """``SUCCEEDED``, ``FAILED``, ``RETRIABLE`` (a retrier would try again) or ``CAUGHT_ERROR`` (a catcher took it)."""
    output: JSON = None
    """None, too, where there is none: of a state that failed or would be tried again."""
    next_state: str | None = None
    error: str | None = None
    cause: str | None = None
    inspection: Mapping[str, JSON] = field(default_factory=dict)
    """The data after each step, under AWS's names (``afterInputPath``, ``afterItemSelector``, …), as values."""

    @property
    def retry_index(self) -> int | None:
        """The place in Retry of the retrier that the error met, exhausted or not."""
        return self._detail("retryIndex")

    @property
    def retry_backoff_interval_seconds(self) -> int | None:
        """How long that retrier would wait; None where it would not."""
        return self._detail("retryBackoffIntervalSeconds")

    @property
    def catch_index(self) -> int | None:
        """The place in Catch of the catcher that took the error."""
        return self._detail("catchIndex")

    @property
    def variables(self) -> Mapping[str, JSON]:
        """The variables after the state: those it was given, and those it assigned."""
        variables: Mapping[str, JSON] = self.inspection.get("variables", {})
        return variables

    def _detail(self, name: str) -> int | None:
        detail: int | None = self.inspection.get("errorDetails", {}).get(name)
        return detail


def try_state(
    definition: Definition,
    state: str | None = None,
    *,
    input: JSON = _NO_INPUT,  # noqa: A002 - AWS's word
    mock: Returns | Fails | None = None,
    variables: Mapping[str, JSON] | None = None,
    context: Mapping[str, JSON] | None = None,
    retrier_retry_count: int | None = None,
    map_iteration_failure_count: int | None = None,
    map_item_reader_data: str | None = None,
    now: datetime = START,
) -> StateTest:
    """Try one state, as AWS's TestState does, and return what came of it.

    `definition` is the state itself or, where `state` names one, a machine that has it, at any depth. Tasks, Maps and
    Parallels need a `mock`; the other types take none. `variables` are those that the state finds, `context` the
    context object, which goes with a mock only. `retrier_retry_count` says how often the retrier was used before,
    `map_iteration_failure_count` how many iterations of a Map failed, and `map_item_reader_data` what its ItemReader
    reads: CSV, JSON or JSONL, or the listing of a bucket. The virtual clock begins at `now`.

    Raises ApiError (`code`, `message`) where AWS would refuse the request, in its words where they are known, and
    DefinitionError for a file that cannot be parsed.
    """
    params = Params(definition=_text(definition), input=encode(input), inspectionLevel="TRACE")
    configuration = {
        "retrierRetryCount": retrier_retry_count,
        "mapIterationFailureCount": map_iteration_failure_count,
        "mapItemReaderData": map_item_reader_data,
        "errorCausedByState": mock.caused_by if isinstance(mock, Fails) else None,
    }
    optional = {
        "stateName": state,
        "mock": _mock(mock),
        "variables": None if variables is None else encode(dict(variables)),
        "context": None if context is None else encode(dict(context)),
        "stateConfiguration": {name: value for name, value in configuration.items() if value is not None} or None,
    }
    params.update((name, value) for name, value in optional.items() if value is not None)
    return _result(_call(params, now))


def _text(definition: Definition) -> str:
    if isinstance(definition, Path):
        return encode(parse(definition.read_text(encoding="utf-8"), str(definition)).value)
    return definition if isinstance(definition, str) else encode(dict(definition))


def _mock(mock: Returns | Fails | None) -> JSON:
    if mock is not None and mock.delay != NO_TIME:
        raise ValueError(f"delay={mock.delay!r} is for run_machine: one state is tried in no time")
    if isinstance(mock, Returns):
        return {"result": encode(mock.result), "fieldValidationMode": mock.validation}
    if isinstance(mock, Fails):
        output = {"error": mock.error} if mock.cause is None else {"error": mock.error, "cause": mock.cause}
        return {"errorOutput": output}
    return None


def _call(params: Params, now: datetime) -> Response:
    """The response of TestState, in an account of its own."""
    dice, statistics = Dice(0), Statistics()
    account = Account(
        dice=dice,
        statistics=statistics,
        functions=Functions([], dice, statistics),
        call=no_cloud,
        models={},
        start_ms=round(now.timestamp() * 1000),
    )
    replies: list[Response | ApiError] = []
    StepFunctions(account).call("TestState", params, _HOME, replies.append)
    scheduler = account.scheduler
    while not replies:
        due_ms = scheduler.next_deadline()
        scheduler.advance(scheduler.now_ms if due_ms is None else due_ms)
    answer = replies[0]
    if not isinstance(answer, ApiError):
        return answer
    if answer.message == _NO_ROLE:
        raise ApiError("ValidationException", "This Task needs a mock: try_state calls nothing")
    raise answer


def _result(response: Response) -> StateTest:
    output = response.get("output")
    inspection = response.get("inspectionData", {})
    return StateTest(
        response["status"],
        None if output is None else decode(output),
        response.get("nextState"),
        response.get("error"),
        response.get("cause"),
        {name: decode(data) if isinstance(data, str) else data for name, data in inspection.items()},
    )
