"""CSV as Step Functions reads it: one row after the other, every value a string, memory flat in the number of rows.

The standard library's reader does the work. Two rules of AWS's grammar it does not know are added around it: a
backslash before a newline is removed and the newline still counts, and a doubled quote in a field that is not enclosed
in quotes stands for one quote (the developer guide reads ``{""a"":1}`` as JSON).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from stepsim.asl.payload import JSON
from stepsim.runtime.items_config import MAX_HEADER_BYTES, MAX_ITEM_BYTES, ReaderConfig, reader_failed


def read_csv(stream: BinaryIO, config: ReaderConfig) -> Iterator[JSON]:
    """Yield each row of the UTF-8 text as an object from header to string.

    Missing trailing fields are ``""``, extra ones are dropped, a blank line is an object of empty strings, header names
    are taken verbatim (a byte order mark is part of the first name; AWS says nothing of it), an empty file has no
    items. Raises States.ItemReaderFailed: with AWS's text for duplicate headers (recorded), with ours for headers above
    10 KiB, a field above 8 MB and text that is not UTF-8.
    """
    csv.field_size_limit(MAX_ITEM_BYTES)  # the module's own default is 128 KiB, for the whole process
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        rows = _rows(text, config.csv_delimiter)
        headers = list(config.csv_headers) if config.csv_header_location == "GIVEN" else next(rows, None)
        if headers is not None:
            _check_headers(headers)
            yield from _objects(headers, rows)
    except UnicodeDecodeError as error:
        raise reader_failed(f"The CSV file is not UTF-8: {error.reason}.") from error
    except csv.Error as error:
        raise reader_failed(f"The CSV file cannot be read: {error}.") from error
    finally:
        text.detach()


def _check_headers(headers: list[str]) -> None:
    if len(set(headers)) < len(headers):
        raise reader_failed("CSV headers cannot contain duplicates.")
    if sum(len(header.encode()) + 1 for header in headers) - 1 > MAX_HEADER_BYTES:
        raise reader_failed(f"CSV headers cannot be larger than {MAX_HEADER_BYTES // 1024} KiB.")


def _objects(headers: list[str], rows: Iterator[list[str]]) -> Iterator[JSON]:
    width = len(headers)
    for row in rows:
        if len(row) < width:
            row += [""] * (width - len(row))
        yield dict(zip(headers, row, strict=False))


class _Lines:
    """The lines of a file, and those of the record being read where they hold what csv.reader reads otherwise."""

    __slots__ = ("_text", "odd", "record")

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.record: list[str] = []
        self.odd = False

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            if "\\" in line:
                line = _newline_unescaped(line)
            if '""' in line:
                self.odd = True
            self.record.append(line)
            yield line


def _newline_unescaped(line: str) -> str:
    body = line.rstrip("\r\n")
    backslashes = len(body) - len(body.rstrip("\\"))
    return line[: len(body) - 1] + line[len(body) :] if backslashes % 2 else line


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    lines = _Lines(text)
    record = lines.record
    for row in csv.reader(lines, delimiter=delimiter, escapechar="\\", doublequote=True):
        if lines.odd:
            if any('""' in field for field in row):
                row = _fields("".join(record), delimiter)
            lines.odd = False
        record.clear()
        yield row


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
