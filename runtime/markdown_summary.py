"""What a command has found, in Markdown: for a pull request, or the summary of a job.

The verdict comes first, then what broke, then figures; long tables are folded away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stepsim.asl.errors import Problem
from stepsim.asl.payload import encode
from stepsim.runtime.comparison import FIGURES, figures_of
from stepsim.runtime.console import duration, number
from stepsim.runtime.markdown import code, folded, plain, table
from stepsim.runtime.mocks.reporting import mock_warnings
from stepsim.runtime.report import fault_warnings
from stepsim.runtime.seeds import why

_GOOD, _BAD, _ODD = "✅", "❌", "⚠️"
_ROWS = 100
_CHARS = 300


def report_markdown(report: Mapping[str, Any]) -> str:
    """The report of one run."""
    figures = figures_of(report)
    execution = report["execution"]
    mark = _GOOD if figures["passed"] else _BAD
    lines = [f"### {mark} {plain(report['scenario'])}: {plain(execution['status'])}", ""]
    if execution["error"]:
        lines += [f"{code(execution['error'])}: {code(_short(execution['cause'] or ''))}", ""]
    lines += _expectations(report["expectations"])
    lines += table(("", ""), _facts(report, figures))
    lines += _map_runs(report["map_runs"])
    lines += _errors(report)
    states = [
        (code(name), number(one["entered"]), number(one["failed"]), number(sum(one["retries"].values())), _p(one))
        for name, one in report["states"].items()
    ]
    lines += _folded_table("States", ("state", "entered", "failed", "retried", "p50", "p99"), states)
    functions = [
        (code(name), number(one["invocations"]), number(sum(one["errors"].values())), number(one["throttles"]), _p(one))
        for name, one in report["functions"].items()
    ]
    lines += _folded_table("Functions", ("function", "invoked", "errors", "throttled", "p50", "p99"), functions)
    lines += [f"- {_ODD} {plain(text)}" for text in (*mock_warnings(report), *fault_warnings(report))]
    return _text(lines)


def seeds_markdown(summary: Mapping[str, Any]) -> str:
    """Many seeds of a scenario."""
    failed = summary["failed"]
    mark = _BAD if failed else _GOOD
    of = f"{number(summary['passed'])} of {number(summary['seeds'])} seeds passed"
    lines = [f"### {mark} {plain(summary['scenario'])}: {of}", ""]
    rows = [
        (name, *(_figure(figure, summary[figure][key]) for key in ("p50", "p99", "max")))
        for figure, (name, _) in _FIGURES.items()
        if summary[figure]["max"] is not None
    ]
    lines += table(("", "p50", "p99", "max"), rows)
    broken = [(number(run["seed"]), code(_short(why(run)))) for run in summary["runs"] if run["seed"] in failed]
    if broken:
        lines += table(("seed", "why it failed"), broken[:_ROWS], left=2)
        lines += _more(broken)
    shrunk = summary["shrunk"]
    if shrunk is not None and shrunk["faults"] is not None:
        few = "the fewest faults" if shrunk["minimal"] else "fewer faults"
        lines += [f"Seed {shrunk['seed']}, shrunk to {few} that break it:", ""]
        lines += [f"- {code(fault)}" for fault in shrunk["faults"]] or ["- none"]
        lines.append("")
    return _text(lines)


def sweep_markdown(summary: Mapping[str, Any]) -> str:
    """The table of a sweep, its best trade-offs marked."""
    runs, seeds = summary["runs"], len(summary["seeds"])
    lines = [f"### {plain(summary['scenario'])}: {number(len(runs))} combinations", ""]
    paths = list(runs[0]["set"])
    headers = ("", *map(code, paths), "makespan", "cost", "throttles", "failed items", "expectations", "passed")
    rows = [
        (
            "★" if run["best"] else "",
            *(code(value if isinstance(value, str) else encode(value)) for value in run["set"].values()),
            *(_figure(figure, run[figure]["p50"]) for figure in FIGURES),
            number(run["throttles"]),
            number(run["failed_items"]),
            f"{run['expectations'][0]} of {run['expectations'][1]}",
            f"{run['passed']} of {seeds}",
        )
        for run in runs
    ]
    lines += [*table(headers, rows, left=1 + len(paths)), "★ nothing that passes is both faster and cheaper", ""]
    return _text(lines)


def problems_markdown(checked: Mapping[str, Sequence[Problem]], unread: Mapping[str, str]) -> str:
    """What is wrong with definitions."""
    found = [(file, problem) for file, problems in checked.items() for problem in problems]
    errors = sum(problem.severity == "error" for _, problem in found)
    mark = _BAD if errors or unread else _GOOD
    counts = f"{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')} in {_count(len(checked), 'file')}"
    lines = [f"### {mark} Definitions: {counts}", ""]
    lines += [f"- {_BAD} {code(file)} cannot be read: {plain(reason)}" for file, reason in unread.items()]
    lines += [""] if unread else []
    rows = [
        (
            _BAD if problem.severity == "error" else _ODD,
            code(f"{file}:{problem.line}:{problem.column}"),
            code(problem.code),
            plain(_short(problem.message).rstrip(".") + ". " + (problem.suggestion or "")).rstrip(),
        )
        for file, problem in found
    ]
    if rows:
        lines += [*table(("", "where", "code", "what"), rows[:_ROWS], left=4), *_more(rows)]
    return _text(lines)


# ----------------------------------------------------------------------------------------------------------- pieces

_FIGURES = {"makespan_s": ("makespan", duration), "cost_usd": ("cost", lambda usd: f"${usd:,.4f}")}


def _figure(name: str, value: float | None) -> str:
    return "" if value is None else _FIGURES[name][1](value)


def _facts(report: Mapping[str, Any], figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    clock = "of virtual time" if report["clock"] == "virtual" else ""
    yield "makespan", f"{duration(report['makespan_s'])} {clock}".strip()
    yield "transitions", number(report["state_transitions"])
    if report["cost"] is not None:
        paid = [f"{name} ${usd:,.4f}" for name, usd in report["cost"]["by_service"].items() if usd]
        yield "cost", _figure("cost_usd", report["cost"]["total_usd"]) + (f" ({', '.join(paid)})" if paid else "")
    throttled = sum(table["throttled_writes"] + table["throttled_reads"] for table in report["tables"].values())
    throttles = {
        "calls and invocations": figures["throttles"],
        "items of tables": throttled,
        "transitions": report["throttled_transitions"],
    }
    yield "throttles", ", ".join(f"{number(count)} {what}" for what, count in throttles.items() if count) or "0"
    if report["faults"]:
        struck = sum(fault["struck"] for fault in report["faults"])
        yield "faults", f"{number(len(report['faults']))}, which struck {_count(struck, 'time')}"
    yield "seed", str(report["seed"])


def _expectations(expectations: Sequence[Mapping[str, Any]]) -> list[str]:
    if not expectations:
        return []
    held = sum(expectation["holds"] for expectation in expectations)
    rows = [
        (
            _GOOD if one["holds"] else _BAD,
            code(one["text"]),
            code(_short(one.get("message") or encode(one["actual"]))),
        )
        for one in expectations
    ]
    return [f"**{held} of {len(expectations)} expectations hold**", "", *table(("", "expected", "found"), rows, left=3)]


def _map_runs(runs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not runs:
        return []
    headers = ("map run", "status", "items", "succeeded", "failed", "peak", "took")
    rows = []
    for name, run in runs.items():
        counts = [number(run["itemCounts"][key]) for key in ("total", "succeeded", "failed")]
        rows.append(
            (code(name), run["status"], *counts, number(run["max_concurrency_seen"]), duration(run["makespan_s"]))
        )
    return table(headers, rows, left=2)


def _errors(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (code(where), code(error), number(times), what)
        for where, error, times, what in (
            *(
                (name, *one, "of the function")
                for name, found in report["functions"].items()
                for one in found["errors"].items()
            ),
            *((name, *one, "retried") for name, found in report["states"].items() for one in found["retries"].items()),
            *((name, *one, "caught") for name, found in report["states"].items() for one in found["caught"].items()),
        )
    ]
    return table(("where", "error", "times", ""), rows[:_ROWS], left=2) + _more(rows) if rows else []


def _p(row: Mapping[str, Any]) -> str:
    """The cells of two percentiles."""
    times = [row["duration_ms"].get(name) for name in ("p50", "p99")]
    return " | ".join("" if time is None else duration(time / 1000) for time in times)


def _folded_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return folded(f"{title}: {len(rows):,}", [*table(headers, rows[:_ROWS]), *_more(rows)]) if rows else []


def _more(rows: Sequence[object]) -> list[str]:
    return [f"… and {len(rows) - _ROWS:,} more", ""] if len(rows) > _ROWS else []


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CHARS else line[: _CHARS - 1] + "…"


def _count(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n\n"
