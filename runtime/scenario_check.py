"""A value held against the types of ``scenario_file``: every problem at once, each with its key and its place.

``msgspec.convert`` stops at the first mistake, so the shape is walked here, along the same types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from msgspec import inspect

from stepsim.asl.errors import Problem
from stepsim.asl.payload import JSON
from stepsim.runtime.key_path import KeyPath, format_key_path
from stepsim.workers.durations import parse_time

T = TypeVar("T")

UNKNOWN_KEY = "UNKNOWN_KEY"
MISSING_KEY = "MISSING_KEY"
WRONG_TYPE = "WRONG_TYPE"
INVALID_VALUE = "INVALID_VALUE"
MISSING_FILE = "MISSING_FILE"


class ScenarioError(Exception):
    """A scenario cannot be used. ``problems`` holds everything wrong with it; a problem's path is its key.

    A problem of an override has no line: its line and column are 0, and its message quotes the ``--set``.
    """

    def __init__(self, problems: Sequence[Problem], source: str = "scenario") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(map(self._line, self.problems)))

    def _line(self, problem: Problem) -> str:
        place = f"{self.source}:{problem.line}:{problem.column}" if problem.line else self.source
        key = f"{problem.path}: " if problem.path else ""
        hint = f" ({problem.suggestion})" if problem.suggestion else ""
        return f"{place}: {key}{problem.message}{hint}"


class Checker:
    """Collects problems. `position` tells a key's line and column, `override` what else gave it (``--set seed=x``)."""

    def __init__(
        self, position: Callable[[KeyPath], tuple[int, int]], override: Callable[[KeyPath], str | None] = lambda _: None
    ) -> None:
        self.problems: list[Problem] = []
        self._position = position
        self._override = override
        self._wrong: list[KeyPath] = []

    def add(self, code: str, message: str, path: KeyPath, suggestion: str | None = None) -> None:
        """Note a problem with the value at a path."""
        override = self._override(path)
        line, column = self.place(path)
        if override is not None:
            message = f"{message}, set by {override}"
        self._wrong.append(path)
        self.problems.append(Problem(code, message, format_key_path(path), line, column, suggestion=suggestion))

    def place(self, path: KeyPath) -> tuple[int, int]:
        """Line and column of a key; 0 and 0 of what an override gave."""
        return self._position(path) if self._override(path) is None else (0, 0)

    def time_ms(self, text: object, path: KeyPath) -> int | None:
        """The milliseconds of a time such as ``40s``; None where it is none, which is noted, or where there is none."""
        if text is None:
            return None
        try:
            return parse_time(text)
        except ValueError as error:
            self.add(INVALID_VALUE, str(error).removeprefix("time: "), path)
            return None

    def converted(self, value: JSON, kind: type[T], path: KeyPath) -> T | None:
        """The value as its type, or None where `shape` found problems in it."""
        if any(wrong[: len(path)] == path for wrong in self._wrong):
            return None
        return msgspec.convert(value, kind)

    def shape(self, value: JSON, kind: type) -> None:
        """Note whatever in the value does not fit the type."""
        self._check(value, inspect.type_info(kind), ())

    def _check(self, value: JSON, kind: inspect.Type, path: KeyPath) -> None:
        fitting = [member for member in _members(kind) if _fits(value, member)]
        if not fitting:
            self._wrong_type(value, kind, path)
            return
        kind = fitting[0]
        if isinstance(kind, inspect.StructType):
            self._check_struct(value, kind, path)
        elif isinstance(kind, inspect.DictType):
            for key, member in value.items():
                self._check(member, kind.value_type, (*path, key))
        elif isinstance(kind, inspect.ListType):
            for index, element in enumerate(value):
                self._check(element, kind.item_type, (*path, index))
        elif isinstance(kind, inspect.IntType | inspect.FloatType):
            self._check_bounds(value, kind, path)

    def _check_struct(self, value: dict[str, JSON], kind: inspect.StructType, path: KeyPath) -> None:
        fields = {field.encode_name: field for field in kind.fields}
        for key, member in value.items():
            if key in fields:
                self._check(member, fields[key].type, (*path, key))
            else:
                self.add(UNKNOWN_KEY, f"unknown key {key!r}", (*path, key), did_you_mean(key, fields))
        for name, field in fields.items():
            if field.required and name not in value:
                self.add(MISSING_KEY, f"{name!r} is missing", path)

    def _check_bounds(self, value: float, kind: inspect.IntType | inspect.FloatType, path: KeyPath) -> None:
        too_low = (kind.ge is not None and value < kind.ge) or (kind.gt is not None and value <= kind.gt)
        if too_low or (kind.le is not None and value > kind.le):
            self.add(INVALID_VALUE, f"{_describe(kind)} expected, not {value}", path)

    def _wrong_type(self, value: JSON, kind: inspect.Type, path: KeyPath) -> None:
        words = _words(kind)
        hint = did_you_mean(value, words) if isinstance(value, str) else None
        self.add(WRONG_TYPE, f"{_describe(kind)} expected, not {_shown(value)}", path, hint)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint at what may have been meant, or at what there is where nothing is near. None where nothing is known."""
    known = list(known)
    near = get_close_matches(word, known, 1, 0.6) or [name for name in known if name.lower() == word.lower()]
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 16 else None


def _members(kind: inspect.Type) -> list[inspect.Type]:
    """The types that a value may have: those of a union, or the one, without their descriptions."""
    if isinstance(kind, inspect.Metadata):
        return _members(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [member for one in kind.types for member in _members(one)]
    return [kind]


_KINDS: dict[type[inspect.Type], tuple[type, ...]] = {
    inspect.StructType: (dict,),
    inspect.DictType: (dict,),
    inspect.ListType: (list,),
    inspect.StrType: (str,),
    inspect.IntType: (int,),
    inspect.FloatType: (int, float),
    inspect.BoolType: (bool,),
    inspect.NoneType: (type(None),),
}


def _fits(value: JSON, kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.AnyType):
        return True
    if isinstance(kind, inspect.LiteralType):
        return value in kind.values
    return type(value) in _KINDS[type(kind)]


def _words(kind: inspect.Type) -> list[str]:
    return [str(word) for one in _members(kind) if isinstance(one, inspect.LiteralType) for word in one.values]


def _describe(kind: inspect.Type) -> str:
    named = [_describe_one(member) for member in _members(kind) if not isinstance(member, inspect.NoneType)]
    return " or ".join(dict.fromkeys(named))


def _describe_one(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(map(str, kind.values))
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
        low = f" above {kind.gt:g}" if kind.gt is not None else "" if kind.ge is None else f" from {kind.ge}"
        return noun + low + ("" if kind.le is None else f" to {kind.le}")
    return _NOUNS[type(kind)]


_NOUNS: dict[type[inspect.Type], str] = {
    inspect.StructType: "a mapping",
    inspect.DictType: "a mapping",
    inspect.ListType: "a list",
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
}


def _shown(value: JSON) -> str:
    """A value as an error message names it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else "true" if value is True else "false" if value is False else repr(value)
