"""``stepsim simulate --asl-cov``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import Result

Cli: TypeAlias = Callable[..., Result]


DEFINITION = """{"StartAt": "A", "States": {
  "A": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": true, "Next": "B"}], "Default": "C"},
  "B": {"Type": "Pass", "End": true},
  "C": {"Type": "Succeed"}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a definition in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.asl.json").write_text(DEFINITION)
    return tmp_path


@pytest.fixture
def simulate(cli: Cli) -> Cli:
    """``stepsim simulate``, of the definition."""
    return partial(cli, "simulate", "a.asl.json")


def test_a_simulation_tells_what_it_came_to(simulate: Cli, folder: Path) -> None:
    """The table stands behind the summary, and files are written besides."""
    result = simulate("--asl-cov", "term-missing", "--asl-cov", "xml:c.xml")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "a.asl.json       3       1         4       2   57 %" in lines
    assert lines[-3:] == ["  2:39  A  Choices[0] never true (B)", "   3:3  B  never entered", "XML written to c.xml"]
    assert '<line number="3" hits="0"' in (folder / "c.xml").read_text()


def test_a_report_for_programs_stays_alone(simulate: Cli, folder: Path) -> None:
    """Where JSON goes to standard output, the table goes where the summary does."""
    result = simulate("--asl-cov", "term", "--json", "-")
    assert result.stdout.startswith("{")
    assert "57 %" not in result.stdout
    assert "57 %" in result.stderr


def test_what_cannot_be_reported_is_told_before_the_run(simulate: Cli, cli: Cli, folder: Path) -> None:
    """A form that does not exist, and many seeds, which run in other processes."""
    assert simulate("--asl-cov", "pdf").exit_code == 2
    (folder / "s.yaml").write_text("name: s\ndefinition: a.asl.json\n")
    result = cli("simulate", "s.yaml", "--asl-cov", "term", "--seeds", "2")
    assert (result.exit_code, "--asl-cov" in result.stderr) == (2, True)
