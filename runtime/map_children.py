"""The children of a map run where somebody keeps them: each an execution to be described, listed and redriven.

A simulation keeps none unless it is asked to: its map runs count, and a child costs nothing that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import Payload
from stepsim.runtime.effects import Expired, Program
from stepsim.runtime.execution import Execution
from stepsim.runtime.items_batches import Batch
from stepsim.runtime.map_counts import Tolerance
from stepsim.runtime.pending_batches import PendingBatches

if TYPE_CHECKING:
    from stepsim.runtime.child import Child
    from stepsim.runtime.map_run import MapRun


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """What is known of a map run that can be gone on with, and that nobody has in memory any more."""

    label: str
    uuid: str
    start_ms: int
    started_id: int
    max_concurrency: int
    max_concurrency_seen: int
    tolerance: Tolerance
    expected: int | None
    """How many items it has in all; None where its reader had not come to the end."""
    redrive_count: int
    redrive_ms: int | None
    settled: bool
    """False where the process ended before the run could write its results."""
    exported: tuple[tuple[str, int], ...]
    """The result files of what has succeeded, and their sizes."""
    children: Iterator[Execution]
    """All that were started, in whatever order."""


class Keeper(Protocol):
    """Who keeps map runs and their children."""

    def opened(self, run: MapRun) -> None:
        """A map run begins."""
        ...

    def map_run(self, arn: str) -> MapRun | None:
        """A map run that is to be redriven."""
        ...

    def stopped_map_run(self, arn: str) -> StoppedRun | None:
        """As `map_run`, of one that is not in memory any more."""
        ...

    def settled(self, run: MapRun) -> None:
        """A map run has ended, whatever way."""
        ...

    def adopted(self, run: MapRun, child: Execution) -> None:
        """A child from before is to be run again, as one of this run."""
        ...

    def started(self, run: MapRun, child: Execution) -> None:
        """A child begins, or begins again."""
        ...

    def ended(self, run: MapRun, child: Execution) -> None:
        """A child has ended, whatever way."""
        ...


class KeptChildren:
    """One map run's children: those that run, those that a redrive runs again, and what was never started."""

    def __init__(self, run: MapRun, keeper: Keeper) -> None:
        self._run = run
        self._keeper = keeper
        self._running: dict[int, Execution] = {}
        self._programs: dict[int, Program] = {}
        self._unsuccessful: dict[int, Execution] = {}
        self.pending = PendingBatches()
        """Batches that were counted as pending when the run failed."""
        self.rest: Iterator[Batch] | None = iter(())
        """Batches that nobody has read yet; None where they cannot be gone on with, and have to be read again."""

    def start(self, child: Child) -> Program:
        """The program of a new child. Its history is kept where it is Standard: AWS has none of Express ones."""
        run = self._run
        return self._begin(Execution(run.frame.engine, run.state.processor, child, keep_history=not child.express))

    def ended(self, execution: Execution) -> Payload | StatesError | Expired:
        """Take note of a child's end, and return it as a map run counts it."""
        index = execution.me.item or 0
        self._running.pop(index)
        self._programs.pop(index)
        outcome: Payload | StatesError | Expired
        if execution.output is not None:
            outcome = execution.output
        else:
            self._unsuccessful[index] = execution
            outcome = Expired() if execution.status == "TIMED_OUT" else StatesError(execution.error, execution.cause)
        self._keeper.ended(self._run, execution)
        return outcome

    def program_of(self, execution: Execution) -> Program:
        """The program of a child that runs."""
        return self._programs[execution.me.item or 0]

    def abort(self, child: Child) -> None:
        """The run has ended, and with it this child that still ran."""
        index = child.item or 0
        execution = self._unsuccessful[index] = self._running.pop(index)
        self._programs.pop(index)
        execution.abort()
        self._keeper.ended(self._run, execution)

    def adopt(self, execution: Execution) -> None:
        """Take a child from before that has not succeeded."""
        child = self._run.child_of(execution)
        child.run = self._run
        execution.machine = self._run.state.processor
        execution.pending_redrive = True
        self._unsuccessful[child.item or 0] = execution
        self._keeper.adopted(self._run, execution)

    # -- redrive --------------------------------------------------------------------------------------------------

    def reopen(self) -> None:
        """The run begins again: what has not succeeded waits to be run once more."""
        for execution in self._unsuccessful.values():
            execution.pending_redrive = True

    def settle(self) -> None:
        """The run has ended: nothing waits any more."""
        for execution in self._unsuccessful.values():
            execution.pending_redrive = False
        self._keeper.settled(self._run)

    def again(self) -> Iterator[Program]:
        """The programs of children that run once more, in their order: Standard ones from where they stopped."""
        run = self._run
        for index in sorted(self._unsuccessful):
            if run.exceeded:
                return
            execution = self._unsuccessful.pop(index)
            child = run.running[index] = run.child_of(execution)
            run.counts.start_again(child.items, execution.status)
            execution.redrive()
            yield self._begin(execution)

    def take_rest(self) -> Iterator[Batch]:
        """What was never started: it is not pending any more when it is read."""
        pending, self.pending = self.pending, PendingBatches()
        return chain(self._unpended(pending.take()), self._run.take_held(), self.rest or ())

    def _unpended(self, pending: Iterator[Batch]) -> Iterator[Batch]:
        for batch in pending:
            self._run.counts.unpend(batch.count)
            yield batch

    def _begin(self, execution: Execution) -> Program:
        index = execution.me.item or 0
        self._running[index] = execution
        self._keeper.started(self._run, execution)
        program = self._programs[index] = self._program(execution)
        return program

    def _program(self, execution: Execution) -> Program:
        before = len(execution.history)
        try:
            yield from execution.program()
        finally:
            statistics = self._run.frame.engine.statistics
            statistics.history_events += len(execution.history) - before
            if execution.status != "SUCCEEDED":
                statistics.lost += execution.history.take_billed_entries()
        return execution
