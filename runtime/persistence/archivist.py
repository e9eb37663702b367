"""Keeps memory flat: executions that have ended move into the archive, and are read from there when somebody asks.

With a directory the archive outlives the process, and everything is written as it happens (`journal.py`); without one
it is a temporary file, which is written to only when there is more than memory should hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from stepsim.runtime.api.execution_store import ExecutionStore
from stepsim.runtime.api.records import ExecutionRecord
from stepsim.runtime.api.registry import Registries, Registry
from stepsim.runtime.api.starting import note_end
from stepsim.runtime.api.turn import TurnEnd
from stepsim.runtime.execution import Execution
from stepsim.runtime.map_children import StoppedRun
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.persistence.archive import Archive, ArchiveError, ExecutionRow, Place
from stepsim.runtime.persistence.executions import (
    StoredHistory,
    StoredMapRun,
    pack_execution,
    pack_map_run,
    unpack_execution,
    unpack_map_run,
    unpack_stopped_run,
)
from stepsim.runtime.persistence.journal import SERVER_ENDING, Beside, Ending, Journal, stop_running
from stepsim.runtime.persistence.machines import Revisions, home_of, unpack_activity, unpack_machine
from stepsim.runtime.persistence.packing import pack_events
from stepsim.runtime.persistence.store import ArchivingStore

BesideT = TypeVar("BesideT", bound=Beside)

HELD_MAX = 1_000
"""How many executions that have ended stay in memory."""

HELD_BYTES_MAX = 64 * 1024 * 1024
"""How much memory they take, by estimate."""

KEPT_MS = 90 * 24 * 3600 * 1000
"""How long AWS keeps an execution that has ended: 90 days."""

_SWEEP_MS = 3600 * 1000
_EVENTS_PER_PAGE = 500
_EVENT_BYTES = 400
_EXECUTION_BYTES = 3_000
_VALUE_FACTOR = 6
"""A JSON value takes so many times the memory of its text."""


class Archivist:
    """Moves executions between memory and one archive, for all homes."""

    def __init__(
        self,
        registries: Registries,
        directory: Path | None = None,
        *,
        held_max: int = HELD_MAX,
        ending: Ending = SERVER_ENDING,
    ) -> None:
        """With a directory, what it holds is there from the start. Raises ArchiveError where it cannot be used."""
        self._ending = ending
        self._scheduler = registries.account.scheduler
        self._archive = Archive.temporary() if directory is None else Archive.open(directory)
        self._revisions = Revisions(self._archive)
        self._turn = TurnEnd(self._scheduler, self.commit)
        self._journal = None if directory is None else Journal(self._archive, self._revisions, self._turn.ask)
        self._held_max = held_max
        self._held: dict[str, tuple[ArchivingStore, int, int]] = {}
        """What has ended and is in memory, oldest first: where, when it ended, and its estimated bytes."""
        self._held_bytes = 0
        self._swept_ms = self._scheduler.now_ms
        self._broken = False
        registries.new_store = self._new_store
        if self._journal is not None:
            self._restore(registries)
            self._journal.listen(registries.observers)

    def write_beside(self, make: Callable[[Archive, Callable[[], None]], BesideT]) -> BesideT:
        """Have something else written in the archive, too, in the same transactions; only with a directory."""
        assert self._journal is not None
        beside = make(self._archive, self._turn.ask)
        self._journal.beside = beside
        return beside

    def _new_store(self, registry: Registry) -> ExecutionStore:
        return ArchivingStore(registry, self)

    def _restore(self, registries: Registries) -> None:
        stop_running(self._archive, self._ending.error, self._ending.killed, self._scheduler.now_ms)
        self._sweep()
        for body in self._archive.machines():
            record = unpack_machine(body, self._revisions)
            if record.status == "DELETING":
                # It waited for executions to end, which they have.
                self._archive.delete_machine(record.arn)
                continue
            registries[home_of(record.arn)].machines[record.arn] = record
        for body in self._archive.activities():
            activity = unpack_activity(body)
            registries[home_of(activity.arn)].activities[activity.arn] = activity

    def close(self) -> None:
        """Write what is left, mark what runs as stopped, and give the archive up."""
        try:
            if self._journal is not None and not self._broken:
                self._journal.commit()
                stop_running(self._archive, self._ending.error, self._ending.stopped, self._scheduler.now_ms)
        finally:
            self._archive.close()

    # -- what stores tell -----------------------------------------------------------------------------------------

    def begun(self, record: ExecutionRecord) -> None:
        """An execution begins, or begins again."""
        self._drop(record.execution.me.arn)
        if self._journal is not None and (not record.execution.me.express or record.map_run is not None):
            self._journal.started(record)
            if record.map_run is not None:
                self._journal.map_run_changed(record.map_run)

    def ended(self, store: ArchivingStore, record: ExecutionRecord) -> None:
        """An execution has ended and is still in memory."""
        execution = record.execution
        weight = _weight(record)
        self._held[execution.me.arn] = (store, execution.stop_ms or 0, weight)
        self._held_bytes += weight
        if self._journal is not None:
            self._journal.ended(record)
            if record.map_run is not None:
                self._journal.map_run_changed(record.map_run)
            for run in ExecutionStore.map_runs_of(store, execution.me.arn):
                self._journal.map_run_changed(run)
        if self._full:
            self._turn.ask()

    def map_run_changed(self, run: MapRun) -> None:
        """A map run was opened."""
        if self._journal is not None:
            self._journal.map_run_changed(run)

    def forget(self, arn: str) -> None:
        """An execution is to be found no longer, nor are its map runs and their children."""
        self.commit()
        with self._archive.transaction():
            self._archive.delete_execution(arn)

    def forget_all(self, machine_arn: str) -> None:
        """The executions of a machine are to be found no longer."""
        self.commit()
        with self._archive.transaction():
            self._archive.delete_executions(machine_arn)

    # -- what stores ask ------------------------------------------------------------------------------------------

    def execution(self, registry: Registry, arn: str) -> ExecutionRecord | None:
        """An archived execution."""
        row = self._archive.execution(arn)
        return None if row is None else self._record(registry, row)

    def place(self, arn: str) -> Place | None:
        """Where an archived execution stands in lists."""
        row = self._archive.execution(arn)
        return None if row is None else Place(row.moved_ms, row.seq)

    def newest_first(
        self, registry: Registry, owner: str, place: Place, status: str | None, is_held: Callable[[str], bool]
    ) -> Iterator[ExecutionRecord]:
        """The archived executions of a machine or map run from a place on, but for those that memory holds too."""
        for row in self._archive.newest_first(owner, place, status):
            if not is_held(row.arn):
                yield self._record(registry, row)

    def map_run(self, arn: str) -> MapRun | None:
        """An archived map run."""
        body = self._archive.map_run(arn)
        return None if body is None else unpack_map_run(body)

    def stopped_map_run(self, arn: str, children: Iterator[Execution]) -> StoppedRun | None:
        """What an archived map run of these children is gone on with."""
        body = self._archive.map_run(arn)
        return None if body is None else unpack_stopped_run(body, children)

    def map_runs_of(self, execution_arn: str) -> list[MapRun]:
        """The archived map runs of an execution, newest first."""
        return [unpack_map_run(body) for body in self._archive.map_runs_of(execution_arn)]

    def map_runs(self) -> list[StoredMapRun]:
        """All archived map runs, oldest first."""
        return [unpack_map_run(body) for body in self._archive.map_runs()]

    def _record(self, registry: Registry, row: ExecutionRow) -> ExecutionRecord:
        run = registry.store.map_run(row.owner) if ":mapRun:" in row.owner else None
        record = unpack_execution(row, self._archive, registry, self._revisions.get(row.revision), run)
        if run is None:
            record.execution.when_ended.append(lambda _: note_end(registry, record))
        return record

    # -- moving ---------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Write what is to outlive the process, and let go of what memory should not hold.

        Raises ArchiveError where it cannot be written.
        """
        try:
            if self._journal is not None:
                self._journal.commit()
            if self._full:
                self._let_go()
            if self._scheduler.now_ms - self._swept_ms >= _SWEEP_MS:
                self._sweep()
        except ArchiveError:
            self._broken = True
            raise

    @property
    def _full(self) -> bool:
        return len(self._held) > self._held_max or self._held_bytes > HELD_BYTES_MAX

    def _let_go(self) -> None:
        # A tenth more than needed, so that there is not a transaction for each execution that ends.
        count, weight = self._held_max * 9 // 10, HELD_BYTES_MAX * 9 // 10
        with self._archive.transaction():
            while self._held and (len(self._held) > count or self._held_bytes > weight):
                arn = next(iter(self._held))
                store, _, _ = self._held[arn]
                self._drop(arn)
                record, runs = store.let_go(arn)
                if record is None:
                    continue
                if self._journal is None:
                    self._write(record, runs)
                if record.map_run is not None and record.execution.status != "SUCCEEDED":
                    self._shelve_history(record)

    def _shelve_history(self, record: ExecutionRecord) -> None:
        # Its map run holds on to a child that may be redriven; what is long of it is read when that happens.
        row = self._archive.execution(record.execution.me.arn)
        if row is not None and record.execution.history.stored:
            record.execution.history = StoredHistory(self._scheduler, self._archive, row.seq, row.events)

    def _write(self, record: ExecutionRecord, runs: list[MapRun]) -> None:
        archive, history = self._archive, record.execution.history
        present = archive.execution(record.execution.me.arn)
        seq = archive.next_seq() if present is None else present.seq
        if present is not None:
            archive.delete_events(seq)
        events = list(history) if history.stored else []
        archive.put_execution(pack_execution(record, seq, self._revisions.key(record.revision), len(events)))
        for index in range(0, len(events), _EVENTS_PER_PAGE):
            archive.add_events(seq, index + 1, pack_events(events[index : index + _EVENTS_PER_PAGE]))
        for run in runs:
            archive.put_map_run(run.arn, run.parent.arn, pack_map_run(run))

    def _drop(self, arn: str) -> None:
        held = self._held.pop(arn, None)
        if held is not None:
            self._held_bytes -= held[2]

    def _sweep(self) -> None:
        """Forget what ended more than 90 days ago."""
        self._swept_ms = self._scheduler.now_ms
        before_ms = self._swept_ms - KEPT_MS
        old = [(store, arn) for arn, (store, stop_ms, _) in self._held.items() if stop_ms < before_ms]
        for store, arn in old:
            self._drop(arn)
            store.let_go(arn)
        with self._archive.transaction():
            self._archive.purge(before_ms)


def _weight(record: ExecutionRecord) -> int:
    """The memory that an execution takes, roughly: values outweigh their texts, and events share texts."""
    execution = record.execution
    length = len(execution.me.input.text)
    if execution.output is not None:
        length += len(execution.output.text)
    events = 0
    if execution.history.stored:
        for event in execution.history:
            details = event.details or {}
            events += _EVENT_BYTES + sum(len(details.get(name) or "") for name in ("output", "parameters", "cause"))
    return _EXECUTION_BYTES + length * _VALUE_FACTOR + events
