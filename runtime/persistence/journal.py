"""Writes what happens into the archive as it happens, turn by turn, so that it outlives the process.

Everything that changed in a turn is written in one transaction at the turn's end, or earlier where somebody commits:
a server does before it lets an answer out. Of a running execution only the events that are new are written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from stepsim.runtime.api.observing import listener, observe
from stepsim.runtime.api.records import ActivityRecord, ExecutionRecord, MachineRecord
from stepsim.runtime.api.registry import Observers
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.persistence.archive import Archive
from stepsim.runtime.persistence.executions import pack_execution, pack_map_run, stopped, stopped_map_run
from stepsim.runtime.persistence.machines import Revisions, pack_activity, pack_machine
from stepsim.runtime.persistence.packing import pack, pack_events, pack_point


class Ending(NamedTuple):
    """What becomes of executions that ran when the process ended: their error, and its cause."""

    error: str
    stopped: str
    """The cause where the process said so."""
    killed: str


SERVER_ENDING = Ending(
    "stepsim.ServerStopped",
    "The server was stopped while the execution ran.",
    "The server ended without a word while the execution ran.",
)


class Beside(Protocol):
    """Something else that is written in the journal's transactions."""

    @property
    def clean(self) -> bool:
        """True where everything is written."""
        ...

    def write(self) -> None:
        """Write what has changed."""
        ...


class _Progress:
    """How much of an execution is written; it listens to the execution's history."""

    __slots__ = ("changed", "journal", "pointed", "record", "seq", "written")

    def __init__(self, journal: Journal, record: ExecutionRecord, seq: int, written: int) -> None:
        self.journal = journal
        self.record = record
        self.seq = seq
        self.written = written
        """How many events are."""
        self.changed = True
        """True where the row itself is to be written: at the start and at the end."""
        self.pointed = False
        """True where it is written where the execution stands."""

    def __call__(self, _: HistoryEvent) -> None:
        self.journal.note(self)


class Journal:
    """What is to be written at the end of the turn. `ask` has `commit` called then."""

    def __init__(self, archive: Archive, revisions: Revisions, ask: Callable[[], None]) -> None:
        self._archive = archive
        self._revisions = revisions
        self._ask = ask
        self._running: dict[str, _Progress] = {}
        self._executions: dict[_Progress, None] = {}
        self._map_runs: dict[str, MapRun] = {}
        self._machines: dict[str, MachineRecord | None] = {}
        self._activities: dict[str, ActivityRecord | None] = {}
        self.beside: Beside | None = None

    def listen(self, observers: Observers) -> None:
        """Have machines and activities written from now on."""
        observers.machine_changed.append(self._machine_changed)
        observers.machine_deleted.append(self._machine_deleted)
        observers.activity_changed.append(self._activity_changed)
        observers.activity_deleted.append(self._activity_deleted)

    # -- noting ---------------------------------------------------------------------------------------------------

    def note(self, progress: _Progress) -> None:
        """Something of an execution is to be written."""
        if progress not in self._executions:
            self._executions[progress] = None
            self._ask()

    def started(self, record: ExecutionRecord) -> None:
        """An execution begins, or begins again."""
        history = record.execution.history
        arn = record.execution.me.arn
        progress = listener(history, _Progress)
        if progress is None:
            row = self._archive.execution(arn) if record.execution.me.redrive_count else None
            seq, written = (self._archive.next_seq(), 0) if row is None else (row.seq, row.events)
            progress = _Progress(self, record, seq, written)
            if history.stored:
                observe(history, progress)
        progress.changed = True
        self._running[arn] = progress
        self.note(progress)

    def ended(self, record: ExecutionRecord) -> None:
        """An execution has ended."""
        progress = self._running.pop(record.execution.me.arn)
        progress.changed = True
        self.note(progress)

    def map_run_changed(self, run: MapRun) -> None:
        """A map run was opened, counts differently, or has ended."""
        self._map_runs[run.arn] = run
        self._ask()

    def _machine_changed(self, record: MachineRecord) -> None:
        self._machines[record.arn] = record
        self._ask()

    def _machine_deleted(self, record: MachineRecord) -> None:
        self._machines[record.arn] = None
        self._ask()

    def _activity_changed(self, record: ActivityRecord) -> None:
        self._activities[record.arn] = record
        self._ask()

    def _activity_deleted(self, record: ActivityRecord) -> None:
        self._activities[record.arn] = None
        self._ask()

    # -- writing --------------------------------------------------------------------------------------------------

    @property
    def clean(self) -> bool:
        """True where everything is written."""
        if self.beside is not None and not self.beside.clean:
            return False
        return not (self._executions or self._map_runs or self._machines or self._activities)

    def commit(self) -> None:
        """Write what was noted. Raises ArchiveError where it cannot be."""
        if self.clean:
            return
        with self._archive.transaction():
            # First what executions have left in the account: none may be known to have succeeded without.
            if self.beside is not None:
                self.beside.write()
            self._write_resources()
            for progress in self._executions:
                self._write_execution(progress)
            for run in self._map_runs.values():
                self._archive.put_map_run(run.arn, run.parent.arn, pack_map_run(run))
        self._executions.clear()
        self._map_runs.clear()

    def _write_resources(self) -> None:
        archive = self._archive
        for arn, machine in self._machines.items():
            if machine is None:
                archive.delete_machine(arn)
            else:
                archive.put_machine(arn, pack_machine(machine, self._revisions))
        for arn, activity in self._activities.items():
            if activity is None:
                archive.delete_activity(arn)
            else:
                archive.put_activity(arn, pack_activity(activity))
        self._machines.clear()
        self._activities.clear()

    def _write_execution(self, progress: _Progress) -> None:
        record, archive = progress.record, self._archive
        history = record.execution.history
        count = history.count if history.stored else 0
        if count > progress.written:
            new = [history[index] for index in range(progress.written, count)]
            archive.add_events(progress.seq, progress.written + 1, pack_events(new))
        if progress.changed:
            revision = self._revisions.key(record.revision)
            archive.put_execution(pack_execution(record, progress.seq, revision, count))
        elif count > progress.written:
            archive.count_events(progress.seq, count)
        self._write_point(progress, count)
        progress.written, progress.changed = count, False

    def _write_point(self, progress: _Progress, count: int) -> None:
        """Where a running execution stands, should the process end without a word."""
        execution = progress.record.execution
        if execution.status != "RUNNING":
            if progress.pointed:
                self._archive.delete_point(progress.seq)
        elif count > progress.written:
            point = execution.point()
            if point is not None:
                self._archive.put_point(progress.seq, pack(pack_point(point)))
                progress.pointed = True


def stop_running(archive: Archive, error: str, cause: str, now_ms: int) -> None:
    """Mark as ABORTED what is written as running: the process has ended, or is about to."""
    with archive.transaction():
        for row in archive.running():
            after, event = stopped(row, archive.point(row.seq), error, cause, now_ms)
            archive.put_execution(after)
            archive.delete_point(row.seq)
            if event is not None:
                archive.add_events(row.seq, event.id, pack_events([event]))
            for body in archive.map_runs_of(row.arn):
                aborted = stopped_map_run(body, now_ms)
                if aborted is not None:
                    archive.put_map_run(*aborted)
