"""What a run has used of what is billed: its counters, as quantities of the prices' entries.

Each rule of rounding lives here, beside the count that it rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from stepsim.asl.machine import MapState, ParallelState, StateMachine
from stepsim.runtime.cloud.call import CallCounts
from stepsim.runtime.cloud.fault_rules import STATUSES
from stepsim.runtime.cloud.meter import THROTTLES
from stepsim.runtime.cloud.prices import Prices
from stepsim.runtime.cost import MapItems, Usage, Use, Waste
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.run_subject import RunSubject
from stepsim.runtime.scenario_types import FunctionSpec
from stepsim.runtime.statistics import Durations, FunctionStatistics, Statistics, billed_hours

_EXPRESS_STEP_MS = 100
"""Express executions are billed by time rounded up to this, and for no less (recorded)."""
_EXPRESS_STEP_MB = 64

_VCPU_OF_GB = ((2, 0.25), (4, 0.5), (8, 1.0), (16, 2.0), (30, 4.0), (60, 8.0))
"""The most memory that Fargate gives so many vCPUs; more than the last comes with 16."""

_TB_OF_MB = 1 / (1024 * 1024)

_S3_PUTS = ("Put", "Copy", "List", "Create", "Complete", "Upload", "Restore")
_S3_FREE = ("Delete", "Abort")

_NOT_BILLED = THROTTLES | {code for code, status in STATUSES.items() if status >= 500}
"""Error codes of what AWS could not or would not do: such a request is not charged for."""

_WORK = frozenset({"athena.tb"})
"""Entries that bill what a request leads to, and not that it was made: one that is refused leads to nothing."""

_Wasted = Iterator[tuple[Waste, Use]]


@dataclass(frozen=True, slots=True)
class Counters:
    """Where everything that is billed was counted."""

    execution: RunSubject
    statistics: Statistics
    map_runs: Iterable[MapRun]
    calls: Mapping[str, CallCounts]
    tables: Mapping[str, Mapping[str, Any]]
    specs: Mapping[str, FunctionSpec]
    """The scenario's functions and jobs: how large they are."""


def usage(counters: Counters, prices: Prices) -> Usage:
    """What was used so far. `prices` also say how much memory and how many DPUs are reckoned with."""
    express = tuple(_express(counters, prices))
    functions = *_functions(counters, prices), *_ecs_tasks(counters.statistics)
    calls = tuple(_calls(counters.calls))
    uses = (
        *_transitions(counters.statistics),
        *(use for _, use in chain(express, functions, calls)),
        *_tables(counters.tables, _run_hours(counters.execution)),
    )
    wasted = (
        *_wasted_transitions(counters.statistics),
        *((waste, use) for waste, use in chain(express, functions, calls) if waste is not None),
    )
    return Usage(uses, wasted, _maps(counters.map_runs))


# -- Step Functions -----------------------------------------------------------------------------------------------


def _transitions(statistics: Statistics) -> Iterator[Use]:
    for name, state in statistics.states.items():
        yield Use("states.transition", state.billed, "states", name)


def _wasted_transitions(statistics: Statistics) -> _Wasted:
    for name, state in statistics.states.items():
        yield "retries", Use("states.transition", state.billed_retries, "states", name)
    if statistics.lost:
        yield "failed_children", Use("states.transition", statistics.lost, "states")


def _express(counters: Counters, prices: Prices) -> Iterator[tuple[Waste | None, Use]]:
    """Express executions: the run's own, those that others started, and the children of map runs."""
    statistics, me = counters.statistics, counters.execution.me
    now_ms = counters.execution.engine.scheduler.now_ms
    memory_mb = prices["states.express_memory_mb"]
    if me.express:
        stop_ms = counters.execution.stop_ms
        taken_ms = (now_ms if stop_ms is None else stop_ms) - me.start_ms
        for use in _express_uses([(taken_ms, 1)], memory_mb, None):
            yield None, use
    for durations in (statistics.express, statistics.failed_express):
        for use in _express_uses(durations.counted(), memory_mb, None):
            yield None, use
    for run in counters.map_runs:
        if not run.express:
            continue
        # Of those that run now, what they took so far.
        running = ((now_ms - child.start_ms, 1) for child in run.running.values())
        for use in _express_uses(chain(run.succeeded_after.counted(), running), memory_mb, run.state.name):
            yield None, use
        for use in _express_uses(run.failed_after.counted(), memory_mb, run.state.name):
            yield "failed_children", use


def _express_uses(durations: Iterable[tuple[int, int]], memory_mb: float, state: str | None) -> Iterator[Use]:
    count = steps = 0
    for duration_ms, times in durations:
        count += times
        steps += max(1, -(-duration_ms // _EXPRESS_STEP_MS)) * times
    billed_gb = -(-memory_mb // _EXPRESS_STEP_MB) * _EXPRESS_STEP_MB / 1024
    yield Use("states.express_request", count, "states", state)
    yield Use("states.express_gb_second", steps * _EXPRESS_STEP_MS / 1000 * billed_gb, "states", state)


# -- what runs code -----------------------------------------------------------------------------------------------


def _functions(counters: Counters, prices: Prices) -> Iterator[tuple[Waste | None, Use]]:
    for name, found in counters.statistics.functions.items():
        spec = counters.specs.get(name, FunctionSpec())
        kind = name.partition("/")[0] if "/" in name else "lambda"
        if kind == "ecs":
            # What Fargate bills are tasks, not the containers in them.
            continue
        outcomes: tuple[tuple[Waste | None, dict[str, Durations]], ...]
        outcomes = (None, found.succeeded), ("failed_attempts", found.failed)
        for waste, by_state in outcomes:
            for state, durations in by_state.items():
                for use in _RUNS[kind](durations, spec, prices, state or None):
                    yield waste, use
        for state, inits in found.inits.items():
            yield None, _lambda_time(inits, spec, state or None)
        if kind == "lambda":
            yield None, Use("lambda.request", _under_way(found), "lambda")


def _ecs_tasks(statistics: Statistics) -> Iterator[tuple[Waste | None, Use]]:
    """ECS tasks, by their size: from the pull of the image, rounded up to a second, and for a minute at least."""
    for found in statistics.tasks.values():
        for billed, durations in found.billed.items():
            hours, kind = billed_hours(durations), "ecs.spot_" if billed.spot else "ecs."
            waste: Waste | None = "failed_attempts" if billed.failed else None
            yield waste, Use(f"{kind}vcpu_hour", hours * billed.vcpus, "ecs", billed.state or None)
            yield waste, Use(f"{kind}gb_hour", hours * billed.gigabytes, "ecs", billed.state or None)


def _under_way(found: FunctionStatistics) -> int:
    """Invocations that have begun and not ended: what they take is not known yet."""
    ended = sum(durations.count for durations in chain(found.succeeded.values(), found.failed.values()))
    return found.invocations - ended


def _lambda(durations: Durations, spec: FunctionSpec, prices: Prices, state: str | None) -> Iterator[Use]:  # noqa: ARG001
    yield Use("lambda.request", durations.count, "lambda", state)
    yield _lambda_time(durations, spec, state)


def _lambda_time(durations: Durations, spec: FunctionSpec, state: str | None) -> Use:
    """Time is rounded up to a millisecond. That in which environments begin is billed, too (since August 2025)."""
    billed_ms = sum(max(1, duration_ms) * times for duration_ms, times in durations.counted())
    return Use("lambda.gb_second", billed_ms / 1000 * spec.memory_mb / 1024, "lambda", state)


def _batch(durations: Durations, spec: FunctionSpec, prices: Prices, state: str | None) -> Iterator[Use]:  # noqa: ARG001
    """Jobs of Batch run on Fargate."""
    hours, gigabytes = billed_hours(durations), spec.memory_mb / 1024
    yield Use("ecs.vcpu_hour", hours * (spec.vcpu or _vcpu(gigabytes)), "batch", state)
    yield Use("ecs.gb_hour", hours * gigabytes, "batch", state)


def _glue(durations: Durations, spec: FunctionSpec, prices: Prices, state: str | None) -> Iterator[Use]:  # noqa: ARG001
    yield Use("glue.dpu_hour", billed_hours(durations) * prices["glue.dpus"], "glue", state)


def _vcpu(gigabytes: float) -> float:
    """The fewest vCPUs that Fargate gives so much memory to."""
    return next((vcpu for most, vcpu in _VCPU_OF_GB if gigabytes <= most), 16.0)


_RUNS: dict[str, Callable[[Durations, FunctionSpec, Prices, str | None], Iterator[Use]]] = {
    "lambda": _lambda,
    "batch": _batch,
    "glue": _glue,
}


# -- AWS calls ----------------------------------------------------------------------------------------------------


def _calls(calls: Mapping[str, CallCounts]) -> Iterator[tuple[Waste | None, Use]]:
    """Calls that AWS charges for, by state; those answered with an error of the caller's are failed attempts."""
    for name, counts in calls.items():
        service, _, operation = name.partition(".")
        entry = _entry_of(service, operation)
        if entry is None or not counts.count:
            continue
        failed = sum(counts.errors.values())
        free = sum(times for code, times in counts.errors.items() if entry in _WORK or code in _NOT_BILLED)
        # Errors are counted by code and not by state: each state has its share of them.
        good_share, failed_share = (counts.count - failed) / counts.count, (failed - free) / counts.count
        each = _TB_OF_MB if entry == "athena.tb" else 1
        for state, units in counts.by_state.items():
            yield None, Use(entry, units * good_share * each, service, state or None)
            yield "failed_attempts", Use(entry, units * failed_share * each, service, state or None)


def _entry_of(service: str, operation: str) -> str | None:
    """The entry that one call of an operation is billed by; None where it is free, or billed by something else."""
    if service == "s3":
        if operation.startswith(_S3_FREE):
            return None
        return "s3.put_request" if operation.startswith(_S3_PUTS) else "s3.get_request"
    if service == "sqs":
        return "sqs.request"
    return _ENTRIES.get(f"{service}.{operation}")


_ENTRIES = {
    "sns.Publish": "sns.publish",
    "sns.PublishBatch": "sns.publish",
    "events.PutEvents": "events.event",
    "athena.StartQueryExecution": "athena.tb",
}


def _run_hours(execution: RunSubject) -> float:
    stop_ms = execution.stop_ms
    taken_ms = (execution.engine.scheduler.now_ms if stop_ms is None else stop_ms) - execution.me.start_ms
    return taken_ms / 3_600_000


def _tables(tables: Mapping[str, Mapping[str, Any]], hours: float) -> Iterator[Use]:
    """DynamoDB's units: on demand those that were consumed, indexes and transactions included; else provisioned ones.

    What is provisioned is billed for the time of the run: the table was there before, and will be afterwards.
    """
    for table in tables.values():
        if table["provisioned"] is None:
            yield Use("dynamodb.write_unit", table["consumed_wcu"], "dynamodb")
            yield Use("dynamodb.read_unit", table["consumed_rcu"], "dynamodb")
            continue
        for each in (table, *table["indexes"].values()):
            yield Use("dynamodb.wcu_hour", each["provisioned"]["wcu"] * hours, "dynamodb")
            yield Use("dynamodb.rcu_hour", each["provisioned"]["rcu"] * hours, "dynamodb")


# -- distributed Maps ---------------------------------------------------------------------------------------------


def _maps(map_runs: Iterable[MapRun]) -> dict[str, MapItems]:
    """By the Map's name: all its runs together, with the items that were begun."""
    maps: dict[str, MapItems] = {}
    for run in map_runs:
        name, items = run.state.name, run.counts.items
        begun = items.total - items.pending
        known = maps.get(name)
        states = frozenset({name, *_names(run.state.processor)}) if known is None else known.states
        maps[name] = MapItems(begun + (0 if known is None else known.items), states)
    return maps


def _names(machine: StateMachine) -> Iterator[str]:
    """The names of all states of a processor, at any depth."""
    machines = [machine]
    while machines:
        for state in machines.pop().states.values():
            yield state.name
            if isinstance(state, ParallelState):
                machines += state.branches
            elif isinstance(state, MapState):
                machines.append(state.processor)
