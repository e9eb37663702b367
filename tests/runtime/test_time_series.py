"""What is seen of a run over its time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from stepsim.runtime.html_report import html_report
from stepsim.runtime.runner import Watch, simulate
from stepsim.runtime.scenario import load_scenario
from stepsim.runtime.time_series import POINTS_MAX, TimeSeries

_DEFINITION = (
    '{"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,'
    ' "Parameters": {"FunctionName": "F", "Payload.$": "$"}}}}'
)


def _scenario(folder: Path) -> Path:
    (folder / "m.json").write_text(_DEFINITION)
    file = folder / "s.yaml"
    file.write_text(
        "definition: m.json\n"
        "until: 6h\n"
        "functions: {F: {returns: 1, duration: 40ms, cold_start: 0s}}\n"
        "cloud:\n"
        "  queues: {work: {dlq: dead, max_receive: 2}, dead: {}}\n"
        "  tables: {things: {partition_key: pk, gsis: {by_kind: {partition_key: kind}}}}\n"
        "  triggers:\n"
        "    - {schedule: rate(5 minutes), start: definition}\n"
        "    - {queue: work, invoke: F}\n"
        "arrivals: [{queue: work, message: hello, generate: {count: 2000}, every: 1s}]\n"
    )
    return file


def test_what_is_over_is_not_drawn_on(tmp_path: Path) -> None:
    """What a point shows holds until the next one: an invocation of 40 ms stands there for no five minutes."""
    series = TimeSeries()
    simulate(load_scenario(_scenario(tmp_path)), Watch(series=series))

    points = series.points
    shown_ms = sum(after.at_ms - point.at_ms for point, after in pairwise(points) if point.functions)
    assert len(points) <= POINTS_MAX
    # 2,072 invocations take some two minutes and a half in all; a distance between points is 32 s at the end.
    assert shown_ms < 2_000_000


def test_a_page_tells_of_the_account(tmp_path: Path) -> None:
    """Triggers, executions, queues and tables with their indexes stand on the page."""
    series = TimeSeries()
    report = simulate(load_scenario(_scenario(tmp_path)), Watch(series=series))

    page = html_report(report, series)

    for title in ("Executions", "Triggers", "Queues", "DynamoDB tables"):
        assert f"<h2>{title}</h2>" in page
    assert "things, index by_kind" in page
    assert "<h2>Containers</h2>" not in page
