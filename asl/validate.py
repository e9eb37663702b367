"""Everything that is wrong with a definition, at once: each problem with its place and with what to write instead.

The rules live in the other ``validate_*`` modules and in the table of ``fields``; here the definition is walked,
machine by machine. Codes, messages and locations are AWS's where it has them. ``${Placeholders}`` are no problems.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stepsim.asl.errors import Problem
from stepsim.asl.fields import BRANCH, MACHINE, PROCESSOR, Fields, Language
from stepsim.asl.parse import Document, Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_codes import is_advice
from stepsim.asl.validate_fields import Where, check_fields, expect_type
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_items import check_listed_items
from stepsim.asl.validate_jsonata import check_expressions
from stepsim.asl.validate_maps import Mode, mode_of
from stepsim.asl.validate_placeholders import foreign_holes, with_holes
from stepsim.asl.validate_states import check_name, check_state, language_of
from stepsim.asl.validate_transitions import Scope, check_transitions, sub_machines
from stepsim.asl.validate_variables import (
    Variables,
    VariableScope,
    check_reads,
    check_scope,
    check_unused,
    jsonpath_reads,
)
from stepsim.asl.validate_warnings import check_state_warnings
from stepsim.asl.validate_warnings_flow import check_lost_results

MachineType = Literal["STANDARD", "EXPRESS"]

MAX_DEPTH = 150
"""How deep objects and arrays of a definition may be nested."""


@dataclass(slots=True)
class _Walk:
    """What is known of the whole definition while it is walked."""

    findings: Findings
    language: Language
    """The machine's own query language, which states inherit at every depth."""
    names: dict[str, Path] = field(default_factory=dict)
    labels: dict[str, Path] = field(default_factory=dict)
    assigned: dict[str, Path] = field(default_factory=dict)
    """Each variable, and the place of one Assign of it."""


@dataclass(frozen=True, slots=True)
class _Inside:
    """What a machine inherits from where it stands."""

    scope: Scope | None
    owner: str
    variables: Variables
    express: bool


def validate(
    document: Document,
    type: MachineType = "STANDARD",  # noqa: A002 - AWS's word
    *,
    advice: bool = False,
    templates: bool = False,
) -> list[Problem]:
    """Every problem of a definition, in the order of its text; it is valid if none has the severity ``error``.

    ``type`` is the machine's: an Express machine neither waits for jobs or tokens nor maps in distributed mode. With
    ``advice``, good practice is told, too, as warnings. With ``templates``, placeholders of other tools than AWS's are
    holes as well, each with a warning. Raises nothing: whatever JSON the document holds.
    """
    express = type == "EXPRESS"
    value = document.value
    findings = _find(value, express=express)
    unfilled: dict[Path, str] = {}
    while templates and (holes := foreign_holes(value, findings.found)):
        unfilled |= holes
        value = with_holes(value, holes)
        findings = _find(value, express=express)
    for place, name in unfilled.items():
        message = f"The placeholder '{name}' is not filled in: AWS refuses it as it stands"
        findings.warning("FOREIGN_PLACEHOLDER", message, place, "Fill it in before the definition is used.")
    return [problem for problem in findings.problems(document) if advice or not is_advice(problem.code)]


def _find(value: JSON, *, express: bool) -> Findings:
    findings = Findings()
    if isinstance(value, dict):
        _validate_definition(value, findings, express=express)
    else:
        hint = 'Write an object with StartAt and States: {"StartAt": …, "States": {…}}.'
        findings.error("Definition must be a valid JSON object", None, hint)
    return findings


def _validate_definition(value: dict[str, JSON], findings: Findings, *, express: bool) -> None:
    deep = _too_deep(value)
    if deep is not None:
        message = f"The definition is nested more than {MAX_DEPTH} levels deep"
        findings.error(message, deep, "Move a part into a machine of its own.", code="TOO_DEEPLY_NESTED")
        return
    walk = _Walk(findings, language_of(value, "JSONPath"))
    check_fields(value, MACHINE, (), Where(findings, walk.language))
    _validate_machine(value, (), walk, _Inside(None, "", Variables(), express))
    check_unused(walk.assigned, value, findings)


def _too_deep(value: JSON) -> Path | None:
    """The place of the first thing that is nested too deep."""
    level: list[tuple[Path, JSON]] = [((), value)]
    for _ in range(MAX_DEPTH):
        level = [
            ((*path, key), item)
            for path, holder in level
            for key, item in (holder.items() if isinstance(holder, dict) else enumerate(holder))
            if isinstance(item, (dict, list))
        ]
        if not level:
            return None
    return level[0][0]


def _validate_machine(machine: dict[str, JSON], path: Path, walk: _Walk, inside: _Inside) -> None:
    states = machine.get("States")
    findings = walk.findings
    if "States" not in machine or is_hole(states):
        _check_start(machine, path, walk, inside)
        return
    if not isinstance(states, dict):
        expect_type(findings, "[OBJECT]", (*path, "States"), 'Write {"Name": {"Type": …}, …}.')
        return
    scope = Scope(states, path, inside.scope, inside.owner)
    variables = check_scope(states, machine.get("StartAt"), path, inside.variables, findings)
    for variable, first in variables.own.items():
        walk.assigned.setdefault(variable, (*path, "States", *first))
    for name, state in states.items():
        place = (*path, "States", name)
        check_name(name, place, findings)
        _check_unique(name, place, walk)
        if is_hole(state):
            continue
        if check_state(state, place, findings, walk.language, express=inside.express):
            _look_closer(name, state, place, walk, variables)
        if isinstance(state, dict) and state.get("Type") in ("Map", "Parallel"):
            _validate_inside(name, state, place, walk, _Inside(scope, "", variables.inside(name), inside.express))
    check_transitions(machine, scope, findings)
    check_lost_results(states, path, findings, walk.language)


def _look_closer(name: str, state: dict[str, JSON], path: Path, walk: _Walk, variables: VariableScope) -> None:
    language = language_of(state, walk.language)
    reads = check_expressions(state, path, walk.findings) if language == "JSONata" else jsonpath_reads(state)
    check_reads(reads, name, path, variables, walk.findings)
    check_state_warnings(state, path, walk.findings, language)


def _check_start(machine: dict[str, JSON], path: Path, walk: _Walk, inside: _Inside) -> None:
    """A machine inside a state that has no States of its own cannot start in those around it."""
    start = machine.get("StartAt")
    if "States" not in machine and isinstance(start, str) and inside.scope is not None:
        check_transitions({"StartAt": start}, Scope({}, path, inside.scope, inside.owner), walk.findings)


def _check_unique(name: str, path: Path, walk: _Walk) -> None:
    if name in walk.names:
        message = f"The state name '{name}' is used more than once"
        hint = "Names are unique in the whole definition, in Map and Parallel states too: rename one of the two."
        walk.findings.error(message, path, hint, code="DUPLICATE_STATE_NAME")
    else:
        walk.names[name] = path


def _check_label(label: JSON, path: Path, walk: _Walk) -> None:
    if not isinstance(label, str) or is_hole(label):
        return
    if label in walk.labels:
        message = f"The label '{label}' is used by more than one Map state"
        walk.findings.error(message, path, "Give each Map a label of its own.", code="DUPLICATE_LABEL_NAME")
    walk.labels.setdefault(label, path)


def _validate_inside(name: str, state: dict[str, JSON], path: Path, walk: _Walk, around: _Inside) -> None:
    kind = state.get("Type")
    owner: Fields = PROCESSOR if kind == "Map" else BRANCH
    mode = mode_of(state) if kind == "Map" else Mode(False, False)
    distributed = mode.distributed is True
    express = around.express or (distributed and mode.express is True)
    if kind == "Map":
        _check_label(state.get("Label"), (*path, "Label"), walk)
        if distributed and around.scope is not None:
            check_listed_items(state, around.scope.states, path, walk.findings)
    # A child execution of a distributed Map has its own variables: it neither sees nor shadows those outside.
    variables = Variables() if distributed else around.variables
    for place, machine, called in sub_machines(name, state):
        inner = (*path, *place)
        if isinstance(machine, dict):
            # Where a Map has neither field, the table says so.
            check_fields(machine, owner, inner, Where(walk.findings, walk.language))
            _validate_machine(machine, inner, walk, _Inside(around.scope, called, variables, express))
        elif not is_hole(machine) and place[0] in state:
            expect_type(walk.findings, "[OBJECT]", inner)
    branches = state.get("Branches")
    if kind == "Parallel" and "Branches" in state and not is_hole(branches) and branches != []:
        if not isinstance(branches, list):
            expect_type(walk.findings, "[ARRAY]", (*path, "Branches"), "Put the branches into brackets: [ … ].")
    elif kind == "Parallel" and branches == []:
        walk.findings.error("Value cannot be empty", (*path, "Branches"), "Write at least one branch.")
