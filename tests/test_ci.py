"""What docs/ci.md shows is what works: its workflow, its exit statuses, and the hook for pre-commit."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stepsim.runtime.cli import main

ROOT = Path(__file__).resolve().parent.parent
GOOD = '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3, "End": true}}}'
WRONG = '{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}'


def yaml_blocks() -> list[Any]:
    """The YAML of the document."""
    text = (ROOT / "docs" / "ci.md").read_text()
    return [
        YAML(typ="safe").load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


def step(name: str) -> str:
    """The script of a step of the workflow."""
    steps = yaml_blocks()[0]["jobs"]["state-machines"]["steps"]
    return next(str(one["run"]) for one in steps if one.get("name") == name)


def bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub's runner does."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "machines").mkdir()
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "machines" / "good.asl.json").write_text(GOOD)
    (tmp_path / "scenarios" / "good.yaml").write_text("definition: ../machines/good.asl.json\n")
    return tmp_path


def test_the_workflow_is_one() -> None:
    """It has triggers, a job, and steps that each use an action or run a script."""
    workflow = yaml_blocks()[0]
    assert "pull_request" in workflow["on"]
    for one in workflow["jobs"]["state-machines"]["steps"]:
        assert ("uses" in one) != ("run" in one)


def test_the_workflow_validates_and_simulates(repository: Path) -> None:
    """Its scripts pass, and leave findings and a summary."""
    assert bash(step("Validate"), repository).returncode == 0
    assert '"version": "2.1.0"' in (repository / "stepsim.sarif").read_text()
    assert bash(step("Simulate"), repository).returncode == 0
    summary = (repository / "summary.md").read_text()
    assert "### ✅ Definitions: 0 errors" in summary
    assert "### ✅ good: SUCCEEDED" in summary


def test_the_workflow_fails_where_something_is_wrong(repository: Path) -> None:
    """A definition with errors fails its step and is in the findings; a broken expectation fails the other."""
    (repository / "machines" / "wrong.asl.json").write_text(WRONG)
    assert bash(step("Validate"), repository).returncode == 1
    assert "machines/wrong.asl.json" in (repository / "stepsim.sarif").read_text()
    (repository / "scenarios" / "a.yaml").write_text(
        "definition: ../machines/good.asl.json\nexpect: [makespan_s < 1]\n"
    )
    assert bash(step("Simulate"), repository).returncode == 1
    summary = (repository / "summary.md").read_text()
    assert "### ❌ a: SUCCEEDED" in summary
    assert "### ✅ good: SUCCEEDED" in summary


def hook() -> dict[str, Any]:
    """The hook of pre-commit."""
    [found] = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return dict(found)


def test_the_hook_is_the_one_that_is_documented() -> None:
    """Its id, and the options that the document gives it."""
    documented = yaml_blocks()[1]["repos"][0]["hooks"][0]
    assert documented["id"] == hook()["id"] == "stepsim-validate"
    assert {"id", "name", "entry", "language", "files"} <= set(hook())


def test_the_hook_passes_and_fails_with_the_files_that_it_is_given(repository: Path) -> None:
    """Its command is ours, and its exit status the verdict."""
    entry = str(hook()["entry"])
    assert bash(f"{entry} --advice machines/good.asl.json", repository).returncode == 0
    (repository / "wrong.asl.json").write_text(WRONG)
    refused = bash(f"{entry} machines/good.asl.json wrong.asl.json", repository)
    assert refused.returncode == 1
    assert "wrong.asl.json:1:" in refused.stdout


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("a/order.asl.json", True),
        ("order.asl.yaml", True),
        ("x.asl.yml", True),
        ("order.json", False),
        ("asl.json", False),
    ],
)
def test_the_hook_takes_definitions(name: str, taken: bool) -> None:
    """By their names, as pre-commit searches them."""
    assert bool(re.search(str(hook()["files"]), name)) == taken


def test_every_documented_command_is_one() -> None:
    """The commands in the table of exit statuses are ours, or pytest."""
    text = (ROOT / "docs" / "ci.md").read_text()
    table = text[text.index("## Exit statuses") : text.index("## Outputs")]
    named = {shlex.split(command)[0] for command in re.findall(r"`([a-z][\w -]*)`", table)}
    assert named - set(main.commands) <= {"pytest"}
