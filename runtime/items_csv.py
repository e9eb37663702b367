"""CSV as Step Functions reads it: one row after the other, every value a string, memory flat in the number of rows.

Rows come in batches, a piece of the file at a time. A piece without quotes and backslashes, as most have none, is split
at its delimiters, and so is one all of whose fields are enclosed; the standard library's reader does the others, row by
row where it has to. Two rules of AWS's grammar it does not know are added around it: a backslash before a newline is
removed and the newline still counts, and a doubled quote in a field that is not enclosed in quotes stands for one quote
(the developer guide reads ``{""a"":1}`` as JSON).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from itertools import chain, repeat, starmap
from typing import Any, BinaryIO, TypeAlias

import msgspec

from stepsim.asl.payload import JSON
from stepsim.runtime.items_config import MAX_HEADER_BYTES, MAX_ITEM_BYTES, ReaderConfig, reader_failed

_Make: TypeAlias = Callable[[list[list[str]]], list[Any]]
"""Rows -> what is made of them."""

_PIECE = 1 << 18
_RECORD_FIELDS_MAX = 256
_BATCH = 4096
"""Rows, at most, that wait for a record that ends where its piece of the file does."""


def read_csv(stream: BinaryIO, config: ReaderConfig) -> Iterator[JSON]:
    """Yield each row of the UTF-8 text as an object from header to string.

    Missing trailing fields are ``""``, extra ones are dropped, a blank line is an object of empty strings, header names
    are taken verbatim (a byte order mark is part of the first name; AWS says nothing of it), an empty file has no
    items. Raises States.ItemReaderFailed: with AWS's text for duplicate headers (recorded), with ours for headers above
    10 KiB, a row above 8 MB, quotes that are never closed and text that is not UTF-8.
    """
    return chain.from_iterable(_batches(stream, config, _objects))


def read_csv_records(stream: BinaryIO, config: ReaderConfig) -> Iterator[object]:
    """As `read_csv`, for who only wants to write the rows down: each is something that is encoded as its object is."""
    return chain.from_iterable(_batches(stream, config, _records))


def _batches(stream: BinaryIO, config: ReaderConfig, maker: Callable[[list[str]], _Make]) -> Iterator[list[Any]]:
    csv.field_size_limit(MAX_ITEM_BYTES)  # the module's own default is 128 KiB, for the whole process
    try:
        tables = _tables(stream, config.csv_delimiter)
        if config.csv_header_location == "GIVEN":
            headers = list(config.csv_headers)
            _check_headers(headers)
        else:
            first = next(tables, None)
            if first is None:
                return
            headers = first.pop(0)
            _check_headers(headers)
            tables = chain((first,), tables)
        make = maker(headers)
        for rows in tables:
            yield make(rows)
    except UnicodeDecodeError as error:
        raise reader_failed(f"The CSV file is not UTF-8: {error.reason}.") from error
    except csv.Error as error:
        raise reader_failed(f"The CSV file cannot be read: {error}.") from error


def _check_headers(headers: list[str]) -> None:
    if len(set(headers)) < len(headers):
        raise reader_failed("CSV headers cannot contain duplicates.")
    if sum(len(header.encode()) + 1 for header in headers) - 1 > MAX_HEADER_BYTES:
        raise reader_failed(f"CSV headers cannot be larger than {MAX_HEADER_BYTES // 1024} KiB.")


def _objects(headers: list[str]) -> _Make:
    width = len(headers)

    def make(rows: list[list[str]]) -> list[JSON]:
        _widen(rows, width)
        return list(map(dict, map(zip, repeat(headers), rows)))

    return make


def _records(headers: list[str]) -> _Make:
    """Makes structs, which take half as long as dicts to make, to encode and to free."""
    width = len(headers)
    names = [f"field_{number}" for number in range(width)]
    if width > _RECORD_FIELDS_MAX:
        return _objects(headers)
    try:
        fields = [(name, str) for name in names]
        record = msgspec.defstruct("Record", fields, rename=dict(zip(names, headers, strict=True)), gc=False)
    except ValueError:
        # A header with a quote, a backslash or a control character.
        return _objects(headers)

    def make(rows: list[list[str]]) -> list[object]:
        widths = set(map(len, rows))
        if widths != {width}:
            _widen(rows, width)
            rows = [row[:width] for row in rows]
        return list(starmap(record, rows))

    return make


def _widen(rows: list[list[str]], width: int) -> None:
    if min(map(len, rows), default=width) < width:
        for row in rows:
            row += [""] * (width - len(row))


def _tables(stream: BinaryIO, delimiter: str) -> Iterator[list[list[str]]]:
    """The rows of a file, so many at a time."""
    pieces = _whole_lines(stream)
    for piece in pieces:
        if b'"' not in piece and b"\\" not in piece:
            yield _split(piece, delimiter)
        elif (rows := _enclosed(piece, delimiter) or _regular(piece, delimiter)) is not None:
            yield rows
        else:
            yield from _parsed(piece, pieces, delimiter)


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that end where a line does."""
    rest = b""
    while piece := stream.read(_PIECE):
        # A file may have carriage returns alone; one at the edge may be half of a newline.
        end = piece.rfind(b"\n") + 1 or piece.rfind(b"\r", 0, -1) + 1
        if end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
            if len(rest) > MAX_ITEM_BYTES + _PIECE:
                raise reader_failed("A row of the CSV file is larger than 8 MB.")
    if rest:
        yield rest


def _split(piece: bytes, delimiter: str) -> list[list[str]]:
    text = piece.decode()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return list(map(str.split, lines, repeat(delimiter)))


def _enclosed(piece: bytes, delimiter: str) -> list[list[str]] | None:
    """The rows of a piece all of whose fields are enclosed in quotes, and hold none; None where it is not so simple."""
    end = b'"\r\n' if piece.endswith(b'"\r\n') else b'"\n'
    if b"\\" in piece or not piece.startswith(b'"') or not piece.endswith(end):
        return None
    lines = piece[1 : -len(end)].decode().split(end.decode() + '"')
    rows = list(map(str.split, lines, repeat(f'"{delimiter}"')))
    # A field that holds a quote, or a separator of its own, leaves quotes over.
    return rows if 2 * sum(map(len, rows)) == piece.count(b'"') else None


def _regular(piece: bytes, delimiter: str) -> list[list[str]] | None:
    """The rows of a piece in which quotes enclose whole fields, as they mostly do; None where it is not so simple."""
    # One byte is found much faster than two.
    if b"\\" in piece and (piece.endswith(b"\\") or b"\\\n" in piece or b"\\\r" in piece):
        return None
    lines = io.StringIO(piece.decode(), newline="")
    try:
        # Strictly: a last row that goes on behind the piece is an error, and so are quotes out of place.
        rows = list(csv.reader(lines, delimiter=delimiter, escapechar="\\", doublequote=True, strict=True))
    except csv.Error:
        return None
    return None if b'""' in piece and '""' in "\0".join(chain.from_iterable(rows)) else rows


def _parsed(piece: bytes, pieces: Iterator[bytes], delimiter: str) -> Iterator[list[list[str]]]:
    """The rows of any piece, and of those after it into which its last row reaches."""
    lines = _Lines(piece, pieces)
    record = lines.record
    rows: list[list[str]] = []
    for row in csv.reader(lines, delimiter=delimiter, escapechar="\\", doublequote=True):
        if lines.ended:
            raise reader_failed("The CSV file ends inside quotes.")
        if lines.odd:
            if any('""' in field for field in row):
                row = _fields("".join(record), delimiter)
            lines.odd = False
        record.clear()
        rows.append(row)
        if not lines.left:
            break
        if len(rows) == _BATCH:
            yield rows
            rows = []
    yield rows


class _Lines:
    """The lines of a piece, and those of the record being read where they hold what csv.reader reads otherwise."""

    __slots__ = ("_piece", "_pieces", "ended", "left", "odd", "record")

    def __init__(self, piece: bytes, pieces: Iterator[bytes]) -> None:
        self._piece = piece
        self._pieces = pieces
        self.left = 0
        """How many lines of the piece were not asked for yet."""
        self.record: list[str] = []
        self.odd = False
        self.ended = False
        """True once a line was asked for after the last one."""

    def __iter__(self) -> Iterator[str]:
        for piece in chain((self._piece,), self._pieces):
            lines = list(io.StringIO(piece.decode(), newline=""))
            self.left = len(lines)
            escaped, doubled = b"\\" in piece, b'""' in piece
            for line in lines:
                self.left -= 1
                if escaped and "\\" in line:
                    line = _newline_unescaped(line)
                if doubled and '""' in line:
                    self.odd = True
                self.record.append(line)
                yield line
        self.ended = True


def _newline_unescaped(line: str) -> str:
    body = line.rstrip("\r\n")
    backslashes = len(body) - len(body.rstrip("\\"))
    return line[: len(body) - 1] + line[len(body) :] if backslashes % 2 else line


_ESCAPE = re.compile(r'\\(.?)|""', re.DOTALL)


def _fields(record: str, delimiter: str) -> list[str]:
    """The fields of one record by AWS's rules; only a record with doubled quotes left over comes here."""
    d = re.escape(delimiter)
    field = re.compile(rf'(?:"((?:[^"\\]|\\.?|"")*)(?:"|\Z))?((?:[^{d}\\]|\\.?)*)({d}|\Z)', re.DOTALL)
    record = record.removesuffix("\n").removesuffix("\r")
    fields: list[str] = []
    position = 0
    while match := field.match(record, position):
        enclosed, rest, delimited = match.groups()
        fields.append(_ESCAPE.sub(lambda found: '"' if found[0] == '""' else found[1], (enclosed or "") + rest))
        if not delimited:
            break
        position = match.end()
    return fields
