"""The live line, numbers in words, and the summary."""

from __future__ import annotations

import io
from typing import Any

import pytest

from stepsim.runtime.console import ProgressLine, can_redraw, clock_time, duration, number, printable, progress_text
from stepsim.runtime.snapshot import Snapshot
from stepsim.runtime.summary import print_summary

COUNTS = {"pending": 0, "running": 0, "succeeded": 0, "failed": 0, "timedOut": 0, "aborted": 0, "total": 0}


def a_report(**changes: Any) -> dict[str, Any]:
    """A report of a run that went well."""
    report: dict[str, Any] = {
        "scenario": "nightly",
        "seed": 42,
        "clock": "virtual",
        "execution": {
            "executionArn": "arn:aws:states:us-east-1:123456789012:execution:nightly:1",
            "status": "SUCCEEDED",
            "output": {"pairs": 250_000},
            "error": None,
            "cause": None,
            "startDate": "2026-01-05T02:00:00Z",
            "stopDate": "2026-01-05T02:14:32Z",
        },
        "makespan_s": 872.0,
        "wall_s": 38.25,
        "peak_rss_mb": 612,
        "state_transitions": 1_234_567,
        "throttled_transitions": 0,
        "history_events": 40,
        "executions": {"started": 1, "by_machine": {}},
        "triggers": {},
        "queues": {},
        "map_runs": {},
        "functions": {},
        "containers": {},
        "states": {"Load": state(entered=5_000, succeeded=5_000)},
        "calls": {},
        "tables": {},
        "cost": None,
        "expectations": [],
    }
    return {**report, **changes}


def state(**changes: Any) -> dict[str, Any]:
    """A state's part of a report."""
    durations = {"mean": 251.5, "p50": 240, "p99": 1_900, "max": 2_000}
    empty: dict[str, Any] = {"entered": 0, "succeeded": 0, "failed": 0, "retries": {}, "caught": {}}
    return {**empty, "duration_ms": durations, **changes}


def a_snapshot(**changes: Any) -> Snapshot:
    """A look at a run in the middle of a map."""
    facts: dict[str, Any] = {
        "clock": "virtual",
        "elapsed_ms": 751_000,
        "state_transitions": 500_000,
        "items_done": 123_397,
        "items_running": 1_000,
        "items_failed": 3,
        "items_total": 250_000,
    }
    return Snapshot(**{**facts, **changes})


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def summary(report: dict[str, Any]) -> str:
    stream = io.StringIO()
    print_summary(report, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.24, "240 ms"),
        (0.9996, "1.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min 00 s"),
        (872, "14 min 32 s"),
        (3_599.6, "1 h 00 min"),
        (11_100, "3 h 05 min"),
        (187_200, "2 d 04 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    """A duration has two units at most, and never sixty of the smaller one."""
    assert duration(seconds) == text


def test_numbers_have_separators() -> None:
    """Counts are grouped by thousands; a fraction keeps one digit."""
    assert [number(0), number(123_400), number(2.0), number(12.55)] == ["0", "123,400", "2", "12.6"]


def test_clock_time_goes_on_after_a_day() -> None:
    """The clock shows hours, minutes and seconds since the start, also after a day."""
    assert [clock_time(751_000), clock_time(90_000_000)] == ["00:12:31", "25:00:00"]


def test_control_characters_are_written_out() -> None:
    """A text from outside cannot colour or clear a terminal; its lines and words stay."""
    assert printable("a\n\té\x1b[2Jb\x07") == "a\n\té\\x1b[2Jb\\x07"


def test_the_progress_line_fits_eighty_columns() -> None:
    """Items, those running and failed, the rate and the virtual time stand in one line."""
    text = progress_text(a_snapshot(), 45_210.4, 79)
    assert text == "items 123,400/250,000 · 1,000 running · 3 failed · 45,210/s · virtual 00:12:31"


def test_a_narrow_terminal_keeps_the_items_and_the_clock() -> None:
    """What does not fit is left out, the items last."""
    assert progress_text(a_snapshot(), 45_210.4, 45) == "items 123,400/250,000 · virtual 00:12:31"
    assert progress_text(a_snapshot(), 45_210.4, 25) == "items 123,400/250,000"


def test_an_unknown_total_is_not_shown() -> None:
    """While a reader is at work nobody knows how many items there are."""
    assert progress_text(a_snapshot(items_total=None, items_failed=0), None, 79).startswith("items 123,397 · 1,000 run")


def test_a_run_without_items_shows_its_states() -> None:
    """Without a map, the states entered show that something happens; a real clock is not called virtual."""
    nothing = {"items_done": 0, "items_running": 0, "items_failed": 0, "items_total": None}
    text = progress_text(a_snapshot(clock="real", **nothing), None, 79)
    assert text == "running · states entered 500,000 · time 00:12:31"


def test_the_line_is_drawn_in_place_and_taken_away() -> None:
    """Each drawing erases the one before; at the end nothing is left; the rate is that of the last three seconds."""
    moments = iter([0.0, 0.05, 1.0])
    stream = Terminal()
    with ProgressLine(stream, lambda: next(moments), 80) as line:
        line.show(a_snapshot(items_done=0, items_failed=0))
        line.show(a_snapshot(items_done=1, items_failed=0))
        line.show(a_snapshot(items_done=5_000, items_failed=0))
    drawings = stream.getvalue().split("\r\x1b[K")
    assert [drawing[:14] for drawing in drawings] == ["", "items 0/250,00", "items 5,000/25", ""]
    assert "5,000/s" in drawings[2]


def test_a_run_that_was_never_shown_leaves_the_terminal_alone() -> None:
    """Without a single look nothing is written, not even an erasure."""
    stream = Terminal()
    with ProgressLine(stream):
        pass
    assert stream.getvalue() == ""


def test_only_a_terminal_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe, or a terminal that knows no control codes, gets no progress."""
    monkeypatch.setenv("TERM", "xterm")
    assert can_redraw(Terminal())
    assert not can_redraw(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not can_redraw(Terminal())


def test_a_summary_opens_with_what_matters() -> None:
    """The first two lines tell the outcome, the time in both clocks and the size of it."""
    lines = summary(a_report()).splitlines()
    assert lines[0] == "nightly  SUCCEEDED"
    assert lines[1].split(" · ")[:3] == [
        "  virtual 14 min 32 s",
        "wall 38.2 s",
        "1,234,567 transitions",
    ]


def test_throttled_transitions_are_told_where_there_are_any() -> None:
    """Beside how many there were in all."""
    assert " · 1,234,567 transitions (1,200 throttled) · " in summary(a_report(throttled_transitions=1_200))


def test_a_run_on_the_system_clock_has_one_time() -> None:
    """Where the clock is real there is no virtual time to tell."""
    assert "  took 14 min 32 s · " in summary(a_report(clock="real"))


def test_a_failure_tells_error_and_cause_in_the_width_of_a_page() -> None:
    """The whole cause is there, wrapped, and has no control codes of its own."""
    failed = {
        **a_report()["execution"],
        "status": "FAILED",
        "output": None,
        "error": "Bad",
        "cause": "\x1b[31m" + "why " * 90,
    }
    text = summary(a_report(execution=failed))
    assert "error  Bad" in text
    assert text.count("why") == 90
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "Output" not in text


def test_columns_that_say_nothing_are_left_out() -> None:
    """A column of zeros is not shown; one with a number in any row is."""
    quiet, loud = state(entered=1, succeeded=1), state(entered=2, failed=1, retries={"Slow": 3}, caught={"Bad": 1})
    assert "retried" not in summary(a_report(states={"A": quiet}))
    text = summary(a_report(states={"A": quiet, "B": loud}))
    assert "failed  retried  caught" in text
    assert [line.split() for line in text.splitlines() if line.split()[:1] == ["B"]] == [
        ["B", "2", "0", "1", "3", "1", "240", "ms", "1.9", "s"],
        ["B", "Slow", "3"],
        ["B", "Bad", "1"],
    ]


def test_every_part_of_a_report_has_its_table() -> None:
    """Map runs, functions with their errors, AWS calls and tables are told, in eighty columns."""
    report = a_report(
        map_runs={
            "ReconcileAll": {
                "mapRunArn": "arn",
                "status": "SUCCEEDED",
                "itemCounts": {**COUNTS, "total": 250_000, "succeeded": 249_990, "failed": 10},
                "executionCounts": {**COUNTS, "total": 5_000, "succeeded": 5_000},
                "max_concurrency_seen": 1_000,
                "makespan_s": 790.0,
            }
        },
        functions={
            "ReconcileFilesLambda": {
                "invocations": 5_100,
                "errors": {"ValueError": 7, "Lambda.TooManyRequestsException": 93},
                "timeouts": 2,
                "throttles": 93,
                "cold_starts": 1_000,
                "max_concurrency_seen": 1_000,
                "duration_ms": {"mean": 251.5, "p50": 240, "p99": 900, "max": 2_000},
            }
        },
        calls={"s3.GetObject": {"count": 500_000, "throttled": 12, "faults": 4}},
        tables={"reconciliation": {"consumed_wcu": 250_000.0, "consumed_rcu": 12.5, "hottest_share": 0.015}},
    )
    text = summary(report)
    rows = [line.split() for line in text.splitlines()]
    assert ["ReconcileAll", "250,000", "249,990", "10", "5,000", "1,000", "13", "min", "10", "s"] in rows
    assert ["ReconcileFilesLambda", "Lambda.TooManyRequestsException", "93"] in rows
    assert ["s3.GetObject", "500,000", "12", "4"] in rows
    assert ["reconciliation", "250,000", "12.5", "1.5%"] in rows
    assert max(map(len, text.splitlines())) <= 80


def test_a_throttled_table_says_why_and_where() -> None:
    """The reasons, in AWS's words, and the keys that most was asked of; of the others nothing is said."""
    keys = [{"key": "P1#2026-01-05", "share": 0.75, "throttles": 1_300}, {"key": "P2", "share": 0.01, "throttles": 0}]
    throttled = {
        "consumed_wcu": 4_000.0,
        "consumed_rcu": 0.0,
        "throttled_writes": 1_300,
        "hottest_share": 0.75,
        "hottest_keys": keys,
        "throttles": {"IndexWriteKeyRangeThroughputExceeded": 400, "TableWriteKeyRangeThroughputExceeded": 900},
    }
    calm = {**throttled, "throttled_writes": 0, "throttles": {}}
    rows = [line.split() for line in summary(a_report(tables={"rows": throttled, "others": calm})).splitlines()]
    assert ["rows", "4,000", "0", "1,300", "75.0%"] in rows
    assert ["rows", "TableWriteKeyRangeThroughputExceeded", "900"] in rows
    assert ["rows", "P1#2026-01-05", "75.0%", "1,300"] in rows
    assert sum(row[:1] == ["others"] for row in rows) == 1


def test_a_map_run_that_failed_says_so() -> None:
    """The status of map runs is told where one of them went wrong."""
    counts = {**COUNTS, "total": 10, "succeeded": 4, "failed": 6}
    run = {"itemCounts": counts, "executionCounts": counts, "max_concurrency_seen": 1, "makespan_s": 0.5}
    text = summary(a_report(map_runs={"Load": {**run, "status": "FAILED"}, "Save": {**run, "status": "SUCCEEDED"}}))
    assert ["Load", "FAILED", "10", "4", "6", "10", "1", "500", "ms"] in [line.split() for line in text.splitlines()]
    assert "SUCCEEDED" not in summary(a_report(map_runs={"Save": {**run, "status": "SUCCEEDED"}})).split("Map runs")[1]


def test_a_failed_map_run_of_many_items_is_a_line() -> None:
    """In eighty columns name and status stay whole; a column that says less makes room."""
    counts = {**COUNTS, "total": 20_000, "succeeded": 4_950, "failed": 50, "aborted": 950, "pending": 14_050}
    run = {"itemCounts": counts, "executionCounts": counts, "max_concurrency_seen": 20, "makespan_s": 2.1}
    lines = [line.split() for line in summary(a_report(map_runs={"Each": {**run, "status": "FAILED"}})).splitlines()]
    assert ["Each", "FAILED", "20,000", "4,950", "50", "950", "14,050", "20", "2.1", "s"] in lines


def test_a_long_output_is_cut() -> None:
    """Some lines of the output are enough for a person; the rest is in the report."""
    execution = {**a_report()["execution"], "output": [*range(500), "x" * 500]}
    text = summary(a_report(execution=execution))
    assert "and 483 more lines, in the report (--json)" in text
    assert "    17,\n" in text


def test_expectations_are_told_with_what_was_found() -> None:
    """Each expectation is marked, with the actual value or why there is none."""
    expectations = [
        {"text": "status == SUCCEEDED", "holds": True, "actual": "SUCCEEDED"},
        {"text": "makespan_s < 600", "holds": False, "actual": 872.0},
        {
            "text": "map_runs.Load.itemCounts.failed == 0",
            "holds": False,
            "actual": None,
            "message": "there is no 'Load'",
        },
    ]
    lines = summary(a_report(expectations=expectations)).splitlines()
    assert lines[-4:] == [
        "Expectations: 1 of 3 hold",
        '  ✓ status == SUCCEEDED  (it is "SUCCEEDED")',
        "  ✗ makespan_s < 600  (it is 872.0)",
        "  ✗ map_runs.Load.itemCounts.failed == 0  (there is no 'Load')",
    ]
