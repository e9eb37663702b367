"""The grammar of JSONPath as Jayway's library reads it: text -> steps.

It is more forgiving than RFC 9535 in places (a lone last character is not looked at: ``$.a[`` is ``$.a``) and stricter
in others (no blanks in dot names, no ``[:]``). Existing definitions were written against it, so both are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.asl.jsonpath_functions import FUNCTIONS

_DIGITS = frozenset("0123456789")
_COMMA = re.compile(r"\s*,\s*")
_INT_MAX = 2**31 - 1
_UNESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """``.name``, ``['name']``, ``['a','b']``."""

    names: tuple[str, ...]
    quote: str = "'"

    def __str__(self) -> str:
        escaped = (name.replace("\\", "\\\\").replace("'", "\\'") for name in self.names)
        return "[" + ",".join(f"{self.quote}{name}{self.quote}" for name in escaped) + "]"


@dataclass(frozen=True, slots=True)
class Index:
    """``[0]``, ``[-1]``, ``[0,2]``."""

    indexes: tuple[int, ...]

    def __str__(self) -> str:
        return "[" + ",".join(map(str, self.indexes)) + "]"


@dataclass(frozen=True, slots=True)
class Slice:
    """``[1:]``, ``[:2]``, ``[1:2]``; a step is read and ignored."""

    start: int | None
    stop: int | None

    def __str__(self) -> str:
        return f"[{'' if self.start is None else self.start}:{'' if self.stop is None else self.stop}]"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """``*``, ``[*]``."""

    def __str__(self) -> str:
        return "[*]"


@dataclass(frozen=True, slots=True)
class Scan:
    """``..``: the step after it is tried at every depth."""

    def __str__(self) -> str:
        return ".."


@dataclass(frozen=True, slots=True)
class Filter:
    """``[?(...)]``; criteria is what stands in the outer parentheses, and they too."""

    criteria: str

    def __str__(self) -> str:
        return "[?]"


@dataclass(frozen=True, slots=True)
class Call:
    """``.length()``, ``.concat('x')``: a function of the value before it; arguments are JSON texts or paths."""

    name: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f".{self.name}({'...' if self.arguments else ''})"


Step: TypeAlias = Member | Index | Slice | Wildcard | Scan | Filter | Call


def parse_steps(text: str) -> tuple[Step, ...]:
    """The steps after the root, which is any one character (``$`` or ``@``).

    Raises ValueError, with the position in ``text``, where it is not a path.
    """
    if text.endswith(".") and len(text) > 1:
        raise ValueError("Path must not end with a '.' or '..'")
    parser = _Parser(text)
    return tuple(parser.read())


def unescape(text: str, kept: str = "") -> str:
    r"""A quoted name or literal without its backslashes (``\'``, ``\n``, ``\u00e9``), but those before ``kept``.

    AWS finds the member ``\"`` with ``['\"']`` (recorded), where the library by itself would look for a bare quote.
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: match[0] if match[1] == kept else _character(match[1]), text)


def _character(escape: str) -> str:
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _UNESCAPED.get(escape, escape)


def closing(text: str, at: int, opening: str, end: str, *, regexps: bool = False) -> int:
    """Where the bracket opened at ``at`` closes, quoted strings (and regular expressions) skipped; -1 if nowhere."""
    depth = 0
    position = at
    while position < len(text):
        character = text[position]
        if character in "'\"" or (regexps and character == "/"):
            position = next_unescaped(text, position, character)
            if position < 0:
                return -1
        elif character == opening:
            depth += 1
        elif character == end:
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return -1


def next_unescaped(text: str, at: int, character: str) -> int:
    """Where ``character`` next stands after ``at`` without a backslash before it; -1 if nowhere."""
    position = at + 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == character:
            return position
        position += 1
    return -1


class _Parser:
    """A cursor over one path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1
        self.steps: list[Step] = []

    def read(self) -> list[Step]:
        if len(self.text) == 1:
            return self.steps
        if self.text[1] not in ".[":
            raise ValueError("Illegal character at position 1 expected '.' or '['")
        self._step()
        # A single character after a complete step is never looked at: the library takes it for the tail.
        while self.at < len(self.text) - 1:
            self._step()
        return self.steps

    def _step(self) -> None:
        character = self._current()
        if character == "[":
            step = self._names() or self._numbers() or self._wildcard() or self._filter()
            if step is None:
                raise ValueError(f"Could not parse token starting at position {self.at}. Expected ?, ', 0-9, * ")
            self.steps.append(step)
        elif character == ".":
            self._dot()
        elif character == "*":
            self.at += 1
            self.steps.append(Wildcard())
        else:
            self._name_or_call()

    def _current(self) -> str:
        return self.text[self.at : self.at + 1]

    def _significant(self, at: int) -> int:
        """The position of the next character after ``at`` that is no blank."""
        at += 1
        while at < len(self.text) and self.text[at] == " ":
            at += 1
        return at

    def _dot(self) -> None:
        start = self.at
        if self.text.startswith("..", self.at):
            self.steps.append(Scan())
            self.at += 2
        else:
            self.at += 1
        following = self._current()
        if following == ".":
            raise ValueError(f"Character '.' on position {self.at} is not valid.")
        if following in ("", " "):
            raise ValueError(f"Could not parse token starting at position {start + 1}")
        self._step()

    def _name_or_call(self) -> None:
        text = self.text
        start = at = self.at
        while at < len(text) and text[at] not in ".[(":
            if text[at] == " ":
                raise ValueError(
                    f"Use bracket notion ['my prop'] if your property contains blank characters. position: {start}"
                )
            at += 1
        name = text[start:at]
        if at == len(text) or text[at] != "(":
            self.at = at
            self.steps.append(Member((name,)))
            return
        end = closing(text, at, "(", ")")
        if end < 0:
            raise ValueError(f"Arguments to function: '{name}' are not closed properly.")
        if name not in FUNCTIONS:
            raise ValueError(f"Function with name: {name} does not exist.")
        inside = text[at + 1 : end].strip()
        self.steps.append(Call(name, tuple(split_arguments(inside))))
        # Without arguments the library's cursor stays on the parenthesis, so that a step after `f()` starts with
        # ")" and finds nothing.
        self.at = end + 1 if inside else end

    def _names(self) -> Step | None:
        text = self.text
        start = self._significant(self.at)
        quote = text[start : start + 1]
        if quote not in ("'", '"'):
            return None
        names: list[str] = []
        at = start
        while True:
            end = next_unescaped(text, at, quote) if text[at : at + 1] == quote else -1
            if end < 0:
                raise ValueError(f"Property has not been closed - missing closing {quote}")
            names.append(unescape(text[at + 1 : end], kept='"' if quote == "'" else ""))
            at = self._significant(end)
            separator = text[at : at + 1]
            if separator == "]":
                self.at = at + 1
                return Member(tuple(names), quote)
            if separator != ",":
                raise ValueError(
                    "Property must be separated by comma or Property must be terminated close square bracket "
                    f"at index {end}"
                )
            at = self._significant(at)
            if text[at : at + 1] in (",", "]"):
                raise ValueError(f"Found empty property at index {at}")

    def _numbers(self) -> Step | None:
        text = self.text
        first = self._significant(self.at)
        end = text.find("]", self.at)
        if end < 0 or text[first] not in "0123456789-:":
            return None
        inside = text[self.at + 1 : end].strip()
        if any(character not in _DIGITS and character not in ",-: " for character in inside):
            return None
        self.at = end + 1
        return _slice(inside) if ":" in inside else _index(inside)

    def _wildcard(self) -> Step | None:
        star = self._significant(self.at)
        if self.text[star : star + 1] != "*":
            return None
        end = self._significant(star)
        if self.text[end : end + 1] != "]":
            raise ValueError(f"Expected wildcard token to end with ']' on position {star + 1}")
        self.at = end + 1
        return Wildcard()

    def _filter(self) -> Step | None:
        text = self.text
        question = self._significant(self.at)
        if text[question : question + 1] != "?":
            return None
        opening = self._significant(question)
        if text[opening : opening + 1] != "(":
            return None
        end = closing(text, opening, "(", ")", regexps=True)
        if end < 0:
            return None
        bracket = self._significant(end)
        if text[bracket : bracket + 1] != "]":
            return None
        self.at = bracket + 1
        return Filter(text[opening : end + 1])


def split_arguments(text: str) -> list[str]:
    """The arguments of a call, separated by commas outside quotes and brackets."""
    arguments: list[str] = []
    start = position = depth = 0
    while position < len(text):
        character = text[position]
        if character in "'\"":
            position = next_unescaped(text, position, character)
            if position < 0:
                raise ValueError(f"String not closed in {text}")
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            arguments.append(text[start:position].strip())
            start = position + 1
        position += 1
    last = text[start:].strip()
    return [*arguments, last] if arguments or last else []


def _index(text: str) -> Index:
    parts = _COMMA.split(text)
    while parts and not parts[-1]:
        parts.pop()
    numbers = tuple(_number(part) for part in parts)
    if not numbers or None in numbers:
        raise ValueError(f"Failed to parse token in ArrayIndexOperation: {text}")
    return Index(tuple(number for number in numbers if number is not None))


def _slice(text: str) -> Slice:
    parts = text.split(":")[:2]
    bounds = [_number(part) if part else None for part in parts]
    wrong = any(part and bound is None for part, bound in zip(parts, bounds, strict=True))
    if wrong or bounds == [None, None] or " " in text or "," in text:
        raise ValueError(f"Failed to parse SliceOperation: {text}")
    return Slice(bounds[0], bounds[1])


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not digits or not _DIGITS.issuperset(digits):
        return None
    number = int(text)
    return number if -_INT_MAX - 1 <= number <= _INT_MAX else None
