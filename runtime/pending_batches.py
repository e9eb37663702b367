"""Batches that a failed map run never started, kept for its redrive: a few in memory, many in a temporary file."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import BinaryIO, TypeAlias

from stepsim.asl.payload import JSON, Payload, WrittenPayload
from stepsim.runtime.items_batches import Batch

_Record: TypeAlias = tuple[str, tuple[JSON] | None, int, int]
"""Text, value (none where it has not been read), number of items, first index: tuples are pickled twice as fast."""

_CHARACTERS = 1024 * 1024
"""How much of their texts is held, and goes to the disk together."""

_EACH = 200
"""What a batch costs besides its text, in characters."""


class PendingBatches:
    """Batches in the order in which they were added. They are taken once, all of them."""

    __slots__ = ("_characters", "_file", "_held")

    def __init__(self) -> None:
        self._held: list[_Record] = []
        self._characters = 0
        self._file: BinaryIO | None = None

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, batch: Batch) -> None:
        """Add one."""
        payload = batch.payload
        text = payload.text
        value = None if isinstance(payload, WrittenPayload) else (payload.value,)
        self._held.append((text, value, batch.count, batch.first_index))
        self._characters += len(text) + _EACH
        if self._characters > _CHARACTERS:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 - closed when they are taken
            pickle.dump(self._held, self._file, pickle.HIGHEST_PROTOCOL)
            self._held = []
            self._characters = 0

    def take(self) -> Iterator[Batch]:
        """All of them; nobody else may add any."""
        if self._file is not None:
            with self._file as file:
                end = file.tell()
                file.seek(0)
                while file.tell() < end:
                    yield from map(_batch, pickle.load(file))
        yield from map(_batch, self._held)


def _batch(record: _Record) -> Batch:
    text, value, count, first_index = record
    return Batch(WrittenPayload(text) if value is None else Payload(value[0], text), count, first_index)
