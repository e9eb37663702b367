"""A report as one HTML page that needs nothing else: figures, charts over the run's time, tables.

Wall time and memory are left out: the same scenario and seed give the same page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stepsim.asl.payload import encode
from stepsim.runtime.console import duration, number
from stepsim.runtime.html_account import account_sections
from stepsim.runtime.html_page import Html, element, legend, page, section, table
from stepsim.runtime.report import fault_warnings
from stepsim.runtime.svg_charts import Steps, bars_chart, colour, steps_chart
from stepsim.runtime.time_series import Point, TimeSeries

_SERIES_MAX = 8
"""As many functions have a line of their own; the others are drawn as one."""
_BARS_MAX = 60
_PARTS_MAX = 240
"""Rates are drawn for as many parts of a run at the most, and for whole seconds of a shorter one."""
_BRIEF = 300


def html_report(report: Mapping[str, Any], series: TimeSeries) -> str:
    """The page of a report and of what was seen on the way."""
    return page(
        report["scenario"],
        *_headline(report),
        _expectations(report["expectations"]),
        *_charts(report, series),
        section("Map runs", _map_runs(report["map_runs"])),
        section("Functions", _functions(report["functions"])),
        section("States", _states(report["states"], report["cost"])),
        *account_sections(report),
        section("AWS calls", _calls(report["calls"])),
        _faults(report),
        *([] if report["cost"] is None else [_cost(report["cost"])]),
    )


def _headline(report: Mapping[str, Any]) -> Iterator[Html]:
    execution = report["execution"] or {}
    status = execution.get("status") or ""
    marked = element("span", status, "good" if status == "SUCCEEDED" else "bad")
    yield Html(f"<h1>{element('span', report['scenario'])} {marked}</h1>\n")
    facts = [f"took {duration(report['makespan_s'])}", f"{number(report['state_transitions'])} transitions"]
    facts.append(f"seed {report['seed']}")
    if report["cost"] is not None:
        facts.append(_dollars(report["cost"]["total_usd"]))
    yield element("p", " · ".join(facts), "dim")
    if execution.get("error"):
        yield element("p", f"{execution['error']}: {_brief(execution['cause'] or '')}", "bad")


def _expectations(expectations: Sequence[Mapping[str, Any]]) -> Html:
    rows = []
    for one in expectations:
        mark = (
            element("span", f"✓ {one['text']}", "good") if one["holds"] else element("span", f"✗ {one['text']}", "bad")
        )
        rows.append((mark, one.get("message") or f"it is {_brief(one['actual'])}"))
    return section("Expectations", table((), rows))


# ------------------------------------------------------------------------------------------------------------- charts


def _charts(report: Mapping[str, Any], series: TimeSeries) -> Iterator[Html]:
    """Those charts that have something to show."""
    end_ms = max([round(report["makespan_s"] * 1000), *(point.at_ms for point in series.points)])
    if series.spans:
        bars = [
            (span.state if span.entered == 1 else f"{span.state} × {span.entered:,}", span.from_ms, span.to_ms)
            for span in series.spans[:_BARS_MAX]
        ]
        yield section("States of the execution", Html(bars_chart(bars, end_ms)))
    points = series.points
    throttles = _per_second([(point.at_ms, point.throttles) for point in points], end_ms)
    faults = _per_second([(point.at_ms, point.faults) for point in points], end_ms)
    yield _lines("Invocations that run", _of_functions(points), end_ms)
    yield _lines("Children of map runs", [("running", [(point.at_ms, point.children) for point in points])], end_ms)
    done = [(point.at_ms, point.done) for point in points]
    failed = [(point.at_ms, point.failed) for point in points]
    yield _lines("Items of map runs", [("done", done), ("failed", failed)], end_ms)
    yield _lines("Throttles and struck calls, per second", [("throttles", throttles), ("faults", faults)], end_ms)


def _lines(title: str, lines: Sequence[tuple[str, Steps]], end_ms: int) -> Html:
    shown = [(name, steps) for name, steps in lines if any(value for _, value in steps)]
    if not shown:
        return Html()
    names = [(name, colour(index)) for index, (name, _) in enumerate(shown)]
    return section(title, Html(steps_chart(shown, end_ms)), legend(names))


def _of_functions(points: Sequence[Point]) -> list[tuple[str, Steps]]:
    """A line for each of the busiest functions, and one for the rest."""
    most: dict[str, int] = {}
    for point in points:
        for name, running in point.functions.items():
            most[name] = max(most.get(name, 0), running)
    names = sorted(most, key=lambda name: (-most[name], name))
    own, rest = (names, []) if len(names) <= _SERIES_MAX else (names[: _SERIES_MAX - 1], names[_SERIES_MAX - 1 :])
    lines: list[tuple[str, Steps]] = [(name, _running(points, [name])) for name in own]
    return [*lines, (f"{len(rest)} others", _running(points, rest))] if rest else lines


def _running(points: Sequence[Point], names: Sequence[str]) -> Steps:
    return [(point.at_ms, sum(point.functions.get(name, 0) for name in names)) for point in points]


def _per_second(counted: Steps, end_ms: int) -> Steps:
    """What was added in each part of the run, for each second of it: seconds, or longer parts of a long run."""
    width_ms = max(1_000, -(-end_ms // _PARTS_MAX))
    last: dict[int, float] = {}
    for at_ms, count in counted:
        last[at_ms // width_ms] = count
    steps: list[tuple[int, float]] = []
    before = 0.0
    for part in range(end_ms // width_ms + 1):
        count = last.get(part, before)
        steps.append((part * width_ms, 1000 * (count - before) / width_ms))
        before = count
    return steps


# ------------------------------------------------------------------------------------------------------------- tables


def _map_runs(runs: Mapping[str, Any]) -> Html:
    rows = []
    for name, run in runs.items():
        items = [number(run["itemCounts"][kind]) for kind in ("total", "succeeded", "failed")]
        peak = number(run["max_concurrency_seen"])
        children = number(run["executionCounts"]["total"])
        rows.append((name, run["status"], *items, children, peak, duration(run["makespan_s"])))
    return table(("state", "status", "items", "succeeded", "failed", "children", "peak", "took"), rows)


def _functions(functions: Mapping[str, Any]) -> Html:
    rows = []
    for name, one in functions.items():
        counts = [one["invocations"], sum(one["errors"].values()), one["throttles"], one["cold_starts"]]
        shown = [number(count) for count in (*counts, one["max_concurrency_seen"])]
        rows.append((name, *shown, *_percentiles(one["duration_ms"])))
    return table(("function", "invoked", "errors", "throttled", "cold", "peak", "p50", "p99"), rows)


def _states(states: Mapping[str, Any], cost: Mapping[str, Any] | None) -> Html:
    rows = []
    for name, one in states.items():
        counts = [one["entered"], one["succeeded"], one["failed"]]
        counts += [sum(one["retries"].values()), sum(one["caught"].values())]
        paid = "" if cost is None else _dollars(cost["by_state"].get(name, 0.0))
        rows.append((name, *map(number, counts), paid, *_percentiles(one["duration_ms"])))
    return table(("state", "entered", "succeeded", "failed", "retried", "caught", "cost", "p50", "p99"), rows)


def _percentiles(durations: Mapping[str, float]) -> list[str]:
    return [duration(durations[name] / 1000) if durations else "" for name in ("p50", "p99")]


def _calls(calls: Mapping[str, Any]) -> Html:
    kinds = ("count", "throttled", "faults")
    rows = [(name, *(number(one[kind]) for kind in kinds)) for name, one in calls.items()]
    return table(("call", "count", "throttled", "struck by faults"), rows)


def _faults(report: Mapping[str, Any]) -> Html:
    rows = [(one["fault"], number(one["considered"]), number(one["struck"])) for one in report["faults"]]
    warnings = [element("p", warning, "bad") for warning in fault_warnings(report)]
    return section("Faults", table(("fault", "came up", "struck"), rows), *warnings)


def _cost(cost: Mapping[str, Any]) -> Html:
    rows = [
        (name, f"{line['quantity']:,.10g}", _dollars(line["usd"]))
        for name, line in cost["lines"].items()
        if line["quantity"]
    ]
    rows.append(("total", "", _dollars(cost["total_usd"])))
    items = [
        element("p", f"{name}: {_dollars(run['total_usd'])} for {number(run['items'])} items", "dim")
        for name, run in cost["map_runs"].items()
    ]
    return section("Cost", table(("price", "quantity", "USD"), rows), *items)


def _dollars(amount: float) -> str:
    return f"${amount:,.6f}"


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else encode(value)
    return text if len(text) <= _BRIEF else text[: _BRIEF - 1] + "…"
