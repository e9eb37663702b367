"""jlens, the engine that runs unless another one is asked for: native code, in microseconds.

It tells neither null from nothing nor a function from either: where it gives None, the value's type is asked for. It
raises an error where a number is infinite (`infinity`), and keeps integers up to 2^53 only (`integers`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jlens

from stepsim.asl.jsonata.engine import EngineError, Reads, Special
from stepsim.asl.jsonata.infinity import NAME as INFINITE
from stepsim.asl.jsonata.infinity import calculate, rewrite
from stepsim.asl.jsonata.integers import restore_integers
from stepsim.asl.jsonata.limits import (
    LAST,
    MAX_DEPTH,
    MAX_STEPS,
    TOO_DEEP,
    TOO_LARGE,
    TOO_LONG,
    Limits,
)
from stepsim.asl.jsonata.linear import FUNCTIONS, in_linear_time
from stepsim.asl.jsonata.meter import metered
from stepsim.asl.payload import JSON


@cache
def _options(limits: Limits) -> dict[str, Any]:
    return {
        "timeout": limits.timeout_ms / 1000,
        "max_steps": MAX_STEPS,
        "max_depth": MAX_DEPTH,
        "max_array_length": limits.elements,
        "max_string_length": limits.bytes,
        "max_result_size": limits.bytes,
    }


_EXHAUSTED = {
    "D1011": TOO_DEEP,
    "D1012": TOO_LONG,
    "D2016": TOO_LARGE,
    "U1001": TOO_LARGE,
    "U1006": TOO_LONG,
}
"""jlens's codes for an expression that reached a bound, in AWS's words, which have no code."""

_TELLING_NUMBERS = frozenset({"D3060", "D3061", "D3100", "S0201", "S0213"})
_WHOLE = re.compile(r"(?<![\w.])(-?\d+)\.0\b")
"""Whole numbers as jlens writes them in some of its texts; JSONata writes -1, not -1.0."""

_REWRITES = 8
"""Calculations of one expression that may turn out to be infinite."""


class JlensExpression:
    """An expression compiled by jlens."""

    __slots__ = ("_expression", "_given", "_infinite", "_probe", "_text", "context", "variables")

    def __init__(self, text: str, functions: Iterable[str] = ()) -> None:
        self._text = in_linear_time(text)
        self._given: Mapping[str, Any] = FUNCTIONS if self._text != text else {}
        self._probe: jlens.Expression | None = None
        self._infinite = ""
        """The text that copes with infinite numbers, once there was one."""
        try:
            self._expression = jlens.Expression(text)
            reads = self._expression.reads({"states": {}, **dict.fromkeys(functions, _given)})
            if self._given:
                self._expression = jlens.Expression(self._text)
        except jlens.JlensError as error:
            raise _engine_error(error) from None
        except UnicodeEncodeError as error:
            raise EngineError("S0101", f"Unpaired surrogate in the expression at {error.start}") from None
        self.variables: Reads = reads.get("bindings") or {}
        self.context: Reads = _names(reads.get("input"))

    def evaluate(self, bindings: dict[str, Any], now_ms: int, limits: Limits = LAST) -> JSON | Special:
        bindings = metered({**bindings, **self._given} if self._given else bindings, limits)
        options = _options(limits)
        try:
            value: JSON = self._expression.evaluate(None, bindings, now=now_ms, **options)
        except jlens.JlensError as error:
            if error.code == "D1001":
                return self._evaluate_infinite(error, bindings, {**options, "now": now_ms})
            raise _engine_error(error) from None
        if value is None:
            return self._tell_none(bindings, {**options, "now": now_ms})
        return restore_integers(value, bindings)

    def _tell_none(self, bindings: dict[str, Any], options: Mapping[str, Any]) -> JSON | Special:
        if self._probe is None:
            self._probe = jlens.Expression(f"($stepsim :=\n{self._text}\n; $type($stepsim))")
        try:
            kind = self._probe.evaluate(None, bindings, **options)
        except jlens.JlensError as error:
            raise _engine_error(error) from None
        return _KINDS_OF_NONE.get(kind, Special.UNDEFINED)

    def _evaluate_infinite(
        self, error: jlens.JlensError, bindings: dict[str, Any], options: Mapping[str, Any]
    ) -> JSON | Special:
        """The value where calculations give infinite numbers; the error where somebody calculates with one."""
        text = self._infinite or self._text
        given = {**bindings, INFINITE: calculate}
        fault = error
        for _ in range(_REWRITES):
            if self._infinite:
                try:
                    return restore_integers(jlens.Expression(text).evaluate(None, given, **options), bindings)
                except jlens.JlensError as next_fault:
                    fault = next_fault
            rewritten = rewrite(text, fault) if fault.code == "D1001" else None
            if rewritten is None:
                break
            text = self._infinite = rewritten
        raise _engine_error(error) from None


_KINDS_OF_NONE: dict[Any, JSON | Special] = {"null": None, "function": Special.FUNCTION, "object": "NaN"}
"""What a None of jlens stands for, by its type: jlens calls a number that is none an object. Nothing has no type."""


def _given(*_arguments: Any) -> None:
    """Stands for a function while its expression is looked at."""


def _names(read: Any) -> Reads:
    if read is True:
        return {"$": True}
    return read or {}


def _engine_error(error: jlens.JlensError) -> EngineError:
    code = str(getattr(error, "code", "") or "")
    if code in _EXHAUSTED:
        return EngineError("", _EXHAUSTED[code])
    told = _WHOLE.sub(r"\1", str(error)) if code in _TELLING_NUMBERS else str(error)
    return EngineError(code, told)
