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
from stepsim.asl.jsonata.limits import MAX_DEPTH, TIMEOUT_MS, TOO_DEEP, TOO_LONG
from stepsim.asl.jsonata.messages import message
from stepsim.asl.jsonata.python_bounds import bound_names, plain
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

    __slots__ = ("_deep", "_text", "_variants", "context", "variables")

    def __init__(self, text: str, functions: Iterable[str] = ()) -> None:  # noqa: ARG002
        self._text = text
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

    def evaluate(self, bindings: dict[str, Any], now_ms: int) -> JSON | Special:
        if self._deep:
            raise EngineError("", TOO_DEEP)
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
            value = self._compiled(hidden).evaluate(None, given)
        except JsonataError as error:
            raise _engine_error(error) from None
        return Special.UNDEFINED if value is MISSING else plain(value)

    def _compiled(self, hidden: tuple[str, ...]) -> CompiledExpression:
        compiled = self._variants.get(hidden)
        if compiled is None:
            front = "".join(f"${name} := ${_GIVEN}{name};" for name in hidden)
            front += _CLOCK_FUNCTIONS if _CLOCK.search(self._text) else ""
            compiled = self._variants[hidden] = _compile(f"({front}{self._text}\n)" if front else self._text)
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


def _compile(text: str) -> CompiledExpression:
    try:
        entry, source = _LOADER.instantiate(_LOADER.compile_source(_FACTORY.translate(text)))
    except JsonataError as error:
        raise _engine_error(error) from None
    entry.__globals__.update(bound_names())
    compiled = CompiledExpression(entry, source or text)
    compiled.set_timeout(TIMEOUT_MS)
    return compiled


def _engine_error(error: JsonataError) -> EngineError:
    cause = error.__cause__
    if isinstance(cause, EngineError):
        return cause
    code = error.error_code or ""
    if code == "U1001" or "too deeply nested" in error.message:
        return EngineError("", TOO_LONG if "timeout" in error.message else TOO_DEEP)
    return EngineError(code, message(code, error.message))
