"""What a run was: one table of plain values, the same for the same seed, wall time and memory aside."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import CallCounts
from stepsim.runtime.cloud.prices import Prices
from stepsim.runtime.cost import cost
from stepsim.runtime.expectations import Check, Expectation, Judge, evaluate, not_judged
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.run_subject import RunSubject
from stepsim.runtime.scenario_types import FunctionSpec
from stepsim.runtime.statistics import Durations, FunctionStatistics, StateStatistics, Statistics
from stepsim.runtime.usage import Counters, usage

if TYPE_CHECKING:
    from stepsim.runtime.persistence.executions import StoredMapRun


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the driver knows of a run that nobody else does."""

    scenario: str
    seed: int
    clock: str
    """``virtual`` or ``real``."""
    wall_s: float
    calls: Mapping[str, CallCounts] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    mocks: Mapping[str, JSON] | None = None
    """What became of the mocks; None where there were none."""
    specs: Mapping[str, FunctionSpec] = field(default_factory=dict)
    """The functions and jobs, as the scenario describes them."""
    prices: Prices | None = None
    """None: nothing is priced."""
    faults: Sequence[Mapping[str, JSON]] = ()
    """What became of each fault; see `Faults.report`."""
    queues: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    executions: Mapping[str, JSON] = field(default_factory=dict)
    triggers: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    earlier: Sequence[StoredMapRun] = ()
    """The map runs of attempts that another process made: those that a redrive leaves alone are in no one's memory."""


def make_report(
    facts: RunFacts,
    execution: RunSubject,
    map_runs: Iterable[MapRun],
    statistics: Statistics,
    expectations: Iterable[Expectation | Check] = (),
    judge: Judge = not_judged,
) -> dict[str, Any]:
    """The report, as ``--json`` writes it. Durations end in ``_s`` or ``_ms`` after their unit."""
    runs = list(map_runs)
    stop_ms = execution.stop_ms if execution.stop_ms is not None else execution.engine.scheduler.now_ms
    report: dict[str, Any] = {
        "scenario": facts.scenario,
        "seed": facts.seed,
        "clock": facts.clock,
        "execution": execution.describe(),
        "executions": dict(facts.executions),
        "makespan_s": (stop_ms - execution.me.start_ms) / 1000,
        "wall_s": round(facts.wall_s, 3),
        "peak_rss_mb": peak_rss_mb(),
        "state_transitions": statistics.state_transitions,
        "throttled_transitions": statistics.throttled_transitions,
        "history_events": len(execution.history) + statistics.history_events,
        "map_runs": _map_runs(runs, facts.earlier),
        "functions": {name: _function(found) for name, found in sorted(statistics.functions.items())},
        "containers": {name: found.report() for name, found in sorted(statistics.tasks.items())},
        "states": {name: _state(found) for name, found in statistics.states.items()},
        "calls": {name: _call(counts) for name, counts in sorted(facts.calls.items()) if counts.count},
        "tables": {name: dict(table) for name, table in sorted(facts.tables.items())},
        "queues": {name: dict(queue) for name, queue in sorted(facts.queues.items())},
        "triggers": {name: dict(trigger) for name, trigger in facts.triggers.items()},
    }
    report["cost"] = None
    if facts.prices is not None:
        counters = Counters(execution, statistics, runs, facts.calls, facts.tables, facts.specs)
        report["cost"] = cost(usage(counters, facts.prices), facts.prices)
    if facts.mocks is not None:
        report["mocks"] = dict(facts.mocks)
    report["faults"] = list(facts.faults)
    report["expectations"] = evaluate(expectations, report, judge)
    return report


def holds(report: Mapping[str, Any]) -> bool:
    """The verdict: the execution succeeded and everything that was expected holds.

    A scenario that expects a failure (``status == FAILED``) is held to that instead. Where mocks are strict, none may
    be left over.
    """
    expectations = report["expectations"]
    if any(expectation["text"].replace(" ", "").startswith(("status==", "status!=")) for expectation in expectations):
        succeeded = True
    else:
        succeeded = report["execution"]["status"] == "SUCCEEDED"
    mocks = report.get("mocks")
    if mocks is not None and mocks["strict"] and mocks["unused"]:
        return False
    return succeeded and all(expectation["holds"] for expectation in expectations)


def fault_warnings(report: Mapping[str, Any]) -> list[str]:
    """A sentence for each fault that never struck, in the order of the scenario."""
    return [
        f"fault {number}{_line(fault['line'])} never struck: {fault['message']}."
        for number, fault in enumerate(report["faults"], 1)
        if not fault["struck"]
    ]


def _line(line: int | None) -> str:
    return f" (line {line})" if line else ""


def peak_rss_mb() -> int:
    """The most memory that this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def _map_runs(map_runs: Iterable[MapRun], earlier: Iterable[StoredMapRun]) -> dict[str, Any]:
    """By state; a state that was run more than once (a retry, an outer map) is numbered from its second run on."""
    table: dict[str, Any] = {}
    seen: dict[str, int] = {}
    present = {run.arn: run for run in map_runs}
    # Those from before are in the order in which they were opened, and what has come since comes after them.
    named = [(run.state_name, present.pop(run.arn, run)) for run in earlier]
    named += [(run.state.name, run) for run in present.values()]
    for name, run in named:
        seen[name] = number = seen.get(name, 0) + 1
        described = run.describe()
        stop_ms = run.stop_ms if run.stop_ms is not None else run.start_ms
        table[name if number == 1 else f"{name}#{number}"] = {
            "mapRunArn": described["mapRunArn"],
            "status": described["status"],
            "itemCounts": described["itemCounts"],
            "executionCounts": described["executionCounts"],
            "max_concurrency_seen": run.max_concurrency_seen,
            "makespan_s": (stop_ms - run.start_ms) / 1000,
        }
    return table


def _function(found: FunctionStatistics) -> dict[str, Any]:
    return {
        "invocations": found.invocations,
        "errors": dict(sorted(found.errors.items())),
        "timeouts": found.timeouts,
        "throttles": found.throttles,
        "cold_starts": found.cold_starts,
        "init_ms": _durations(Durations.merged(found.inits.values())),
        "max_concurrency_seen": found.max_concurrency_seen,
        "duration_ms": _durations(found.durations),
    }


def _state(found: StateStatistics) -> dict[str, Any]:
    return {
        "entered": found.entered,
        "succeeded": found.succeeded,
        "failed": found.failed,
        "retries": dict(sorted(found.retries.items())),
        "caught": dict(sorted(found.caught.items())),
        "duration_ms": _durations(found.durations),
    }


def _durations(durations: Durations) -> dict[str, float]:
    return durations.summary()


def _call(counts: CallCounts) -> dict[str, int]:
    return {"count": counts.count, "throttled": counts.throttled, "faults": counts.faults}
