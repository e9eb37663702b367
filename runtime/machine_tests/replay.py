"""`replay`: a recorded history run against a definition that may have changed, and the first thing that goes otherwise.

Nothing is called: each attempt of a Task gets the answer that was recorded for that state, at that visit, in that
branch or iteration, after as long as it took. A distributed Map gets the result that its run had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.asl.machine import DistributedMap, MapState, ParallelState, StateMachine, TaskState
from stepsim.asl.payload import EMPTY, JSON, Payload
from stepsim.runtime.definition import walk
from stepsim.runtime.effects import Program, Sleep
from stepsim.runtime.execution import Execution
from stepsim.runtime.frame import Frame
from stepsim.runtime.history import HistoryEvent, failure_details
from stepsim.runtime.machine_tests.answers import Fails, Given, Mock, Returns, mocked_state
from stepsim.runtime.machine_tests.divergence import Comparison, Divergence
from stepsim.runtime.machine_tests.recorded import HistoryError, Recorded, read_history
from stepsim.runtime.machine_tests.recording import RunObserver
from stepsim.runtime.machine_tests.result import MachineResult
from stepsim.runtime.machine_tests.run import Run
from stepsim.runtime.machine_tests.subject import DefinitionGiven, Loaded, MachineType, scenario_of
from stepsim.runtime.machine_tests.visits import Attempt, Reading, Visit, read_visits
from stepsim.runtime.machine_tests.world import World
from stepsim.runtime.mocks.answers import Answer, MockedCase, MockedState, Origin
from stepsim.runtime.services.task import TaskCall

_NONE: Mapping[str, JSON] = {}

Place = tuple[tuple[str, int], ...]
"""The Maps and Parallels around, outermost first, each with the iteration or branch."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What came of a replay."""

    result: MachineResult
    """The run, as far as the record had answers for it."""
    divergence: Divergence | None
    """The first thing that went otherwise; None where all went as recorded."""

    @property
    def same(self) -> bool:
        """True where all went as recorded."""
        return self.divergence is None

    def __str__(self) -> str:
        if self.divergence is None:
            return f"the replay goes as recorded: {' → '.join(self.result.path)}"
        lines = ["the replay goes otherwise than recorded:", f"  {self.divergence}", "the path it took:"]
        return "\n".join([*lines, *(f"    {line}" for line in str(self.result.path).splitlines())])

    __repr__ = __str__

    def went_as_recorded(self) -> ReplayResult:
        """Nothing went otherwise; else AssertionError, with the first thing that did."""
        __tracebackhide__ = True
        if self.divergence is not None:
            raise AssertionError(str(self))
        return self

    def diverged_at(self, state: str) -> ReplayResult:
        """The first thing that went otherwise did so at this state."""
        __tracebackhide__ = True
        if self.divergence is None or self.divergence.state != state:
            raise AssertionError(f"the replay was to go otherwise at {state!r};\n{self}")
        return self


class NotRecorded(Exception):
    """The replay has come to what the record has no answer for: it cannot go on."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


def replay(
    definition: DefinitionGiven,
    history: Recorded,
    *,
    resource: str | None = None,
    mocks: Mapping[str, Mock] = _NONE,
    substitutions: Mapping[str, JSON] = _NONE,
    type: MachineType | None = None,  # noqa: A002 - AWS's word
    name: str | None = None,
    seed: int = 0,
    base_dir: str | Path | None = None,
    observer: RunObserver | None = None,
) -> ReplayResult:
    """Run a machine on the answers that a history has; return the run, and where it first goes otherwise.

    The input and the beginning of the clock are the record's, too. `mocks` answer states that the record cannot: those
    that are new. `resource` and `substitutions` are those of `run_machine`. Raises HistoryError where the history is no
    whole one, or of another machine; DefinitionError and ProjectError of the definition.
    """
    recorded = read_visits(read_history(history))
    scenario, loaded = scenario_of(
        definition, resource, substitutions, type, None if base_dir is None else Path(base_dir)
    )
    machine = loaded.definition.machine
    _check_machine(recorded, loaded, scenario.name)
    _order_branches(recorded, machine)
    distributed = {one.name for one in walk(machine) if isinstance(one, MapState) and one.distributed is not None}
    given = {name: _of_map(name, mock) for name, mock in mocks.items() if name in distributed}
    answers = _Answers(recorded, _map_fields(machine.definition), given)
    states: dict[str, MockedState] = {
        state.name: MockedState(Origin("the history", 0, 0, state.name), ask=answers.ask)
        for state in walk(machine)
        if isinstance(state, TaskState)
    }
    states |= {name: mocked_state(name, mock) for name, mock in mocks.items() if name not in distributed}
    scenario = replace(
        scenario,
        name=name or scenario.name,
        input=recorded.input,
        seed=seed,
        start_ms=recorded.start_ms,
        latency=False,
        mocks=MockedCase(scenario.name, "", "the history", states),
    )
    run = Run(scenario, loaded, World(), _Replaying(answers, observer))
    unrecorded: NotRecorded | None = None
    try:
        result = run.result()
    except NotRecorded as error:
        unrecorded = error
        result = run.unfinished()
    divergence = Comparison(recorded, result.reading).first()
    if divergence is None and unrecorded is not None:
        divergence = Divergence(unrecorded.state, "unrecorded", str(unrecorded))
    return ReplayResult(result, divergence)


def _of_map(name: str, mock: Mock) -> Given:
    if isinstance(mock, Returns | Fails):
        return mock
    raise TypeError(f"mocks[{name!r}]: of a distributed Map, Returns(…) or Fails(…) expected")


def _check_machine(recorded: Reading, loaded: Loaded, name: str) -> None:
    entered = dict.fromkeys(visit.state for visit in recorded.all_visits())
    if entered and not any(state in loaded.states for state in entered):
        raise HistoryError(
            f"the history is of another machine: it entered {_listed([*entered])}, and {name} has "
            f"{_listed(loaded.states)}; name the definition that it was recorded of, or what became of that"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _order_branches(recorded: Reading, machine: StateMachine) -> None:
    """Number the branches of Parallels as the definition does: AWS begins them in any order."""
    parallels = {state.name: state for state in _parallels(machine)}
    for visit in recorded.all_visits():
        state = parallels.get(visit.state)
        if state is None or visit.type != "Parallel":
            continue
        starts = [branch.start_at for branch in state.branches]
        for attempt in visit.attempts:
            first: dict[int, str] = {}
            for one in attempt.inner:
                first.setdefault(one.index or 0, one.state)
            if sorted(first.values()) == sorted(starts) and len(set(starts)) == len(starts):
                for one in attempt.inner:
                    one.index = starts.index(first[one.index or 0])


def _parallels(machine: StateMachine) -> Iterator[ParallelState]:
    for state in machine.states.values():
        if isinstance(state, ParallelState):
            yield state
            for branch in state.branches:
                yield from _parallels(branch)
        elif isinstance(state, MapState):
            yield from _parallels(state.processor)


class _Answers:
    """What was recorded of each state's visits, by where they were."""

    def __init__(self, recorded: Reading, maps: Mapping[str, Mapping[str, JSON]], given: Mapping[str, Given]) -> None:
        """`maps` are the fields of Map states, `given` results of map runs that a test gives."""
        self._maps = maps
        self._given = given
        self._visits: dict[tuple[Place, str], list[Visit]] = {}
        self._entered: dict[tuple[Place, str], int] = {}
        for visit in recorded.all_visits():
            self._visits.setdefault((visit.place, visit.state), []).append(visit)

    def ask(self, call: TaskCall, attempt: int) -> Answer:  # noqa: ARG002 - counted by visit here
        """The answer to the attempt of a Task."""
        visit, recorded = self._attempt(call.state.name, call.frame)
        if recorded is None:
            # It failed before it was scheduled.
            raise StatesError(visit.error, visit.cause)
        delay_ms = 0 if recorded.ended_ms is None else recorded.ended_ms - recorded.started_ms
        timed = call.timeout_s is not None or call.heartbeat_s is not None
        if recorded.timed_out and timed:
            return Answer(never=True)
        pattern = bool(call.resource.pattern)
        submitted = Payload(recorded.submitted) if pattern and recorded.submitted is not None else EMPTY
        if recorded.failed:
            error = TIMEOUT if recorded.timed_out else recorded.error
            refused = recorded.refused and pattern
            return Answer(error=error, cause=recorded.cause, delay_ms=delay_ms, submitted=submitted, refused=refused)
        if recorded.ended_ms is None:
            raise NotRecorded(visit.state, f"the record has no answer to {visit.state!r}: it was cut off there")
        # Heartbeats are in no history: there were as many as it took.
        beat_ms = None if call.heartbeat_s is None else max(1, call.heartbeat_s * 500)
        return Answer(Payload(recorded.result), delay_ms=delay_ms, heartbeat_ms=beat_ms, submitted=submitted)

    def run_map(self, state: MapState, distributed: DistributedMap, effective: Payload, frame: Frame) -> Program:  # noqa: ARG002
        """One attempt of a distributed Map: its run's result comes after as long as it took."""
        frame.trail.add("MapStateStarted", {"length": 0})
        if state.name in self._given:
            return _given_result(state.name, self._given[state.name], frame)
        visit, recorded = self._attempt(state.name, frame)
        if recorded is None:
            raise StatesError(visit.error, visit.cause)
        if recorded.map_run is not None:
            frame.trail.add("MapRunStarted", {"mapRunArn": recorded.map_run})
        if recorded.ended_ms is not None and recorded.ended_ms > recorded.started_ms:
            yield Sleep(frame.engine.scheduler.now_ms + recorded.ended_ms - recorded.started_ms)
        if recorded.failed:
            error = StatesError(recorded.error, recorded.cause)
            if recorded.map_run is not None:
                frame.trail.add("MapRunFailed", failure_details(error))
            raise error
        result = Payload(self._result(state.name, visit))
        frame.trail.add("MapRunSucceeded")
        frame.trail.block_succeeded("MapStateSucceeded", 0)
        return result

    def _result(self, state: str, visit: Visit) -> JSON:
        try:
            return _map_result(self._maps[state], visit.output)
        except LookupError:
            raise NotRecorded(
                state,
                f"the record does not tell the result of the map run of {state!r}, only what the state made of it: "
                f"give mocks={{{state!r}: Returns([…])}}",
            ) from None

    def _attempt(self, state: str, frame: Frame) -> tuple[Visit, Attempt | None]:
        """The visit that a frame makes and, unless it failed before, the attempt that it is at."""
        key = (_place(frame), state)
        retry = frame.retry_count or 0
        if not retry:
            self._entered[key] = self._entered.get(key, 0) + 1
        number = self._entered.get(key, 1)
        visits = self._visits.get(key, [])
        if number > len(visits):
            often = f"the record has answers for {len(visits)}" if visits else "the record has no answer for it"
            raise NotRecorded(state, f"{state!r} is entered now, for the {_nth(number)} time; {often}")
        visit = visits[number - 1]
        if retry < len(visit.attempts):
            return visit, visit.attempts[retry]
        if not visit.attempts and visit.error is not None:
            return visit, None
        raise NotRecorded(
            state, f"{state!r} is tried {retry + 1} times now; the record has answers for {len(visit.attempts)}"
        )


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _place(frame: Frame) -> Place:
    names = frame.iteration
    return tuple((str(names[at]), int(str(names[at + 2]))) for at in range(0, len(names), 3))


def _given_result(state: str, given: Given, frame: Frame) -> Payload:
    if isinstance(given, Returns):
        return Payload(given.result)
    if isinstance(given, Fails):
        error = StatesError(given.error, given.cause)
        frame.trail.add("MapRunFailed", failure_details(error))
        raise error
    raise NotRecorded(state, f"the map run of {state!r} is given as one that hangs: write Returns(…) or Fails(…)")


def _map_result(fields: Mapping[str, JSON], output: JSON) -> JSON:
    """The result of a map run, from what the Map put out: the history has it nowhere else. Raises LookupError."""
    if any(name in fields for name in ("Output", "ResultSelector")) or fields.get("OutputPath", "$") != "$":
        raise LookupError
    path = fields.get("ResultPath", "$")
    if path is None:
        return []
    steps = path.split(".")
    if steps[0] != "$" or any("[" in step for step in steps):
        raise LookupError
    for step in steps[1:]:
        if not isinstance(output, dict):
            raise LookupError
        output = output[step]
    return output


def _map_fields(definition: JSON) -> dict[str, Mapping[str, JSON]]:
    """The fields of each Map state, at any depth, as they are written."""
    found: dict[str, Mapping[str, JSON]] = {}
    waiting = [definition]
    while waiting:
        for name, fields in waiting.pop().get("States", {}).items():
            if fields.get("Type") == "Map":
                found[name] = fields
            waiting += [fields[inner] for inner in ("ItemProcessor", "Iterator") if inner in fields]
            waiting += fields.get("Branches", ())
    return found


class _Replaying:
    """Has map runs answered from the record; tells another observer."""

    def __init__(self, answers: _Answers, observer: RunObserver | None) -> None:
        self._answers = answers
        self._observer = observer

    def execution_started(self, execution: Execution) -> Callable[[HistoryEvent], None] | None:
        execution.engine.run_map = self._answers.run_map
        return None if self._observer is None else self._observer.execution_started(execution)
