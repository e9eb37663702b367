"""``stepsim simulate --html``: one page, the same for the same seed, that loads nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import pytest
from click.testing import Result

from stepsim.runtime.runner import Watch, simulate
from stepsim.runtime.scenario import load_scenario
from stepsim.runtime.time_series import POINTS_MAX, TimeSeries

Cli: TypeAlias = Callable[..., Result]

SCENARIO = """
definition: machine.json
functions:
  Work: {echo: true, duration: {uniform: {min_ms: 10, max_ms: 900}}}
faults: [{function: Work, probability: 0.2, error: TooManyRequestsException}]
expect: [status == SUCCEEDED, makespan_s < 600]
"""


class Page(HTMLParser):
    """Checks that elements are closed in order, and gathers what they would load."""

    VOID = ("meta", "!doctype")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [tag for name, _ in attrs if name in ("src", "href")] + [tag for _ in (1,) if tag == "script"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def folder(tmp_path: Path, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    each = laboratory.each(
        "<script>",
        config={"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        retry=[{"ErrorEquals": ["States.ALL"], "BackoffRate": 1, "MaxAttempts": 20}],
        MaxConcurrency=7,
        Next="Rest",
    )
    machine = laboratory.machine(Each=each, Rest={"Type": "Wait", "Seconds": 30, "End": True})
    (tmp_path / "machine.json").write_text(json.dumps(machine))
    (tmp_path / "scenario.yaml").write_text(f"input: {list(range(700))}\n{SCENARIO}")
    return tmp_path


def test_a_page_is_whole_and_the_same_each_time(cli: Cli, folder: Path) -> None:
    """It is well-formed, loads nothing, escapes names, and has charts and tables of what there was."""
    for name in ("first.html", "second.html"):
        assert cli("simulate", "scenario.yaml", "--html", name).exit_code == 0
    text = Path("first.html").read_text()
    assert text == Path("second.html").read_text()
    assert Page(text).loaded == []
    assert "&lt;script&gt;" in text
    for title in (
        "States of the execution",
        "Invocations that run",
        "Children of map runs",
        "Throttles and struck calls",
    ):
        assert f"<h2>{title}" in text
    charts = re.findall(r"<svg.*?</svg>", text)
    assert len(charts) == 5
    for chart in charts:
        ElementTree.fromstring(chart)


def test_the_points_are_few_and_cover_the_run(folder: Path) -> None:
    """At most a thousand, at growing distances, the last one at the end; the report is the one without them."""
    series = TimeSeries()
    report = simulate(load_scenario("scenario.yaml"), Watch(series=series))
    points = series.points
    assert 100 < len(points) <= POINTS_MAX
    assert [point.at_ms for point in points] == sorted({point.at_ms for point in points})
    assert points[-1].at_ms == round(report["makespan_s"] * 1000)
    assert (points[-1].done, points[-1].children) == (700, 0)
    assert 5 <= max(point.functions.get("Work", 0) for point in points) <= 7
    assert points[-1].throttles == report["functions"]["Work"]["throttles"]
    assert [(span.state, span.entered) for span in series.spans] == [("Each", 1), ("Rest", 1)]
    assert series.spans[1].to_ms - series.spans[1].from_ms == 30_000
    alone = simulate(load_scenario("scenario.yaml"))
    for each in (report, alone):
        del each["wall_s"], each["peak_rss_mb"]
    assert report == alone


def test_a_page_that_cannot_be_written_is_refused_first(cli: Cli, folder: Path) -> None:
    """Exit status 2, before anything runs."""
    result = cli("simulate", "scenario.yaml", "--html", "none/page.html")
    assert result.exit_code == 2
    assert "there is no folder none" in result.stderr
