"""Where the executions and map runs of one home are kept, and everything that reads them asks.

Executions are few while they run and many afterwards, so whoever keeps those that have ended somewhere else replaces
this class: nothing else holds on to an execution that has ended. What `get` and the lists return must have the shape of
an `ExecutionRecord`; the lists are lazy, so that a page costs a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import dropwhile

from stepsim.runtime.api.records import ExecutionRecord
from stepsim.runtime.map_children import StoppedRun
from stepsim.runtime.map_run import MapRun


class _Shelf:
    """The executions of one machine: those that run, and those that have ended in the order they did.

    All children of a map run stand under `running`, in the order in which they were started.
    """

    __slots__ = ("ended", "running")

    def __init__(self) -> None:
        self.running: dict[str, ExecutionRecord] = {}
        self.ended: dict[str, ExecutionRecord] = {}

    def newest_first(self) -> Iterator[ExecutionRecord]:
        """Running ones by their start or redrive, others by their end (API reference)."""
        return merge(reversed(self.running.values()), reversed(self.ended.values()), key=lambda one: -moved_ms(one))


def moved_ms(record: ExecutionRecord) -> int:
    """What lists are sorted by: when an execution ended or, where it runs, was last redriven or started.

    The children of a map run are sorted by their start, whatever has become of them since (measured).
    """
    execution = record.execution
    if record.map_run is not None:
        return execution.me.start_ms
    if execution.stop_ms is not None:
        return execution.stop_ms
    return execution.me.start_ms if execution.me.redrive_ms is None else execution.me.redrive_ms


class ExecutionStore:
    """Executions, children of map runs among them, and map runs: all in memory."""

    def __init__(self) -> None:
        self._records: dict[str, ExecutionRecord] = {}
        self._shelves: dict[str, _Shelf] = {}
        self._map_runs: dict[str, MapRun] = {}
        self._map_runs_of: dict[str, list[MapRun]] = {}

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, record: ExecutionRecord) -> None:
        """Keep an execution that begins, or begins again because it was redriven."""
        arn = record.execution.me.arn
        self._records[arn] = record
        shelf = self._shelf(record)
        shelf.ended.pop(arn, None)
        if record.execution.me.express:
            # An Express child that is redriven starts anew.
            shelf.running.pop(arn, None)
        shelf.running[arn] = record

    def ended(self, record: ExecutionRecord) -> None:
        """Note that an execution has ended: from now on it changes only by being added again."""
        if record.map_run is None:
            arn = record.execution.me.arn
            shelf = self._shelf(record)
            shelf.running.pop(arn, None)
            shelf.ended[arn] = record

    def discard(self, arn: str) -> None:
        """Forget an execution, as AWS does when its time is over or its machine is gone; its map runs go with it."""
        doomed = [arn]
        while doomed:
            gone = doomed.pop()
            for run in self._map_runs_of.pop(gone, ()):
                self._map_runs.pop(run.arn, None)
                doomed += [child.execution.me.arn for child in self._present(run.arn)]
            self._remove(gone)

    def discard_all(self, machine_arn: str) -> None:
        """Forget the executions of a machine."""
        for record in list(self._present(machine_arn)):
            ExecutionStore.discard(self, record.execution.me.arn)

    def _remove(self, arn: str) -> ExecutionRecord | None:
        """Let go of one execution and of nothing else; returns it."""
        record = self._records.pop(arn, None)
        if record is not None:
            shelf = self._shelf(record)
            shelf.running.pop(arn, None)
            shelf.ended.pop(arn, None)
            if not shelf.running and not shelf.ended:
                del self._shelves[_owner(record)]
        return record

    def add_map_run(self, run: MapRun) -> None:
        """Keep a map run that was opened."""
        self._map_runs[run.arn] = run
        self._map_runs_of.setdefault(run.parent.arn, []).append(run)

    def map_run_settled(self, run: MapRun) -> None:
        """Note that a map run has ended."""

    def let_go_child(self, arn: str) -> None:
        """Hold a child no longer that nobody will ask for."""
        self._remove(arn)

    def hold(self, record: ExecutionRecord) -> None:
        """Hold a child that is going to be run again."""
        ExecutionStore.add(self, record)

    # -- reading --------------------------------------------------------------------------------------------------

    def get(self, arn: str) -> ExecutionRecord | None:
        """The execution of an ARN."""
        return self._records.get(arn)

    def of_machine(
        self, machine_arn: str, *, first: str | None = None, status: str | None = None
    ) -> Iterator[ExecutionRecord]:
        """A machine's executions, newest first; children of map runs are not among them.

        The list begins with the execution of ARN `first`; it is empty where there is none. With `status` it may leave
        out executions that have another one.
        """
        del status  # what is in memory costs nothing to look at
        present = self._present(machine_arn)
        return present if first is None else dropwhile(lambda record: record.execution.me.arn != first, present)

    def of_map_run(
        self, map_run_arn: str, *, first: str | None = None, status: str | None = None
    ) -> Iterator[ExecutionRecord]:
        """The children that a map run has started, newest first, as `of_machine`."""
        return self.of_machine(map_run_arn, first=first, status=status)

    def running(self, machine_arn: str) -> list[ExecutionRecord]:
        """A machine's executions that have not ended, oldest first; children of map runs are not among them."""
        shelf = self._shelves.get(machine_arn)
        return [] if shelf is None else list(shelf.running.values())

    def map_run(self, arn: str) -> MapRun | None:
        """The map run of an ARN."""
        return self._map_runs.get(arn)

    def live_map_run(self, arn: str) -> MapRun | None:
        """As `map_run`, of one that can be gone on with as it is."""
        return self._map_runs.get(arn)

    def stopped_map_run(self, arn: str) -> StoppedRun | None:
        """As `map_run`, of one that must be put together again to be gone on with; here there is none."""
        del arn
        return None

    def map_runs_of(self, execution_arn: str) -> list[MapRun]:
        """The map runs that an execution opened, newest first."""
        return list(reversed(self._map_runs_of.get(execution_arn, ())))

    def _present(self, owner: str) -> Iterator[ExecutionRecord]:
        shelf = self._shelves.get(owner)
        return iter(()) if shelf is None else shelf.newest_first()

    def _shelf(self, record: ExecutionRecord) -> _Shelf:
        owner = _owner(record)
        shelf = self._shelves.get(owner)
        if shelf is None:
            shelf = self._shelves[owner] = _Shelf()
        return shelf


def _owner(record: ExecutionRecord) -> str:
    return record.record.arn if record.map_run is None else record.map_run.arn
