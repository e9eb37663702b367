"""What a scenario expects of its report: ``status == SUCCEEDED``, ``map_runs.Load.itemCounts.failed <= 10``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.key_path import SEGMENTS, parse_key_path

SHORTHANDS = ("status", "error", "cause", "output")
"""Heads of paths that stand for a member of the report's ``execution``."""

_EXPECTATION = re.compile(rf"\s*(?P<path>{SEGMENTS})\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<literal>.*?)\s*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_BARE_WORD = re.compile(r"[A-Za-z_][\w.:/-]*")
_CONSTANTS = {"true": True, "false": False, "null": None}


def _same(found: JSON, wanted: JSON) -> bool:
    # Python takes true for 1; JSON does not.
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


_EQUALITY: dict[str, Callable[[JSON, JSON], bool]] = {
    "==": _same,
    "!=": lambda found, wanted: not _same(found, wanted),
}
_ORDER: dict[str, Callable[[JSON, JSON], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of a scenario's ``expect``."""

    text: str
    path: tuple[str, ...]
    operator: str
    literal: JSON


@dataclass(frozen=True, slots=True)
class Check:
    """A check in Python among a scenario's ``expect``; see `invariants`."""

    reference: str
    """``module:function``, as handlers are named."""
    source: str = ""
    """The scenario's file."""
    line: int = 0
    """Where it stands there; 0: nowhere."""

    @property
    def text(self) -> str:
        """What the report calls it."""
        return f"check {self.reference}"


Judge: TypeAlias = Callable[[Check, Mapping[str, JSON]], dict[str, JSON]]
"""How a check fares, given the report."""


def not_judged(check: Check, _report: Mapping[str, JSON]) -> dict[str, JSON]:
    """For a report of a run that goes on: checks are made of what it leaves."""
    return {"text": check.text, "holds": False, "actual": None, "message": "it is checked when the run is over"}


def parse_expectation(text: str) -> Expectation:
    """Read ``path operator literal``.

    The operators are == != < <= > >=; a literal is a number, true, false, null, a word or a text in quotes. An order
    needs a number or a text. Raises ValueError, saying what is wrong with the text.
    """
    match = _EXPECTATION.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not of the form `path operator value`, as in `status == SUCCEEDED`")
    literal = _literal(match["literal"])
    if match["operator"] in _ORDER and not _ordered(literal):
        raise ValueError(f"{text!r}: {match['operator']} needs a number or a text, not {encode(literal)}")
    return Expectation(text, parse_key_path(match["path"]), match["operator"], literal)


def _literal(text: str) -> JSON:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _NUMBER.fullmatch(text):
        return decode(text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if _BARE_WORD.fullmatch(text):
        return text
    raise ValueError(f"{text!r} is no value: a number, true, false, null, a word or a text in quotes is")


def _ordered(value: JSON) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def evaluate(
    expectations: Iterable[Expectation | Check], report: Mapping[str, JSON], judge: Judge = not_judged
) -> list[dict[str, JSON]]:
    """How each expectation fares: ``{"text", "holds", "actual"}``.

    One whose path leads nowhere, or whose values have no order, does not hold; ``message`` says why. A name missing
    from a table of counts by name (``errors``, ``retries``, ``calls`` …) leads nowhere, too: nothing is taken for 0.
    """
    return [
        judge(expectation, report) if isinstance(expectation, Check) else _judge(expectation, report)
        for expectation in expectations
    ]


def _judge(expectation: Expectation, report: Mapping[str, JSON]) -> dict[str, JSON]:
    verdict: dict[str, JSON] = {"text": expectation.text, "holds": False, "actual": None}
    path = expectation.path
    if path[0] in SHORTHANDS:
        path = ("execution", *path)
    actual: JSON = report
    for number, segment in enumerate(path):
        if isinstance(actual, Mapping) and segment in actual:
            actual = actual[segment]
        elif isinstance(actual, list) and segment.isdecimal() and int(segment) < len(actual):
            actual = actual[int(segment)]
        else:
            where = ".".join(path[:number]) or "the report"
            return {**verdict, "message": f"there is no {segment!r} in {where}"}
    verdict["actual"] = actual
    if expectation.operator in _EQUALITY:
        verdict["holds"] = _EQUALITY[expectation.operator](actual, expectation.literal)
    elif _ordered(actual) and isinstance(actual, str) == isinstance(expectation.literal, str):
        verdict["holds"] = _ORDER[expectation.operator](actual, expectation.literal)
    else:
        verdict["message"] = f"{encode(actual)} and {encode(expectation.literal)} have no order"
    return verdict
