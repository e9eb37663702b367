"""A report in words and tables, for people: what happened, how long it took, and what was out of the ordinary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO, TypeAlias

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepsim.asl.payload import JSON
from stepsim.runtime.console import duration, number, printable
from stepsim.runtime.json_output import json_text

Row: TypeAlias = Mapping[str, Any]

_COLUMNS_OF_A_PIPE = 80
_NAME_COLUMNS = 20
_GAP = 2
_ROWS = 40
_OUTPUT_LINES = 20
_SERVICES = 3
_STATUS_STYLES = {"SUCCEEDED": "bold green", "ABORTED": "bold yellow"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers; it is left out where every row has nothing or 0 in it.

    One with `spare` goes where there is no room for all, the highest number first.
    """

    header: str
    value: Callable[[Row], float | None]
    shown: Callable[[float], str] = number
    always: bool = False
    spare: int = 0


def _of(*path: str) -> Callable[[Row], float | None]:
    def value(row: Row) -> float | None:
        found: Any = row
        for name in path:
            found = found.get(name)
            if found is None:
                return None
        return found  # type: ignore[no-any-return]

    return value


def _sum(name: str) -> Callable[[Row], float]:
    return lambda row: sum(row[name].values())


def _milliseconds(value: float) -> str:
    return duration(value / 1000)


def _hours(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 else f"{value:.2g}"


def _percent(share: float) -> str:
    return f"{share:.1%}"


_PERCENTILES = tuple(Column(name, _of("duration_ms", name), _milliseconds) for name in ("p50", "p99"))

_STATES = (
    Column("entered", _of("entered"), always=True),
    Column("succeeded", _of("succeeded"), always=True),
    Column("failed", _of("failed")),
    Column("retried", _sum("retries")),
    Column("caught", _sum("caught")),
    *_PERCENTILES,
)
_FUNCTIONS = (
    Column("invoked", _of("invocations"), always=True),
    Column("errors", _sum("errors")),
    Column("timeouts", _of("timeouts")),
    Column("throttled", _of("throttles")),
    Column("cold", _of("cold_starts"), spare=1),
    Column("peak", _of("max_concurrency_seen")),
    Column("mean", _of("duration_ms", "mean"), _milliseconds, spare=2),
    *_PERCENTILES,
)
_CONTAINERS = (
    Column("launched", _of("launched"), always=True),
    Column("interrupted", _of("interrupted")),
    Column("peak", _of("max_concurrency_seen")),
    Column("provisioned in", _of("provisioning_ms", "p50"), _milliseconds, spare=1),
    Column("vCPU hours", _of("vcpu_hours"), _hours),
)
_MAP_RUNS = (
    Column("items", _of("itemCounts", "total"), always=True),
    Column("succeeded", _of("itemCounts", "succeeded"), always=True),
    Column("failed", _of("itemCounts", "failed")),
    Column("timed out", _of("itemCounts", "timedOut")),
    Column("aborted", _of("itemCounts", "aborted")),
    Column("pending", _of("itemCounts", "pending")),
    Column("children", _of("executionCounts", "total"), spare=1),
    Column("peak", _of("max_concurrency_seen")),
    Column("took", _of("makespan_s"), duration),
)
_CALLS = (
    Column("count", _of("count"), always=True),
    Column("throttled", _of("throttled")),
    Column("faults", _of("faults")),
)
_EXECUTIONS = (
    Column("started", _of("started"), always=True),
    Column("succeeded", _of("succeeded"), always=True),
    Column("failed", _of("failed")),
    Column("timed out", _of("timed_out")),
    Column("aborted", _of("aborted")),
    Column("running", _of("running")),
    *_PERCENTILES,
)
_TRIGGERS = (
    Column("events", _of("events")),
    Column("twice", _of("duplicates")),
    Column("delivered", _of("delivered")),
    Column("retried", _of("retried")),
    Column("dead", _of("dead_lettered")),
    Column("dropped", _of("dropped")),
    Column("batches", _of("batches"), spare=1),
    Column("started", _of("started")),
    Column("invoked", _of("invoked")),
    Column("failed", _of("failed")),
)
_QUEUES = (
    Column("sent", _of("sent"), always=True),
    Column("taken over", _of("taken_over")),
    Column("received", _of("received"), always=True),
    Column("twice", _of("duplicates")),
    Column("dead", _of("dead_lettered")),
    Column("expired", _of("expired")),
    Column("left", _of("left")),
    Column("max depth", _of("max_depth")),
    Column("oldest", _of("max_age_s"), duration),
)
_TABLES = (
    Column("WCU", _of("consumed_wcu"), always=True),
    Column("RCU", _of("consumed_rcu"), always=True),
    Column("throttled writes", _of("throttled_writes")),
    Column("throttled reads", _of("throttled_reads")),
    Column("partitions", _of("partitions"), spare=1),
    Column("splits", _of("splits"), spare=2),
    Column("hottest key", _of("hottest_share"), _percent),
)
_THROTTLES = (Column("times", _of("times"), always=True),)
_HOT_KEYS = (
    Column("of writes", _of("share"), _percent),
    Column("throttled", _of("throttles")),
)
_MOCKS = (
    Column("answered", _of("answered"), always=True),
    Column("never used", _of("unused")),
)
_ERRORS = (
    Column("times", _of("times")),
    Column("retried", _of("retried")),
    Column("caught", _of("caught")),
)


def print_summary(report: Mapping[str, Any], stream: TextIO) -> None:
    """Write the report for people: with colours on a terminal, in plain text of 80 columns elsewhere."""
    width = None if stream.isatty() else _COLUMNS_OF_A_PIPE
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
    _print_headline(console, report)
    _print_table(console, "States", "state", _STATES, report["states"])
    went_wrong = any(run["status"] != "SUCCEEDED" for run in report["map_runs"].values())
    _print_table(console, "Map runs", "state", _MAP_RUNS, report["map_runs"], second="status" if went_wrong else "")
    _print_table(console, "Functions", "function", _FUNCTIONS, report["functions"])
    _print_table(console, "Containers", "family", _CONTAINERS, report["containers"])
    if report["executions"]["started"] > 1 or report["triggers"]:
        _print_table(console, "Executions", "machine", _EXECUTIONS, report["executions"]["by_machine"])
    _print_table(console, "Triggers", "trigger", _TRIGGERS, report["triggers"])
    _print_table(console, "Queues", "queue", _QUEUES, report["queues"])
    _print_errors(console, report)
    _print_table(console, "AWS calls", "call", _CALLS, report["calls"])
    _print_table(console, "DynamoDB tables", "table", _TABLES, report["tables"])
    _print_throttled(console, report["tables"])
    if "mocks" in report:
        _print_mocks(console, report["mocks"])
    if report["execution"]["status"] == "SUCCEEDED" and report["execution"]["executionArn"] is not None:
        _print_output(console, report["execution"]["output"])
    _print_expectations(console, report["expectations"])


def _print_headline(console: Console, report: Mapping[str, Any]) -> None:
    execution = report["execution"]
    status = execution["status"]
    headline = Text(report["scenario"], "bold")
    headline.append("  ").append(status, _STATUS_STYLES.get(status, "bold red"))
    console.print(headline)
    facts = [f"took {duration(report['makespan_s'])}"]
    if report["clock"] == "virtual":
        facts = [f"virtual {duration(report['makespan_s'])}", f"wall {duration(report['wall_s'])}"]
    throttled = report["throttled_transitions"]
    waited = f" ({number(throttled)} throttled)" if throttled else ""
    facts += [
        f"{number(report['state_transitions'])} transitions{waited}",
        f"{number(report['peak_rss_mb'])} MB",
        f"seed {report['seed']}",
    ]
    console.print(Padding(" · ".join(facts), (0, 0, 0, 2), expand=False))
    if report["cost"] is not None:
        console.print(Padding(_bill(report["cost"]), (0, 0, 0, 2), expand=False))
    for name in ("error", "cause"):
        if execution[name]:
            console.print(_labelled(name, printable(execution[name])))


def _bill(cost: Mapping[str, Any]) -> str:
    """What the run cost, the services that cost most, and how much was wasted: in one line."""
    paid = sorted(((usd, name) for name, usd in cost["by_service"].items() if usd), key=lambda pair: -pair[0])
    parts = [f"cost {_dollars(cost['total_usd'])}"]
    if len(paid) > 1:
        named = [f"{name} {_dollars(usd)}" for usd, name in paid[:_SERVICES]]
        parts.append(", ".join(named) + (", …" if len(paid) > _SERVICES else ""))
    if cost["waste"]["total_usd"]:
        parts.append(f"wasted {_percent(cost['waste']['share'])}")
    return " · ".join(parts)


def _dollars(amount: float) -> str:
    """In cents; what is less than a dollar, with the digits that still say something."""
    places = 2 if amount >= 1 or not amount else 4 if amount >= 0.01 else 6
    return f"${amount:,.{places}f}"


def _labelled(label: str, text: str) -> Table:
    """A text beside its label, its lines wrapped below one another."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {label}", "bold"), text)
    return grid


def _print_table(
    console: Console, title: str, noun: str, columns: Sequence[Column], rows: Mapping[str, Row], second: str = ""
) -> None:
    """Print a table of at most 40 rows. With `second`, each row has that member as a text after its name."""
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(noun, overflow="fold")
    if second:
        table.add_column(second, overflow="fold")
    room = console.width - 2 - _text_width(noun, rows)
    if second:
        room -= _GAP + _text_width(second, [row[second] for row in rows.values()])
    shown = _fitting(
        [column for column in columns if column.always or any(map(column.value, rows.values()))], rows, room
    )
    for column in shown:
        table.add_column(column.header, justify="right", no_wrap=True, min_width=_width(column, rows))
    for name, row in list(rows.items())[:_ROWS]:
        texts = [name, row[second]] if second else [name]
        table.add_row(*texts, *(_cell(column, row) for column in shown))
    _print_title(console, title)
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if len(rows) > _ROWS:
        console.print(f"  … and {len(rows) - _ROWS:,} more, in the report (--json)")


def _fitting(columns: list[Column], rows: Mapping[str, Row], room: int) -> list[Column]:
    """The columns without as many of the spare ones as it takes."""
    for spare in sorted((column for column in columns if column.spare), key=lambda column: -column.spare):
        if sum(_width(column, rows) + _GAP for column in columns) <= room:
            break
        columns = [column for column in columns if column is not spare]
    return columns


def _text_width(header: str, texts: Iterable[str]) -> int:
    """How much a column of texts needs; longer ones are folded."""
    return min(_NAME_COLUMNS, max(len(header), *map(len, texts)))


def _width(column: Column, rows: Mapping[str, Row]) -> int:
    return max(len(column.header), *(len(_cell(column, row)) for row in rows.values()))


def _cell(column: Column, row: Row) -> str:
    value = column.value(row)
    return "" if value is None else column.shown(value)


def _print_title(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, "bold"))


def _print_mocks(console: Console, mocks: Mapping[str, Any]) -> None:
    """How many attempts of each mocked state were answered, and how many of its mocks were never used."""
    unused = Counter(entry["state"] for entry in mocks["unused"])
    rows = {state: {"answered": count, "unused": unused[state]} for state, count in mocks["answered"].items()}
    case = f" of {mocks['test_case']}" if mocks["test_case"] else ""
    _print_table(console, f"Mocks{case}", "state", _MOCKS, rows)


def _print_throttled(console: Console, tables: Mapping[str, Row]) -> None:
    """Why tables were throttled, and for which keys most of all."""
    reasons, keys = {}, {}
    for name, table in tables.items():
        for index, (reason, times) in enumerate(table.get("throttles", {}).items()):
            reasons[name + " " * index] = {"reason": reason, "times": times}
        hottest = table["hottest_keys"] if table.get("throttles") else []
        for index, key in enumerate(hottest):
            keys[name + " " * index] = {**key, "key": printable(key["key"])}
    _print_table(console, "Throttled by DynamoDB", "table", _THROTTLES, reasons, second="reason")
    _print_table(console, "Hottest keys", "table", _HOT_KEYS, keys, second="key")


def _print_errors(console: Console, report: Mapping[str, Any]) -> None:
    """The errors by name: how often functions gave them, and what states did about them."""
    rows = dict(_error_rows(report))
    _print_table(console, "Errors", "where", _ERRORS, rows, second="error")


def _error_rows(report: Mapping[str, Any]) -> Iterable[tuple[str, Row]]:
    # A name may come back with another error: blanks tell the rows apart and do not show.
    for function, found in report["functions"].items():
        for index, (error, times) in enumerate(found["errors"].items()):
            yield function + " " * index, {"error": error, "times": times}
    for state, found in report["states"].items():
        retries, caught = found["retries"], found["caught"]
        for index, error in enumerate(dict.fromkeys([*retries, *caught])):
            row = {"error": error, "retried": retries.get(error), "caught": caught.get(error)}
            yield state + " " * index, row


def _print_output(console: Console, output: JSON) -> None:
    lines = json_text(output).splitlines()
    _print_title(console, "Output")
    for line in lines[:_OUTPUT_LINES]:
        room = console.width - 2
        console.print("  " + (line if len(line) <= room else line[: room - 1] + "…"), soft_wrap=True)
    if len(lines) > _OUTPUT_LINES:
        console.print(f"  … and {len(lines) - _OUTPUT_LINES:,} more lines, in the report (--json)")


def _print_expectations(console: Console, expectations: Sequence[Mapping[str, Any]]) -> None:
    if not expectations:
        return
    held = sum(expectation["holds"] for expectation in expectations)
    _print_title(console, f"Expectations: {held} of {len(expectations)} hold")
    for expectation in expectations:
        line = Text("  ✓ ", "green") if expectation["holds"] else Text("  ✗ ", "bold red")
        line.append(expectation["text"], "default")
        actual = expectation.get("message") or f"it is {_brief(expectation['actual'])}"
        console.print(line.append(f"  ({actual})", "dim"))


def _brief(value: JSON) -> str:
    text = " ".join(json_text(value).split())
    return text if len(text) <= 60 else text[:59] + "…"
