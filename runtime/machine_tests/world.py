"""The account of a test: tables, buckets and queues, given inline with what is in them; read again when it is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.fault_rules import FaultRule
from stepsim.runtime.scenario_check import INVALID_VALUE, WRONG_TYPE, Checker, ScenarioError, did_you_mean
from stepsim.runtime.scenario_faults import Fault, rule_of
from stepsim.runtime.scenario_file import Queue
from stepsim.runtime.scenario_tables import Table, table_of
from stepsim.runtime.scenario_types import BucketSpec, QueueSpec, TableSpec

if TYPE_CHECKING:
    from stepsim.runtime.cloud.cloud import Cloud
    from stepsim.runtime.key_path import KeyPath

T = TypeVar("T")
W = TypeVar("W")

Body: TypeAlias = "bytes | str | JSON"
"""An object's or message's content: bytes, a text, or a JSON value, which is written as its text."""

Tables: TypeAlias = "Mapping[str, Mapping[str, Any]]"
"""By name, as in a scenario (``partition_key``, ``sort_key``, ``gsis``, …), and ``items``: what is in them.
A template's own tables need only those."""
Buckets: TypeAlias = "Mapping[str, Mapping[str, Body] | Path]"
"""By name: bodies by key, or a local folder."""
Queues: TypeAlias = "Mapping[str, Sequence[Body] | Mapping[str, Any]] | Sequence[str]"
"""By name: messages, or a queue as in a scenario, with ``messages`` perhaps; or names of empty ones."""


@dataclass(frozen=True, slots=True)
class World:
    """What the account holds when a run begins."""

    tables: Mapping[str, TableSpec] = field(default_factory=dict)
    buckets: Mapping[str, BucketSpec] = field(default_factory=dict)
    queues: Mapping[str, QueueSpec] = field(default_factory=dict)
    faults: tuple[FaultRule, ...] = ()
    items: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    objects: Mapping[str, Mapping[str, Body]] = field(default_factory=dict)
    messages: Mapping[str, Sequence[Body]] = field(default_factory=dict)

    def fill(self, cloud: Cloud) -> None:
        """Put in what is given."""
        for table, items in self.items.items():
            client = cloud.client("dynamodb")
            for item in items:
                client.put_item(TableName=table, Item={name: _typed(value) for name, value in item.items()})
        for bucket, objects in self.objects.items():
            client = cloud.client("s3")
            for key, body in objects.items():
                client.put_object(Bucket=bucket, Key=key, Body=_bytes(body))
        for queue, messages in self.messages.items():
            client = cloud.client("sqs")
            url = client.get_queue_url(QueueName=queue)["QueueUrl"] if messages else ""
            for message in messages:
                client.send_message(QueueUrl=url, MessageBody=_bytes(message).decode())


@dataclass(frozen=True, slots=True)
class Left:
    """What a run has left."""

    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """The items of each table as plain Python: whole numbers are ints, others Decimals."""
    buckets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    queues: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The bodies of the messages that are left."""


def left_in(cloud: Cloud | None) -> Left:
    """Everything that is in the account now; nothing, where there is none."""
    from stepsim.runtime.invariants import outcome_of

    outcome = outcome_of(cloud, {})
    return Left(
        {name: outcome.tables[name] for name in outcome.tables},
        {name: dict(outcome.buckets[name]) for name in outcome.buckets},
        {name: outcome.queues[name] for name in outcome.queues},
    )


def world_of(
    tables: Tables,
    buckets: Buckets,
    queues: Queues,
    faults: Sequence[Mapping[str, JSON]],
    *,
    known_tables: Collection[str] = (),
    known_queues: Collection[str] = (),
) -> World:
    """The account that is meant; tables and queues that are known need only what is in them.

    Raises ScenarioError with everything wrong with it, in a scenario's words.
    """
    if not (tables or buckets or queues or faults):
        return _EMPTY
    checker = Checker(lambda _: (0, 0))
    known = queues if isinstance(queues, Mapping) else {name: [] for name in queues}
    written = {name: dict(table) for name, table in tables.items()}
    items = {name: table.pop("items", []) for name, table in written.items()}
    plain = {name: ({} if isinstance(queue, Sequence) else dict(queue)) for name, queue in known.items()}
    messages = {
        name: queue if isinstance(queue, Sequence) else plain[name].pop("messages", ()) for name, queue in known.items()
    }
    new_tables = {name: table for name, table in written.items() if table or name not in known_tables}
    new_queues = {name: queue for name, queue in plain.items() if queue or name not in known_queues}
    world = World(
        _each(new_tables, Table, "tables", checker, lambda table, at: table_of(table, at, checker)),
        {name: BucketSpec(folder=bucket if isinstance(bucket, Path) else None) for name, bucket in buckets.items()},
        _each(
            new_queues, Queue, "queues", checker, lambda queue, at: _queue(queue, at, {*plain, *known_queues}, checker)
        ),
        tuple(_faults(faults, checker)),
        items,
        {name: bucket for name, bucket in buckets.items() if not isinstance(bucket, Path)},
        messages,
    )
    for name, bucket in buckets.items():
        if not isinstance(bucket, Mapping | Path):
            checker.add(WRONG_TYPE, "bodies by key, or a folder's Path expected", ("buckets", name))
        elif isinstance(bucket, Path) and not bucket.is_dir():
            checker.add(INVALID_VALUE, f"there is no folder {bucket}", ("buckets", name))
    if checker.problems:
        raise ScenarioError(checker.problems, "run_machine")
    return world


def _each(
    members: Mapping[str, JSON],
    kind: type[W],
    key: str,
    checker: Checker,
    resolve: Callable[[W, KeyPath], T | None],
) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, member in members.items():
        meant = _converted(member, kind, (key, name), checker)
        resolved = None if meant is None else resolve(meant, (key, name))
        if resolved is not None:
            found[name] = resolved
    return found


def _converted(value: JSON, kind: type[W], at: KeyPath, checker: Checker) -> W | None:
    """A value as its type, where the whole it belongs to was not looked at yet."""
    own = Checker(lambda _: (0, 0))
    own.shape(value, kind)
    for problem in own.problems:
        checker.add(problem.code, problem.message, (*at, *filter(None, [problem.path])), problem.suggestion)
    return None if own.problems else own.converted(value, kind, ())


def _queue(queue: Queue, at: KeyPath, known: Collection[str], checker: Checker) -> QueueSpec:
    if (queue.dlq is None) != (queue.max_receive is None):
        checker.add(INVALID_VALUE, "dlq and max_receive go together", at)
    if queue.dlq is not None and queue.dlq not in known:
        checker.add(INVALID_VALUE, f"there is no queue {queue.dlq!r}", (*at, "dlq"), did_you_mean(queue.dlq, known))
    return QueueSpec(queue.visibility_s, queue.dlq, queue.max_receive, queue.duplicates)


def _faults(faults: Sequence[Mapping[str, JSON]], checker: Checker) -> list[FaultRule]:
    rules: list[FaultRule] = []
    for number, fault in enumerate(faults):
        meant = _converted(dict(fault), Fault, ("faults", number), checker)
        # Which functions there are is not told: a fault of one that nobody calls never strikes.
        known = {"functions": {} if meant is None or meant.function is None else {meant.function: None}}
        rule = None if meant is None else rule_of(meant, ("faults", number), known, checker)
        if rule is not None:
            rules.append(rule)
    return rules


def _bytes(body: Body) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else encode(body)).encode()


def _typed(value: Any) -> dict[str, Any]:
    """A plain value as DynamoDB's own: numbers are texts there."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float | Decimal):
        return {"N": str(value)}
    for kind, key in ((str, "S"), (bytes, "B")):
        if isinstance(value, kind):
            return {key: value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": {name: _typed(member) for name, member in value.items()}}
    if isinstance(value, Sequence):
        return {"L": [_typed(member) for member in value]}
    if isinstance(value, set | frozenset) and value:
        kinds = {key for member in value for key in _typed(member)}
        if kinds in ({"S"}, {"N"}, {"B"}):
            members = sorted((_typed(member) for member in value), key=str)
            return {f"{key}S": [member[key] for member in members] for key in kinds}
    raise TypeError(f"{value!r} cannot be an attribute of an item: write numbers, texts, bytes, lists and mappings")


_EMPTY = World()
