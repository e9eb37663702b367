"""What there is to cover in a definition: states, ways out of them, and what may go wrong, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stepsim.asl.parse import Document, Path
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import location

Kind: TypeAlias = Literal["state", "transition", "choice", "retry", "catch", "map", "timeout"]

_Found: TypeAlias = "tuple[Kind, Path, str, str]"
"""Kind, where it stands, what is special about it there (``true``, ``zero items``), and what has not happened."""

RETRIED, EXHAUSTED = "retried", "exhausted"
TRUE, FALSE = "true", "false"
ZERO, ONE, MANY, FAILING = "zero items", "one item", "many items", "failing item"

TIME_LIMITS = ("TimeoutSeconds", "TimeoutSecondsPath")
HEARTBEATS = ("HeartbeatSeconds", "HeartbeatSecondsPath")
PROCESSORS = ("ItemProcessor", "Iterator")

_NEVER = "never"
_NAMED = 2
"""So many of a handler's errors are named where it is spoken of."""
_EXCLUDED = re.compile(r"\bno cover\b", re.IGNORECASE)
"""In a Comment: what has it, and what is within that, need not be covered."""
_ALWAYS = re.compile(r"\{%\s*true\s*%\}")


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that can happen in a state machine."""

    id: str
    """Its place, as AWS writes it, and what is special about it there: ``/States/Check/Choices[0] true``."""
    kind: Kind
    state: str
    """The state that it belongs to; empty where that is the machine."""
    missing: str
    """What to say where it has not happened: ``Choices[0] never true``."""
    line: int
    column: int

    @property
    def is_state(self) -> bool:
        """True of the entry into a state; everything else is a branch."""
        return self.kind == "state"


def goal_id(path: Path, special: str = "") -> str:
    """The id of a goal."""
    return f"{location(path)} {special}" if special else location(path)


def goals_of(document: Document) -> tuple[Goal, ...]:
    """Everything that can be covered in a valid definition, in the order of the text.

    Left out is what has ``no cover`` in its Comment, and what cannot happen: a Condition that is ``true`` is never
    false, and an array that is written out has one length.
    """
    found: list[Goal] = []
    for state, (kind, path, special, missing) in _all(document.value):
        line, column = document.position(path)
        found.append(Goal(goal_id(path, special), kind, state, missing, line, column))
    return tuple(sorted(found, key=lambda goal: (goal.line, goal.column)))


def _all(definition: JSON) -> Iterator[tuple[str, _Found]]:
    if _excluded(definition):
        return
    if "TimeoutSeconds" in definition:
        yield "", ("timeout", ("TimeoutSeconds",), "", f"TimeoutSeconds {_NEVER} over")
    yield from _machine(definition, ())


def _machine(machine: JSON, path: Path) -> Iterator[tuple[str, _Found]]:
    """The goals of a machine, a branch or a processor, each with its state."""
    for name, fields in machine["States"].items():
        if _excluded(fields):
            continue
        at = (*path, "States", name)
        for goal in _state(fields, at):
            yield name, goal
        for index, branch in enumerate(fields.get("Branches", ())):
            if not _excluded(branch):
                yield from _machine(branch, (*at, "Branches", index))
        for field in PROCESSORS:
            if field in fields and not _excluded(fields[field]):
                yield from _machine(fields[field], (*at, field))


def _state(fields: JSON, at: Path) -> Iterator[_Found]:
    yield "state", at, "", f"{_NEVER} entered"
    if fields["Type"] == "Choice":
        yield from _choice(fields, at)
        return
    if "Next" in fields:
        yield "transition", (*at, "Next"), "", f"{_NEVER} left for {fields['Next']}"
    elif fields.get("End"):
        yield "transition", (*at, "End"), "", f"{_NEVER} ended"
    yield from _retry_and_catch(fields, at)
    if fields["Type"] == "Map":
        yield from _map(fields, at)
    if fields["Type"] == "Task":
        for names, what in ((TIME_LIMITS, "over"), (HEARTBEATS, "missed")):
            for name in names:
                if name in fields:
                    yield "timeout", (*at, name), "", f"{name} {_NEVER} {what}"


def _choice(fields: JSON, at: Path) -> Iterator[_Found]:
    for index, rule in enumerate(fields["Choices"]):
        if _excluded(rule):
            continue
        path = (*at, "Choices", index)
        condition = rule.get("Condition")
        constant = condition if isinstance(condition, bool) else None
        if isinstance(condition, str) and _ALWAYS.fullmatch(condition.strip()):
            constant = True
        if constant is not False:
            yield "choice", path, TRUE, f"Choices[{index}] {_NEVER} true ({rule['Next']})"
        if constant is not True:
            yield "choice", path, FALSE, f"Choices[{index}] {_NEVER} false"
    if "Default" in fields:
        yield "choice", (*at, "Default"), "", f"Default {_NEVER} taken ({fields['Default']})"


def _retry_and_catch(fields: JSON, at: Path) -> Iterator[_Found]:
    for index, retrier in enumerate(fields.get("Retry", ())):
        if _excluded(retrier):
            continue
        path, named = (*at, "Retry", index), f"Retry[{index}] ({_names(retrier)})"
        if retrier.get("MaxAttempts") != 0:
            yield "retry", path, RETRIED, f"{named} {_NEVER} retried"
        yield "retry", path, EXHAUSTED, f"{named} {_NEVER} exhausted"
    for index, catcher in enumerate(fields.get("Catch", ())):
        if not _excluded(catcher):
            yield "catch", (*at, "Catch", index), "", f"Catch[{index}] ({_names(catcher)}) {_NEVER} caught"


def _map(fields: JSON, at: Path) -> Iterator[_Found]:
    path = (*at, next(field for field in PROCESSORS if field in fields))
    items = fields.get("Items")
    possible = (sized(len(items)),) if isinstance(items, list) else (ZERO, ONE, MANY)
    for special in possible:
        yield "map", path, special, f"{_NEVER} run with {special}"
    if possible != (ZERO,):
        yield "map", path, FAILING, f"{_NEVER} had a {FAILING}"


def sized(items: int) -> str:
    """What is special about a Map with so many items."""
    return (ZERO, ONE)[items] if items < 2 else MANY


def _names(handler: Mapping[str, JSON]) -> str:
    names = handler["ErrorEquals"]
    return ", ".join(names if len(names) <= _NAMED else [*names[:_NAMED], "…"])


def _excluded(part: Mapping[str, JSON]) -> bool:
    return _EXCLUDED.search(str(part.get("Comment", ""))) is not None
