"""One run of a distributed Map: items become children, children become counts and results.

Everything is lazy: an item is read, selected, batched and started when MaxConcurrency lets it, and its result is
written when it comes, so memory follows the concurrency and not the number of items.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, Literal, TypeAlias

from stepsim.asl.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD, TIMEOUT, StatesError
from stepsim.asl.machine import MapState
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.child import Child
from stepsim.runtime.effects import Expired, Fork, NotBefore, Program, Sleep, Stopped
from stepsim.runtime.execution import Execution
from stepsim.runtime.frame import Frame
from stepsim.runtime.item_source import ItemSource
from stepsim.runtime.items_batches import Batch
from stepsim.runtime.map_children import Keeper, KeptChildren, StoppedRun
from stepsim.runtime.map_counts import MapCounts, Tolerance
from stepsim.runtime.map_quotas import NO_MAP_QUOTAS, MapQuotas, paced
from stepsim.runtime.map_results import MapResults
from stepsim.runtime.result_writer import ChildOutcome
from stepsim.runtime.statistics import Durations
from stepsim.runtime.straight import Plan, run_child

Status: TypeAlias = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]

MAX_CONCURRENCY = 10_000
"""Children of one map run at once, where MaxConcurrency is 0 and at the most."""

EXPRESS_LIMIT_MS = 300_000
"""How long an Express execution may last."""

_BREATH = 1_000
"""Batches that are counted as pending in one go; then others have their turn."""

THRESHOLD_CAUSE = "The specified tolerated failure threshold was exceeded"


class MapRun:
    """A map run: its identity, its counters and its children that run now."""

    def __init__(
        self,
        frame: Frame,
        state: MapState,
        label: str,
        uuid: str,
        tolerance: Tolerance,
        max_concurrency: int,
        keeper: Keeper | None = None,
        quotas: MapQuotas = NO_MAP_QUOTAS,
    ) -> None:
        assert state.distributed is not None
        self.frame = frame
        self.state = state
        self.parent = frame.me
        self.label = label
        self.express = state.distributed.express
        self.machine_arn = f"{frame.me.machine_arn}/{label}"
        self.uuid = uuid
        prefix = frame.me.machine_arn.split(":stateMachine:")[0]
        kind = "express" if self.express else "execution"
        self._child_prefix = f"{prefix}:{kind}:{frame.me.machine_name}/{label}:"
        self.arn = f"{prefix}:mapRun:{frame.me.machine_name}/{label}:{uuid}"
        self.key = "/".join(map(str, (*frame.names[:-1], label)))
        self.status: Status = "RUNNING"
        self.start_ms = frame.engine.scheduler.now_ms
        self.stop_ms: int | None = None
        self.max_concurrency = max_concurrency
        self.max_concurrency_seen = 0
        self.succeeded_after = Durations()
        """How long Express children took that succeeded: they are billed by it."""
        self.failed_after = Durations()
        """The same of those that failed, timed out or were aborted."""
        self.tolerance = tolerance
        self.counts = MapCounts()
        self.running: dict[int, Child] = {}
        self.started_id = frame.trail.previous
        """The id of the MapStateStarted event."""
        self.redrive_count = 0
        self.redrive_ms: int | None = None
        self.results: MapResults | None = None
        self._quotas = quotas
        self._noticed_ms: int | None = None
        """When it is noticed that more has failed than is tolerated."""
        self._fork: Fork | None = None
        self._orphans: Fork | None = None
        """The fork of children that outlive the parent."""
        self.exceeded = False
        """True once more has failed than is tolerated."""
        self._held: Batch | None = None
        self._given: Iterator[Batch] | None = None
        """What is left of items that the state's own data holds: those that a stop leaves are known at once."""
        self._broken: StatesError | None = None
        """Why the reader could not go on, while Express children come to their end."""
        """A batch that was read when the run had failed already."""
        self._kept = None if keeper is None else KeptChildren(self, keeper)

    # -- children -------------------------------------------------------------------------------------------------

    def child_name(self, index: int) -> str:
        """A version-3 UUID, stable across redrives, as AWS's child names are (recorded)."""
        return self.frame.engine.dice.uuid3("child", self.key, index)

    def child_arn(self, name: str, index: int) -> str:
        """The ARN of a child: ``execution:`` for Standard, ``express:`` and an execution id for Express (recorded)."""
        if not self.express:
            return f"{self._child_prefix}{name}"
        return f"{self._child_prefix}{name}:{self.frame.engine.dice.uuid4('express', self.key, index)}"

    @property
    def begun(self) -> bool:
        """True once a child was started."""
        return self.counts.executions.total > self.counts.executions.pending

    def child_of(self, execution: Execution) -> Child:
        """The identity of an execution that is a child of this run."""
        assert isinstance(execution.me, Child)
        return execution.me

    def run(self, source: ItemSource, batches: Iterator[Batch], results: MapResults) -> Program:
        """Run all children. Returns the result of the state; raises StatesError where the run fails."""
        self.counts.expected = source.length
        self.results = results
        self._given = None if source.length is None else batches
        return (yield from self._run(self._children(source, batches), batches, results))

    def restore(self, stopped: StoppedRun) -> None:
        """Be the run that another process ran, or that memory has let go."""
        self.start_ms, self.started_id = stopped.start_ms, stopped.started_id
        self.max_concurrency_seen = stopped.max_concurrency_seen
        self.redrive_count, self.redrive_ms = stopped.redrive_count, stopped.redrive_ms

    def restore_children(self, stopped: StoppedRun, results: MapResults) -> None:
        """Count that run's children, and take what they gave; those without success are to be run again."""
        assert self._kept is not None
        self._kept.rest = None
        self.results = results
        results.restore(stopped, self._restored(stopped.children, self._kept))
        self.counts.expected = stopped.expected

    def _restored(self, children: Iterator[Execution], kept: KeptChildren) -> Iterator[tuple[Child, Execution]]:
        for execution in children:
            child = self.child_of(execution)
            child.run = self
            self.counts.recount(child.items, execution.status)
            if execution.output is None:
                kept.adopt(execution)
            yield child, execution

    @property
    def to_be_read(self) -> bool:
        """True where items that were never started have to be read again, for nobody has them."""
        assert self._kept is not None
        all_read = self.counts.expected is not None and self.counts.items.total >= self.counts.expected
        return self._kept.rest is None and not all_read

    def go_on(self, batches: Iterator[Batch]) -> None:
        """Have these started after what is run again."""
        assert self._kept is not None
        self._kept.rest = batches

    def run_again(self) -> Program:
        """Run what has not succeeded once more, and what was never started. Returns and raises as `run`."""
        assert self._kept is not None
        assert self.results is not None
        self.results.reopen()
        self.counts.redrive()
        rest = self._kept.take_rest()
        children = chain(self._kept.again(), self._children(ItemSource(iter(())), rest))
        return (yield from self._run(children, rest, self.results))

    def reopen(self, frame: Frame) -> None:
        """Begin again because the parent was redriven."""
        self.cut_off()
        self._noticed_ms = self._broken = None
        self.frame = frame
        self.status, self.stop_ms = "RUNNING", None
        self.redrive_count += 1
        self.redrive_ms = frame.engine.scheduler.now_ms
        self.exceeded = False
        if self._kept is not None:
            self._kept.reopen()

    def stop_child(self, execution: Execution, stopped: Stopped) -> None:
        """Stop one child that runs: it ends ABORTED, and the run goes on."""
        if self._kept is not None and self._fork is not None:
            program = self._kept.program_of(execution)
            self.frame.engine.scheduler.interrupt_branch(self._fork, program, stopped)

    def update(self, max_concurrency: int | None, tolerance: Tolerance) -> None:
        """Change a running run's limits: they hold from now on."""
        self.tolerance = tolerance
        if max_concurrency is not None:
            self.max_concurrency = max_concurrency
            if self._fork is not None:
                self.frame.engine.scheduler.resize(self._fork, self._limit)

    @property
    def _limit(self) -> int:
        return min(self.max_concurrency or MAX_CONCURRENCY, MAX_CONCURRENCY)

    def _run(self, children: Iterator[Program | NotBefore], batches: Iterator[Batch], results: MapResults) -> Program:
        lifetime_ms = EXPRESS_LIMIT_MS if self.express else None
        if self._kept is not None:
            self._kept.rest = batches
        ended = self._ended if self._kept is None else self._kept_ended
        scheduler = self.frame.engine.scheduler
        rate = self._quotas.start_rate(express=self.express)
        if rate is not None:
            children = paced(children, rate, scheduler)
        outlived = partial(self._outlived, results) if self.express else None
        self._fork = Fork(children, self._limit, partial(ended, results), lifetime_ms, outlived)
        try:
            yield self._fork
            if self._broken is not None:
                raise self._broken
            if self._noticed_ms is not None and self._noticed_ms > scheduler.now_ms:
                yield Sleep(self._noticed_ms)
            exceeded = self.exceeded or self.tolerance.exceeded(self.counts)
            if exceeded:
                self._abort(results)
                yield from self._pend(results, batches)
        except StatesError:
            # Items cannot be read: a redrive has to read them again, or it would take those so far for all.
            self._abort(results)
            if self._kept is not None:
                self._kept.rest = None
            self._close("FAILED")
            results.give_up(self.counts)
            raise
        if exceeded:
            results.give_up(self.counts)
            self._close("FAILED")
            raise StatesError(EXCEED_TOLERATED_FAILURE_THRESHOLD, THRESHOLD_CAUSE)
        result = results.close(self.counts)
        self._close("SUCCEEDED")
        return result

    def _children(self, source: ItemSource, batches: Iterator[Batch]) -> Iterator[Program | NotBefore]:
        scheduler = self.frame.engine.scheduler
        running, counts = self.running, self.counts
        kept = self._kept
        plan = Plan(self.state.processor, self.frame)
        index = counts.executions.total - counts.executions.pending
        while (batch := self._next(batches)) is not None:
            self._held = batch
            if source.ready_ms > scheduler.now_ms:
                yield NotBefore(source.ready_ms)
            if self.exceeded:
                return
            self._held = None
            child = Child(self, index, batch.payload, batch.count, scheduler.now_ms)
            running[index] = child
            counts.start(batch.count)
            if len(running) > self.max_concurrency_seen:
                self.max_concurrency_seen = len(running)
            index += 1
            yield run_child(plan, child) if kept is None else kept.start(child)
        if self._broken is None:
            counts.expected = counts.items.total

    def _next(self, batches: Iterator[Batch]) -> Batch | None:
        """The next batch. Where Express children run, what cannot be read ends the run once they have ended."""
        try:
            return next(batches, None)
        except StatesError as error:
            if not self.express:
                raise
            self._broken = error
            return None

    def _ended(self, results: MapResults, index: int, outcome: Payload | StatesError | Expired) -> bool:
        child = self.running.pop(index)
        if self.express:
            taken = self.succeeded_after if isinstance(outcome, Payload) else self.failed_after
            taken.add(self.frame.engine.scheduler.now_ms - child.start_ms)
        if isinstance(outcome, Payload):
            self.counts.succeed(child.items)
            results.succeeded(child, index, outcome)
        elif isinstance(outcome, StatesError):
            self.counts.fail(child.items)
            results.failed(child, self.outcome(child, "FAILED", None, outcome))
        else:
            self.counts.time_out(child.items)
            results.failed(child, self.outcome(child, "TIMED_OUT", None, StatesError(TIMEOUT)))
        if self.exceeded or not self.tolerance.exceeded(self.counts):
            return False
        if self._quotas.failure_lag_ms:
            self._notice_later()
            return False
        self.exceeded = True
        # Running Standard children are aborted when the run fails; Express ones run to their end.
        return not self.express

    def _notice_later(self) -> None:
        """More has failed than is tolerated, and until that is noticed children are started as if nothing were."""
        if self._noticed_ms is not None:
            return
        fork, scheduler = self._fork, self.frame.engine.scheduler

        def notice() -> None:
            if fork is None or fork is not self._fork:
                return
            self.exceeded = True
            if self.express:
                scheduler.resize(fork, self._limit)
            else:
                scheduler.end_fork(fork)

        self._noticed_ms = scheduler.now_ms + self._quotas.failure_lag_ms
        scheduler.call_at(self._noticed_ms, notice)

    def _outlived(self, results: MapResults) -> None:
        """The last Express child has ended, of those that ran when the parent was stopped or timed out."""
        results.give_up(self.counts)
        if self._kept is not None:
            self._kept.settle()

    def cut_off(self) -> None:
        """End the children that have outlived the parent: nobody will wait for them."""
        if self.status == "RUNNING" or not self.running or self.results is None:
            return
        if self._orphans is not None:
            self.frame.engine.scheduler.end_fork(self._orphans)
        self._abort(self.results)
        self._outlived(self.results)

    def _kept_ended(self, results: MapResults, _: int, execution: Execution) -> bool:
        assert self._kept is not None
        assert execution.me.item is not None
        outcome = self._kept.ended(execution)
        if execution.status != "ABORTED":
            return self._ended(results, execution.me.item, outcome)
        child = self.running.pop(execution.me.item)
        if self.express:
            self.failed_after.add(self.frame.engine.scheduler.now_ms - child.start_ms)
        self.counts.abort(child.items)
        results.failed(child, self.outcome(child, "ABORTED", None, StatesError(execution.error, execution.cause)))
        return False

    def outcome(self, child: Child, status: str, output: Payload | None, error: StatesError | None) -> ChildOutcome:
        """How a child ended, as the result files have it."""
        return ChildOutcome(
            execution_arn=child.arn,
            name=child.name,
            state_machine_arn=self.machine_arn,
            status=status,
            input_text=child.input.text,
            output_text=None if output is None else output.text,
            error=None if error is None else error.error,
            cause=None if error is None else error.cause,
            start_ms=child.start_ms,
            stop_ms=self.frame.engine.scheduler.now_ms,
            redrive_count=child.redrive_count,
            express=child.express,
            redrive_ms=child.redrive_ms,
        )

    # -- ends -----------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """The parent was stopped or timed out: what ran is aborted, and the results so far are written.

        Express children run to their end (developer guide), and the results are written then.
        """
        if self.status != "RUNNING":
            return
        if self.express and self.running:
            self._orphans = self._fork
            self._pend_given()
            self._close("ABORTED")
            return
        if self.results is not None:
            self._abort(self.results)
            self._pend_given()
            self.results.give_up(self.counts)
        self._close("ABORTED")

    def fail(self) -> None:
        """The run cannot go on (no reader, no writer, a definition that does not fit its data)."""
        if self.status == "RUNNING":
            self._close("FAILED")

    def _abort(self, results: MapResults) -> None:
        """Count and write the children that still ran."""
        for child in self.running.values():
            if self.express:
                self.failed_after.add(self.frame.engine.scheduler.now_ms - child.start_ms)
            self.counts.abort(child.items)
            results.failed(child, self.outcome(child, "ABORTED", None, None))
            if self._kept is not None:
                self._kept.abort(child)
        self.running.clear()

    def _pend(self, results: MapResults, rest: Iterator[Batch]) -> Program:
        """Count and write what was never started. Raises StatesError where it cannot be read."""
        for number, batch in enumerate(chain(self.take_held(), rest), 1):
            self.counts.pend(batch.count)
            results.pending(batch)
            if self._kept is not None:
                self._kept.pending.append(batch)
            if number % _BREATH == 0:
                yield Sleep(self.frame.engine.scheduler.now_ms)

    def _pend_given(self) -> None:
        """As `_pend`, of what a stop leaves of the state's own data. Nobody reads on in a file for it."""
        given, self._given = self._given, None
        if given is not None and self.results is not None:
            # What an ItemSelector refuses now would have failed a run that is over.
            with suppress(StatesError):
                for _ in self._pend(self.results, given):
                    pass

    def take_held(self) -> tuple[Batch, ...]:
        """The batch that was read when the run had failed already, once."""
        held, self._held = self._held, None
        return () if held is None else (held,)

    def _close(self, status: Status) -> None:
        self.status = status
        self.stop_ms = self.frame.engine.scheduler.now_ms
        self._fork = None
        if self.frame.engine.observer is not None:
            items = self.counts.items
            self.frame.engine.observer.mapped(self.state, items.total, items.failed + items.timedOut)
        if self._kept is not None:
            self._kept.settle()

    def describe(self) -> dict[str, Any]:
        """DescribeMapRun's answer, as far as this run knows it; times in epoch seconds."""
        described: dict[str, JSON] = {
            "mapRunArn": self.arn,
            "executionArn": self.parent.arn,
            "status": self.status,
            "startDate": self.start_ms / 1000,
            # An unbounded run reports the largest 32-bit number (measured).
            "maxConcurrency": self.max_concurrency or 2_147_483_647,
            "toleratedFailurePercentage": self.tolerance.percentage or 0.0,
            "toleratedFailureCount": self.tolerance.count or 0,
            "itemCounts": self.counts.items.as_dict(),
            "executionCounts": self.counts.executions.as_dict(),
            "redriveCount": self.redrive_count,
        }
        if self.stop_ms is not None:
            described["stopDate"] = self.stop_ms / 1000
        if self.redrive_ms is not None:
            described["redriveDate"] = self.redrive_ms / 1000
        return described
