"""How long AWS takes to answer a call: seed figures, not guarantees."""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.dice import Dice

_ANY = "*"

SEED_LATENCIES_MS: Mapping[str, tuple[int, int]] = {
    # S3's first byte, small objects in the same region; a listing page or a batch is a larger answer.
    "s3.*": (20, 60),
    "s3.ListObjectsV2": (40, 120),
    "s3.DeleteObjects": (40, 120),
    "s3.CompleteMultipartUpload": (60, 200),
    # Single-digit milliseconds; batches and transactions touch several partitions.
    "dynamodb.*": (3, 10),
    "dynamodb.BatchWriteItem": (6, 20),
    "dynamodb.BatchGetItem": (6, 20),
    "dynamodb.TransactWriteItems": (10, 30),
    "dynamodb.TransactGetItems": (10, 30),
    "sqs.*": (5, 20),
    "events.*": (5, 20),
    # Recorded: the first child of a map run starts 0.65 to 1.2 s after the run, reading included; the run ends 0.5 to
    # 0.8 s after its last child.
    "states.map_run_start": (600, 1_100),
    "states.map_run_close": (500, 800),
    # What Lambda adds to a warm function's own time.
    "lambda.Invoke": (5, 20),
    "*": (15, 25),
}
"""The shortest and the longest answer, in ms, for an operation, for all of a service (``s3.*``) or for the rest."""


class Latency:
    """Draws each call's latency, evenly between its operation's bounds, from names: the same call, the same latency."""

    def __init__(
        self, dice: Dice, overrides: Mapping[str, tuple[int, int]] | None = None, *, off: bool = False
    ) -> None:
        """`overrides` (ms, by the same names) replaces or adds to the table; `off` makes every call instantaneous."""
        self._dice = dice
        self._table = {**SEED_LATENCIES_MS, **(overrides or {})}
        self._off = off

    def bounds(self, service: str, operation: str) -> tuple[int, int]:
        """The shortest and longest latency of an operation in ms; (0, 0) where latency is off."""
        if self._off:
            return 0, 0
        for name in (f"{service}.{operation}", f"{service}.{_ANY}"):
            if name in self._table:
                return self._table[name]
        return self._table[_ANY]

    def draw(self, bounds: tuple[int, int], site: CallSite, number: int) -> int:
        """The latency, in ms, of the site's number-th call."""
        shortest, longest = bounds
        if shortest == longest:
            return shortest
        place = f"{site.execution}/{site.state}/{site.function}/{site.place}/{site.attempt}/{number}"
        return shortest + int(self._dice.of("latency/" + place) * (longest - shortest + 1))
