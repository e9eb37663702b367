"""One AWS call, as the gate sees it: who asks, what for, and how it was answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

ACCOUNT_ID = "123456789012"
"""The account everything lives in: moto's default, and the one AWS uses in its own examples."""

DEFAULT_REGION = "us-east-1"


class CallSite:
    """Who makes a call: what faults select by, dice are named after, and the report counts by.

    One object for one invocation or task attempt: it numbers the calls made there, so that each has dice of its own.
    """

    __slots__ = (
        "_calls",
        "_whereabouts",
        "account",
        "attempt",
        "batch",
        "execution",
        "function",
        "goes_on",
        "item",
        "place",
        "region",
        "settled",
        "state",
    )

    def __init__(
        self,
        execution: str = "",
        state: str = "",
        function: str = "",
        item: int | None = None,
        attempt: int = 0,
        place: object = 0,
    ) -> None:
        self.execution = execution
        """The name of the execution or, in a distributed map, of the child's place."""
        self.state = state
        self.function = function
        """The name of the function whose code makes the call; empty for a task integration's own call."""
        self.item = item
        """The index of the map item (or batch) that the execution works on."""
        self.batch: int | None = None
        """The same where it is a batch's; None where the map has no ItemBatcher."""
        self.attempt = attempt
        """0 for the first try of the state, 1 for the first retry."""
        self.place = place
        """Which visit of the state it is, and in which branches and iterations: tells apart what has one name."""
        self.region: str | None = None
        """Where a task integration's own call goes; None: the account's home region."""
        self.account: str | None = None
        """The account that a task integration's own call is made in; None: the one everything lives in."""
        self.goes_on = False
        """The call goes on with one that was counted: a further look of a long poll."""
        self.settled = False
        """The faults of the invocation have been decided: it is the one that a fault has asked for."""
        self._calls: Iterator[int] | None = None
        self._whereabouts: str | None = None

    @property
    def calls(self) -> Iterator[int]:
        """Numbers the calls made here, from 0."""
        if self._calls is None:
            self._calls = count()
        return self._calls

    @property
    def whereabouts(self) -> str:
        """What its dice are named after, in one text that is written once."""
        text = self._whereabouts
        if text is None:
            text = f"{self.execution}/{self.state}/{self.function}/{self.place}/{self.attempt}"
            self._whereabouts = text
        return text

    def __repr__(self) -> str:
        return f"CallSite({self.execution!r}, {self.state!r}, {self.function!r}, {self.item}, {self.attempt})"


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


class ConnectionLost(ApiError):
    """A call whose connection broke: no answer came. Whether it took effect, the caller cannot tell."""

    def __init__(self) -> None:
        super().__init__("SdkClientException", "Connection reset", 500)


class Unsupported(ApiError):
    """A call that the simulated account cannot answer, whoever asks: moto has no such operation."""

    def __init__(self, message: str) -> None:
        super().__init__("NotImplemented", message, 501)


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
    by_state: dict[str, int] = field(default_factory=dict)
    """Billed units by the state that the calls were made for."""
