"""Bodies that are never held whole: files that stay on the disk, and generated objects that come in pieces."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import md5
from pathlib import Path
from typing import BinaryIO

from stepsim.runtime.cloud.stored import Stored

PIECE = 1 << 20
"""How much of a file is read at once, in bytes."""


class PieceStream(io.RawIOBase):
    """An iterator's pieces as a stream. What the iterator raises, reading raises."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]  # all that is ever given
        """Fill the buffer, or a part of it. Returns how much; 0 at the end."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1) -> bytes:
        """At most so many bytes, without copying a piece that fits; all that is left where `size` is negative."""
        if size is None or size < 0:
            return b"".join((self._rest, *self._pieces))
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            if len(piece) <= size and piece:
                return piece
            self._rest = memoryview(piece)
        taken, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return taken


class Streamed(Stored):
    """An object whose body is made or read anew, piece by piece, each time that it is asked for."""

    __slots__ = ("_open", "_size")

    def __init__(
        self, open_body: Callable[[], BinaryIO], size: int, digest: bytes, modified: datetime, content_type: str | None
    ) -> None:
        self._open = open_body
        self._size = size
        self.digest = digest
        self.modified = modified
        self.content_type = content_type
        self.metadata = None
        self.checksummed = False

    @property
    def body(self) -> bytes:  # type: ignore[override]  # read whole, for those who want it so
        """All of it, in memory."""
        with self._open() as stream:
            return stream.read()

    @property
    def size(self) -> int:
        """Of the body, in bytes."""
        return self._size

    def open(self) -> BinaryIO:
        """The body as a stream of its own."""
        return self._open()


class Unhashed(Streamed):
    """A streamed object that is read once more for its ETag, when somebody first asks for that."""

    __slots__ = ("_digest",)

    _digest: bytes | None

    def __init__(
        self, open_body: Callable[[], BinaryIO], size: int, modified: datetime, content_type: str | None
    ) -> None:
        super().__init__(open_body, size, b"", modified, content_type)

    @property
    def digest(self) -> bytes:
        """The MD5 of the body."""
        if self._digest is None:
            made = md5()
            with self.open() as stream:
                while piece := stream.read(PIECE):
                    made.update(piece)
            self._digest = made.digest()
        return self._digest

    @digest.setter
    def digest(self, known: bytes) -> None:
        self._digest = known or None


class _Shared:
    """A temporary file, closed with the last stream that reads it."""

    __slots__ = ("file",)

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __del__(self) -> None:
        self.file.close()


class FileBody(io.RawIOBase):
    """A body that lies in a temporary file: one of any number of streams that read it, each at its own place.

    The file is gone with the last of them. Nothing may be written to it any more.
    """

    def __init__(self, file: BinaryIO | _Shared, size: int) -> None:
        """The file is this stream's from now on, and that of those made of it."""
        super().__init__()
        self._shared = file if isinstance(file, _Shared) else _Shared(file)
        self._position = 0
        self.size = size
        """In bytes."""

    def again(self) -> FileBody:
        """Another stream of the same bytes, from their beginning."""
        return FileBody(self._shared, self.size)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on from there. Returns the place."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """At most so many bytes; all that is left where `size` is negative."""
        left = max(0, self.size - self._position)
        file = self._shared.file
        file.seek(self._position)
        data = file.read(left if size is None or size < 0 else min(size, left))
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]  # all that is ever given
        """Fill the buffer, or a part of it. Returns how much; 0 at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def of_file(path: Path, modified: datetime, content_type: str | None) -> Streamed:
    """A local file as an object; it is read once for its ETag, and again whenever the object is.

    Raises OSError where it cannot be read.
    """
    with path.open("rb"):
        return Unhashed(lambda: path.open("rb"), path.stat().st_size, modified, content_type)


def measured(pieces: Iterable[bytes], size: int, name: str) -> Iterator[bytes]:
    """The pieces, once more. Raises ValueError at their end where they don't have the size that was told of them."""
    passed = 0
    for piece in pieces:
        passed += len(piece)
        yield piece
    if passed != size:
        raise ValueError(f"{name} was said to have {size} bytes, and has {passed}.")
