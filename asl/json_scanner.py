"""A JSON reader that knows where everything stands, and says what is wrong as AWS's own parser (Jackson) says it.

It is slower than the standard library's and runs only where a position or a message is needed: a definition that
decodes and has no problems never comes here. It reads one thing more than JSON: a ``${Placeholder}`` where a value
belongs, as templates of Terraform have it; that is a hole, and its value is the placeholder's text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, TypeAlias

from stepsim.asl.payload import JSON

_BLANK = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[\w$]+")
_CONSTANTS: dict[str, JSON] = {"true": True, "false": False, "null": None}
_EXPECTED_VALUE = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_TOKENS = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_QUOTED_BY_JACKSON = 500
_MAX_DEPTH = 1000
"""Jackson's own limit for nesting."""


class JsonSyntaxError(Exception):
    """The text is not JSON. ``args[0]`` is Jackson's sentence, without the place."""

    def __init__(self, message: str, offset: int, read: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        """Where the mistake stands, in characters from 0."""
        self.read = read
        """How many characters Jackson had read when it noticed: the place that AWS reports."""
        self.suggestion = suggestion


class Place(NamedTuple):
    """Where a member or an element stands: its start, and the layout of what it holds, if it holds anything."""

    offset: int
    inside: Layout | None


ObjectLayout: TypeAlias = dict[str, Place]
ArrayLayout: TypeAlias = list[Place]
Layout: TypeAlias = "dict[str, Place] | list[Place]"


class Duplicate(NamedTuple):
    """A name that stands twice in one object."""

    name: str
    path: tuple[str | int, ...]
    offset: int


@dataclass(slots=True)
class Scan:
    """What a text holds and where."""

    value: JSON
    layout: Layout | None
    duplicates: list[Duplicate] = field(default_factory=list)


class _Frame:
    """An object or array whose end has not been seen yet."""

    __slots__ = ("key", "key_offset", "layout", "offset", "value")

    def __init__(self, value: JSON, layout: Layout, offset: int) -> None:
        self.value = value
        self.layout = layout
        self.offset = offset
        self.key = ""
        self.key_offset = 0


def scan(text: str) -> Scan:
    """The value of a JSON text with the place of every member and element. Raises JsonSyntaxError.

    Time and memory are linear in the text, whatever its nesting.
    """
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.stack: list[_Frame] = []
        self.duplicates: list[Duplicate] = []

    def scan(self) -> Scan:
        at = self._skip(0)
        value: JSON = None
        layout: Layout | None = None
        while True:
            start = at
            opened = self.text[at : at + 1]
            if opened in ("{", "["):
                layout = {} if opened == "{" else []
                value = {} if opened == "{" else []
                frame = _Frame(value, layout, start)
                self.stack.append(frame)
                if len(self.stack) > _MAX_DEPTH:
                    raise JsonSyntaxError(
                        f"Document nesting depth ({_MAX_DEPTH + 1}) exceeds the maximum allowed ({_MAX_DEPTH})",
                        start,
                        start + 1,
                    )
                at = self._skip(at + 1)
                if self.text[at : at + 1] != ("}" if opened == "{" else "]"):
                    at = self._before_value(frame, at)
                    continue
                self.stack.pop()
                at += 1
            else:
                value, at = self._scalar(at)
                layout = None
            done = self._close(value, layout, start, at)
            if isinstance(done, Scan):
                return done
            at = done

    def _close(self, value: JSON, layout: Layout | None, start: int, at: int) -> int | Scan:
        """Put a finished value where it belongs, and close what it finishes: the next value's offset, or the end."""
        while self.stack:
            frame = self.stack[-1]
            self._store(frame, value, layout, start)
            at = self._skip(at)
            mark = self.text[at : at + 1]
            is_object = isinstance(frame.layout, dict)
            if mark == ",":
                at = self._skip(at + 1)
                if at == len(self.text):
                    self._refuse_end(at, within=True)
                return self._before_value(frame, at)
            if mark != ("}" if is_object else "]"):
                self._refuse_separator(frame, at)
            value, layout, start = frame.value, frame.layout, frame.offset
            self.stack.pop()
            at += 1
        at = self._skip(at)
        if at < len(self.text):
            self._refuse_value(at)
        return Scan(value, layout, self.duplicates)

    def _store(self, frame: _Frame, value: JSON, layout: Layout | None, start: int) -> None:
        if isinstance(frame.layout, dict):
            if frame.key in frame.layout:
                path = (*(self._step(parent) for parent in self.stack[:-1]), frame.key)
                self.duplicates.append(Duplicate(frame.key, path, frame.key_offset))
            frame.value[frame.key] = value
            frame.layout[frame.key] = Place(frame.key_offset, layout)
        else:
            frame.value.append(value)
            frame.layout.append(Place(start, layout))

    @staticmethod
    def _step(frame: _Frame) -> str | int:
        return frame.key if isinstance(frame.layout, dict) else len(frame.layout)

    def _before_value(self, frame: _Frame, at: int) -> int:
        """Read the member name and colon, if it is an object: where the value starts."""
        if not isinstance(frame.layout, dict):
            return at
        if self.text[at : at + 1] != '"':
            self._refuse_name(at)
        frame.key, end = self._string(at, "field name")
        frame.key_offset = at
        end = self._skip(end)
        if self.text[end : end + 1] == ":":
            end = self._skip(end + 1)
        elif end < len(self.text):
            self._refuse_character(end, "was expecting a colon to separate field name and value", None)
        if end == len(self.text):
            self._refuse_end(end, within=True)
        return end

    def _skip(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def _scalar(self, at: int) -> tuple[JSON, int]:
        first = self.text[at : at + 1]
        if first == '"':
            return self._string(at, "value")
        if first == "-" or first.isdigit():
            return self._number(at)
        if self.text.startswith("${", at):
            end = _placeholder_end(self.text, at)
            if end is not None:
                return self.text[at:end], end
        word = _WORD.match(self.text, at)
        if word and word.group() in _CONSTANTS:
            return _CONSTANTS[word.group()], word.end()
        self._refuse_value(at)

    def _string(self, at: int, what: str) -> tuple[str, int]:
        match = _STRING.match(self.text, at)
        if match is None:
            self._refuse_string(at, what)
        raw = match.group()
        return (json.loads(raw) if "\\" in raw else raw[1:-1]), match.end()

    def _number(self, at: int) -> tuple[JSON, int]:
        match = _NUMBER.match(self.text, at)
        if match is None:
            self._refuse_number(at + 1, "expected digit (0-9) to follow minus sign, for valid numeric value")
        end = match.end()
        follows = self.text[end : end + 1]
        if follows == "." and match.group(1) is None and match.group(2) is None:
            self._refuse_number(end + 1, "Decimal point not followed by a digit")
        if follows and follows in "eE" and match.group(2) is None:
            signed = self.text[end + 1 : end + 2] in ("+", "-")
            self._refuse_number(end + 1 + signed, "Exponent indicator not followed by a digit")
        if follows.isdigit():
            raise JsonSyntaxError("Invalid numeric value: Leading zeroes not allowed", at, at + 2)
        if follows and follows not in " \t\r\n,]}":
            self._refuse_character(end, "Expected space separating root-level values", None)
        number = match.group()
        try:
            return read_number(number), end
        except ValueError as error:
            raise JsonSyntaxError(str(error), at, end) from None

    # What Jackson says.

    def _refuse_end(self, at: int, *, within: bool = False) -> NoReturn:
        if not self.stack:
            raise JsonSyntaxError("Unexpected end-of-input", at, at)
        frame = self.stack[-1]
        kind = "Object" if isinstance(frame.layout, dict) else "Array"
        message = f" within/between {kind} entries"
        if not within:
            opened = source_location(self.text, frame.offset)
            message = f": expected close marker for {kind} (start marker at {opened})"
        line, _ = line_and_column(self.text, frame.offset)
        hint = f"Close the {'{' if kind == 'Object' else '['} of line {line}."
        raise JsonSyntaxError(f"Unexpected end-of-input{message}", at, at, hint)

    def _refuse_character(self, at: int, expected: str, suggestion: str | None) -> NoReturn:
        if at >= len(self.text):
            self._refuse_end(at)
        found = self.text[at]
        if found == "/":
            expected = "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not "
            expected += "enabled for parser)"
        if found in "/#":
            suggestion = 'JSON has no comments: remove it, or put the text into a "Comment" field.'
        code = f"{ord(found)}" if ord(found) < 256 else f"{ord(found)} / 0x{ord(found):x}"
        raise JsonSyntaxError(f"Unexpected character ('{found}' (code {code})): {expected}", at, at + 1, suggestion)

    def _refuse_number(self, at: int, expected: str) -> NoReturn:
        if at >= len(self.text):
            raise JsonSyntaxError("Unexpected end-of-input in a Number value", at, at)
        found = self.text[at]
        message = f"Unexpected character ('{found}' (code {ord(found)})) in numeric value: {expected}"
        raise JsonSyntaxError(message, at, at + 1)

    def _refuse_name(self, at: int) -> NoReturn:
        found = self.text[at : at + 1]
        suggestion = None
        if found == "}":
            suggestion = "Remove the comma before this brace: JSON allows no trailing comma."
        elif found == "'" or found.isidentifier():
            suggestion = "Write the name in double quotes."
        self._refuse_character(at, "was expecting double-quote to start field name", suggestion)

    def _refuse_separator(self, frame: _Frame, at: int) -> NoReturn:
        kind = "Object" if isinstance(frame.layout, dict) else "Array"
        suggestion = None
        if self.text[at : at + 1] in ('"', "{", "["):
            suggestion = "Put a comma between this and what stands before it."
        self._refuse_character(at, f"was expecting comma to separate {kind} entries", suggestion)

    def _refuse_value(self, at: int) -> NoReturn:
        word = _WORD.match(self.text, at)
        if word is None:
            suggestion = None
            if self.text[at : at + 1] in ("]", "}"):
                suggestion = "Remove the comma before this bracket: JSON allows no trailing comma."
            elif self.text[at : at + 1] == "'":
                suggestion = "Write strings in double quotes."
            elif self.text[at : at + 1] == "\ufeff":
                suggestion = "Save the file without a byte order mark."
            self._refuse_character(at, _EXPECTED_VALUE, suggestion)
        token = word.group()
        if token in ("NaN", "Infinity"):
            message = f"Non-standard token '{token}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
            raise JsonSyntaxError(message, at, word.end())
        suggestion = f"Write {token.lower()}." if token.lower() in _CONSTANTS else "Write strings in double quotes."
        raise JsonSyntaxError(f"Unrecognized token '{token}': {_TOKENS}", at, word.end(), suggestion)

    def _refuse_string(self, at: int, what: str) -> NoReturn:
        """Say what ends the string that starts here too early."""
        text, i = self.text, at + 1
        while i < len(text):
            char = text[i]
            if char < " ":
                raise JsonSyntaxError(
                    f"Illegal unquoted character ((CTRL-CHAR, code {ord(char)})): has to be escaped using backslash "
                    f"to be included in {'name' if what == 'field name' else 'string value'}",
                    i,
                    i + 1,
                    "Close the string with a double quote on its line, or write \\n for a line break."
                    if char in "\r\n"
                    else None,
                )
            if char == "\\":
                escaped = text[i + 1 : i + 2]
                if escaped == "u" or not escaped:
                    if len(text) >= i + 6:
                        self._refuse_character(i + 2, "expected a hex-digit for character escape sequence", None)
                    break
                if escaped not in '"\\/bfnrt':
                    raise JsonSyntaxError(
                        f"Unrecognized character escape '{escaped}' (code {ord(escaped)})",
                        i,
                        i + 2,
                        "Write a backslash as \\\\.",
                    )
                i += 1
            i += 1
        missing = " in field name" if what == "field name" else ": was expecting closing quote for a string value"
        message = f"Unexpected end-of-input{missing}"
        raise JsonSyntaxError(message, at, len(text), "Close the string with a double quote.")


def _placeholder_end(text: str, at: int) -> int | None:
    """Where the ``${…}`` that starts here ends; braces inside it come in pairs. None if it does not end."""
    depth = 0
    for mark in re.compile(r"[{}]").finditer(text, at):
        depth += 1 if mark.group() == "{" else -1
        if depth == 0:
            return mark.end()
    return None


def read_number(text: str) -> int | float:
    """The number of a JSON text: integers exactly. Raises ValueError where no number of the machine can hold it."""
    if text.lstrip("-").isdigit():
        try:
            return int(text)
        except ValueError:
            raise ValueError("Numeric value out of range: an integer of more than 4300 digits") from None
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"Numeric value ({text}) out of range")
    return number


def source_location(text: str, offset: int) -> str:
    """A place as Jackson writes it, with the text, or its first 500 characters."""
    more = len(text) - _QUOTED_BY_JACKSON
    quoted = f'"{text}"' if more <= 0 else f'"{text[:_QUOTED_BY_JACKSON]}"[truncated {more} chars]'
    line, column = line_and_column(text, offset)
    return f"[Source: (String){quoted}; line: {line}, column: {column}]"


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1, the column in characters."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
