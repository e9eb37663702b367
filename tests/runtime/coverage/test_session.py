"""Pytest sessions that are measured, from the command line to the reports."""

from __future__ import annotations

import json

import pytest

pytest_plugins = ["pytester"]

DEFINITION = """{
  "StartAt": "Check",
  "States": {
    "Check": {
      "Type": "Choice",
      "Choices": [
        {"Variable": "$.n", "NumericEquals": 1, "Next": "One"}
      ],
      "Default": "Other"
    },
    "One": {"Type": "Succeed"},
    "Other": {"Type": "Pass", "Comment": "${Stage}", "End": true}
  }
}
"""
TESTS = """
import json
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_run(stepsim, n):
    assert stepsim("check.asl.json", {"n": n}, substitutions={"Stage": "test"}).status == "SUCCEEDED"
"""
LOCAL = """
import json
import time
from pathlib import Path
from stepsim.runtime.in_process import local_aws

@local_aws
def test_client():
    import boto3
    client = boto3.client("stepfunctions", "us-east-1")
    text = Path("check.asl.json").read_text().replace("${Stage}", "test")
    role = "arn:aws:iam::123456789012:role/r"
    arn = client.create_state_machine(name="m", definition=text, roleArn=role)["stateMachineArn"]
    started = client.start_execution(stateMachineArn=arn, input=json.dumps({"n": 1}))["executionArn"]
    while client.describe_execution(executionArn=started)["status"] == "RUNNING":
        time.sleep(0.01)
"""
ALL = ["*check.asl.json       3       0         4       0  100 %"]
ONE = ["*check.asl.json       3       1         4       3   43 %"]


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a definition and its tests."""
    pytester.makefile(".asl.json", check=DEFINITION)
    pytester.makepyfile(test_check=TESTS)
    return pytester


def test_what_is_run_is_reported(folder: pytest.Pytester) -> None:
    """With --asl-cov alone, a table of everything that was run."""
    result = folder.runpytest("--asl-cov")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*coverage of state machines*", *ALL])


def test_nothing_is_measured_without_the_option(folder: pytest.Pytester) -> None:
    """A session without it says nothing, and watches nothing."""
    result = folder.runpytest()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*coverage of state machines*")


def test_too_little_fails_the_session(folder: pytest.Pytester) -> None:
    """Tests that pass are not enough below --asl-cov-fail-under."""
    result = folder.runpytest("--asl-cov", "--asl-cov-fail-under=50", "-k", "1", "--asl-cov-report=term-missing")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([*ONE, "*12:5  Other  never entered", "FAIL: 42.86 %*less than 50 %"])
    assert folder.runpytest("--asl-cov", "--asl-cov-fail-under=42", "-k", "1").ret == pytest.ExitCode.OK


def test_nothing_run_is_too_little(folder: pytest.Pytester) -> None:
    """A bar cannot be passed by not running anything."""
    folder.makepyfile(test_check="def test(): pass")
    result = folder.runpytest("--asl-cov", "--asl-cov-fail-under=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["No state machine was run.", "FAIL: 0.00 %*"])


def test_a_definition_that_was_named_counts_although_it_was_never_run(folder: pytest.Pytester) -> None:
    """A folder's definitions are all looked at, and others are not."""
    folder.mkdir("machines").joinpath("never.asl.json").write_text(DEFINITION)
    result = folder.runpytest("--asl-cov=machines")
    result.stdout.fnmatch_lines(["machines/never.asl.json       3       3         4       4    0 %"])
    result.stdout.no_fnmatch_line("check.asl.json*")


def test_runs_of_clients_count_for_the_file(folder: pytest.Pytester) -> None:
    """A machine that a boto3 client has created of a definition covers the definition."""
    folder.makepyfile(test_check=LOCAL)
    result = folder.runpytest("--asl-cov=check.asl.json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(ONE)


def test_the_counts_of_all_workers_are_put_together(folder: pytest.Pytester) -> None:
    """With xdist each worker covers a part."""
    result = folder.runpytest("--asl-cov", "-n", "2", "--asl-cov-report=json", "--asl-cov-report=term")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(ALL)
    (told,) = json.loads((folder.path / "asl-coverage.json").read_text())["definitions"]
    assert {goal["id"]: goal["hits"] for goal in told["goals"]}["/States/Check"] == 2


def test_runs_can_be_added_up(folder: pytest.Pytester) -> None:
    """With --asl-cov-append one session goes on where the last one has stopped."""
    for chosen, shown in (("1", ONE), ("2", ALL)):
        result = folder.runpytest("--asl-cov", "--asl-cov-append", "-k", chosen)
        result.stdout.fnmatch_lines(shown)


def test_a_file_of_something_else_is_not_added_to(folder: pytest.Pytester) -> None:
    """Nor is it overwritten."""
    other = folder.makefile(".txt", other="mine")
    result = folder.runpytest("--asl-cov", f"--asl-cov-append={other}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--asl-cov=nowhere.asl.json"], "*nowhere.asl.json: there is no such file*"),
        (["--asl-cov-fail-under=5"], "*--asl-cov-fail-under needs --asl-cov*"),
        (["--asl-cov", "--asl-cov-report=pdf"], "*'pdf' is none of the reports*"),
        (["--asl-cov", "--asl-cov-fail-under=120"], "*'120' is no number from 0 to 100*"),
    ],
)
def test_wrong_options_are_told(folder: pytest.Pytester, options: list[str], said: str) -> None:
    """Nothing is run with them."""
    result = folder.runpytest(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
