"""What the eighteen ``States.*`` functions do: a table of (arguments, scope) -> value."""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.asl.expression import Scope
from stepsim.asl.java import java_equal, java_next_double, java_round, java_text
from stepsim.asl.payload import JSON, decode, encode

LONGEST_TEXT = 10_000
"""Characters that Base64Encode, Base64Decode and Hash take."""
LONGEST_FORMATTED = 1 << 22
"""Characters of the longest text that a function makes of its arguments: 16 times a payload, with more of no use."""
_AT_ONCE = 16
"""Elements that are written before their text is measured: matches of a path can hold each other."""

LONGEST_RANGE = 1_000
FORMAT = "States.Format"

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_HOLE_IN_LITERAL = re.compile(r"\\(.)|\{\}")
_HOLE_IN_VALUE = re.compile(r"\\([{}])|\{\}")

Call: TypeAlias = Callable[[list[JSON], Scope], JSON]


class IntrinsicFailure(Exception):
    """A function cannot do what it was asked; the text says why."""


def _too_long() -> IntrinsicFailure:
    return IntrinsicFailure(f"The text would have more than {LONGEST_FORMATTED} characters")


@dataclass(frozen=True, slots=True)
class Function:
    """One function, and how many arguments it takes."""

    call: Call
    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class Template:
    """The first argument of States.Format, cut at its ``{}``."""

    parts: tuple[str, ...]


def format_literal(raw: str) -> Template:
    """The template of a literal that still has its backslashes: ``\\{`` is a brace, ``{}`` a hole."""
    return _cut(raw, _HOLE_IN_LITERAL)


def _cut(text: str, hole: re.Pattern[str]) -> Template:
    parts: list[str] = []
    current = ""
    start = 0
    for match in hole.finditer(text):
        current += text[start : match.start()]
        start = match.end()
        if match[1]:
            current += match[1]
        else:
            parts.append(current)
            current = ""
    return Template((*parts, current + text[start:]))


def _format(arguments: list[JSON], scope: Scope) -> JSON:
    template, *values = arguments
    if type(template) is not Template:
        template = _cut(_text(template), _HOLE_IN_VALUE)
    parts = template.parts
    if len(parts) != len(values) + 1:
        raise IntrinsicFailure(f"The template has {len(parts) - 1} occurrences of {{}} for {len(values)} arguments")
    pieces = [parts[0]]
    room = LONGEST_FORMATTED
    for value, part in zip(values, parts[1:], strict=True):
        text = written(value) if type(value) is list else java_text(value)
        room -= len(text)
        if room < 0:
            raise _too_long()
        pieces += (text, part)
    return "".join(pieces)


def written(value: JSON) -> str:
    """The compact JSON text. Raises IntrinsicFailure where that is too long."""
    if type(value) is not list or len(value) <= _AT_ONCE:
        text = encode(value)
        if len(text) > LONGEST_FORMATTED:
            raise _too_long()
        return text
    pieces: list[str] = []
    room = LONGEST_FORMATTED - 1
    for start in range(0, len(value), _AT_ONCE):
        pieces.append(encode(value[start : start + _AT_ONCE])[1:-1])
        room -= len(pieces[-1]) + 1
        if room < 0:
            raise _too_long()
    return f"[{','.join(pieces)}]"


def _string_to_json(arguments: list[JSON], scope: Scope) -> JSON:
    text = _text(arguments[0])
    if not text.strip():
        return None  # recorded
    try:
        return decode(text)
    except ValueError as error:
        raise IntrinsicFailure(f"The value is not valid JSON: {error}") from None


def _array_partition(arguments: list[JSON], scope: Scope) -> JSON:
    items = _array(arguments[0])
    size = _integer(arguments[1])
    if size <= 0:
        raise IntrinsicFailure("The chunk size must be a positive integer")
    return [items[start : start + size] for start in range(0, len(items), size)]


def _array_contains(arguments: list[JSON], scope: Scope) -> JSON:
    wanted = arguments[1]
    return any(java_equal(item, wanted) for item in _array(arguments[0]))


def _array_range(arguments: list[JSON], scope: Scope) -> JSON:
    first, last, step = map(_integer, arguments)
    if step == 0:
        raise IntrinsicFailure("The increment must not be 0")
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > LONGEST_RANGE:
        raise IntrinsicFailure(f"The array would have more than {LONGEST_RANGE} elements")
    return list(numbers)


def _array_get_item(arguments: list[JSON], scope: Scope) -> JSON:
    items, index = _array(arguments[0]), _integer(arguments[1])
    if not 0 <= index < len(items):
        raise IntrinsicFailure(f"The index {index} is out of range for an array of {len(items)} elements")
    return items[index]


def _array_unique(arguments: list[JSON], scope: Scope) -> JSON:
    first_of: dict[str, JSON] = {}
    room = LONGEST_FORMATTED
    for item in _array(arguments[0]):
        text = json.dumps(item, sort_keys=True)
        room -= len(text)
        if room < 0:
            raise _too_long()
        first_of.setdefault(text, item)
    return list(first_of.values())


def _base64_encode(arguments: list[JSON], scope: Scope) -> JSON:
    return base64.b64encode(_short(arguments[0]).encode("utf-8", "surrogatepass")).decode("ascii")


def _base64_decode(arguments: list[JSON], scope: Scope) -> JSON:
    try:
        return base64.b64decode(_short(arguments[0]), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise IntrinsicFailure("The value is not valid Base64") from None


def _hash(arguments: list[JSON], scope: Scope) -> JSON:
    data, algorithm = arguments
    name = _ALGORITHMS.get(_text(algorithm))
    if name is None:
        raise IntrinsicFailure(f"Unknown algorithm {algorithm}; known are {', '.join(_ALGORITHMS)}")
    text = _short(data if type(data) is str else written(data))
    return hashlib.new(name, text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _json_merge(arguments: list[JSON], scope: Scope) -> JSON:
    first, second, deep = arguments
    if deep is not False:
        raise IntrinsicFailure("Only shallow merging is supported: the third argument must be false")
    if type(first) is not dict or type(second) is not dict:
        raise IntrinsicFailure("Only objects can be merged")
    return first | second


def _math_random(arguments: list[JSON], scope: Scope) -> JSON:
    start, end = _integer(arguments[0]), _integer(arguments[1])
    if start >= end:
        raise IntrinsicFailure(f"The start {start} must be less than the end {end}")
    fraction = java_next_double(_integer(arguments[2])) if len(arguments) > 2 else scope.draw("States.MathRandom")
    return start + math.floor(fraction * (end - start))


def _math_add(arguments: list[JSON], scope: Scope) -> JSON:
    return _integer(arguments[0]) + _integer(arguments[1])


def _string_split(arguments: list[JSON], scope: Scope) -> JSON:
    text, delimiters = _text(arguments[0]), _text(arguments[1])
    if not delimiters:
        return [text] if text else []
    # Each character is a delimiter by itself, and nothing between two of them is no word (recorded).
    return [word for word in re.split(f"[{re.escape(delimiters)}]", text) if word]


def _uuid(arguments: list[JSON], scope: Scope) -> JSON:
    bits = 0
    for _ in range(3):
        bits = bits << 48 | int(scope.draw("States.UUID") * (1 << 48))
    return str(uuid.UUID(int=bits & (1 << 128) - 1, version=4))


def _text(value: JSON) -> str:
    if type(value) is not str:
        raise IntrinsicFailure(f"Expected a string, but was: {encode(value)}")
    return value


def _short(value: JSON) -> str:
    text = _text(value)
    if len(text) > LONGEST_TEXT:
        raise IntrinsicFailure(f"The value has more than {LONGEST_TEXT} characters")
    return text


def _array(value: JSON) -> list[JSON]:
    if type(value) is not list:
        raise IntrinsicFailure(f"Expected an array, but was: {encode(value)}")
    return value


def _integer(value: JSON) -> int:
    """A number rounded as the functions do it: halves up, before anything else is done with it (recorded)."""
    if type(value) is not int and type(value) is not float:
        raise IntrinsicFailure(f"Expected a number, but was: {encode(value)}")
    return java_round(value)


_ANY = 1 << 31

FUNCTIONS: dict[str, Function] = {
    FORMAT: Function(_format, 1, _ANY),
    "States.StringToJson": Function(_string_to_json, 1, 1),
    "States.JsonToString": Function(lambda arguments, scope: written(arguments[0]), 1, 1),
    "States.Array": Function(lambda arguments, scope: arguments, 0, _ANY),
    "States.ArrayPartition": Function(_array_partition, 2, 2),
    "States.ArrayContains": Function(_array_contains, 2, 2),
    "States.ArrayRange": Function(_array_range, 3, 3),
    "States.ArrayGetItem": Function(_array_get_item, 2, 2),
    "States.ArrayLength": Function(lambda arguments, scope: len(_array(arguments[0])), 1, 1),
    "States.ArrayUnique": Function(_array_unique, 1, 1),
    "States.Base64Encode": Function(_base64_encode, 1, 1),
    "States.Base64Decode": Function(_base64_decode, 1, 1),
    "States.Hash": Function(_hash, 2, 2),
    "States.JsonMerge": Function(_json_merge, 3, 3),
    "States.MathRandom": Function(_math_random, 2, 3),
    "States.MathAdd": Function(_math_add, 2, 2),
    "States.StringSplit": Function(_string_split, 2, 2),
    "States.UUID": Function(_uuid, 0, 0),
}
