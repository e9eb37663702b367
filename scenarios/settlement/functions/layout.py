"""Fixed-width records: what stands where in a line, as tables, and the reader that follows them."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any


def _text(raw: bytes) -> str:
    return raw.decode("ascii").rstrip()


def _sign(raw: bytes) -> int:
    if raw == b"C":
        return 1
    if raw == b"D":
        return -1
    raise ValueError(f"a sign is C or D, not {raw!r}")


def _date(raw: bytes) -> str:
    text = raw.decode("ascii")
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no date")
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


class Layout:
    """One kind of record: its first character, then each field with its width in characters and how it is read."""

    def __init__(self, kind: str, *fields: tuple[str, int, Callable[[bytes], Any]]) -> None:
        self._kind = kind.encode()
        self._readers = [(name, read) for name, _, read in fields]
        self._struct = Struct("1s" + "".join(f"{width}s" for _, width, _ in fields))

    def read(self, line: bytes) -> dict[str, Any]:
        """The fields of a line by name. Raises ValueError for another kind of line, or a field that cannot be read."""
        if len(line) < self._struct.size:
            raise ValueError(f"a line of {len(line)} characters, where {self._struct.size} are needed")
        kind, *raw = self._struct.unpack_from(line)
        if kind != self._kind:
            raise ValueError(f"a record {kind!r}, where {self._kind!r} is due")
        record = {}
        for (name, read), text in zip(self._readers, raw, strict=True):
            try:
                record[name] = read(text)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return record


HEADER = Layout("H", ("program_id", 8, _text), ("file_date", 8, _date), ("sequence", 6, int))
DETAIL = Layout(
    "D",
    ("transaction_id", 16, _text),
    ("account", 16, _text),
    ("amount", 12, int),
    ("sign", 1, _sign),
    ("currency", 3, _text),
    ("posted", 8, _date),
    ("merchant", 16, _text),
)
TRAILER = Layout("T", ("count", 9, int), ("total", 16, int))
LINE = 81
"""Characters of a line, with its end."""
