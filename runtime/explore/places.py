"""Places in what an execution is given: its input, and the results of its Tasks; values are put there, or taken away.

A place is a source and steps into it. A step is a member's name, or `EACH`: all elements of an array at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from stepsim.asl.payload import JSON

INPUT: Final = ""
"""The source that is the execution's input; any other is the name of a Task, whose result it is."""

EACH: Final = 0
"""The step to the elements of an array."""

Step: TypeAlias = str | int
Steps: TypeAlias = "tuple[Step, ...]"


class Absent:
    """What stands for no value at all."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

Content: TypeAlias = "JSON | Absent"
"""What may be at a place."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is read from."""

    source: str
    steps: Steps

    def __str__(self) -> str:
        root = "the input" if self.source == INPUT else f"the result of {self.source}"
        path = "".join("[*]" if step == EACH else f".{step}" for step in self.steps)
        return f"{root}: ${path}"


@dataclass(frozen=True, slots=True)
class Sized:
    """Instead of a value: the array there, with so many elements."""

    length: int


def put(document: JSON, steps: Sequence[Step], content: Content | Sized) -> JSON:
    """The document with something at a place; what leads there is made where it is missing. Nothing is changed."""
    if not steps:
        return _whole(document, content)
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        elements = document if isinstance(document, list) and document else [{}]
        return [put(element, rest, content) for element in elements]
    members: Mapping[str, JSON] = document if isinstance(document, dict) else {}
    if isinstance(content, Absent):
        if step not in members:
            return document
        if not rest:
            return {name: member for name, member in members.items() if name != step}
    return {**members, step: put(members.get(step), rest, content)}


def _whole(document: JSON, content: Content | Sized) -> JSON:
    if isinstance(content, Sized):
        element = document[0] if isinstance(document, list) and document else {}
        return [element] * content.length
    return {} if isinstance(content, Absent) else content


def at(document: JSON, steps: Iterable[Step]) -> Content:
    """What is at a place; of the elements of an array, the first one's."""
    for step in steps:
        if isinstance(step, int):
            if not isinstance(document, list) or not document:
                return ABSENT
            document = document[0]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return ABSENT
    return document
