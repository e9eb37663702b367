"""Variables: which scope assigns which, and what can be seen from where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stepsim.asl.fields import Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import variables_of
from stepsim.asl.validate_findings import Findings

_NOT_ITS_OWN = ("ItemProcessor", "Iterator", "Branches", "Result")
_EXPRESSIONS = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "BatchInput", "Credentials")


@dataclass(frozen=True, slots=True)
class Variables:
    """The names that may be assigned in a scope and in those around it."""

    outer: frozenset[str] = frozenset()
    """Assigned by enclosing scopes, and readable."""
    unknown: bool = False
    """True where a hole hides what is assigned."""


def assigned_in(states: dict[str, JSON]) -> dict[str, Path]:
    """Each variable that a States object assigns itself (nested ones apart), and the place of its first assignment."""
    places: dict[str, Path] = {}
    for name, state in states.items():
        if type(state) is dict:
            for path, assign in _assignments(state):
                for key in assign:
                    places.setdefault(key.removesuffix(".$"), (name, *path, key))
    return places


def _assignments(state: dict[str, JSON]) -> Iterator[tuple[Path, dict[str, JSON]]]:
    if type(state.get("Assign")) is dict:
        yield ("Assign",), state["Assign"]
    for field in ("Choices", "Catch"):
        items = state.get(field)
        for index, item in enumerate(items if type(items) is list else ()):
            if type(item) is dict and type(item.get("Assign")) is dict:
                yield (field, index, "Assign"), item["Assign"]


def hides_assignments(states: dict[str, JSON]) -> bool:
    """True where a hole stands for a state or an Assign: any variable may be assigned there."""
    for state in states.values():
        if is_hole(state):
            return True
        if type(state) is dict and any(is_hole(state.get(name)) for name in ("Assign", "Catch", "Choices")):
            return True
    return False


def check_scope(states: dict[str, JSON], path: Path, variables: Variables, findings: Findings) -> Variables:
    """Report names that an outer scope assigns too; returns what scopes inside may read."""
    own = assigned_in(states)
    for name, place in own.items():
        if name in variables.outer:
            findings.error(
                f"The variable name '{name}' was already defined in a parent scope.",
                (*path, "States", *place[:-1]),
                "Inside a Map or Parallel state, give variables names of their own.",
                at=(*path, "States", *place),
                code="DUPLICATE_VARIABLE_NAME",
            )
    return Variables(variables.outer | own.keys(), variables.unknown or hides_assignments(states))


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


def check_reads(
    state: dict[str, JSON], path: Path, variables: Variables, findings: Findings, language: Language
) -> None:
    """Warn of variables that a JSONPath state reads and no state in sight assigns."""
    if language == "JSONPath" and not variables.unknown:
        for place, text in reads_of(state):
            _warn(text, (*path, *place), variables, findings)


def _is_read(name: str, template: bool) -> bool:
    return name.endswith(".$") if template else name.endswith("Path") or name == "Variable"


def _warn(text: str, place: Path, variables: Variables, findings: Findings) -> None:
    for name in dict.fromkeys(variables_of(text)):
        if name not in variables.outer:
            findings.warning(
                "POSSIBLY_UNDEFINED_VARIABLE",
                f"The variable '${name}' is read, but no state in sight assigns it",
                place,
                f"Write '$.{name}' if it is a field of the input, or assign it in a state before.",
            )
