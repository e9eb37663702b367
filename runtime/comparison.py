"""What is compared of many simulations: a few figures of each report, and how they are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any

from stepsim.asl.payload import JSON
from stepsim.runtime.report import holds

FIGURES = ("makespan_s", "cost_usd")
"""What is told with its spread; the less, the better."""


def figures_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report's figures: ``passed``, ``status``, ``error``, ``makespan_s``, ``cost_usd`` (None where nothing is
    priced), ``throttles`` (of functions and calls), ``failed_items`` (of all map runs), ``expectations`` (how many
    hold, of how many) and ``broken`` (the text of each that does not, and why)."""
    execution = report.get("execution") or {}
    expectations = report["expectations"]
    functions, calls = report["functions"].values(), report["calls"].values()
    return {
        "passed": holds(report),
        "status": execution.get("status"),
        "error": execution.get("error"),
        "makespan_s": report["makespan_s"],
        "cost_usd": None if report["cost"] is None else report["cost"]["total_usd"],
        "throttles": sum(one["throttles"] for one in functions) + sum(one["throttled"] for one in calls),
        "failed_items": sum(run["itemCounts"]["failed"] for run in report["map_runs"].values()),
        "expectations": [sum(one["holds"] for one in expectations), len(expectations)],
        "broken": [_broken(one) for one in expectations if not one["holds"]],
    }


def _broken(verdict: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"text": verdict["text"], "actual": verdict["actual"], "message": verdict.get("message")}


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Median, 99th percentile (both by nearest rank) and the most of some figures; None where there are none."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return {"p50": None, "p99": None, "max": None}
    return {"p50": _rank(known, 0.5), "p99": _rank(known, 0.99), "max": known[-1]}


def _rank(values: Sequence[float], share: float) -> float:
    return values[max(0, ceil(share * len(values)) - 1)]


def best(points: Sequence[tuple[float, ...]]) -> list[bool]:
    """Which points no other one beats: none is as low in every figure, and lower in one (Pareto's front)."""
    return [not any(_beats(other, point) for other in points) for point in points]


def _beats(one: Iterable[float], other: Iterable[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(mine <= yours for mine, yours in pairs) and any(mine < yours for mine, yours in pairs)
