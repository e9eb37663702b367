"""A history read as visits: each entry into a state, with its attempts, and with the visits of branches and iterations.

It reads what the runtime writes and what GetExecutionHistory returns alike: events are put where they belong by the
event that each points back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.history import HistoryEvent

_STARTS = frozenset({"TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"})
_BLOCK_STARTS = {"MapStateStarted": "Map", "ParallelStateStarted": "Parallel"}
_BLOCK_ENDS = {
    "MapStateSucceeded": "Map",
    "MapStateFailed": "Map",
    "MapStateAborted": "Map",
    "ParallelStateSucceeded": "Parallel",
    "ParallelStateFailed": "Parallel",
    "ParallelStateAborted": "Parallel",
}
_FAILURES = frozenset(
    {
        "TaskFailed",
        "TaskTimedOut",
        "TaskStartFailed",
        "TaskSubmitFailed",
        "LambdaFunctionFailed",
        "LambdaFunctionTimedOut",
        "LambdaFunctionScheduleFailed",
        "LambdaFunctionStartFailed",
        "ActivityFailed",
        "ActivityTimedOut",
        "ActivityScheduleFailed",
        "MapRunFailed",
        "EvaluationFailed",
    }
)
_SUCCESSES = frozenset({"TaskSucceeded", "LambdaFunctionSucceeded", "ActivitySucceeded"})
_OF_AN_ATTEMPT = frozenset({"TaskSubmitted", "MapRunStarted"}) | _SUCCESSES | _FAILURES
_ITERATION_ENDS = frozenset({"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"})
_STATE_EXITED = "StateExited"
_STATE_ENTERED = "StateEntered"


@dataclass(slots=True)
class Attempt:
    """One attempt of a state's work."""

    started_ms: int
    parameters: JSON = None
    """What was sent; None of a Map or Parallel."""
    result: JSON = None
    """What came back; None where it failed."""
    submitted: JSON = None
    """What TaskSubmitted shows of a job or a callback; None where there was none."""
    error: str | None = None
    cause: str | None = None
    timed_out: bool = False
    failed: bool = False
    refused: bool = False
    """The request itself failed: TaskSubmitFailed."""
    ended_ms: int | None = None
    map_run: str | None = None
    """The ARN of the map run that a distributed Map opened."""
    branches: int = 0
    """How many branches of a Parallel have begun."""
    inner: list[Visit] = field(default_factory=list)
    """What was entered within a Map or Parallel, in that order."""


@dataclass(slots=True)
class Visit:
    """One entry into a state."""

    state: str
    type: str
    input: JSON
    entered_ms: int
    parent: Visit | None = None
    index: int | None = None
    """Of what is within a Map the iteration, of what is within a Parallel the branch; both from 0."""
    attempts: list[Attempt] = field(default_factory=list)
    output: JSON = None
    assigned: dict[str, JSON] = field(default_factory=dict)
    exited: bool = False
    ended_ms: int | None = None
    error: str | None = None
    """What it failed with, caught or not; None where it succeeded."""
    cause: str | None = None

    @property
    def caught(self) -> bool:
        """True where it failed and a catcher took the error."""
        return self.error is not None and self.exited

    @property
    def retries(self) -> int:
        """How often its work was tried again."""
        return max(0, len(self.attempts) - 1)

    @property
    def errors(self) -> list[str]:
        """The errors of its attempts, in their order."""
        return [attempt.error or "" for attempt in self.attempts if attempt.failed]

    @property
    def inner(self) -> Iterator[Visit]:
        """What was entered within it, in all attempts."""
        for attempt in self.attempts:
            yield from attempt.inner

    @property
    def place(self) -> tuple[tuple[str, int], ...]:
        """The Maps and Parallels around it, outermost first, each with the iteration or branch."""
        found: list[tuple[str, int]] = []
        visit = self
        while visit.parent is not None:
            found.append((visit.parent.state, visit.index or 0))
            visit = visit.parent
        return tuple(reversed(found))


@dataclass(slots=True)
class Reading:
    """What a history tells."""

    input: JSON = None
    status: str = "RUNNING"
    output: JSON = None
    error: str | None = None
    cause: str | None = None
    start_ms: int = 0
    stop_ms: int | None = None
    visits: list[Visit] = field(default_factory=list)
    """Those of the machine's own states, in the order in which they were entered."""

    def all_visits(self) -> Iterator[Visit]:
        """All of them, a state's own before those within it."""
        waiting = list(reversed(self.visits))
        while waiting:
            visit = waiting.pop()
            yield visit
            waiting.extend(reversed(list(visit.inner)))


_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}


def read_visits(events: Iterable[HistoryEvent]) -> Reading:
    """A history as visits."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    for visit in reader.reading.all_visits():
        last = visit.attempts[-1] if visit.attempts else None
        if visit.error is None and not visit.exited and last is not None and last.failed:
            visit.error, visit.cause = last.error or "", last.cause
    return reader.reading


class _Reader:
    """Goes through a history, and knows of each event which visit, and which place in it, the next ones belong to."""

    def __init__(self) -> None:
        self.reading = Reading()
        self._at: dict[int, tuple[Visit | None, int | None]] = {}
        """By event id: the innermost visit that is open after it, and the iteration or branch within that."""
        self._latest: dict[str, Visit] = {}

    def take(self, event: HistoryEvent) -> None:
        kind, details = event.type, event.details or {}
        visit, index = self._at.get(event.previous_event_id, (None, None))
        if kind == "ExecutionStarted":
            self.reading.input, self.reading.start_ms = _value(details, "input"), event.timestamp_ms
        elif kind in _ENDS:
            self._end(event, details, visit)
        elif kind.endswith(_STATE_ENTERED):
            visit, index = self._enter(event, details, visit, index), None
        elif kind.endswith(_STATE_EXITED):
            visit, index = self._exit(event, details, visit)
        elif kind == "MapIterationStarted":
            visit, index = _up_to(visit, "Map", details.get("name")), details.get("index", 0)
        elif kind in _ITERATION_ENDS:
            visit, index = _up_to(visit, "Map", details.get("name")), None
        elif kind in _BLOCK_STARTS:
            visit, index = self._begin_block(event, visit), None
        elif kind in _BLOCK_ENDS:
            visit, index = _end_block(event, _open_block(visit, _BLOCK_ENDS[kind])), None
        elif kind == "EvaluationFailed":
            # It may point back to what came before the state.
            visit, index = self._latest.get(details.get("state", ""), visit), None
        if visit is not None:
            _note(event, details, visit)
        self._at[event.id] = visit, index

    def _enter(self, event: HistoryEvent, details: dict[str, JSON], around: Visit | None, index: int | None) -> Visit:
        state_type = event.type.removesuffix(_STATE_ENTERED)
        visit = Visit(details["name"], state_type, _value(details, "input"), event.timestamp_ms)
        self._latest[visit.state] = visit
        if around is None:
            self.reading.visits.append(visit)
            return visit
        if not around.attempts:
            around.attempts.append(Attempt(around.entered_ms))
        inner = around.attempts[-1].inner
        if index is None and around.type == "Parallel":
            # The branches begin in their order, and point back to the Parallel itself.
            index = around.attempts[-1].branches
            around.attempts[-1].branches += 1
        visit.parent, visit.index = around, index
        inner.append(visit)
        return visit

    def _exit(
        self, event: HistoryEvent, details: dict[str, JSON], visit: Visit | None
    ) -> tuple[Visit | None, int | None]:
        name = details["name"]
        while visit is not None and (visit.state != name or visit.exited):
            visit = visit.parent
        if visit is None:
            return None, None
        visit.exited, visit.ended_ms = True, event.timestamp_ms
        visit.output = _value(details, "output")
        assigned = details.get("assignedVariables") or {}
        visit.assigned = {name: _value(assigned, name) for name in assigned}
        last = visit.attempts[-1] if visit.attempts else None
        if last is not None and last.failed:
            visit.error, visit.cause = last.error or "", last.cause
        return visit.parent, visit.index

    def _begin_block(self, event: HistoryEvent, visit: Visit | None) -> Visit | None:
        visit = _up_to(visit, _BLOCK_STARTS[event.type], None)
        if visit is not None:
            if visit.attempts and visit.attempts[-1].ended_ms is None:
                # Tried again: of the attempt before, no event tells the end.
                _end_attempt(visit.attempts[-1], event.timestamp_ms, failed=True)
            visit.attempts.append(Attempt(event.timestamp_ms))
        return visit

    def _end(self, event: HistoryEvent, details: dict[str, JSON], visit: Visit | None) -> None:
        reading = self.reading
        reading.status, reading.stop_ms = _ENDS[event.type], event.timestamp_ms
        reading.output = _value(details, "output")
        reading.error, reading.cause = details.get("error"), details.get("cause")
        if event.type != "ExecutionFailed":
            return
        while visit is not None:
            if not visit.exited:
                visit.error, visit.cause, visit.ended_ms = reading.error or "", reading.cause, event.timestamp_ms
                last = visit.attempts[-1] if visit.attempts else None
                if last is not None and not last.failed:
                    last.failed, last.error, last.cause = True, visit.error, visit.cause
            visit = visit.parent


def _up_to(visit: Visit | None, state_type: str, name: str | None) -> Visit | None:
    """The innermost visit of this type around, the visit itself included."""
    while visit is not None and (visit.type != state_type or (name is not None and visit.state != name)):
        visit = visit.parent
    return visit


def _open_block(visit: Visit | None, state_type: str) -> Visit | None:
    """The innermost visit of this type around whose work has not ended."""
    while visit is not None and (visit.type != state_type or not visit.attempts or visit.attempts[-1].ended_ms):
        visit = visit.parent
    return visit


def _end_block(event: HistoryEvent, visit: Visit | None) -> Visit | None:
    if visit is not None:
        _end_attempt(visit.attempts[-1], event.timestamp_ms, failed=not event.type.endswith("Succeeded"))
    return visit


def _end_attempt(attempt: Attempt, now_ms: int, *, failed: bool) -> None:
    """The end of a Map's or Parallel's attempt: no event tells its error, but that of what failed within it does."""
    attempt.ended_ms, attempt.failed = now_ms, failed
    inner = next((one for one in reversed(attempt.inner) if not one.exited and one.errors), None)
    if failed and attempt.error is None and inner is not None:
        attempt.error, attempt.cause = inner.attempts[-1].error, inner.attempts[-1].cause


def _note(event: HistoryEvent, details: dict[str, JSON], visit: Visit) -> None:
    """An event of a state's own work."""
    kind = event.type
    if kind in _STARTS:
        # A function's or activity's input stands where an integration has its parameters.
        parameters = _value(details, "parameters" if "parameters" in details else "input")
        visit.attempts.append(Attempt(event.timestamp_ms, parameters))
        return
    if kind not in _OF_AN_ATTEMPT:
        return
    if not visit.attempts:
        visit.attempts.append(Attempt(event.timestamp_ms))
    attempt = visit.attempts[-1]
    if kind == "TaskSubmitted":
        attempt.submitted = _value(details, "output")
    elif kind == "MapRunStarted":
        attempt.map_run = details.get("mapRunArn")
    elif kind in _SUCCESSES:
        attempt.result, attempt.ended_ms = _value(details, "output"), event.timestamp_ms
    elif kind in _FAILURES:
        attempt.failed, attempt.ended_ms = True, event.timestamp_ms
        attempt.error, attempt.cause = details.get("error"), details.get("cause")
        attempt.timed_out, attempt.refused = kind.endswith("TimedOut"), kind == "TaskSubmitFailed"


def _value(details: dict[str, JSON], member: str) -> JSON:
    """A JSON text of an event as a value; what is no JSON (a truncated text, a recorder's placeholder) stays."""
    text = details.get(member)
    if not isinstance(text, str):
        return text
    try:
        return decode(text)
    except ValueError:
        return text
