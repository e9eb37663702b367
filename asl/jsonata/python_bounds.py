"""Bounds of jsonata2py: it ends an expression by the clock, and knows nothing of sizes.

The code that it makes calls the functions of its runtime by name. Those that can make much of little are replaced in
the code of each expression by ones that look at what they are asked for, and at what they give.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jsonata2py.runtime import core
from jsonata2py.runtime.values import JLambda, JRegex

from stepsim.asl.jsonata.engine import EngineError, Special
from stepsim.asl.jsonata.limits import LAST, TOO_LARGE, TOO_LONG, Limits
from stepsim.asl.payload import JSON

_GROWING = ("concat", "array_of", "fn_append", "fn_join", "fn_replace", "fn_string", "fn_map", "fn_reduce", "fn_zip")
_WRITTEN_OUT = 1e21
"""From here on JSONata writes whole numbers with an exponent."""
_LONGEST = 1 << 63


class Bounds:
    """The limits of an expression's evaluation; set for each."""

    __slots__ = ("limits",)

    def __init__(self) -> None:
        self.limits = LAST

    def measured(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose results are looked at."""

        def measured(*arguments: Any) -> Any:
            value = function(*arguments)
            if type(value) is str:
                if len(value) > self.limits.bytes:
                    raise EngineError("", TOO_LARGE)
            elif isinstance(value, list) and len(value) > self.limits.elements:
                raise EngineError("", TOO_LARGE)
            return value

        return measured

    def pad(self, text: Any, width: Any = core.MISSING, *character: Any) -> Any:
        """$pad."""
        if isinstance(width, int | float) and abs(width) > self.limits.bytes:
            raise EngineError("", TOO_LARGE)
        return core.fn_pad(text, width, *character)

    def range(self, first: Any, last: Any) -> Any:
        """[first..last]"""
        self._refuse_wide(first, last)
        return core.range_(first, last)

    def range_flatten(self, first: int, last: int) -> Any:
        """[first..last], where the numbers are known when the expression is compiled."""
        self._refuse_wide(first, last)
        return core.range_flatten(first, last)

    def regular_expression(self, pattern: Any, flags: Any) -> JRegex:
        """/pattern/flags"""
        made = core.regex_value(pattern, flags)
        return JRegex(made.pattern, made.flags, _Timed(made.compiled, self))

    def _refuse_wide(self, first: Any, last: Any) -> None:
        numbers = isinstance(first, int | float) and isinstance(last, int | float)
        # Beyond ten million JSONata itself has a code for it.
        if numbers and self.limits.elements < last - first + 1 <= 10_000_000:
            raise EngineError("", TOO_LARGE)


def bound_names(bounds: Bounds) -> dict[str, Any]:
    """The replacements, by the names that the code of an expression calls them."""
    names: dict[str, Any] = {name: bounds.measured(getattr(core, name)) for name in _GROWING}
    names["fn_pad"] = bounds.pad
    names["range_"] = bounds.range
    names["range_flatten"] = bounds.range_flatten
    names["regex_value"] = bounds.regular_expression
    return names


class _Timed:
    """A compiled regular expression whose searches end."""

    def __init__(self, compiled: Any, bounds: Bounds) -> None:
        self._compiled = compiled
        self._bounds = bounds

    def search(self, text: str, start: int = 0) -> Any:
        try:
            return self._compiled.search(text, start, timeout=self._bounds.limits.timeout_ms / 1000)
        except TimeoutError:
            raise EngineError("", TOO_LONG) from None


def plain(value: Any, limits: Limits) -> JSON | Special:
    """A result as JSON: its own lists, whole numbers as integers, numbers without end by their names (measured).

    FUNCTION where it is, or holds, a function. Raises EngineError where it is too large: parts that are shared count
    each time, as they do once they are written.
    """
    budget = [limits.elements]

    def convert(part: Any) -> Any:
        budget[0] -= 1
        if budget[0] < 0:
            raise EngineError("", TOO_LARGE)
        if isinstance(part, dict):
            return {name: convert(member) for name, member in part.items()}
        if isinstance(part, list):
            return [convert(member) for member in part]
        if isinstance(part, JLambda | JRegex):
            raise _HoldsFunction
        return _number(part) if isinstance(part, int | float) and not isinstance(part, bool) else part

    try:
        return convert(value)
    except _HoldsFunction:
        return Special.FUNCTION


class _HoldsFunction(Exception):
    pass


def _number(value: float) -> JSON:
    if isinstance(value, int) and -_LONGEST <= value < _LONGEST:
        return value
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return int(number) if number.is_integer() and abs(number) < _WRITTEN_OUT else number
