"""The JSONata expressions of a state: whether they parse, and whether they refer to what Step Functions has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepsim.asl.parse import Path, placeholders
from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import is_jsonata
from stepsim.asl.validate_findings import Findings

_RESULT_OF = ("Task", "Parallel", "Map")
_NESTED = ("ItemProcessor", "Iterator", "Branches")
_STATES_FIELD = re.compile(r"\$states\s*\.\s*(result|errorOutput)\b")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|/\*.*?\*/", flags=re.DOTALL)
_ASKED = re.compile(r"\$(?:exists|type|boolean)\(\s*\$([^\W\d]\w*)")
_WHOLE = re.compile(r"\s*\$(?![\w$])")
_UNSUPPORTED = "UNSUPPORTED_JSONATA_EXPRESSION"


def check_expressions(state: dict[str, JSON], path: Path, findings: Findings) -> list[tuple[Path, tuple[str, ...]]]:
    """Report every expression of a state that AWS refuses when the machine is made (measured texts).

    Returns the variables that the others read for better or worse, by place: not those that they ask about with
    ``$exists`` first.
    """
    reads: list[tuple[Path, tuple[str, ...]]] = []
    for place, text in expressions_of(state):
        if placeholders(text):
            continue
        where = (*path, *place)
        variables = _parsed(text, where, findings)
        if variables is None:
            continue
        bare = _QUOTED.sub("", text)
        asked = _ASKED.findall(bare)
        reads.append((place, tuple(name for name in variables if name not in asked)))
        for field in dict.fromkeys(_STATES_FIELD.findall(bare)):
            hint = _why_not(field, place, str(state.get("Type")))
            if hint is not None:
                findings.error(f"Field '$states.{field}' does not exist.", where, hint, code=_UNSUPPORTED)
    return reads


def _parsed(text: str, where: Path, findings: Findings) -> tuple[str, ...] | None:
    """The variables that an expression reads; None, and a report, where AWS refuses it."""
    # The engine is loaded by those who need it.
    from stepsim.asl.jsonata.query import check_query
    from stepsim.asl.jsonata.source import expression_text

    source = expression_text(text)
    checked = check_query(source)
    if checked.fault is not None:
        hint = f"The expression as it is read: {source}"
        findings.error(checked.fault, where, hint, code="INVALID_JSONATA_EXPRESSION")
        return None
    if checked.context:
        reference, hint = _reference(checked.context, _QUOTED.sub("", source))
        if reference is not None:
            findings.error(f"Reference to {reference} is not supported.", where, hint, code=_UNSUPPORTED)
            return None
    return checked.variables


def _reference(names: tuple[str, ...], bare: str) -> tuple[str | None, str]:
    """What an expression reads of the input document that it does not have, in AWS's words; None for nothing."""
    if "$$" in bare:
        return "'$$'", "There is no input document: read $states.input, or $states.context for the context object."
    if names[0] != "$":
        return f"'{names[0]}' at the top level", f"Write $states.input.{names[0]}, or ${names[0]} for a variable."
    # The analysis takes calls of functions it does not know for readers of everything.
    return ("'$' at the top level", "Write $states.input.") if _WHOLE.match(bare) else (None, "")


def _why_not(field: str, place: Path, kind: str) -> str | None:
    """Why a place does not have ``$states.result`` or ``$states.errorOutput``; None where it does."""
    if field == "errorOutput":
        there = place[0] == "Catch" and len(place) > 2 and place[2] in ("Output", "Assign")
        return None if there else "Only Output and Assign of a Catch have it."
    there = kind in _RESULT_OF and place[0] in ("Output", "Assign")
    return None if there else "Only Output and Assign of a Task, Parallel or Map state have it."


def expressions_of(state: dict[str, JSON]) -> Iterator[tuple[Path, str]]:
    """The JSONata expressions of a state, with their delimiters, and where they stand; states inside have their own."""
    waiting: list[tuple[Path, JSON]] = [((name,), value) for name, value in state.items() if name not in _NESTED]
    while waiting:
        place, value = waiting.pop()
        if type(value) is str:
            if is_jsonata(value):
                yield place, value
        elif type(value) is dict:
            waiting += [((*place, name), item) for name, item in value.items()]
        elif type(value) is list:
            waiting += [((*place, index), item) for index, item in enumerate(value)]
