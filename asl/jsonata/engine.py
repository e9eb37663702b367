"""The seam to a JSONata engine, and the engine that runs: jlens.

Whatever the engine, an expression is compiled once, is given only the variables that it reads, and ends: steps, depth,
strings and results are bounded by counts, not by a clock, so that a run stays the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Protocol, TypeAlias

import jlens

from stepsim.asl.payload import JSON

MAX_STEPS = 20_000_000
"""Steps of one evaluation: a second or two of work."""

MAX_DEPTH = 500
"""Calls inside one another."""

MAX_BYTES = 6_990_507
"""What one evaluation may build: AWS stops at about this (measured)."""

Reads: TypeAlias = "Mapping[str, Any]"
"""Names that are read, each with what is read of it: True for all of it, or again names."""

Function: TypeAlias = Callable[..., Any]


class Special(Enum):
    """Results that are not JSON."""

    UNDEFINED = "undefined"
    FUNCTION = "function"


class EngineError(Exception):
    """An expression cannot be compiled or evaluated: JSONata's code (``T1006``) and text."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)


class Compiled(Protocol):
    """A compiled expression."""

    @property
    def variables(self) -> Reads:
        """The variables that it reads, functions included."""
        ...

    @property
    def context(self) -> Reads:
        """The names that it reads from the input document, which Step Functions does not have."""
        ...

    def evaluate(self, bindings: Mapping[str, Any], now_ms: int) -> JSON | Special:
        """The value. Raises EngineError."""
        ...


def compile_source(text: str, functions: Iterable[str] = ()) -> Compiled:
    """Compile an expression. Raises EngineError with the code and text of JSONata's parser.

    `functions` are the names of those that it will be given: they read nothing but their arguments.
    """
    return _JlensExpression(text, functions)


_LIMITS: dict[str, Any] = {
    "max_steps": MAX_STEPS,
    "max_depth": MAX_DEPTH,
    "max_string_length": MAX_BYTES,
    "max_result_size": MAX_BYTES,
}


class _JlensExpression:
    """jlens tells neither null from nothing nor a function from either: where it gives None, its type is asked for."""

    __slots__ = ("_expression", "_probe", "_text", "context", "variables")

    def __init__(self, text: str, functions: Iterable[str]) -> None:
        self._text = text
        self._probe: jlens.Expression | None = None
        try:
            self._expression = jlens.Expression(text)
            reads = self._expression.reads({"states": {}, **dict.fromkeys(functions, _given)})
        except jlens.JlensError as error:
            raise _engine_error(error) from None
        except UnicodeEncodeError as error:
            raise EngineError("S0101", f"Unpaired surrogate in the expression at {error.start}") from None
        self.variables: Reads = reads.get("bindings") or {}
        self.context: Reads = _names(reads.get("input"))

    def evaluate(self, bindings: Mapping[str, Any], now_ms: int) -> JSON | Special:
        given = dict(bindings)
        value: JSON = self._run(self._expression, given, now_ms)
        if value is not None:
            return value
        if self._probe is None:
            self._probe = jlens.Expression(f"($stepsim:=({self._text}\n); $type($stepsim))")
        match self._run(self._probe, given, now_ms):
            case "null":
                return None
            case "function":
                return Special.FUNCTION
        return Special.UNDEFINED

    def _run(self, expression: jlens.Expression, bindings: dict[str, Any], now_ms: int) -> Any:
        try:
            return expression.evaluate(None, bindings, now=now_ms, **_LIMITS)
        except jlens.JlensError as error:
            raise _engine_error(error) from None


def _given(*_arguments: Any) -> None:
    """Stands for a function while its expression is looked at."""


def _names(read: Any) -> Reads:
    if read is True:
        return {"$": True}
    return read or {}


_STACK_OVERFLOW = (
    "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive."
)
_EXHAUSTED = frozenset({"D1011", "U1006"})
"""jlens's codes for an expression that ran out of depth or of steps."""


def _engine_error(error: jlens.JlensError) -> EngineError:
    code = str(getattr(error, "code", "") or "")
    return EngineError("U1001", _STACK_OVERFLOW) if code in _EXHAUSTED else EngineError(code, str(error))
