"""A run in which executions are started from outside: what drivers and the report see in place of one execution.

It runs until everything has arrived, every polled queue is empty, and all executions and events to functions have
ended; then it has succeeded if each execution of the scenario's machine, or of one that a trigger starts, has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.account import Account
from stepsim.runtime.api.records import ExecutionRecord
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.bucket_store import BucketStore
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.moto_s3 import backend
from stepsim.runtime.cloud.token_bucket import TokenBucket
from stepsim.runtime.execution import Execution
from stepsim.runtime.scenario_types import Scenario
from stepsim.runtime.triggers.arrivals import Arrivals
from stepsim.runtime.triggers.deliveries import Deliveries
from stepsim.runtime.triggers.event_texts import Event, ObjectCreated, scheduled
from stepsim.runtime.triggers.pollers import Poller
from stepsim.runtime.triggers.specs import ObjectSource, ScheduleSource, TriggerSpec
from stepsim.runtime.triggers.world import TriggerCounts, World


def triggered_run(
    scenario: Scenario, account: Account, registry: Registry, cloud: Cloud, latency: Latency, own: Execution | None
) -> TriggeredRun:
    """A scenario's triggers at work, and its arrivals on their way; `own` is what it has started itself.

    Raises GeneratorError where something that makes arrivals cannot be loaded.
    """
    rate = scenario.quotas["events_invocation_rate"]
    world = World(
        account.scheduler,
        account.dice,
        cloud,
        latency,
        account.scheduler.now_ms,
        None if rate is None else TokenBucket(rate, rate),
    )
    run = TriggeredRun(account, world, registry, own)
    run.begin(scenario)
    return run


REMEMBERED = 10_000
"""So many executions that have ended can still be described; older ones are only counted."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What is asked of an execution's identity."""

    arn: str
    start_ms: int
    express: bool = False
    """Each Express execution is counted by itself."""


class TriggeredRun:
    """All executions of a run, as one."""

    def __init__(self, account: Account, world: World, registry: Registry, own: Execution | None) -> None:
        self.engine = account.engine
        self.me = RunIdentity("" if own is None else own.me.arn, world.start_ms)
        self.history: Sequence[Any] = ()
        """Events are counted with each execution's end."""
        self.stop_ms: int | None = None
        self.world = world
        self.shown = own
        """The execution that the report describes: its own, else the first that did not succeed, or the only one."""
        self._own = own
        self._account = account
        self._registry = registry
        self._pollers: list[Poller] = []
        self._arrivals: list[Arrivals] = []
        self._machines: Collection[str] = ()
        self._started = 0
        self._failed: Execution | None = None
        self._stopped: tuple[str, str] | None = None
        self._ended: deque[str] = deque()

    # -- what drivers ask -----------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """RUNNING, until nothing is left to come; then how the executions ended."""
        if self._is_running():
            return "RUNNING"
        if self.stop_ms is None:
            self.stop_ms = self.world.now_ms
        if self._own is not None and self._own.status != "SUCCEEDED":
            return self._own.status
        if self._failed is not None:
            return self._failed.status
        if self._stopped is not None:
            return "ABORTED"
        return "SUCCEEDED" if self._started or self._own is not None else "NOT_STARTED"

    def _is_running(self) -> bool:
        if self._account.running:
            return True
        if self._stopped is not None:
            return False
        return bool(self.world.underway or self._account.pending_events) or not all(one.idle for one in self._pollers)

    def stop(self, error: str, cause: str) -> None:
        """End the run: nothing more comes, and what runs is aborted."""
        self._stopped = error, cause
        for arrivals in self._arrivals:
            arrivals.stop()
        self._account.stop_executions(error, cause)

    def describe(self) -> dict[str, Any]:
        """The report's ``execution``: its own execution's or, where there is none, all of them together."""
        status = self.status
        if self._own is not None:
            return {**self._own.describe(), "status": status}
        shown = self.shown
        told = {} if shown is None else shown.describe()
        single = self._started == 1
        error, cause = self._stopped or (told.get("error"), told.get("cause"))
        if status == "NOT_STARTED":
            error, cause = "stepsim.NotStarted", self._idle()
        return {
            "executionArn": told.get("executionArn") if single or self._failed is not None else None,
            "status": status,
            "output": told.get("output") if single else None,
            "error": error,
            "cause": cause,
            "startDate": format_timestamp(self.me.start_ms),
            "stopDate": None if self.stop_ms is None else format_timestamp(self.stop_ms),
        }

    def _idle(self) -> str:
        """Why there was no execution, as far as triggers can tell."""
        idle = [name for name, counts in self.world.counts.items() if not (counts.events or counts.batches)]
        if not idle:
            return "No execution was started by what came"
        return f"Nothing happened that would have started one: {', '.join(idle)} never came"

    def report(self) -> dict[str, dict[str, int]]:
        """The report's ``triggers``: by name, what became of events and messages."""
        return {name: _told(counts) for name, counts in self.world.counts.items()}

    # -- what begins ----------------------------------------------------------------------------------------------

    def begin(self, scenario: Scenario) -> None:
        """Watch the scenario's sources, and let its arrivals come. Raises GeneratorError."""
        started = [one.target.name for one in scenario.triggers if one.target and one.target.kind == "start"]
        # Where the scenario starts nothing itself, whoever starts its machine does so for it: a function, say.
        self._machines = frozenset([*started, *([scenario.name] if self._own is None else [])])
        observers = self._registry.observers
        observers.execution_started.append(self._note_started)
        observers.execution_ended.append(self._note_ended)
        self._arrivals = [
            Arrivals(self.world, spec, scenario.base_dir, scenario.until_ms) for spec in scenario.arrivals
        ]
        types = {scenario.name: scenario.type, **{name: spec.type for name, spec in scenario.machines.items()}}
        buckets: dict[str, list[tuple[TriggerSpec, Deliveries]]] = {}
        for trigger in scenario.triggers:
            counts = self.world.counts[trigger.name] = TriggerCounts()
            deliveries = Deliveries(self.world, trigger, counts)
            if isinstance(trigger.source, ObjectSource):
                buckets.setdefault(trigger.source.bucket, []).append((trigger, deliveries))
            elif isinstance(trigger.source, ScheduleSource):
                self._schedule(trigger, trigger.source, deliveries, scenario.until_ms)
            if trigger.polling is not None and trigger.target is not None:
                express = types.get(trigger.target.name) == "EXPRESS" and trigger.target.kind == "start"
                self._pollers.append(Poller(self.world, trigger, trigger.polling, trigger.target, counts, express))
        for name, triggered in buckets.items():
            self._watch(name, triggered)
        for arrivals in self._arrivals:
            arrivals.begin()

    def _watch(self, bucket: str, triggered: list[tuple[TriggerSpec, Deliveries]]) -> None:
        """Take every object that lands in a bucket for an event."""
        world, count = self.world, 0
        store: BucketStore = backend().buckets[bucket].keys

        def created(key: str, size: int, etag: str, operation: str) -> None:
            nonlocal count
            on_bus: Event | None = None
            count += 1
            event_id = world.dice.uuid4("object", bucket, count)
            landed = ObjectCreated(bucket, key, size, etag, operation, world.now_ms, count, event_id)
            for trigger, deliveries in triggered:
                source = trigger.source
                assert isinstance(source, ObjectSource)
                if not (key.startswith(source.prefix) and key.endswith(source.suffix)):
                    continue
                if trigger.via_bus:
                    on_bus = landed.on_bus() if on_bus is None else on_bus
                    deliveries.happened(on_bus)
                else:
                    deliveries.happened(landed.as_notification(trigger.name))

        store.created = created

    def _schedule(
        self, trigger: TriggerSpec, source: ScheduleSource, deliveries: Deliveries, until_ms: int | None
    ) -> None:
        """Let a schedule be due, again and again, until the run's end or its last arrival."""
        world = self.world
        waits = until_ms is not None or not source.recurring

        def wait(after_ms: int) -> None:
            due_ms = source.due(world.start_ms, after_ms)
            if due_ms is None or (until_ms is not None and due_ms - world.start_ms > until_ms):
                return
            world.underway += waits
            world.scheduler.call_at(due_ms, lambda: fire(due_ms))

        def fire(due_ms: int) -> None:
            if self._stopped is not None:
                return
            world.underway -= waits
            if not waits and not any(arrivals.coming for arrivals in self._arrivals):
                # Without an end of its own a schedule ends with the last arrival.
                return
            event_id = world.dice.uuid4("schedule", trigger.name, due_ms)
            deliveries.happened(scheduled(event_id, trigger.name, due_ms, via_bus=trigger.via_bus))
            wait(due_ms)

        wait(world.start_ms - 1)

    # -- what happens ---------------------------------------------------------------------------------------------

    def _note_started(self, record: ExecutionRecord) -> None:
        if record.map_run is None and record.record.name in self._machines:
            self._started += 1

    def _note_ended(self, record: ExecutionRecord) -> None:
        execution = record.execution
        if record.map_run is not None:
            return
        if record.record.name in self._machines and execution is not self._own:
            if execution.status != "SUCCEEDED" and self._failed is None:
                self._failed = execution
            if self._own is None and (self.shown is None or self._failed is execution):
                self.shown = execution
        self._ended.append(execution.me.arn)
        if len(self._ended) > REMEMBERED:
            self._registry.store.discard(self._ended.popleft())


def _told(counts: TriggerCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in TriggerCounts.__slots__}
