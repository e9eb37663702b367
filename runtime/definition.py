"""A definition file ready to run: substituted, parsed, validated, compiled, and asked what it will call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stepsim.asl.compile import compile_machine
from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.machine import MapState, ParallelState, StateMachine, TaskState
from stepsim.asl.parse import is_hole, placeholders
from stepsim.asl.payload import JSON
from stepsim.asl.validate import MachineType, validate
from stepsim.runtime.definition_source import DefinitionSource, read_definition
from stepsim.runtime.services.lambda_function import function_name


@dataclass(frozen=True, slots=True)
class Definition:
    """A compiled machine and what it calls."""

    machine: StateMachine
    functions: Mapping[str, tuple[str, ...]]
    """The functions that its Tasks name outright: name -> the states that call it."""
    aws_states: tuple[str, ...]
    """The states that call a service other than Lambda, or have a reader or a writer."""
    tasks: frozenset[str] = frozenset()
    """The names of its Task states, and the ARNs of what they call: what a model of a task goes by."""
    jobs: Mapping[str, frozenset[str | None]] = field(default_factory=dict)
    """What its Tasks start of ``ecs`` (families), ``batch`` and ``glue``; None among them: a name that is computed."""

    def missing_functions(self, known: Collection[str], modelled: Collection[str]) -> list[str]:
        """Functions that are named and that neither a function nor a modelled state stands for."""
        return [
            name
            for name, states in self.functions.items()
            if name not in known and not all(state in modelled for state in states)
        ]


def load_definition(
    source: DefinitionSource, substitutions: Mapping[str, JSON], machine_type: MachineType
) -> Definition:
    """Read a definition. Raises DefinitionError with everything wrong with it, unfilled placeholders included."""
    document = read_definition(source, substitutions)
    problems = [problem for problem in validate(document, type=machine_type) if problem.severity == "error"]
    holes = placeholders(document.value)
    if holes:
        names = ", ".join(sorted(holes))
        advice = "give each a value under substitutions in the scenario"
        message = f"Placeholders without a value: {names}"
        line, column = document.position(_first_hole(document.value))
        problems.append(Problem("UNFILLED_PLACEHOLDER", message, "/", line, column, suggestion=advice))
    if problems:
        raise DefinitionError(problems, str(source))
    machine = replace(compile_machine(document.value), document=document)
    functions: dict[str, list[str]] = {}
    aws_states: list[str] = []
    for state in walk(machine):
        if isinstance(state, MapState):
            if _reads_or_writes(state):
                aws_states.append(state.name)
            continue
        name = _named_function(state)
        if name is not None:
            functions.setdefault(name, []).append(state.name)
        elif state.resource.kind == "integration" and state.resource.service != "lambda":
            aws_states.append(state.name)
    tasks = [state for state in walk(machine) if isinstance(state, TaskState)]
    modelled = frozenset(name for state in tasks for name in (state.name, state.resource.arn))
    named = {name: tuple(states) for name, states in functions.items()}
    return Definition(machine, named, tuple(aws_states), modelled, _jobs(tasks))


def _jobs(tasks: Iterable[TaskState]) -> dict[str, frozenset[str | None]]:
    started: dict[str, frozenset[str | None]] = {}
    for task in tasks:
        resource = task.resource
        if resource.job_field is not None or resource.sdk:
            name = task.job
            if name is not None and resource.service != "glue":
                # A definition may be named by its ARN, and with its revision.
                name = name.rpartition("/")[2].partition(":")[0]
            started[resource.service] = started.get(resource.service, frozenset()) | {name}
    return started


def _first_hole(value: JSON) -> tuple[str | int, ...]:
    """Where the first placeholder of a definition stands."""
    waiting: list[tuple[tuple[str | int, ...], JSON]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if is_hole(item):
            return path
        members: Iterator[tuple[str | int, JSON]] = iter(())
        if isinstance(item, dict):
            members = reversed([*item.items()])
        elif isinstance(item, list):
            members = reversed([*enumerate(item)])
        waiting.extend(((*path, step), member) for step, member in members)
    return ()


def _reads_or_writes(state: MapState) -> bool:
    distributed = state.distributed
    if distributed is None:
        return False
    writer = distributed.writer
    return distributed.reader is not None or (writer is not None and writer.arguments is not None)


def walk(machine: StateMachine) -> Iterator[TaskState | MapState]:
    """All Task and Map states of a machine and of what is nested in it."""
    for state in machine.states.values():
        if isinstance(state, TaskState):
            yield state
        elif isinstance(state, MapState):
            yield state
            yield from walk(state.processor)
        elif isinstance(state, ParallelState):
            for branch in state.branches:
                yield from walk(branch)


def _named_function(state: TaskState) -> str | None:
    if state.resource.kind == "function":
        return state.resource.function
    if (state.resource.service, state.resource.sdk) != ("lambda", False):
        return None
    return None if state.function is None else function_name(state.function)
