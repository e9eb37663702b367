"""How long AWS takes to answer a call, and for what else it takes time: seed figures, not guarantees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.dice import Dice
from stepsim.workers.durations import Duration

_ANY = "*"

Spread: TypeAlias = tuple[int, int] | Duration
"""How long something takes: evenly between two times in ms, or as any other duration says."""

SEED_LATENCIES_MS: Mapping[str, tuple[int, int]] = {
    # S3's first byte, small objects in the same region; a listing page or a batch is a larger answer.
    "s3.*": (20, 60),
    "s3.ListObjectsV2": (40, 120),
    "s3.DeleteObjects": (40, 120),
    "s3.CompleteMultipartUpload": (60, 200),
    # What each 1,000,000 bytes of a body add: S3's performance design patterns reckon with 85 to 90 MB/s a connection.
    "s3.megabyte": (11, 11),
    # Single-digit milliseconds; batches and transactions touch several partitions.
    "dynamodb.*": (3, 10),
    "dynamodb.BatchWriteItem": (6, 20),
    "dynamodb.BatchGetItem": (6, 20),
    "dynamodb.TransactWriteItems": (10, 30),
    "dynamodb.TransactGetItems": (10, 30),
    "sqs.*": (5, 20),
    "events.*": (5, 20),
    # How long EventBridge, S3's notifications and the scheduler take to hand an event over.
    "events.delivery": (100, 500),
    "s3.notification": (500, 1_500),
    "scheduler.delivery": (0, 500),
    # Recorded: the first child of a map run starts 0.65 to 1.2 s after the run, reading included; the run ends 0.5 to
    # 0.8 s after its last child.
    "states.map_run_start": (600, 1_100),
    "states.map_run_close": (500, 800),
    # What Lambda adds to a warm function's own time.
    "lambda.Invoke": (5, 20),
    # From RunTask until a Fargate container runs: 45 to 50 s measured; 20 to 90 s and more, for large images. The last
    # part of it pulls the image (a guess), and is billed.
    "fargate.provisioning": (45_000, 50_000),
    "fargate.image_pull": (15_000, 25_000),
    # Together some 0.5 to 2 s, for the smallest of queries.
    "athena.queue": (100, 300),
    "athena.query": (400, 1_700),
    # What the gateway adds to its integration's own time.
    "apigateway.request": (10, 30),
    "*": (15, 25),
}
"""The shortest and the longest, in ms: of an operation's answer, of all of a service's (``s3.*``), of the rest's, or of
what a model names (``fargate.provisioning``)."""

EVEN_ENTRIES = frozenset({"lambda.Invoke", "s3.megabyte", "states.map_run_start", "states.map_run_close"})
"""Entries that are drawn where no other distribution is known: they are a time, or lie evenly between two."""


def drawn_ms(spread: Spread, draw: float) -> int:
    """The time in ms at a uniform draw from [0, 1)."""
    if isinstance(spread, Duration):
        return spread.sample_ms(draw)
    shortest, longest = spread
    return shortest + int(draw * (longest - shortest + 1))


class Latency:
    """Draws each time from names: the same call, the same latency."""

    def __init__(self, dice: Dice, overrides: Mapping[str, Spread] | None = None, *, off: bool = False) -> None:
        """`overrides` (by the same names) replaces or adds to the table; `off`: nothing takes any time."""
        self._dice = dice
        self._table: dict[str, Spread] = {**SEED_LATENCIES_MS, **(overrides or {})}
        self.off = off

    def spread(self, service: str, operation: str) -> Spread:
        """How long an operation takes; (0, 0) where latency is off."""
        if self.off:
            return 0, 0
        for name in (f"{service}.{operation}", f"{service}.{_ANY}"):
            if name in self._table:
                return self._table[name]
        return self._table[_ANY]

    def bounds(self, service: str, operation: str) -> tuple[int, int]:
        """The shortest and the longest that one of `EVEN_ENTRIES` or of the table's own takes, in ms."""
        spread = self.spread(service, operation)
        if isinstance(spread, Duration):
            raise ValueError(f"{service}.{operation} does not lie evenly between two times")
        return spread

    def draw(self, spread: Spread, site: CallSite, number: int) -> int:
        """The latency, in ms, of the site's number-th call."""
        if type(spread) is not tuple:
            return drawn_ms(spread, self._dice.of(f"latency/{site.whereabouts}/{number}"))
        shortest, longest = spread
        if shortest == longest:
            return shortest
        return shortest + int(self._dice.of(f"latency/{site.whereabouts}/{number}") * (longest - shortest + 1))

    def of(self, name: str, *place: object) -> int:
        """How long, in ms, what a model names (``fargate.provisioning``) takes at this place."""
        if self.off:
            return 0
        return drawn_ms(self._table[name], self._dice.draw("latency", name, *place))
