"""JSON and JSON Lines as an ItemReader reads them: item by item, memory flat in the number of items.

A JSON document is read through a window that slides over it: the standard library decodes one element at a time, and
what an ItemsPointer passes by is skipped without being decoded.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple, NoReturn

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.items_config import MAX_ITEM_BYTES, ReaderConfig, reader_failed

_CHUNK = 1 << 20
_LINES = 1 << 18
_EDGE = 16
NOT_ITERABLE = "Attempting to map over non-iterable node."
NO_MATCH = "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON structure."


class Pair(NamedTuple):
    """One member of an object that a map iterates over: ``Map.Item.Key`` and ``Map.Item.Value``."""

    key: str
    value: JSON


def read_jsonl(stream: BinaryIO, config: ReaderConfig) -> Iterator[JSON]:  # noqa: ARG001 - the readers' one signature
    """Yield the value of each line. Blank lines are passed over.

    Raises States.ItemReaderFailed, naming the line, for one that is not JSON or is larger than 8 MB.
    """
    return chain.from_iterable(_line_batches(stream))


def _line_batches(stream: BinaryIO) -> Iterator[Iterable[JSON]]:
    number = 1
    rest = b""
    while chunk := stream.read(_LINES):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        # Only the first of them may reach over several chunks.
        if len(rest) > MAX_ITEM_BYTES or (lines and len(lines[0]) > MAX_ITEM_BYTES):
            number += 0 if lines and len(lines[0]) > MAX_ITEM_BYTES else len(lines)
            raise reader_failed(f"Line {number} of the JSONL file is larger than 8 MB.")
        yield _decoded(lines, number)
        number += len(lines)
    yield _decoded([rest], number)


def _decoded(lines: list[bytes], number: int) -> Iterable[JSON]:
    try:
        return list(map(decode, lines))
    except (ValueError, RecursionError):
        return _one_by_one(lines, number)


def _one_by_one(lines: list[bytes], number: int) -> Iterator[JSON]:
    """The values of lines some of which are blank, or no JSON; `number` is the first one's."""
    for at, line in enumerate(lines, number):
        if line.strip():
            try:
                yield decode(line)
            except (ValueError, RecursionError) as error:
                raise reader_failed(f"Line {at} of the JSONL file is not valid JSON: {error}.") from error


def read_json(stream: BinaryIO, config: ReaderConfig, *, pairs: bool = True) -> Iterator[JSON | Pair]:
    """Yield the elements of the array, or the members of the object as `Pair`, that ItemsPointer leads to.

    AWS maps over objects since 2025. `pairs=False` is what it did before (recorded in 2023): an object is not iterable.
    Raises States.ItemReaderFailed, with AWS's texts, where the pointer matches nothing or what it leads to can't be
    mapped over; with ours where the document is not JSON or an element is larger than 8 MB.
    """
    window = _Window(stream)
    try:
        opening = window.descend(config.items_pointer)
        if opening == "[":
            yield from window.elements()
        elif opening == "{" and pairs:
            while (key := window.key()) is not None:
                yield Pair(key, window.value())
        else:
            if opening != "{":
                window.value()
            raise reader_failed(NOT_ITERABLE)
        if not config.items_pointer and window.peek():
            window.refuse("there is text after its end")
    except UnicodeDecodeError as error:
        raise reader_failed(f"The JSON file is not UTF-8: {error.reason}.") from error
    except RecursionError as error:
        raise reader_failed("An item of the JSON file is nested too deeply.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode_at = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
_BLANK = re.compile(r"[ \t\n\r]*")
_BRACKET = re.compile(r'["\[\]{}]')
_QUOTE = re.compile(r'["\\]')
_SCALAR_END = re.compile(r"[,\]}\s]")


class _Window:
    """A JSON text of any length, of which only a part is held.

    `_first` is true right after an opening bracket: no comma is due yet.
    """

    __slots__ = ("_at", "_decoder", "_done", "_first", "_passed", "_stream", "_text")

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._passed = 0
        self._done = False
        self._first = True

    def refuse(self, what: str) -> NoReturn:
        """Fail the reader, saying where in the text."""
        raise reader_failed(f"The JSON file is not valid: {what} (character {self._passed + self._at}).")

    def _more(self) -> bool:
        """Read on, at least doubling what is left, and drop what was read. False at the end of the text."""
        if self._done:
            return False
        chunk = self._stream.read(max(_CHUNK, len(self._text) - self._at))
        self._done = not chunk
        self._passed += self._at
        self._text = self._text[self._at :] + self._decoder.decode(chunk, final=self._done)
        self._at = 0
        return True

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches anything
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            self.refuse(f"{character!r} expected")
        self._at += 1

    def value(self) -> JSON:
        """Read one value, all of it."""
        self.peek()
        while True:
            try:
                value, end = _decode_at(self._text, self._at)
            except json.JSONDecodeError as error:
                problem = error.msg
                # A text cut off fails at its edge, or where the string that is cut off starts.
                if error.pos < len(self._text) - _EDGE and not problem.startswith("Unterminated"):
                    self._at = error.pos
                    self.refuse(problem)
            except ValueError as error:
                self.refuse(str(error))
            else:
                # A number near the window's edge may go on: what is read of ``1.5e+3`` may be ``1.5``, then ``e``.
                if end < len(self._text) - _EDGE or self._done:
                    self._at = end
                    return value
                problem = ""
            if len(self._text) - self._at > MAX_ITEM_BYTES:
                self.refuse("an item is larger than 8 MB, or has no end")
            if not self._more():
                self.refuse(problem)

    def _next(self, closing: str) -> bool:
        """Go to the next member or element. False, and past the bracket, where there is none."""
        character = self.peek()
        if character == closing:
            self._at += 1
            return False
        if not self._first:
            self._expect(",")
        self._first = False
        return True

    def elements(self) -> Iterator[JSON]:
        """The elements of an array that was just opened."""
        while self._next("]"):
            yield self.value()

    def key(self) -> str | None:
        """The next key of an object that was just opened, and past its colon. None after the last, and past its end."""
        if not self._next("}"):
            return None
        if self.peek() != '"':
            self.refuse("a key expected")
        key: str = self.value()
        self._expect(":")
        return key

    def descend(self, pointer: str) -> str:
        """Go where a JSON Pointer leads. Returns the bracket that opens there, passed, or another first character."""
        if pointer and not pointer.startswith("/"):
            raise reader_failed(NO_MATCH)
        for token in pointer.split("/")[1:]:
            opening = self._open()
            name = token.replace("~1", "/").replace("~0", "~")
            found = self._find_key(name) if opening == "{" else opening == "[" and self._find_index(name)
            if not found:
                raise reader_failed(NO_MATCH)
        return self._open()

    def _open(self) -> str:
        character = self.peek()
        if not character:
            self.refuse("it ends where a value is expected")
        if character in "[{":
            self._at += 1
            self._first = True
        return character

    def _find_key(self, name: str) -> bool:
        while (key := self.key()) is not None:
            if key == name:
                return True
            self._skip()
        return False

    def _find_index(self, name: str) -> bool:
        if not name.isdecimal():
            return False
        for _ in range(int(name)):
            if not self._next("]"):
                return False
            self._skip()
        return self._next("]")

    def _skip(self) -> None:
        """Pass one value by, of any size and depth, looking only at its brackets and quotes."""
        if self.peek() not in ("[", "{", '"'):
            self._seek(_SCALAR_END)
            return
        depth = 0
        while True:
            character = self._seek(_BRACKET)
            self._at += 1
            if character == '"':
                while self._seek(_QUOTE) == "\\":
                    self._at += 1
                    if self._at >= len(self._text):
                        self._more()
                    self._at += 1
                self._at += 1
            else:
                depth += 1 if character in "[{" else -1
            if depth <= 0:
                return

    def _seek(self, pattern: re.Pattern[str]) -> str:
        """Go to the next place that matches; return the character there."""
        while not (match := pattern.search(self._text, self._at)):
            self._at = len(self._text)
            if not self._more():
                self.refuse("it ends inside a value")
        self._at = match.start()
        return match[0]
