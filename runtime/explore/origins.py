"""Where a value at some point of a machine comes from: a place, something that was made of others, or nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.asl.jsonpath import compile_path
from stepsim.asl.jsonpath_parse import Filter, Index, Member, Slice, Wildcard
from stepsim.asl.jsonpath_parse import Step as PathStep
from stepsim.asl.payload import JSON
from stepsim.runtime.explore.places import EACH, INPUT, Place, Step, Steps


@dataclass(frozen=True, slots=True)
class Made:
    """An object that the machine puts together: members of their own, over another object."""

    members: tuple[tuple[str, Origin], ...]
    base: Origin = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An array that the machine puts together: of a Parallel's branches, or of what an iteration gives."""

    elements: tuple[Origin, ...]


Origin: TypeAlias = "Place | Made | Listed | None"
"""None: nobody knows."""

_JSONATA = re.compile(
    r"\$(?P<root>states\.(?:input|result|errorOutput|context)|[A-Za-z_]\w*)(?P<steps>(?:\.(?:[A-Za-z_]\w*|`[^`]+`)|\[\d+\])*)(?!\w*\()"
)
_JSONATA_STEP = re.compile(r"\.(?:`([^`]+)`|(\w+))|\[(\d+)\]")
_PATH_IN_CALL = re.compile(r"\$[\w$]*(?:\.[\w-]+|\['[^']*'\]|\[[\d*]+\])*")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an expression of a state can see."""

    input: Origin
    variables: Mapping[str, Origin]
    item: Origin = None
    """The item of the iteration around it."""
    result: Origin = None

    def of_path(self, text: str) -> Origin:
        """Where the value of a JSONPath comes from."""
        try:
            path = compile_path(text)
        except ValueError:
            return None
        steps = _steps(path.steps)
        if steps is None:
            return None
        if text.startswith("$$"):
            return self._of_context(steps)
        if path.variable is not None:
            return select(self.variables.get(path.variable), steps)
        return select(self.input, steps)

    def of_jsonata(self, text: str) -> list[tuple[str, Origin]]:
        """The references of a JSONata expression, as they are written, each with where its value comes from."""
        found: list[tuple[str, Origin]] = []
        for match in _JSONATA.finditer(text):
            steps: list[Step] = []
            for quoted, plain, index in _JSONATA_STEP.findall(match["steps"]):
                steps.append(EACH if index else quoted or plain)
            found.append((match[0], self._of_root(match["root"], tuple(steps))))
        return found

    def _of_root(self, root: str, steps: Steps) -> Origin:
        if root == "states.input":
            return select(self.input, steps)
        if root == "states.result":
            return select(self.result, steps)
        if root == "states.context":
            return self._of_context(steps)
        return select(self.variables.get(root), steps)

    def _of_context(self, steps: Steps) -> Origin:
        if steps[:2] == ("Execution", "Input"):
            return select(Place(INPUT, ()), steps[2:])
        if steps[:3] == ("Map", "Item", "Value"):
            return select(self.item, steps[3:])
        return None


def select(origin: Origin, steps: Sequence[Step]) -> Origin:
    """What comes of a value, some steps into it."""
    for index, step in enumerate(steps):
        if isinstance(origin, Place):
            return Place(origin.source, (*origin.steps, *steps[index:]))
        if isinstance(origin, Made):
            members = dict(origin.members)
            origin = members[step] if isinstance(step, str) and step in members else select(origin.base, (step,))
        elif isinstance(origin, Listed):
            origin = origin.elements[0] if origin.elements and isinstance(step, int) else None
        else:
            return None
    return origin


def overlaid(origin: Origin, steps: Sequence[Step], value: Origin) -> Origin:
    """A value put into another one, as ResultPath does."""
    if not steps:
        return value
    name = steps[0]
    if not isinstance(name, str):
        return None
    return Made(((name, overlaid(select(origin, (name,)), steps[1:], value)),), origin)


def reference_steps(text: str) -> Steps:
    """The steps of a reference path, such as ResultPath's."""
    try:
        return _steps(compile_path(text).steps) or ()
    except ValueError:
        return ()


def paths_in(text: str) -> list[str]:
    """The paths among the arguments of an intrinsic function."""
    return [path for path in _PATH_IN_CALL.findall(re.sub(r"'(?:[^'\\]|\\.)*'(?!\])", "''", text)) if len(path) > 1]


def is_jsonata(value: JSON) -> bool:
    """True for a string that is an expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def _steps(path: Sequence[PathStep]) -> Steps | None:
    """A path's steps as ours; None where it searches, or counts."""
    steps: list[Step] = []
    for step in path:
        if isinstance(step, Member) and len(step.names) == 1:
            steps.append(step.names[0])
        elif isinstance(step, Index | Slice | Wildcard | Filter):
            steps.append(EACH)
        else:
            return None
    return tuple(steps)
