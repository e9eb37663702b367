"""What comes from outside: objects and messages at moments of the run, one after the other, made when they come.

Nobody of the account sends them: they pass no gate, and are neither counted as calls nor limited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import md5
from io import BufferedReader, BytesIO
from math import log
from pathlib import Path
from typing import BinaryIO

from stepsim.runtime.cloud.bucket_store import BucketStore
from stepsim.runtime.cloud.moto_s3 import backend
from stepsim.runtime.cloud.moto_sqs import send
from stepsim.runtime.cloud.stored import UTC_OF_BOTO, Stored
from stepsim.runtime.cloud.streamed import PIECE, PieceStream, Streamed
from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import body_maker
from stepsim.runtime.triggers.specs import ArrivalSpec, Timing
from stepsim.runtime.triggers.world import REGION, World

_HELD = 65_536
"""A larger body is made again whenever it is read, in bytes."""

Body = Callable[[int], bytes | Iterator[bytes]]


def moments(timing: Timing, count: int, dice: Dice, name: str) -> Iterator[int]:
    """When each of several comes, in ms of the run, in order."""
    at_ms = float(timing.at_ms)
    for n in range(count):
        if timing.every_ms is not None:
            yield timing.at_ms + n * timing.every_ms
        elif timing.spread_ms is not None:
            yield timing.at_ms + int(timing.spread_ms * (n + dice.of(f"{name}/{n}")) / count)
        elif timing.per_s is not None:
            at_ms -= log(1 - dice.of(f"{name}/{n}")) * 1000 / timing.per_s
            yield int(at_ms)
        else:
            yield timing.at_ms


class Arrivals:
    """Lets one entry of ``arrivals`` come."""

    def __init__(self, world: World, spec: ArrivalSpec, base_dir: Path, until_ms: int | None) -> None:
        """Raises GeneratorError where the function that makes bodies cannot be loaded."""
        self.coming = False
        """There are more to come."""
        self._world = world
        self._spec = spec
        self._until_ms = until_ms
        self._filler = (b"x" if spec.size is not None else b"") * (spec.size or 0)
        self._body = self._bodies(base_dir)
        self._moments = enumerate(moments(spec.timing, spec.count, world.dice, spec.name))
        self._moved = (-1, datetime.fromtimestamp(0, UTC_OF_BOTO))

    def _bodies(self, base_dir: Path) -> Body:
        spec = self._spec
        if spec.body is not None:
            return body_maker(spec.body, spec.seed, spec.place, base_dir)
        fixed = self._filler if spec.size is not None else spec.text.encode()
        return lambda _: fixed

    def begin(self) -> None:
        """Let the first one come at its moment, and each further one after it."""
        self._world.underway += 1
        self.coming = True
        self._wait_for_next()

    def stop(self) -> None:
        """Let no more come."""
        self._moments = enumerate(())

    def _wait_for_next(self) -> None:
        world = self._world
        while True:
            n, at_ms = next(self._moments, (0, None))
            if at_ms is None or (self._until_ms is not None and at_ms > self._until_ms):
                world.underway -= 1
                self.coming = False
                return
            if at_ms > world.run_ms:
                world.scheduler.call_at(world.start_ms + at_ms, lambda n=n: self._due(n))  # type: ignore[misc]
                return
            self._arrive(n)

    def _due(self, n: int) -> None:
        self._arrive(n)
        self._wait_for_next()

    def _arrive(self, n: int) -> None:
        if self._spec.kind == "queue":
            queue = self._world.cloud.queues.find(self._spec.place, REGION)
            if queue is not None:
                made = self._body(n)
                body = made if isinstance(made, bytes) else b"".join(made)
                send(self._world.cloud.queues, queue, body.decode(), queue.delay_seconds, None)
            return
        bucket = backend().buckets.get(self._spec.place)
        if bucket is None:
            # Somebody has deleted it: an upload would be refused.
            return
        key = self._spec.key.format(n=n)
        store: BucketStore = bucket.keys
        stored = self._object(n)
        store.put(key, stored)
        if store.created is not None:
            store.created(key, stored.size, stored.digest.hex(), "PutObject")

    def _object(self, n: int) -> Stored:
        body, modified = self._body(n), self._modified()
        if isinstance(body, bytes) and (len(body) <= _HELD or self._spec.body is None):
            return Stored(body, md5(body).digest(), modified, None, None, True)
        digest, size = md5(), 0
        for piece in [body] if isinstance(body, bytes) else body:
            digest.update(piece)
            size += len(piece)
        return Streamed(lambda: self._open(n), size, digest.digest(), modified, None)

    def _open(self, n: int) -> BinaryIO:
        body = self._body(n)
        return BytesIO(body) if isinstance(body, bytes) else BufferedReader(PieceStream(body), PIECE)

    def _modified(self) -> datetime:
        """The present second, the same object for all that happens in it."""
        second = self._world.now_ms // 1000
        if self._moved[0] != second:
            self._moved = second, datetime.fromtimestamp(second, UTC_OF_BOTO)
        return self._moved[1]
