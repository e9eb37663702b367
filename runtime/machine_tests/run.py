"""`run_machine`: a whole execution in virtual time, with everything around it given in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import parse_timestamp
from stepsim.runtime.execution import Execution
from stepsim.runtime.machine_tests.answers import (
    Function,
    FunctionAnswer,
    Mock,
    codeless_function,
    function_spec,
    mocked_state,
    unanswered_function,
)
from stepsim.runtime.machine_tests.recording import Recorder, RunObserver
from stepsim.runtime.machine_tests.result import MachineResult
from stepsim.runtime.machine_tests.subject import (
    DefinitionGiven,
    Loaded,
    Machine,
    MachineType,
    machine_spec,
    scenario_of,
)
from stepsim.runtime.machine_tests.world import Buckets, Left, Queues, Tables, World, left_in, world_of
from stepsim.runtime.mocks.answers import MockedCase, MockedState, MockFile
from stepsim.runtime.mocks.reading import MockConfigError, find_case, load_mocks, read_mocks
from stepsim.runtime.runner import Ended, RunError, Watch, simulate
from stepsim.runtime.scenario_check import did_you_mean
from stepsim.runtime.scenario_types import DEFAULT_START_MS, FunctionSpec, Scenario
from stepsim.runtime.simulation import INTERRUPTED

_NO_INPUT: JSON = {}
_NONE: Mapping[str, JSON] = {}


def run_machine(
    definition: DefinitionGiven,
    input: JSON = _NO_INPUT,  # noqa: A002 - AWS's word
    *,
    resource: str | None = None,
    functions: Mapping[str, FunctionAnswer] = _NONE,
    mocks: Mapping[str, Mock] = _NONE,
    mock_file: str | Path | None = None,
    test_case: str | None = None,
    tables: Tables = _NONE,
    buckets: Buckets = _NONE,
    queues: Queues = (),
    machines: Mapping[str, DefinitionGiven | Machine] = _NONE,
    faults: Sequence[Mapping[str, JSON]] = (),
    substitutions: Mapping[str, JSON] = _NONE,
    type: MachineType | None = None,  # noqa: A002 - AWS's word
    name: str | None = None,
    seed: int = 0,
    start: datetime | str | None = None,
    base_dir: str | Path | None = None,
    strict: bool = False,
    observer: RunObserver | None = None,
) -> MachineResult:
    """Run a machine to its end in virtual time; return what came of it.

    `definition` is a value, a JSON text, or the path of a definition or a template, one of whose machines `resource`
    names (`substitutions` are then the template's parameters). Functions are Python (run in virtual time, their boto3
    calls in the account), ``module:function`` below `base_dir`, or what they return; `mocks` answer states, those of
    `test_case` in the mock configuration file `mock_file` where they say nothing. Tables, buckets and queues are those
    of the account, with what is in them; `machines` others that it has, by name; `faults` as in a scenario. ids and
    dice come from `seed`, the clock begins at `start` (2026-01-01T00:00:00Z). With `strict` a mock that is never used
    is an AssertionError.

    Raises DefinitionError, ScenarioError, MockConfigError, ProjectError or RunError where it cannot start, Unanswered
    where it asks for what nobody has given.
    """
    folder = None if base_dir is None else Path(base_dir)
    scenario, loaded = scenario_of(definition, resource, substitutions, type, folder)
    world = world_of(tables, buckets, queues, faults, known_tables=scenario.tables, known_queues=scenario.queues)
    if name is not None:
        scenario = replace(scenario, name=name)
    if not machines:
        _refuse_unknown(functions, scenario, loaded)
    scenario = replace(
        scenario,
        input=input,
        seed=seed,
        start_ms=_start_ms(start),
        latency=False,
        functions=_functions(scenario, loaded, functions, folder),
        machines={**scenario.machines, **{name: machine_spec(given) for name, given in machines.items()}},
        tables={**scenario.tables, **world.tables},
        buckets={**scenario.buckets, **world.buckets},
        queues={**scenario.queues, **world.queues},
        faults=world.faults,
        keep_children="all" if loaded.distributed or machines else "none",
        mocks=_mocks(scenario.name, mocks, mock_file, test_case, strict),
    )
    result = Run(scenario, loaded, world, observer).result()
    return result.used_all_mocks() if strict else result


class Run:
    """One run, and what is noted of it."""

    def __init__(self, scenario: Scenario, loaded: Loaded, world: World, observer: RunObserver | None) -> None:
        self._scenario = scenario
        self._loaded = loaded
        self._world = world
        self._recorder = Recorder(observer)
        self._ended: Ended
        self._left = Left()

    def result(self) -> MachineResult:
        """Run it to its end. Raises as `simulate`, and what answers raise."""
        simulate(
            self._scenario,
            Watch(opened=self._world.fill, started=self._recorder.started, ended=self._note_end),
        )
        ended = self._ended
        execution = ended.execution
        if ended.report["execution"]["error"] == INTERRUPTED:
            # Ctrl-C is meant for whoever runs the tests.
            raise KeyboardInterrupt
        assert isinstance(execution, Execution)
        unused = (
            [] if ended.mocks is None else [f"{one.what} of the state {one.state!r}" for one in ended.mocks.unused()]
        )
        others = [self._of(other, (), ended.report, []) for other in self._recorder.others(execution)]
        return self._of(execution, self._loaded.states, ended.report, others, unused)

    def unfinished(self) -> MachineResult:
        """What had come of a run that an exception has ended; its status is RUNNING."""
        execution = self._recorder.first()
        return self._of(execution, self._loaded.states, {}, ())

    def _of(
        self,
        execution: Execution,
        states: Sequence[str],
        report: Mapping[str, Any],
        started: Sequence[MachineResult],
        unused: Sequence[str] = (),
    ) -> MachineResult:
        recorder = self._recorder
        return MachineResult(
            name=execution.me.machine_name,
            definition=execution.machine.definition,
            events=recorder.events(execution),
            reading=lambda: recorder.reading(execution),
            state_names=states,
            report=report,
            left=self._left,
            seed=self._scenario.seed,
            unused_mocks=unused,
            started=started,
        )

    def _note_end(self, ended: Ended) -> None:
        self._ended = ended
        if ended.cloud is not None:
            self._left = left_in(ended.cloud)


def _start_ms(start: datetime | str | None) -> int:
    if start is None:
        return DEFAULT_START_MS
    if isinstance(start, datetime):
        if start.tzinfo is None:
            raise ValueError(f"start={start!r} has no time zone: write datetime(…, tzinfo=UTC)")
        return round(start.timestamp() * 1000)
    moment_ns = parse_timestamp(start)
    if moment_ns is None:
        raise ValueError(f"start={start!r} is no time such as 2026-01-05T02:00:00Z")
    return moment_ns // 1_000_000


def _functions(
    scenario: Scenario, loaded: Loaded, given: Mapping[str, FunctionAnswer], folder: Path | None
) -> dict[str, FunctionSpec]:
    called = loaded.definition.functions
    # A template's function without code that can be run: a Catch must not take that for an error of its own.
    specs = {
        name: spec if spec.has_code else codeless_function(name, spec.errors[0].cause, called.get(name, ()))
        for name, spec in scenario.functions.items()
    }
    for name, answer in given.items():
        spec = function_spec(name, answer)
        if spec.handler is not None:
            spec = replace(spec, code_dir=folder or scenario.base_dir)
        there = scenario.functions.get(name)
        specs[name] = spec if there is None or isinstance(answer, Function) else _in_place_of(there, spec)
    for name, states in called.items():
        if name not in specs:
            specs[name] = unanswered_function(name, states)
    return specs


def _in_place_of(there: FunctionSpec, spec: FunctionSpec) -> FunctionSpec:
    """Other code for a template's function, which keeps its time, memory and environment."""
    return replace(
        spec,
        memory_mb=there.memory_mb,
        timeout_ms=there.timeout_ms,
        env=there.env,
        reserved_concurrency=there.reserved_concurrency,
        dlq=there.dlq,
        search_paths=there.search_paths,
    )


def _refuse_unknown(given: Mapping[str, FunctionAnswer], scenario: Scenario, loaded: Loaded) -> None:
    """A template's functions are known: were one given by a wrong name, its real code would run in the test."""
    if not scenario.functions:
        return
    known = dict.fromkeys([*scenario.functions, *loaded.definition.functions])
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
            raise RunError(f"functions: the template has no function {name!r} ({hint})")


def _mocks(
    machine: str, mocks: Mapping[str, Mock], file: str | Path | None, test_case: str | None, strict: bool
) -> MockedCase:
    if (file is None) != (test_case is None):
        present, missing = ("mock_file", "test_case") if test_case is None else ("test_case", "mock_file")
        raise ValueError(f"{missing} is missing: {present} needs it")
    own: dict[str, MockedState] = {name: mocked_state(name, mock) for name, mock in mocks.items()}
    if file is None or test_case is None:
        return MockedCase(machine, "", "mocks", own, strict)
    try:
        case = find_case(mock_file_of(Path(file)), machine, test_case)
    except LookupError as error:
        raise RunError(str(error)) from None
    return replace(case, states={**case.states, **own}, strict=case.strict or strict)


def mock_file_of(path: Path) -> MockFile:
    """A mock configuration file, read at its first use. Raises MockConfigError."""
    try:
        state = path.stat()
    except OSError:
        return load_mocks(path)
    return _mock_file(path, state.st_mtime_ns, state.st_size)


@lru_cache(64)
def _mock_file(path: Path, mtime_ns: int, size: int) -> MockFile:  # noqa: ARG001
    return read_mocks(path.read_text(encoding="utf-8"), str(path))


__all__ = ["MockConfigError", "RunError", "run_machine"]
