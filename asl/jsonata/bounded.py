"""An expression that ends in time, and whose memory is not ours for long: short ones here, long ones aside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from stepsim.asl.jsonata.aside import ASIDE
from stepsim.asl.jsonata.engine import EngineError, Function, Reads, Special, engine
from stepsim.asl.jsonata.functions import OF_SCOPE
from stepsim.asl.jsonata.limits import FIRST, TOO_LARGE, TOO_LONG, Limits
from stepsim.asl.payload import JSON

_REPEATED = re.compile(r"\$reduce\b|:=\s*(?:function|λ)|[)}]\s*\(")
"""What lets a function be applied to its own results."""
_FUNCTION = re.compile(r"\bfunction\b|λ")
_VARIABLE = re.compile(r"\$\w+")
_AMPLIFIED = re.compile(
    r"\bfunction\b|λ|\.\.|\*\*|[@#]\s*\$|~>|/|\$(?:pad|split|replace|match|join|append|zip|string)\b"
)
"""What makes much of little. jsonata2py looks at the clock between some steps only."""


def looks_dangerous(name: str, text: str) -> bool:
    """Whether an expression may do what an engine cannot be stopped at; any that does not is merely long.

    jlens compares values, and tells of them in its errors, without a look at the clock. A value that holds another one
    twice, and that one a third twice, and so on, is small and takes for ever: functions of their own results, which
    mention a variable twice, build such values.
    """
    if name != "jlens":
        return _AMPLIFIED.search(text) is not None
    if not _FUNCTION.search(text) or not _REPEATED.search(text):
        return False
    return max(Counter(_VARIABLE.findall(text)).values(), default=0) > 2


class BoundedExpression:
    """An expression compiled by one of the engines; one that takes long is evaluated anew in a process of its own."""

    __slots__ = ("_compiled", "_dangerous", "_draws", "_functions", "_name", "_text")

    def __init__(self, text: str, functions: Iterable[str], name: str) -> None:
        self._compiled = engine(name)(text, functions)
        self._text = text
        self._functions = tuple(functions)
        self._name = name
        self._draws = tuple(function for function in OF_SCOPE if f"${function}" in text)
        self._dangerous = looks_dangerous(name, text)

    @property
    def variables(self) -> Reads:
        return self._compiled.variables

    @property
    def context(self) -> Reads:
        return self._compiled.context

    def evaluate(self, bindings: dict[str, Any], now_ms: int, limits: Limits = FIRST) -> JSON | Special:
        """The value. Raises EngineError."""
        drawn = {name: _Drawn(bindings[name]) for name in self._draws if name in bindings} if self._draws else {}
        if not self._dangerous:
            try:
                return self._compiled.evaluate({**bindings, **drawn} if drawn else bindings, now_ms, limits)
            except EngineError as error:
                if error.code or error.message not in (TOO_LONG, TOO_LARGE):
                    raise
            for function in drawn.values():
                function.rewind()
        given = {name: value for name, value in bindings.items() if name not in drawn}
        return ASIDE.evaluate((self._name, self._text, self._functions), given, drawn, now_ms)


class _Drawn:
    """A function that draws from the run's dice. What it gave is given again when the evaluation begins anew."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._given: list[JSON] = []
        self._next = 0

    def __call__(self, *arguments: JSON) -> JSON:
        if self._next == len(self._given):
            self._given.append(self._function(*arguments))
        self._next += 1
        return self._given[self._next - 1]

    def rewind(self) -> None:
        """Begin anew."""
        self._next = 0
