"""Objects that are made when they are read: a key pattern, a count and a function instead of 250,000 bodies."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b
from io import BufferedReader
from string import Formatter
from typing import BinaryIO

from stepsim.runtime.cloud.stored import LAST, ObjectSummary, Stored
from stepsim.runtime.cloud.streamed import PIECE, PieceStream, Streamed, measured

_SPEC = re.compile(r"(0?\d+)?[dxX]?")
"""How {n} may be written: a width, zeros in front, decimal or hexadecimal. Other formats don't keep numbers apart."""


class Generated:
    """`count` objects whose keys are `key` with {n} filled in, n from 0, and whose bodies `body(n)` makes on each read.

    A body is bytes, or an iterator of bytes, which is never held whole: its pieces are made as they are read.

    Nothing is kept for an object but, where `size` isn't known beforehand, 8 bytes for the size of its body once it was
    made: a listing tells sizes, so it makes every body that it comes across for the first time. The ETag is a number of
    its own for each object, not the body's MD5, which S3 doesn't promise either; it never changes.
    """

    def __init__(
        self,
        key: str,
        count: int,
        body: Callable[[int], bytes | Iterator[bytes]],
        modified: datetime,
        *,
        size: int | Callable[[int], int] | None = None,
        content_type: str | None = None,
    ) -> None:
        self.count = count
        self.modified = modified
        self.content_type = content_type
        self._pattern = key
        self._body = body
        self._size = size
        self._sizes = array("q") if size is not None else array("q", [-1]) * count
        self._match, self._base = recogniser(key, count)
        self._format = _writer(key)
        self._digest = int.from_bytes(blake2b(key.encode(), digest_size=16).digest(), "big")
        self._order: array[int] | None = None
        self._ordered = count < 2 or len(self._format(0)) == len(self._format(count - 1))

    def find(self, key: str) -> int | None:
        """The number of the object of that key; None where it isn't one of these."""
        found = self._match(key)
        if found is None:
            return None
        n = int(found[1] or "0", self._base)
        return n if n < self.count and self._format(n) == key else None

    def overlaps(self, other: Generated) -> bool:
        """True where some key is one of these and one of the others."""
        fewer, more = (self, other) if self.count <= other.count else (other, self)
        return any(more.find(fewer._format(n)) is not None for n in range(fewer.count))

    def stored(self, n: int) -> Stored:
        """The n-th object, its body made now; one that comes in pieces is made as it is read."""
        body = self._make(n)
        if isinstance(body, bytes):
            return Stored(body, self.digest(n), self.modified, self.content_type, None, False)
        size, name = self.size(n), self._format(n)

        def open_body() -> BinaryIO:
            pieces = PieceStream(measured(self._pieces(n), size, name))
            return BufferedReader(pieces, PIECE)

        return Streamed(open_body, size, self.digest(n), self.modified, self.content_type)

    def digest(self, n: int) -> bytes:
        """What the n-th object's ETag is written from."""
        return (self._digest ^ n).to_bytes(16, "big")

    def size(self, n: int) -> int:
        """The size of the n-th object in bytes."""
        if self._size is None:
            if self._sizes[n] < 0:
                body = self._make(n)
                if not isinstance(body, bytes):
                    self._sizes[n] = sum(map(len, body))
            return self._sizes[n]
        return self._size if isinstance(self._size, int) else self._size(n)

    def summaries(self, prefix: str, after: str) -> Iterator[ObjectSummary]:
        """The objects whose keys begin with `prefix` and come after `after`, in the order of their keys."""
        ranks = range(self.count)
        first = bisect_left(ranks, prefix, key=self._key_at) if prefix > after else self._past(after)
        stop = bisect_left(ranks, prefix + LAST, key=self._key_at) if prefix else self.count
        write, digest, modified, size = self._format, self._digest, self.modified, self._size
        # A named tuple's own way to be made takes twice as long.
        new, rest = tuple.__new__, ("STANDARD", None)
        numbers = ranks[first:stop] if self._ordered else self._ranked()[first:stop]
        if isinstance(size, int):
            for n in numbers:
                yield new(ObjectSummary, (write(n), size, f'"{digest ^ n:032x}"', modified, *rest))
        else:
            for n in numbers:
                yield new(ObjectSummary, (write(n), self.size(n), f'"{digest ^ n:032x}"', modified, *rest))

    def _past(self, after: str) -> int:
        return bisect_right(range(self.count), after, key=self._key_at) if after else 0

    def _key_at(self, rank: int) -> str:
        return self._format(rank if self._ordered else self._ranked()[rank])

    def _ranked(self) -> array[int]:
        """The numbers in the order of their keys: {n} without zeros in front sorts 0, 1, 10, 100, 11, …, 2."""
        if self._order is None:
            self._order = array("I", sorted(range(self.count), key=lambda n: self._format(n)))
        return self._order

    def _pieces(self, n: int) -> Iterator[bytes]:
        body = self._make(n)
        return iter([body]) if isinstance(body, bytes) else body

    def _make(self, n: int) -> bytes | Iterator[bytes]:
        body = self._body(n)
        if isinstance(body, Iterator):
            return body
        if not isinstance(body, bytes):
            kind = type(body).__name__
            raise TypeError(f"The body of {self._format(n)} is made as {kind}, and must be bytes or pieces of them.")
        if self._size is None:
            self._sizes[n] = len(body)
        elif len(body) != self.size(n):
            raise ValueError(f"{self._format(n)} was said to have {self.size(n)} bytes, and has {len(body)}.")
        return body


def _writer(pattern: str) -> Callable[[int], str]:
    """What writes the n-th key. ``%`` does so in half the time of ``format``, where there is one {n}."""
    parts = list(Formatter().parse(pattern))
    specs = [spec for _, name, spec, _ in parts if name is not None]
    if len(specs) != 1:
        return lambda n: pattern.format(n=n)
    spec = specs[0] or ""
    conversion = spec if spec[-1:] in ("d", "x", "X") else f"{spec}d"
    return "".join(
        text.replace("%", "%%") + (f"%{conversion}" if name is not None else "") for text, name, _, _ in parts
    ).__mod__


def recogniser(pattern: str, count: int) -> tuple[Callable[[str], re.Match[str] | None], int]:
    """What recognises the pattern's keys and captures {n}, and the base that {n} is written in.

    A single object may have a key without {n}: nothing is captured then. Raises ValueError where `count` keys of this
    pattern could not be told apart.
    """
    expression: list[str] = []
    bases: list[int] = []
    for text, name, spec, conversion in Formatter().parse(pattern):
        expression.append(re.escape(text))
        if name is None:
            continue
        if name != "n" or conversion or not _SPEC.fullmatch(spec or ""):
            raise ValueError(f"A key pattern has {{n}} or {{n:06d}} and nothing else in braces: {pattern!r}")
        base = 16 if spec and spec[-1] in "xX" else 10
        digits = " *[0-9a-fA-F]+" if base == 16 else " *[0-9]+"
        expression.append(f"({digits})" if not bases else digits)
        bases.append(base)
    if not bases and count > 1:
        raise ValueError(f"A key pattern needs {{n}}, as in 'files/{{n:06d}}.csv': {pattern!r}")
    if not bases:
        expression.append("()")
    return re.compile("".join(expression), re.DOTALL).fullmatch, bases[0] if bases else 10
