"""Executions, their histories and map runs as rows and back.

What is read back is what was written: an ExecutionRecord like any other, whose history is read page by page. It can be
redriven, and so can its map runs: the items that they had not come to are not stored, and read once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import msgspec

from stepsim.asl.payload import JSON
from stepsim.runtime.api.execution_store import moved_ms
from stepsim.runtime.api.records import ExecutionRecord, MachineRecord, Revision
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.child import Child
from stepsim.runtime.execution import Execution, Status
from stepsim.runtime.frame import Identity
from stepsim.runtime.history import Clock, History, HistoryEvent
from stepsim.runtime.map_children import StoppedRun
from stepsim.runtime.map_counts import Counts, MapCounts, Tolerance
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.persistence.archive import Archive, ExecutionRow
from stepsim.runtime.persistence.packing import (
    pack,
    pack_point,
    payload_of,
    text_bytes,
    unpack,
    unpack_events,
    unpack_point,
)


class Facts(msgspec.Struct, omit_defaults=True):
    """What a row holds besides its columns."""

    name: str
    machine_arn: str
    machine_name: str
    start_ms: int
    key: str
    role_arn: str
    record_arn: str
    record_creation_ms: int
    express: bool = False
    item: int | None = None
    items: int = 0
    qualifiers: dict[str, str] = {}
    redrive_count: int = 0
    redrive_ms: int | None = None
    version_arn: str | None = None
    alias_arn: str | None = None
    trace_header: str | None = None
    map_run_arn: str | None = None
    error: str | None = None
    cause: str | None = None
    redrives: list[tuple[str, int]] = []
    stopped_at: list[JSON] | None = None


def pack_execution(record: ExecutionRecord, seq: int, revision: int, events: int) -> ExecutionRow:
    """The row of an execution as it is now, with so many events of its history."""
    execution = record.execution
    me = execution.me
    point = execution.stopped_at
    facts = Facts(
        me.name,
        me.machine_arn,
        me.machine_name,
        me.start_ms,
        me.key,
        me.role_arn,
        record.record.arn,
        record.record.creation_ms,
        me.express,
        me.item,
        me.items if isinstance(me, Child) else 0,
        dict(me.qualifiers),
        me.redrive_count,
        me.redrive_ms,
        record.version_arn,
        record.alias_arn,
        record.trace_header,
        None if record.map_run is None else record.map_run.arn,
        execution.error,
        execution.cause,
        record.redrives,
        None if point is None or execution.stop_ms is None else pack_point(point),
    )
    return ExecutionRow(
        seq,
        me.arn,
        record.record.arn if record.map_run is None else record.map_run.arn,
        execution.status,
        moved_ms(record),
        execution.stop_ms,
        revision,
        events,
        text_bytes(me.input.text),
        None if execution.output is None else text_bytes(execution.output.text),
        pack(facts),
    )


def unpack_execution(
    row: ExecutionRow, archive: Archive, registry: Registry, revision: Revision, map_run: MapRun | None
) -> ExecutionRecord:
    """The execution of a row; `map_run` is the one whose child it is."""
    facts = unpack(row.facts, Facts)
    execution = registry.account.new_execution(revision.machine, _identity(row, facts, map_run))
    execution.status = cast(Status, row.status)
    execution.stop_ms = row.stop_ms
    execution.output = None if row.output is None else payload_of(row.output)
    execution.error, execution.cause = facts.error, facts.cause
    if facts.express:
        # AWS has no history of it, and a redrive makes none.
        execution.history = History(registry.account.scheduler, kept=False, limited=False)
    else:
        execution.history = StoredHistory(registry.account.scheduler, archive, row.seq, row.events)
    if facts.stopped_at is not None:
        execution.stopped_at = unpack_point(facts.stopped_at)
    return ExecutionRecord(
        execution,
        _machine(registry, facts, revision),
        revision,
        facts.version_arn,
        facts.alias_arn,
        facts.trace_header,
        map_run,
        facts.redrives,
    )


def _identity(row: ExecutionRow, facts: Facts, map_run: MapRun | None) -> Identity:
    me: Identity
    if map_run is None:
        payload = payload_of(row.input)
        me = Identity(
            row.arn,
            facts.name,
            facts.machine_arn,
            facts.machine_name,
            payload,
            facts.start_ms,
            express=facts.express,
            key=facts.key,
            role_arn=facts.role_arn,
        )
        me.qualifiers = facts.qualifiers
    else:
        me = StoredChild(map_run, row, facts)
    me.redrive_count, me.redrive_ms = facts.redrive_count, facts.redrive_ms
    return me


def _machine(registry: Registry, facts: Facts, revision: Revision) -> MachineRecord:
    """The machine that started it; one that is gone is told as it was, being deleted."""
    record = registry.machines.get(facts.record_arn)
    if record is not None and record.creation_ms == facts.record_creation_ms:
        return record
    kind: Literal["STANDARD", "EXPRESS"] = "EXPRESS" if facts.express and facts.map_run_arn is None else "STANDARD"
    name = facts.record_arn.rpartition(":")[2]
    return MachineRecord(facts.record_arn, name, kind, facts.record_creation_ms, revision, "DELETING")


class StoredChild(Child):
    """The identity of a map run's child that was read back."""

    __slots__ = ("_role_arn",)

    def __init__(self, run: MapRun, row: ExecutionRow, facts: Facts) -> None:
        super().__init__(run, facts.item or 0, payload_of(row.input), facts.items, facts.start_ms)
        self.key = facts.key
        self._arn, self._name, self._role_arn = row.arn, facts.name, facts.role_arn

    @property
    def role_arn(self) -> str:  # type: ignore[override]  # stored
        return self._role_arn


class StoredHistory(History):
    """A history that is read when somebody asks, page by page; it comes back to memory whole to be gone on with."""

    __slots__ = ("_archive", "_execution", "_first_id", "_page", "_present")

    def __init__(self, clock: Clock, archive: Archive, execution: int, count: int) -> None:
        super().__init__(clock)
        self.count = count
        self._archive = archive
        self._execution = execution
        self._first_id = 0
        self._page: list[HistoryEvent] = []
        self._present = not count

    def __iter__(self) -> Iterator[HistoryEvent]:
        if self._present:
            yield from super().__iter__()
            return
        event_id = 1
        while event_id <= self.count:
            yield self[event_id - 1]
            event_id += 1

    def __getitem__(self, index: int) -> HistoryEvent:
        if self._present:
            return super().__getitem__(index)
        event_id = index + 1 if index >= 0 else self.count + index + 1
        if not 1 <= event_id <= self.count:
            raise IndexError(index)
        place = event_id - self._first_id
        if not (self._page and 0 <= place < len(self._page)):
            self._first_id, body = self._archive.event_page(self._execution, event_id)
            self._page = unpack_events(self._first_id, body)
            place = event_id - self._first_id
        return self._page[place]

    def add(self, event_type: str, previous: int, details: dict[str, Any] | None = None, *, last: bool = False) -> int:
        if not self._present:
            self._events = list(self)
            self._present, self._page = True, []
        return super().add(event_type, previous, details, last=last)


# -- map runs -------------------------------------------------------------------------------------------------------


class _MapRun(msgspec.Struct):
    arn: str
    parent: str
    record_arn: str
    machine_arn: str
    machine_name: str
    label: str
    key: str
    role_arn: str
    express: bool
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
    start_ms: int
    stop_ms: int | None
    max_concurrency: int
    max_concurrency_seen: int
    tolerated_count: int | None
    tolerated_percentage: float | None
    items: dict[str, int]
    executions: dict[str, int]
    redrive_count: int
    redrive_ms: int | None
    started_id: int
    expected: int | None
    exported: list[tuple[str, int]]
    unwritten: bool
    """True where it has ended and its results are not written: no time, a refusal, or Express children still run."""
    state: str = ""
    """The name of the Map; nothing in folders of a time before it was written down."""


class StoredMapRun(MapRun):
    """A map run that was read back: what DescribeMapRun and lists say of it, and nothing that runs."""

    def __init__(self, packed: _MapRun, parent: Identity) -> None:
        self.arn, self.uuid = packed.arn, packed.arn.rpartition(":")[2]
        self.parent = parent
        self.label, self.key = packed.label, packed.key
        self.express = packed.express
        self.machine_arn = packed.machine_arn
        self.status, self.start_ms, self.stop_ms = packed.status, packed.start_ms, packed.stop_ms
        self.max_concurrency, self.max_concurrency_seen = packed.max_concurrency, packed.max_concurrency_seen
        self.tolerance = Tolerance(packed.tolerated_count, packed.tolerated_percentage)
        self.counts = MapCounts(Counts(**packed.items), Counts(**packed.executions))
        self.redrive_count, self.redrive_ms = packed.redrive_count, packed.redrive_ms
        self.running = {}
        self.packed = packed
        self.state_name = packed.state or packed.label


def pack_map_run(run: MapRun) -> bytes:
    """A map run as it is now."""
    if isinstance(run, StoredMapRun):
        return pack(run.packed)
    parent = run.parent
    return pack(
        _MapRun(
            run.arn,
            parent.arn,
            parent.machine_arn,
            run.machine_arn,
            parent.machine_name,
            run.label,
            run.key,
            parent.role_arn,
            run.express,
            run.status,
            run.start_ms,
            run.stop_ms,
            run.max_concurrency,
            run.max_concurrency_seen,
            run.tolerance.count,
            run.tolerance.percentage,
            run.counts.items.as_dict(),
            run.counts.executions.as_dict(),
            run.redrive_count,
            run.redrive_ms,
            run.started_id,
            run.counts.expected,
            [] if run.results is None else run.results.exported,
            # Express children outlive the run, and its results are written after them.
            run.status != "RUNNING" and (bool(run.running) or (run.results is not None and run.results.refused)),
            run.state.name,
        )
    )


def unpack_map_run(body: bytes) -> StoredMapRun:
    """The map run of its bytes."""
    packed = unpack(body, _MapRun)
    name = packed.parent.rpartition(":")[2]
    parent = Identity(
        packed.parent,
        name,
        packed.record_arn,
        packed.machine_name,
        payload_of(b"{}"),
        packed.start_ms,
        role_arn=packed.role_arn,
    )
    return StoredMapRun(packed, parent)


def unpack_stopped_run(body: bytes, children: Iterator[Execution]) -> StoppedRun:
    """What the map run of these bytes and children is gone on with."""
    packed = unpack(body, _MapRun)
    return StoppedRun(
        packed.label,
        packed.arn.rpartition(":")[2],
        packed.start_ms,
        packed.started_id,
        packed.max_concurrency,
        packed.max_concurrency_seen,
        Tolerance(packed.tolerated_count, packed.tolerated_percentage),
        packed.expected,
        packed.redrive_count,
        packed.redrive_ms,
        not packed.unwritten,
        tuple(packed.exported),
        children,
    )


# -- what the end of the process did --------------------------------------------------------------------------------


def stopped(
    row: ExecutionRow, point: bytes | None, error: str, cause: str, now_ms: int
) -> tuple[ExecutionRow, HistoryEvent | None]:
    """The row of an execution that ran when the process ended, ABORTED; and the event that says so.

    It stood at `point`, where its redrive goes on. An execution without a history has no such event.
    """
    facts = unpack(row.facts, Facts)
    facts.error, facts.cause = error, cause
    facts.stopped_at = None if point is None else unpack(point, list[Any])
    event = None
    if row.events:
        details: Mapping[str, str] = {"error": error, "cause": cause}
        event = HistoryEvent(row.events + 1, 0, "ExecutionAborted", now_ms, dict(details))
    events = row.events if event is None else event.id
    return row._replace(status="ABORTED", moved_ms=now_ms, stop_ms=now_ms, events=events, facts=pack(facts)), event


def stopped_map_run(body: bytes, now_ms: int) -> tuple[str, str, bytes] | None:
    """A map run that ran when the process ended, ABORTED: its ARN, its execution's, and its bytes; None otherwise."""
    packed = unpack(body, _MapRun)
    if packed.status != "RUNNING":
        return None
    packed.status, packed.stop_ms, packed.unwritten = "ABORTED", now_ms, True
    for counts in (packed.items, packed.executions):
        counts["aborted"] += counts["running"]
        counts["running"] = 0
    return packed.arn, packed.parent, pack(packed)
