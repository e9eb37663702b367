"""``stepsim explore``: branches are reached, what breaks is found and made small, and all of it becomes tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import Result
from hypothesis import given, settings

from stepsim.asl.payload import JSON
from stepsim.runtime.explore import failures, inputs
from stepsim.runtime.explore.plans import Answers
from stepsim.runtime.explore.search import Explored, explore
from stepsim.runtime.explore.subject import subject_of
from stepsim.runtime.testing import run_machine

Cli: TypeAlias = Callable[..., Result]

LAMBDA = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}

ORDER: dict[str, JSON] = {
    "StartAt": "Price",
    "States": {
        "Price": {
            **LAMBDA,
            "Parameters": {"FunctionName": "PriceOrder", "Payload.$": "$"},
            "ResultSelector": {"cents.$": "$.Payload.cents"},
            "ResultPath": "$.price",
            "TimeoutSeconds": 20,
            "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}],
            "Catch": [
                {"ErrorEquals": ["NoPrice"], "Next": "Refuse"},
                {"ErrorEquals": ["States.Timeout"], "Next": "Refuse"},
            ],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ResultPath": None,
            "ItemProcessor": {
                "StartAt": "Heavy?",
                "States": {
                    "Heavy?": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$.kg", "NumericGreaterThan": 30, "Next": "Truck"}],
                        "Default": "Post",
                    },
                    "Truck": {**LAMBDA, "Parameters": {"FunctionName": "Truck"}, "End": True},
                    "Post": {"Type": "Pass", "End": True},
                },
            },
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Refuse"}],
            "Next": "Large?",
        },
        "Large?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.price.cents", "NumericGreaterThan": 100_000, "Next": "Refuse"}],
            "Default": "Accept",
        },
        "Accept": {"Type": "Succeed"},
        "Refuse": {"Type": "Fail", "Error": "Refused"},
    },
}

POLL: dict[str, JSON] = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Check"},
        "Check": {**LAMBDA, "Parameters": {"FunctionName": "Check"}, "ResultPath": "$.check", "Next": "Done?"},
        "Done?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.check.Payload.status", "StringEquals": "DONE", "Next": "Good"}],
            "Default": "Wait",
        },
        "Good": {"Type": "Succeed"},
    },
}


def explored(definition: dict[str, JSON], budget: int = 300, seed: int = 0) -> Explored:
    """What a search finds."""
    return explore(subject_of(definition), seed, budget)


def test_every_branch_is_reached() -> None:
    """Choices, retriers, catchers, time-outs, and Maps of zero, one and many items, with one that fails."""
    found = explored(ORDER)
    assert [goal.id for goal in found.missed] == []
    reached = {goal.id for case in found.cases for goal in case.goals}
    assert reached == {goal.id for goal in found.subject.goals}


def test_a_budget_is_kept_to() -> None:
    """With one execution, only what comes at once is reached."""
    found = explored(ORDER, budget=1)
    assert len(found.cases) == 1
    assert found.missed


def test_errors_that_nothing_handles_are_told_with_a_small_input() -> None:
    """A missing member of the input, one of a result, and an error that nobody names."""
    found = {finding.key: finding.ran for finding in explored(ORDER).unhandled}
    assert found["Price", "Explored.Error"].plan.input == {}
    assert found["Price", "States.Runtime"].cause is not None
    assert "$.Payload.cents" in (found["Price", "States.Runtime"].cause or "")
    assert ("Refuse", "Refused") not in found
    assert ("Truck", "Explored.Error") not in found


def test_circles_are_told_and_gone_out_of() -> None:
    """A Task that always answers the same goes on for ever; one that changes its answer is a test."""
    found = explored(POLL)
    assert found.missed == []
    [circle] = found.circles
    assert circle.ran.circles
    assert circle.key == ("Wait", "")
    assert not any(case.ran.circles for case in found.cases)
    assert any(len(case.ran.plan.answers["Check"].given) == 2 for case in found.cases)


def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    """In other processes, too, whatever their hashes."""
    (tmp_path / "order.asl.json").write_text(json.dumps(ORDER))
    command = [
        sys.executable,
        "-m",
        "stepsim.runtime.cli",
        "explore",
        "order.asl.json",
        "--json",
        "-",
        "--budget",
        "120",
    ]
    command[1:3] = ["-c", "from stepsim.runtime.cli import main; main()"]
    found = [
        subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]
    assert json.loads(found[0])["definition"] == "order.asl.json"
    assert not (tmp_path / ".hypothesis").exists()


@pytest.mark.parametrize("definition", [ORDER, POLL], ids=["order", "poll"])
def test_what_is_found_becomes_tests_that_pass(cli: Cli, tmp_path: Path, definition: dict[str, JSON]) -> None:
    """The file holds a test for each case and each finding, in the plugin's words."""
    (tmp_path / "machine.asl.json").write_text(json.dumps(definition))
    (tmp_path / "tests").mkdir()
    written = tmp_path / "tests" / "test_explored.py"
    told = cli("explore", str(tmp_path / "machine.asl.json"), "--output", str(written))
    assert told.exit_code == 0
    assert "states and branches reached" in told.stdout
    text = written.read_text()
    assert 'DEFINITION = "../machine.asl.json"' in text
    assert "import Fails" in text
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout
    assert f"{text.count('def test_')} passed" in ended.stdout


def test_a_placeholder_is_filled_with_its_own_name(cli: Cli, tmp_path: Path) -> None:
    """So that a template can be explored; what is given goes first."""
    text = json.dumps(POLL).replace('"FunctionName": "Check"', '"FunctionName": "${Checker}"')
    (tmp_path / "p.asl.json").write_text(text)
    assert "filled with their own names: ${Checker}" in cli("explore", str(tmp_path / "p.asl.json")).stdout
    given_one = cli("explore", str(tmp_path / "p.asl.json"), "--substitute", "Checker=F")
    assert "filled with" not in given_one.stdout


def test_a_definition_with_errors_is_refused(cli: Cli, tmp_path: Path) -> None:
    """With its problems, and exit status 2."""
    (tmp_path / "p.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}')
    refused = cli("explore", str(tmp_path / "p.asl.json"))
    assert refused.exit_code == 2
    assert "p.asl.json:1:" in refused.stderr


def test_without_hypothesis_the_extra_is_named(tmp_path: Path) -> None:
    """A sentence, and no traceback."""
    (tmp_path / "p.asl.json").write_text(json.dumps(POLL))
    code = "import sys; sys.modules['hypothesis'] = None; from stepsim.runtime.cli import main; main()"
    command = [sys.executable, "-c", code, "explore", "p.asl.json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "pip install 'stepsim[explore]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_items_that_are_read_from_a_bucket_are_there() -> None:
    """A distributed Map's reader finds two."""
    machine: dict[str, JSON] = {
        "StartAt": "All",
        "States": {
            "All": {
                "Type": "Map",
                "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket.$": "$.bucket"}},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Do",
                    "States": {
                        "Do": {**LAMBDA, "Parameters": {"FunctionName": "F", "Payload.$": "$.Key"}, "End": True}
                    },
                },
                "End": True,
            }
        },
    }
    found = explored(machine, budget=4)
    assert "/States/All/ItemProcessor many items" in {goal.id for case in found.cases for goal in case.goals}


@settings(max_examples=25, deadline=None)
@given(inputs(ORDER), failures(ORDER))
def test_strategies_give_what_a_machine_can_be_run_with(value: JSON, mocks: dict[str, Answers]) -> None:
    """Inputs and answers, as they are, for `run_machine`."""
    assert run_machine(ORDER, value, mocks=mocks).status in ("SUCCEEDED", "FAILED")


@settings(max_examples=25, deadline=None)
@given(failures(ORDER, errors=False))
def test_failures_may_be_left_out(mocks: dict[str, Answers]) -> None:
    """Then Tasks only answer."""
    result = run_machine(ORDER, {"items": [{"kg": 1}]}, mocks=mocks)
    assert result.error != "Explored.Error"


def test_answers_show_what_they_are() -> None:
    """In the falsifying example of a property."""
    assert repr(subject_of(POLL).start.answers["Check"]) == '{"Payload":{"status":"DONE"}}'
