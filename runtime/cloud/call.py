"""One AWS call, as the gate sees it: who asks, what for, and how it was answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

ACCOUNT_ID = "123456789012"
"""The account everything lives in: moto's default, and the one AWS uses in its own examples."""

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class CallSite:
    """Who makes a call: what faults select by, dice are named after, and the report counts by."""

    execution: str = ""
    """The name of the execution (of the child, in a distributed map)."""
    state: str = ""
    function: str = ""
    """The name of the function whose code makes the call; empty for a task integration's own call."""
    item: int | None = None
    """The index of the map item (or batch) that the execution works on."""
    attempt: int = 0
    """0 for the first try of the state, 1 for the first retry."""
    calls: Iterator[int] = field(default_factory=count, compare=False, repr=False)
    """Numbers the calls made here, so that each has dice of its own: one object for one invocation or task attempt."""


NOBODY = CallSite()


class ApiError(Exception):
    """An AWS call's error, as AWS would answer it.

    `code` is the wire's error code (``NoSuchKey``, ``ConditionalCheckFailedException``, ``SlowDown``); `extra` holds
    further members of the error's shape, such as ``Item`` or ``CancellationReasons``.
    """

    def __init__(self, code: str, message: str, status: int = 400, extra: dict[str, Any] | None = None) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra or {}
        super().__init__(code, message)


class FallThrough(Exception):
    """Raised by a fast path that does not cover the parameters it was given: moto itself answers then."""


@dataclass(slots=True)
class Answer:
    """How a call was answered. `latency_ms` is how long AWS would have taken; nothing here waits."""

    response: dict[str, Any] | None
    error: ApiError | None = None
    latency_ms: int = 0


@dataclass(slots=True)
class CallCounts:
    """What the meter keeps for each operation; the report's ``calls``."""

    count: int = 0
    throttled: int = 0
    faults: int = 0
    errors: dict[str, int] = field(default_factory=dict)
