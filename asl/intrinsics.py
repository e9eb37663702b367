"""Intrinsic function calls: ``States.Format('{} of {}', $.a, States.ArrayLength($.b))`` -> an expression.

This file reads the text; what the functions do stands in `intrinsic_functions`.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from stepsim.asl.errors import INTRINSIC_FAILURE, StatesError, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.intrinsic_functions import (
    FORMAT,
    FUNCTIONS,
    LONGEST_FORMATTED,
    Function,
    IntrinsicFailure,
    format_literal,
    written,
)
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.payload import JSON, encode

DEEPEST = 10
"""How many calls may stand inside each other."""

_FEW = 16
"""Paths and calls whose values need no measuring: so many payloads are no more than the longest text."""

_NAME = re.compile(r"States\.[A-Za-z0-9]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", flags=re.ASCII)
_LITERAL = re.compile(r"'((?:[^'\\]|\\['{}\\])*)'")
_ESCAPE = re.compile(r"\\(.)")
_GROWING = frozenset({FORMAT, "States.ArrayRange", "States.JsonToString"})
"""Their results can be longer than their arguments."""
_WORDS: dict[str, JSON] = {"null": None, "true": True, "false": False}

_Argument: TypeAlias = Expression


def compile_intrinsic(text: str) -> Expression:
    """The expression of a call. Raises ValueError, with the position, where it is none.

    Evaluating it raises States.IntrinsicFailure where the function fails, States.Runtime where a path leads nowhere;
    either names the whole call as it was written (observed).
    """
    meter = _Meter()
    is_measured = text.count("$") + text.count("States.") > _FEW
    reader = _Reader(text, meter.watch if is_measured else _unmeasured)
    expression = reader.call(1)
    reader.skip_blanks()
    if reader.at < len(text):
        raise ValueError(f"unexpected {text[reader.at]!r} at position {reader.at} of {text}")

    def evaluate(subject: JSON, scope: Scope) -> JSON:
        meter.left = LONGEST_FORMATTED
        try:
            return expression(subject, scope)
        except IntrinsicFailure as failure:
            raise StatesError(INTRINSIC_FAILURE, _cause(text, failure.args[0]), by_interpreter=True) from None
        except _MissingArgument as missing:
            reason = f"The JsonPath argument for the field '{missing.path}' could not be found in the input"
            raise runtime_error(_cause(text, f"{reason} '{encode(subject)}'")) from None

    return evaluate


def _cause(text: str, reason: str) -> str:
    return f"The function '{text}' had the following error: {reason}"


class _MissingArgument(Exception):
    """The path of an argument leads nowhere."""

    def __init__(self, path: str) -> None:
        # A path of the context object is reported as one of the input (observed).
        self.path = path[1:] if path.startswith("$$") else path
        super().__init__(path)


class _Meter:
    """What the paths and calls inside one call may give together: paths that stand there often make much of little."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = LONGEST_FORMATTED
        """Characters."""

    def watch(self, expression: Expression) -> Expression:
        def measured(subject: JSON, scope: Scope) -> JSON:
            value = expression(subject, scope)
            self.left -= len(value) if type(value) is str else len(written(value))
            if self.left < 0:
                raise IntrinsicFailure(f"The values would have more than {LONGEST_FORMATTED} characters")
            return value

        return measured


def _unmeasured(expression: Expression) -> Expression:
    return expression


class _Reader:
    """A cursor over one call."""

    def __init__(self, text: str, watch: Callable[[Expression], Expression]) -> None:
        self.text = text
        self.watch = watch
        """Put around what can be much."""
        self.at = 0

    def skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def _fail(self) -> ValueError:
        return ValueError(f"not an intrinsic function call at position {self.at}: {self.text}")

    def _take(self, character: str) -> bool:
        self.skip_blanks()
        taken = self.text.startswith(character, self.at)
        self.at += taken
        return taken

    def call(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} intrinsic functions inside each other: {self.text}")
        self.skip_blanks()
        name = _NAME.match(self.text, self.at)
        if name is None or name[0] not in FUNCTIONS:
            raise self._fail()
        self.at = name.end()
        if not self._take("("):
            raise self._fail()
        is_format = name[0] == FORMAT
        arguments: list[_Argument] = []
        if not self._take(")"):
            while True:
                arguments.append(self._argument(depth, is_template=is_format and not arguments))
                if self._take(")"):
                    break
                if not self._take(","):
                    raise self._fail()
        called = _apply(FUNCTIONS[name[0]], tuple(arguments))
        return self.watch(called) if name[0] in _GROWING else called

    def _argument(self, depth: int, *, is_template: bool) -> _Argument:
        self.skip_blanks()
        character = self.text[self.at : self.at + 1]
        if character == "$":
            return self.watch(_path_argument(self._path()))
        if character == "S":
            return self.call(depth + 1)
        value = self._constant(character, is_template=is_template)
        return lambda subject, scope: value

    def _constant(self, character: str, *, is_template: bool) -> JSON:
        if character == "'":
            literal = self._match(_LITERAL)
            return format_literal(literal[1]) if is_template else _ESCAPE.sub(r"\1", literal[1])
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        number = self._match(_NUMBER)[0]
        return float(number) if set(number) & set(".eE") else int(number)

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self._fail()
        self.at = match.end()
        return match

    def _path(self) -> str:
        """The text of a path: up to a comma or a closing parenthesis outside its own brackets and quotes."""
        text, start = self.text, self.at
        depth = 0
        quote = ""
        while self.at < len(text):
            character = text[self.at]
            if quote:
                if character == "\\":
                    self.at += 1
                elif character == quote:
                    quote = ""
            elif character in "'\"":
                quote = character
            elif character in "([":
                depth += 1
            elif character in ")]" and depth:
                depth -= 1
            elif character in ")," and not depth:
                break
            self.at += 1
        return text[start : self.at].rstrip()


def _path_argument(text: str) -> _Argument:
    return compile_path(text).failing(lambda subject: _MissingArgument(text))


def _apply(function: Function, arguments: tuple[_Argument, ...]) -> Expression:
    call = function.call
    if not function.fewest <= len(arguments) <= function.most:
        wrong = f"Invalid number of arguments: {len(arguments)}"

        def fail(subject: JSON, scope: Scope) -> JSON:
            raise IntrinsicFailure(wrong)

        return fail
    return lambda subject, scope: call([argument(subject, scope) for argument in arguments], scope)
