"""Triggers and arrivals, ready to be used: names checked, times read. Built by ``scenario_triggers.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepsim.runtime.triggers.schedules import Schedule
from stepsim.runtime.triggers.templates import InputTemplate


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """An object lands in a bucket."""

    bucket: str
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleSource:
    """A moment has come."""

    expression: str
    due: Schedule
    recurring: bool = False


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A message is in a queue, whoever sent it."""


Source = ObjectSource | ScheduleSource | QueueSource


@dataclass(frozen=True, slots=True)
class Polling:
    """How a queue is polled, as an event source mapping or a pipe has it."""

    queue: str
    batch_size: int = 10
    batch_window_ms: int = 0
    maximum_concurrency: int | None = None
    report_batch_item_failures: bool = False
    one_each: bool = False
    """Each message of a batch starts an execution of its own: a function between them does."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is started or invoked."""

    kind: Literal["start", "invoke"]
    name: str
    """Of a state machine, or of a function."""
    template: InputTemplate | None = None
    """Makes its input of the event; None: the event as it is."""


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """A source, the way from it, and a target."""

    name: str
    source: Source
    via_bus: bool = False
    """Over EventBridge."""
    polling: Polling | None = None
    """The queue at the end of the way."""
    target: Target | None = None
    """None: events end in the queue, and somebody else takes them."""
    duplicates: float = 0.0
    dlq: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """When the n-th of several comes: at most one of the three."""

    at_ms: int = 0
    every_ms: int | None = None
    spread_ms: int | None = None
    per_s: float | None = None


@dataclass(frozen=True, slots=True)
class ArrivalSpec:
    """Objects or messages that come while the run goes on."""

    name: str
    kind: Literal["bucket", "queue"]
    place: str
    """The bucket's or the queue's name."""
    timing: Timing
    count: int = 1
    key: str = ""
    """A pattern of n."""
    body: str | None = None
    """``module:function``; see ``generators.body_maker``."""
    size: int | None = None
    text: str = ""
    """Where there is neither a body nor a size."""
    seed: int = 0
