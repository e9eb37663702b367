"""jsonata2py, the engine where jlens cannot be had: pure Python, some hundred times slower to compile.

Variables cannot have the names of its built-in functions, so an expression that is given such a variable is compiled
anew, with an assignment in front. It counts calls inside one another rather than levels of expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jsonata2py import MISSING, CompiledExpression, JsonataBindings, JsonataError, JsonataExpressionFactory
from jsonata2py.loader.loader import ExpressionLoader
from jsonata2py.parser.parser import Parser
from jsonata2py.translator.translator import _BUILTIN_SIGNATURES

from stepsim.asl.jsonata.engine import EngineError, Function, Reads, Special
from stepsim.asl.jsonata.limits import LAST, MAX_DEPTH, TOO_DEEP, TOO_LARGE, TOO_LONG, Limits
from stepsim.asl.jsonata.messages import message
from stepsim.asl.jsonata.meter import metered
from stepsim.asl.jsonata.python_bounds import Bounds, bound_names, plain
from stepsim.asl.jsonata.python_references import references
from stepsim.asl.payload import JSON

_FACTORY = JsonataExpressionFactory()
_LOADER = ExpressionLoader()
_GIVEN = "stepsim_"
_UNKNOWN = {"values": None}
"""Functions that jsonata2py adds to the language: calling them is T1006."""
_BUILT_IN = frozenset({*_BUILTIN_SIGNATURES, *_UNKNOWN})
_CLOCK = re.compile(r"\$(now|millis)\b")
_CLOCK_FUNCTIONS = (
    "$now := function($picture, $zone) { $fromMillis($stepsim_now, $picture, $zone) };"
    "$millis := function() { $stepsim_now };"
)


class PythonExpression:
    """An expression compiled by jsonata2py."""

    __slots__ = ("_bounds", "_deep", "_text", "_variants", "context", "variables")

    def __init__(self, text: str, functions: Iterable[str] = ()) -> None:  # noqa: ARG002
        self._text = text
        self._bounds = Bounds()
        self._variants: dict[tuple[str, ...], CompiledExpression] = {}
        """By the names of built-in functions that are hidden."""
        try:
            found = references(Parser.parse(text))
        except JsonataError as error:
            raise _engine_error(error) from None
        except RecursionError:
            raise EngineError("", TOO_DEEP) from None
        self._deep = found.depth > MAX_DEPTH
        self.variables: Reads = {name: True for name in found.variables if name not in _BUILT_IN}
        self.context: Reads = found.context
        if not self._deep:
            self._compiled(())

    def evaluate(self, bindings: dict[str, Any], now_ms: int, limits: Limits = LAST) -> JSON | Special:
        if self._deep:
            raise EngineError("", TOO_DEEP)
        self._bounds.limits = limits
        bindings = metered(bindings, limits)
        if "$values" in self._text:
            bindings = {**_UNKNOWN, **bindings}
        hidden = tuple(sorted(name for name in bindings if name in _BUILT_IN))
        given = JsonataBindings().bind_value(f"{_GIVEN}now", now_ms)
        for name, value in bindings.items():
            name = _GIVEN + name if name in _BUILT_IN else name
            if callable(value):
                given.bind_function(name, _Host(value))
            else:
                given.bind_value(name, value)
        try:
            # Without any document at all, paths that bind variables (@ and #) find nothing.
            compiled = self._compiled(hidden)
            compiled.set_timeout(limits.timeout_ms)
            value = compiled.evaluate(None, given)
        except JsonataError as error:
            raise _engine_error(error) from None
        return Special.UNDEFINED if value is MISSING else plain(value, limits)

    def _compiled(self, hidden: tuple[str, ...]) -> CompiledExpression:
        compiled = self._variants.get(hidden)
        if compiled is None:
            front = "".join(f"${name} := ${_GIVEN}{name};" for name in hidden)
            front += _CLOCK_FUNCTIONS if _CLOCK.search(self._text) else ""
            text = f"({front}{self._text}\n)" if front else self._text
            compiled = self._variants[hidden] = _compile(text, self._bounds)
        return compiled


class _Host:
    """One of our functions, as jsonata2py calls it: nothing is None on both ways."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def get_function_signature(self) -> str | None:
        return None

    def apply(self, arguments: Any) -> Any:
        given = [None if value is MISSING else value for value in arguments.as_list()]
        value = self._function(*given)
        return MISSING if value is None else value


def _compile(text: str, bounds: Bounds) -> CompiledExpression:
    try:
        entry, source = _LOADER.instantiate(_LOADER.compile_source(_FACTORY.translate(text)))
    except JsonataError as error:
        raise _engine_error(error) from None
    entry.__globals__.update(bound_names(bounds))
    return CompiledExpression(entry, source or text)


def _engine_error(error: JsonataError) -> EngineError:
    cause = error.__cause__
    if isinstance(cause, EngineError):
        return cause
    if isinstance(cause, MemoryError):
        return EngineError("", TOO_LARGE)
    code = error.error_code or ""
    if code == "U1001" or "too deeply nested" in error.message:
        return EngineError("", TOO_LONG if "timeout" in error.message else TOO_DEEP)
    return EngineError(code, message(code, error.message))
