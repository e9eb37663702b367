"""The machine that is explored: its definition, what it reads, what there is to reach, and where to begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepsim.asl.machine import ChoiceState, MapState, ParallelState, State, StateMachine, TaskState
from stepsim.asl.parse import Document, parse, placeholders
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.coverage.goals import Goal, goals_of
from stepsim.runtime.definition import load_definition
from stepsim.runtime.definition_source import DefinitionSource, EmbeddedDefinition
from stepsim.runtime.definition_source import read_definition as read_document
from stepsim.runtime.explore.arms import Arm, Assignment, arms_of, candidates_of
from stepsim.runtime.explore.places import ABSENT, EACH, INPUT, Content, Place, put
from stepsim.runtime.explore.plans import UNNAMED, Answers, Plan, returns
from stepsim.runtime.explore.reading import ARRAY, TEXT, Reading, read_definition
from stepsim.runtime.machine_tests.subject import DefinitionGiven, as_path


@dataclass(frozen=True, slots=True)
class Subject:
    """A machine, ready to be explored."""

    given: DefinitionGiven
    """As `run_machine` takes it."""
    substitutions: Mapping[str, str]
    """What its placeholders are filled with."""
    document: Document
    goals: tuple[Goal, ...]
    states: Mapping[str, State]
    reading: Reading
    arms: Mapping[str, Mapping[Arm, list[Assignment]]]
    """Of each Choice: what must be where for each way out."""
    candidates: Mapping[Place, tuple[Content, ...]]
    """What may be at each place that is read; what is likely comes first."""
    start: Plan
    """Everything that is read is there, every Task succeeds, and every array has two elements."""
    buckets: Mapping[str, Mapping[str, str]]
    """What item readers read."""

    @property
    def tasks(self) -> dict[str, TaskState]:
        """Its Tasks, nested ones included."""
        return {name: state for name, state in self.states.items() if isinstance(state, TaskState)}


def subject_of(given: DefinitionGiven, substitutions: Mapping[str, str] | None = None) -> Subject:
    """Read a definition. A placeholder that nobody fills is filled with its own name.

    Raises DefinitionError where the definition cannot be run.
    """
    path = as_path(given)
    source: DefinitionSource
    if path is None:
        parsed = parse(given if isinstance(given, str) else encode(given), "the definition", form="json")
        source = EmbeddedDefinition(Path("the definition"), parsed.value, parsed)
    else:
        source = path
    filled = {name: name for name in placeholders(read_document(source, {}).value)} | dict(substitutions or {})
    document = read_document(source, filled)
    machine = load_definition(source, filled, "STANDARD").machine
    states: dict[str, State] = {}
    fields: dict[str, JSON] = {}
    _collect(machine, document.value, states, fields)
    reading = read_definition(document.value)
    arms: dict[str, dict[Arm, list[Assignment]]] = {}
    candidates: dict[Place, tuple[Content, ...]] = {}
    for name, ways in reading.choices.items():
        state = states[name]
        assert isinstance(state, ChoiceState)
        arms[name] = {}
        for sees in ways:
            for arm, assignments in arms_of(state, fields[name], sees).items():
                known = arms[name].setdefault(arm, [])
                known += [one for one in assignments if one not in known]
            for place, contents in candidates_of(fields[name], sees).items():
                candidates[place] = tuple({repr(one): one for one in (*candidates.get(place, ()), *contents)}.values())
    for place, likely in reading.places.items():
        candidates[place] = _likely(place, likely, reading, candidates.get(place, ()))
    start = _start(reading, candidates)
    goals = goals_of(document)
    return Subject(given, filled, document, goals, states, reading, arms, candidates, start, _buckets(fields))


def _collect(machine: StateMachine, value: JSON, states: dict[str, State], fields: dict[str, JSON]) -> None:
    for name, state in machine.states.items():
        states[name], own = state, value["States"][name]
        fields[name] = own
        if isinstance(state, MapState):
            _collect(state.processor, own.get("ItemProcessor") or own["Iterator"], states, fields)
        elif isinstance(state, ParallelState):
            for branch, inner in zip(state.branches, own["Branches"], strict=True):
                _collect(branch, inner, states, fields)


def _likely(place: Place, likely: JSON | None, reading: Reading, others: tuple[Content, ...]) -> tuple[Content, ...]:
    """What may be at a place: an array where its elements are read, an object where its members are."""
    length = len(place.steps)
    deeper = [
        one.steps[length]
        for one in reading.places
        if one.source == place.source and len(one.steps) > length and one.steps[:length] == place.steps
    ]
    if likely is None and EACH in deeper:
        likely = ARRAY
    elif deeper and likely is None:
        likely = {}
    first: tuple[Content, ...] = () if likely is None else (likely,)
    found = {repr(one): one for one in (*first, *others)} or {repr(TEXT): TEXT}
    return (*(one for one in found.values() if one is not ABSENT), ABSENT)


def _start(reading: Reading, candidates: Mapping[Place, tuple[Content, ...]]) -> Plan:
    documents: dict[str, JSON] = {INPUT: {}, **{task: {} for task in reading.tasks}}
    for place in sorted(candidates, key=lambda place: len(place.steps)):
        if place.source in documents:
            documents[place.source] = put(documents[place.source], place.steps, candidates[place][0])
    answers = {task: Answers((returns(documents[task]),)) for task in reading.tasks}
    return Plan(documents[INPUT], answers)


_ROWS = {"CSV": "a,b\n1,2\n3,4\n", "JSONL": "{}\n{}\n", "JSON": "[{}, {}]"}


def _buckets(fields: Mapping[str, JSON]) -> dict[str, dict[str, str]]:
    """Buckets with what item readers are likely to read: two items each."""
    found: dict[str, dict[str, str]] = {}
    for state in fields.values():
        for name in ("ItemReader", "ResultWriter"):
            if name not in state:
                continue
            arguments = state[name].get("Parameters", state[name].get("Arguments", {}))
            bucket = found.setdefault(_literal(arguments, "Bucket"), {})
            if name == "ResultWriter":
                continue
            if state[name].get("Resource", "").endswith(":listObjectsV2"):
                prefix = _literal(arguments, "Prefix") if "Prefix" in arguments or "Prefix.$" in arguments else ""
                folder = f"{prefix.removesuffix('/')}/" if prefix else ""
                bucket |= {f"{folder}0": "", f"{folder}1": ""}
            else:
                form = state[name].get("ReaderConfig", {}).get("InputType", "JSON")
                bucket[_literal(arguments, "Key")] = _ROWS.get(form, "")
    return found


def _literal(arguments: Mapping[str, JSON], name: str) -> str:
    """A member as it is written; where it is computed, what the start has there."""
    value = arguments.get(name)
    return value if isinstance(value, str) and "{%" not in value else TEXT


__all__ = ["UNNAMED", "Subject", "subject_of"]
