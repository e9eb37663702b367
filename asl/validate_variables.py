"""Variables: which scope assigns which, what can be read where, and what is never read at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import variables_of
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_flow import (
    NOTHING,
    Assigned,
    Names,
    assigned_at_entry,
    assignments_of,
    hides_assignments,
)

_NOT_ITS_OWN = ("ItemProcessor", "Iterator", "Branches", "Result")
_EXPRESSIONS = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "BatchInput", "Credentials")
_MENTIONED = re.compile(r"\$([^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class Variables:
    """What a machine inherits from the scopes around it."""

    taken: Names = frozenset()
    """Assigned by enclosing scopes: it must not assign these itself."""
    before: Assigned = NOTHING
    """What has a value when the machine starts."""
    unknown: bool = False
    """True where a hole hides what is assigned."""


@dataclass(frozen=True, slots=True)
class VariableScope:
    """The variables of one States object, and those around it."""

    variables: Variables
    states: dict[str, JSON]
    own: dict[str, Path]
    """What its states assign, nested ones apart, and where first."""
    times: Mapping[str, int]
    """How often each of them is assigned."""
    entries: dict[str, Assigned] = field(default_factory=dict)

    def inside(self, name: str) -> Variables:
        """What the machines inside a state inherit.

        A catcher's Assign comes when they are over, and takes no name from them (recorded).
        """
        state = self.states[name]
        caught = Counter(_keys({"Catch": state["Catch"]})) if type(state) is dict and "Catch" in state else {}
        names = frozenset(key for key in self.own if key not in caught or caught[key] < self.times[key])
        return Variables(self.variables.taken | names, self.entries.get(name, NOTHING), self.variables.unknown)


def _keys(state: dict[str, JSON]) -> Iterator[str]:
    for _, assign in assignments_of(state):
        for key in assign:
            yield key.removesuffix(".$")


def assigned_in(states: dict[str, JSON]) -> dict[str, Path]:
    """Each variable that a States object assigns itself (nested ones apart), and the place of its first assignment."""
    places: dict[str, Path] = {}
    for name, state in states.items():
        if type(state) is dict:
            for path, assign in assignments_of(state):
                for key in assign:
                    places.setdefault(key.removesuffix(".$"), (name, *path, key))
    return places


def check_scope(
    states: dict[str, JSON], start: JSON, path: Path, variables: Variables, findings: Findings
) -> VariableScope:
    """Report names that an outer scope assigns too; returns what the states may read."""
    own = assigned_in(states)
    times = Counter(key for state in states.values() if type(state) is dict for key in _keys(state)) if own else {}
    for name, place in own.items():
        if name in variables.taken:
            findings.error(
                f"The variable name '{name}' was already defined in a parent scope.",
                (*path, "States", *place[:-1]),
                "Inside a Map or Parallel state, give variables names of their own.",
                at=(*path, "States", *place),
                code="DUPLICATE_VARIABLE_NAME",
            )
    if variables.unknown or hides_assignments(states):
        unknown = Variables(variables.taken, variables.before, unknown=True)
        return VariableScope(unknown, states, own, times)
    return VariableScope(variables, states, own, times, assigned_at_entry(states, start, variables.before))


def reads_of(state: dict[str, JSON]) -> Iterator[tuple[Path, str]]:
    """What a JSONPath state may read variables with: each path and intrinsic function of its own, and its place.

    The states inside a Map or a Parallel state have reads of their own; a Pass state's Result is no template.
    """
    waiting: list[tuple[Path, JSON, bool]] = [
        ((name,), value, name in _EXPRESSIONS) for name, value in state.items() if name not in _NOT_ITS_OWN
    ]
    while waiting:
        place, value, template = waiting.pop()
        if type(value) is dict:
            waiting += [((*place, name), item, template or name in _EXPRESSIONS) for name, item in value.items()]
        elif type(value) is list:
            waiting += [((*place, index), item, template) for index, item in enumerate(value)]
        elif type(value) is str and "$" in value and not is_hole(value) and _is_read(str(place[-1]), template):
            yield place, value


def _is_read(name: str, template: bool) -> bool:
    return name.endswith(".$") if template else name.endswith("Path") or name == "Variable"


def jsonpath_reads(state: dict[str, JSON]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The variables that a JSONPath state reads, by place."""
    for place, text in reads_of(state):
        yield place, tuple(variables_of(text))


def check_reads(
    reads: Iterable[tuple[Path, tuple[str, ...]]], name: str, path: Path, scope: VariableScope, findings: Findings
) -> None:
    """Warn of variables that may have no value yet when the state called ``name`` reads them."""
    assigned = scope.entries.get(name)
    if assigned is None or scope.variables.unknown:
        return
    told: set[str] = set()
    for place, names in reads:
        for variable in names:
            if variable not in assigned.surely and variable not in told:
                told.add(variable)
                _warn(variable, (*path, *place), assigned, scope, findings)


def _warn(name: str, place: Path, assigned: Assigned, scope: VariableScope, findings: Findings) -> None:
    if name in assigned.perhaps:
        message = f"The variable '${name}' is read, but not every way that leads here assigns it"
        hint = "Give it a value in a state that always comes before, or on each of these ways."
    elif name in scope.own:
        message = f"The variable '${name}' is read, but no state before this one assigns it"
        hint = f"{scope.own[name][0]} assigns it: what a state assigns can be read by the states after it."
    else:
        message = f"The variable '${name}' is read, but no state in sight assigns it"
        hint = f"Write '$.{name}' if it is a field of the input, or assign it in a state before."
    findings.warning("POSSIBLY_UNDEFINED_VARIABLE", message, place, hint)


def check_unused(assigned: dict[str, Path], definition: JSON, findings: Findings) -> None:
    """Warn of variables that nothing in the definition mentions. ``assigned``: the place of one Assign of each."""
    if not assigned:
        return
    mentioned: set[str] = set()
    waiting = [definition]
    while waiting:
        value = waiting.pop()
        if type(value) is str:
            if "$" in value:
                mentioned.update(_MENTIONED.findall(value))
        elif type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value
    for name, place in assigned.items():
        if name not in mentioned and not is_hole(name):
            message = f"The variable '${name}' is assigned, and never read"
            findings.warning("UNUSED_VARIABLE", message, place, "Remove it, or read it.")
