"""Summaries in Markdown: the verdict first, tables that are tables, and nothing of a text that Markdown would read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result

from stepsim.runtime.markdown import code, plain, table

Cli: TypeAlias = Callable[..., Result]

SCENARIO = """
name: "a*b"
definition: machine.asl.json
input: [1, 2, 3, 4, 5, 6, 7, 8]
functions:
  Work: {echo: true, duration: 1s, errors: [{error: "Odd`one", probability: 0.4}]}
faults: [{state: Work, item: 99, error: Never}]
expect: [status == SUCCEEDED, makespan_s < 1]
"""


@pytest.fixture
def folder(tmp_path: Path, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    each = laboratory.each(retry=[{"ErrorEquals": ["Odd`one"], "MaxAttempts": 9}])
    (tmp_path / "machine.asl.json").write_text(json.dumps(laboratory.machine(**{"Each|item": each})))
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    return tmp_path


def cells(line: str) -> int:
    """How many cells a line of a table has, as GitHub counts them."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def assert_well_formed(text: str) -> None:
    """Every row of a table has the cells of its head, a blank line goes before it, and what is folded ends."""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if not line.startswith("|"):
            continue
        if not lines[index - 1].startswith("|"):
            assert lines[index - 1] == "", text
            assert re.fullmatch(r"\|( (:--|--:) \|)+", lines[index + 1]), text
            width = cells(line)
        assert cells(line) == width, line
    assert text.count("<details>") == text.count("</details>")
    assert text.endswith("\n\n")
    assert not text.endswith("\n\n\n")


def test_a_report_tells_its_verdict_first(cli: Cli, folder: Path) -> None:
    """Then the expectations, then figures; names that Markdown would read stay what they are."""
    result = cli("simulate", "scenario.yaml", "--markdown", "-")
    assert result.exit_code == 1
    text = result.stdout
    assert_well_formed(text)
    assert text.startswith("### ❌ a\\*b: SUCCEEDED\n")
    assert "**1 of 2 expectations hold**" in text
    assert "| ❌ | `makespan_s < 1` |" in text
    assert "`Each\\|item`" in text
    assert "``Odd`one``" in text
    assert "| faults | 1, which struck 0 times |" in text
    assert "- ⚠️ fault 1 (line 7) never struck" in text
    assert "a*b  SUCCEEDED" in result.stderr


def test_a_failed_execution_tells_its_error(cli: Cli, folder: Path) -> None:
    """Error and cause stand under the verdict."""
    arguments = ["--set", "faults=[{state: Work, error: Boom, cause: 'it | broke'}]", "--set", "expect=[]"]
    text = cli("simulate", "scenario.yaml", "--markdown", "-", *arguments).stdout
    assert text.startswith("### ❌ a\\*b: FAILED\n\n`Boom`: `it \\| broke`\n")
    assert_well_formed(text)


def test_a_run_can_be_summed_up_in_a_file(cli: Cli, folder: Path) -> None:
    """`stepsim run` writes it as `simulate` does, and the summary for people stays where it is."""
    result = cli("run", "scenario.yaml", "--set", "expect=[]", "--markdown", "summary.md")
    assert result.exit_code == 0
    assert (folder / "summary.md").read_text().startswith("### ✅ a\\*b: SUCCEEDED\n")
    assert "a*b  SUCCEEDED" in result.stdout


def test_many_seeds_tell_which_failed(cli: Cli, folder: Path) -> None:
    """How many passed, the spread, and why others did not."""
    text = cli("simulate", "scenario.yaml", "--seeds", "2", "--jobs", "1", "--markdown", "-").stdout
    assert_well_formed(text)
    assert text.startswith("### ❌ a\\*b: 0 of 2 seeds passed\n")
    assert "| 0 | `makespan_s < 1 (it is " in text


def test_a_sweep_is_a_table(cli: Cli, folder: Path) -> None:
    """A row for each combination."""
    vary = ["--vary", "functions.Work.duration=1s,2s"]
    text = cli("sweep", "scenario.yaml", *vary, "--jobs", "1", "--set", "expect=[]", "--markdown", "-").stdout
    assert_well_formed(text)
    assert "### a\\*b: 2 combinations" in text
    assert "| ★ | `1s` |" in text


def test_problems_of_definitions_are_a_table(cli: Cli, folder: Path) -> None:
    """With their places, codes, and what to write instead."""
    (folder / "wrong.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Nxt": "<b>"}}}')
    result = cli("validate", "--format", "markdown", "wrong.asl.json", "machine.asl.json", "none.asl.json")
    assert result.exit_code == 2
    assert_well_formed(result.stdout)
    assert result.stdout.startswith("### ❌ Definitions: ")
    assert "| ❌ | `wrong.asl.json:1:" in result.stdout
    assert "- ❌ `none.asl.json` cannot be read" in result.stdout
    assert cli("validate", "--format", "markdown", "machine.asl.json").stdout.startswith("### ✅ Definitions: 0 errors")


def test_one_output_takes_one_form(cli: Cli, folder: Path) -> None:
    """JSON and Markdown cannot both be standard output; what cannot be written is told before the run."""
    both = cli("simulate", "scenario.yaml", "--json", "-", "--markdown", "-")
    assert both.exit_code == 2
    assert "cannot both go to standard output" in both.stderr
    nowhere = cli("simulate", "scenario.yaml", "--markdown", "no/such.md")
    assert nowhere.exit_code == 2
    assert "--markdown" in nowhere.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<script>", "&lt;script&gt;"),
        ("@somebody", "&#64;somebody"),
        ("two\nlines", "two lines"),
        ("https://x", "https&#58;//x"),
        ("[x](y)", "\\[x\\](y)"),
    ],
)
def test_plain_text_means_nothing(text: str, shown: str) -> None:
    """No table cell, tag, mention or link comes out of it."""
    assert plain(text) == shown


def test_code_is_fenced_by_more_ticks_than_it_has() -> None:
    """A text with ticks, at its ends too, is code as a whole."""
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert code("") == ""
    assert table(("a", "b"), [("1", "2")]) == ["| a | b |", "| :-- | --: |", "| 1 | 2 |", ""]
