"""What is mocked, ready to be run: answers by attempt, and the states of a test case. Built by ``reading.py``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from stepsim.asl.payload import EMPTY, JSON, Payload

if TYPE_CHECKING:
    from stepsim.runtime.services.task import TaskCall


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was written: file, line and column from 1, and key. What ``--set`` made has the line 0."""

    source: str
    line: int
    column: int
    key: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{place}: {self.key}" if self.key else place


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with mocks: what, where, and what to do instead. An error keeps them from being run."""

    code: str
    message: str
    origin: Origin
    suggestion: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.origin}: {self.message}{hint}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt of a mocked task comes to: it returns `returns`, or fails where that is None."""

    returns: Payload | None = None
    error: str | None = None
    cause: str | None = None
    never: bool = False
    """It does not answer at all: TimeoutSeconds or HeartbeatSeconds end the attempt."""
    delay_ms: int = 0
    """How long the answer takes; of an activity, from when its worker took the task."""
    heartbeat_ms: int | None = None
    """How often a heartbeat comes until then; None: none does."""
    taken_after_ms: int = 0
    """When a worker takes an activity's task."""
    worker: str | None = None
    submitted: Payload = field(default_factory=lambda: EMPTY)
    """What TaskSubmitted shows: the service's response to a callback's or a job's request."""
    refused: bool = False
    """The error is that of the request itself: TaskSubmitFailed."""


@dataclass(frozen=True, slots=True)
class Span:
    """The attempts, counted from 0, that get an answer."""

    first: int
    last: int
    answer: Answer
    origin: Origin

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Response:
    """Answers by attempt; `spans` are in order and do not overlap."""

    name: str
    """Empty where it was written in place."""
    spans: tuple[Span, ...]
    origin: Origin

    def span(self, attempt: int) -> Span | None:
        """The span that an attempt falls into; None where nothing is said of it."""
        at = bisect_right(self.spans, attempt, key=lambda span: span.first) - 1
        return self.spans[at] if at >= 0 and attempt <= self.spans[at].last else None


@dataclass(frozen=True, slots=True)
class Rule:
    """A response for some items or batches of a Map; all that is said of them must be so."""

    response: Response
    origin: Origin
    item: int | None = None
    """The index of the item or batch."""
    key: str | None = None
    """The Key of the S3 object, or the item itself where it is a text."""
    where: tuple[tuple[tuple[str, ...], JSON], ...] = ()
    """Fields, by their paths within the item, and their values."""

    def matches(self, index: int, items: tuple[JSON, ...]) -> bool:
        """True of an item, or of a batch that has such an item."""
        if self.item is not None and self.item != index:
            return False
        if self.key is None and not self.where:
            return True
        return any(self._is(item) for item in items)

    def _is(self, item: JSON) -> bool:
        if self.key is not None and (item.get("Key") if isinstance(item, dict) else item) != self.key:
            return False
        return all(_has(item, path, value) for path, value in self.where)


def _has(item: JSON, path: tuple[str, ...], value: JSON) -> bool:
    for step in path:
        if not isinstance(item, dict) or step not in item:
            return False
        item = item[step]
    # 1 and true are the same to Python, and not in JSON.
    return item == value and isinstance(item, bool) == isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class MockedState:
    """How a state is mocked: the first rule that matches, else `response`, else not at all."""

    origin: Origin
    rules: tuple[Rule, ...] = ()
    response: Response | None = None
    ask: Ask | None = None
    """Instead of both: Python that answers."""


class Ask(Protocol):
    """Answers the attempts of a state."""

    def __call__(self, call: TaskCall, attempt: int, /) -> Answer:
        """The answer to an attempt; they are counted from 0 through the whole execution."""
        ...


@dataclass(frozen=True, slots=True)
class MockedCase:
    """A test case: the states of a machine that are mocked. All others call what they would call otherwise."""

    machine: str
    name: str
    source: str
    states: Mapping[str, MockedState]
    strict: bool = False
    """A mock that is never used makes a run fail."""
    validate_responses: bool = False
    """Responses are held against the shapes of the APIs that they stand in for."""


@dataclass(frozen=True, slots=True)
class MockFile:
    """A mock configuration file: test cases by machine and name."""

    source: str
    cases: Mapping[str, Mapping[str, MockedCase]] = field(default_factory=dict)
    responses: Mapping[str, Response] = field(default_factory=dict)
    strict: bool = False
    validate_responses: bool = False
