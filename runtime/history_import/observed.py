"""What recordings tell of each Task: how long its attempts took, how they failed, and what came back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.asl.machine import MapState, TaskState
from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.history_import.definition_states import MapRunOf, States, tasks_within
from stepsim.runtime.history_import.recordings import RecordedChild
from stepsim.runtime.machine_tests.visits import Attempt, Reading, Visit
from stepsim.runtime.retry import matches
from stepsim.runtime.services.lambda_function import function_name

_RESULTS = 1_000
"""Different results that are counted; more of them are all rare."""
_TIMED_OUT = re.compile(r"Task timed out after (\d+(?:\.\d+)?) seconds")
FUNCTION_TIMED_OUT = "Sandbox.Timedout"


@dataclass(slots=True)
class TaskSamples:
    """What was seen of one Task."""

    state: TaskState
    durations_ms: list[int] = field(default_factory=list)
    """Of all attempts that came to an end, those aside that ran out of time."""
    attempts: int = 0
    visits: int = 0
    retries: int = 0
    succeeded_ms: list[int] = field(default_factory=list)
    failed_ms: list[int] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    causes: dict[str, str] = field(default_factory=dict)
    """The first cause of each error."""
    timeouts: int = 0
    """Attempts that ended because the Task has TimeoutSeconds."""
    function_timeouts: int = 0
    function_timeout_s: float | None = None
    results: Counter[str] = field(default_factory=Counter)
    """Results as JSON texts."""
    function: str | None = None
    functions: set[str] = field(default_factory=set)
    """Where the definition does not name it: what it was in the recordings."""
    shared_by: int = 0
    """Its times are a share of its children's, which this many Tasks have; 0: they are its own."""
    children: int = 0
    failing_children: list[tuple[str, str | None]] = field(default_factory=list)
    """Error and cause of children that failed although their Task is retried."""

    @property
    def is_lambda(self) -> bool:
        """True where it invokes a function by itself."""
        resource = self.state.resource
        if resource.kind == "function":
            return True
        return resource.kind == "integration" and resource.service == "lambda" and not resource.sdk


@dataclass(slots=True)
class MapSamples:
    """What was seen of one Map."""

    state: MapState
    runs: int = 0
    items: int = 0
    peak: int = 0
    """The most iterations or children that ran at a time."""
    batched: bool = False
    input: JSON = None
    """Of its first visit; None where no history tells."""


@dataclass(slots=True)
class Observed:
    """What was seen of all of them."""

    tasks: dict[str, TaskSamples] = field(default_factory=dict)
    maps: dict[str, MapSamples] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def observe(
    readings: Iterable[Reading], map_runs: Sequence[MapRunOf], states: States, functions: dict[str, str]
) -> Observed:
    """Take the samples. `functions` are those that the definition names, by state."""
    observed = Observed()
    for name, state in states.items():
        if isinstance(state, TaskState):
            observed.tasks[name] = TaskSamples(state, function=functions.get(name))
        elif isinstance(state, MapState):
            observed.maps[name] = MapSamples(state)
    for reading in readings:
        for visit in reading.all_visits():
            _note_visit(visit, observed)
    seen = {name for name, samples in observed.tasks.items() if samples.attempts}
    for map_run in map_runs:
        _note_map_run(map_run, observed, seen)
    return observed


def most_at_a_time(spans: Iterable[tuple[int, int]]) -> int:
    """The most spans of time that share a moment; one that begins where another ends does not."""
    turns = sorted(turn for start, stop in spans for turn in ((start, 1), (max(start, stop), -1)))
    running = most = 0
    for _, change in turns:
        running += change
        most = max(most, running)
    return most


def _note_visit(visit: Visit, observed: Observed) -> None:
    if visit.state in observed.maps:
        _note_map(visit, observed.maps[visit.state])
        return
    samples = observed.tasks.get(visit.state)
    if samples is None:
        return
    samples.visits += 1
    samples.retries += visit.retries
    for attempt in visit.attempts:
        _note_attempt(attempt, samples)


def _note_attempt(attempt: Attempt, samples: TaskSamples) -> None:
    if attempt.ended_ms is None:
        return
    samples.attempts += 1
    took_ms = max(0, attempt.ended_ms - attempt.started_ms)
    if samples.is_lambda and samples.function is None and isinstance(attempt.parameters, dict):
        name = attempt.parameters.get("FunctionName")
        if isinstance(name, str):
            samples.functions.add(function_name(name))
    if not attempt.failed:
        samples.durations_ms.append(took_ms)
        samples.succeeded_ms.append(took_ms)
        _note_result(attempt.result, samples)
        return
    error = attempt.error or "Error"
    if attempt.timed_out and samples.state.timeout_s is not None:
        samples.timeouts += 1
        return
    if error == FUNCTION_TIMED_OUT:
        samples.function_timeouts += 1
        told = _TIMED_OUT.search(attempt.cause or "")
        if told:
            samples.function_timeout_s = max(samples.function_timeout_s or 0, float(told[1]))
        return
    samples.durations_ms.append(took_ms)
    samples.failed_ms.append(took_ms)
    samples.errors[error] += 1
    samples.causes.setdefault(error, _message(attempt.cause) if samples.is_lambda else attempt.cause or "")


def _message(cause: str | None) -> str:
    """What a function's error said: its cause is the JSON that Lambda made of it."""
    with suppress(ValueError, TypeError):
        told = decode(cause or "")
        if isinstance(told, dict) and isinstance(told.get("errorMessage"), str):
            return str(told["errorMessage"])
    return cause or ""


def _note_result(result: JSON, samples: TaskSamples) -> None:
    if samples.is_lambda and samples.state.resource.kind == "integration" and isinstance(result, dict):
        result = result.get("Payload", result)
    text = encode(result)
    if text in samples.results or len(samples.results) < _RESULTS:
        samples.results[text] += 1


def _note_map(visit: Visit, samples: MapSamples) -> None:
    samples.runs += 1
    if samples.input is None:
        samples.input = visit.input
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for number, attempt in enumerate(visit.attempts):
        for inner in attempt.inner:
            ended_ms = inner.entered_ms if inner.ended_ms is None else inner.ended_ms
            begun_ms, last_ms = spans.get((number, inner.index or 0), (inner.entered_ms, ended_ms))
            spans[number, inner.index or 0] = min(begun_ms, inner.entered_ms), max(last_ms, ended_ms)
    samples.items += len(spans)
    samples.peak = max(samples.peak, most_at_a_time(spans.values()))


def _note_map_run(placed: MapRunOf, observed: Observed, seen: set[str]) -> None:
    """Children of a map run: their times are those of the Tasks within them that no history tells of."""
    state, run = placed.state, placed.run
    samples = observed.maps[state.name]
    distributed = state.distributed
    samples.batched = distributed is not None and distributed.batcher is not None
    if run.arn is None or not samples.runs:
        samples.runs += 1
    samples.items += sum(child.items for child in run.children) + run.pending
    samples.peak = max(samples.peak, most_at_a_time((child.start_ms, child.stop_ms) for child in run.children))
    if run.outputs_only:
        files = ", ".join(str(path) for path in run.outputs_only)
        observed.warnings.append(
            f"{files}: these children are told of by their outputs only, without times: their ResultWriter transforms "
            f"them. They count in nothing."
        )
    tasks = [observed.tasks[task.name] for task in tasks_within(state.processor)]
    unknown = [task for task in tasks if task.state.name not in seen]
    if not run.children or not unknown:
        return
    if len(unknown) > 1:
        names = ", ".join(task.state.name for task in unknown)
        observed.warnings.append(
            f"The children of {state.name} have {len(unknown)} Tasks whose times nothing tells ({names}): each is "
            f"given an equal share of the children's. The histories of some children would tell them apart."
        )
    for task in unknown:
        task.shared_by = len(unknown)
        for child in run.children:
            _note_child(child, task, fails_here=task is unknown[-1])
            if len(state.processor.states) == 1 and child.output is not None:
                # Nothing else has made of its result what the child has given.
                _note_result(decode(child.output), task)


def _note_child(child: RecordedChild, samples: TaskSamples, *, fails_here: bool) -> None:
    if child.status == "ABORTED":
        return
    samples.attempts += 1
    samples.visits += 1
    samples.children += 1
    took_ms = max(0, child.stop_ms - child.start_ms) // samples.shared_by
    error = child.error or (TIMEOUT if child.status == "TIMED_OUT" else "Error")
    if child.status == "SUCCEEDED" or not fails_here:
        samples.durations_ms.append(took_ms)
        samples.succeeded_ms.append(took_ms)
        return
    samples.failed_ms.append(took_ms)
    if _retried(samples.state, error):
        # Its attempts and the pauses between them: the time of none.
        samples.failing_children.append((error, _message(child.cause) if samples.is_lambda else child.cause))
        return
    samples.durations_ms.append(took_ms)
    samples.errors[error] += 1
    samples.causes.setdefault(error, _message(child.cause) if samples.is_lambda else child.cause or "")


def _retried(state: TaskState, error: str) -> bool:
    """True where a child's failure has been tried more than once."""
    return any(
        matches(retrier.error_equals, StatesError(error, None)) and retrier.max_attempts > 0 for retrier in state.retry
    )
