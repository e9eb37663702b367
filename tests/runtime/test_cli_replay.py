"""``stepsim replay``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stepsim.runtime.cli import main
from stepsim.runtime.testing import Returns, run_machine

TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Work"}
MACHINE = {"StartAt": "Work", "States": {"Work": {**TASK, "Next": "Done"}, "Done": {"Type": "Succeed"}}}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """What a run has left."""
    recorded = run_machine(MACHINE, {"n": 1}, mocks={"Work": Returns({"done": True})})
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"events": recorded.history}))
    return file


def replay(history: Path, machine: object) -> Result:
    """The command, of a definition in a file."""
    file = history.with_name("machine.asl.json")
    file.write_text(json.dumps(machine))
    return CliRunner().invoke(main, ["replay", str(history), str(file)])


def test_a_replay_that_goes_as_recorded_exits_with_0(history: Path) -> None:
    """And says so, with the path."""
    ended = replay(history, MACHINE)
    assert (ended.exit_code, ended.output) == (0, "the replay goes as recorded: Work → Done\n")


def test_one_that_goes_otherwise_exits_with_1(history: Path) -> None:
    """And shows where first."""
    changed = {
        "StartAt": "Work",
        "States": {"Work": {**TASK, "ResultPath": "$.work", "Next": "Done"}, "Done": {"Type": "Succeed"}},
    }
    ended = replay(history, changed)
    assert ended.exit_code == 1
    assert "the output of 'Work' is another now:\n    $.done: true is missing" in ended.output


def test_a_history_of_another_machine_exits_with_2(history: Path) -> None:
    """So do files that are none."""
    other = replay(history, {"StartAt": "X", "States": {"X": {"Type": "Succeed"}}})
    assert (other.exit_code, "the history is of another machine" in other.output) == (2, True)
    wrong = replay(history, {"StartAt": "X", "States": {}})
    assert wrong.exit_code == 2
    nowhere = replay(history.with_name("nowhere.json"), MACHINE)
    assert (nowhere.exit_code, "nowhere.json cannot be read" in nowhere.output) == (2, True)
