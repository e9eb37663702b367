"""Triggers and arrivals as a scenario file has them: one type for each mapping."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Probability = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Time = Annotated[str | int | float, Meta(description="120ms, 40s, 1.5m, 2h, 1d; from the start of the run")]
Period = Annotated[str | int | float, Meta(description="120ms, 40s, 1.5m, 2h, 1d")]


class PolledQueue(Struct, frozen=True, forbid_unknown_fields=True):
    """A queue, and how it is polled."""

    queue: str
    batch_size: Annotated[int, Meta(ge=1, le=10_000, description="above 10 with a batch_window only")] = 10
    batch_window: Annotated[Period, Meta(description="how long a batch is gathered, up to 5m")] = 0
    maximum_concurrency: Annotated[int, Meta(ge=2, le=1_000)] | None = None
    report_batch_item_failures: Annotated[
        bool, Meta(description="of a function: it names the messages that failed")
    ] = False
    poller: Annotated[
        Literal["pipe", "lambda"],
        Meta(description="who starts executions: a pipe, one a batch; or a function, one a message"),
    ] = "pipe"


class QueueHop(Struct, frozen=True, forbid_unknown_fields=True):
    """On the way through a queue."""

    sqs: str | PolledQueue


class Trigger(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens (one of bucket, schedule, at, queue), over which way, and what it starts or invokes."""

    name: str | None = None
    bucket: Annotated[str | None, Meta(description="an object lands there")] = None
    prefix: str = ""
    suffix: str = ""
    schedule: Annotated[str | None, Meta(description="rate(5 minutes), cron(0 2 * * ? *), at(2026-01-05T02:00:00)")] = (
        None
    )
    at: Annotated[Time | None, Meta(description="once, at this moment of the run")] = None
    queue: Annotated[str | PolledQueue | None, Meta(description="a message is in that queue, whoever sent it")] = None
    via: list[Literal["eventbridge"] | QueueHop] = []
    start: Annotated[str | None, Meta(description="`definition`, or the name of one of the machines")] = None
    invoke: Annotated[str | None, Meta(description="the name of a function")] = None
    input: Annotated[Any | UnsetType, Meta(description="an input transformer: {key: <$.detail.object.key>}")] = UNSET
    duplicates: Annotated[Probability, Meta(description="how many events are delivered twice")] = 0.0
    dlq: Annotated[str | None, Meta(description="the queue that takes events that could not be delivered")] = None


class GenerateArrivals(Struct, frozen=True, forbid_unknown_fields=True):
    """Many of them."""

    count: Count
    body: Annotated[
        str | None, Meta(description="module:function(n, random) -> bytes, relative to the scenario's folder")
    ] = None
    size: Annotated[Count | None, Meta(description="instead of a body: so many bytes, all alike")] = None
    seed: int | None = None


class Poisson(Struct, frozen=True, forbid_unknown_fields=True):
    """Independent of each other, so many a second on average."""

    per_s: Annotated[float, Meta(gt=0)]


class Arrival(Struct, frozen=True, forbid_unknown_fields=True):
    """What comes from outside while the run goes on: objects into a bucket, or messages into a queue."""

    at: Annotated[Time, Meta(description="when the first one comes; from the start of the run")] = 0
    bucket: str | None = None
    key: Annotated[str | None, Meta(description="of objects: a pattern of n, from 0: settlement/{n:03d}.txt")] = None
    queue: str | None = None
    message: Annotated[Any | UnsetType, Meta(description="a message's body; JSON where it is no text")] = UNSET
    generate: GenerateArrivals | None = None
    content: Annotated[str | None, Meta(description="of one object: its text")] = None
    every: Annotated[Period | None, Meta(description="one after the other")] = None
    spread: Annotated[Period | None, Meta(description="somewhere within that time, evenly")] = None
    poisson: Poisson | None = None
