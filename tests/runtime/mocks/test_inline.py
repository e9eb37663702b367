"""mocks/inline.py and the command line: a scenario's mocks, and --mock-config with --test-case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result

from stepsim.runtime.scenario import ScenarioError, load_scenario

Cli: TypeAlias = Callable[..., Result]

MACHINE = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "nobody"},
            "End": True,
        }
    },
}
MOCKS = {
    "StateMachines": {
        "m": {"TestCases": {"Good": {"Call": "Done"}, "Bad": {"Call": "Broken"}, "Stale": {"Gone": "Done"}}}
    },
    "MockedResponses": {
        "Done": {"0": {"Return": 7}},
        "Broken": {"0": {"Throw": {"Error": "Broken"}}, "1": {"Return": 8}},
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a definition and mocks; the current one."""
    (tmp_path / "m.asl.json").write_text(json.dumps(MACHINE))
    (tmp_path / "mocks.json").write_text(json.dumps(MOCKS, indent=1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scenario(mocks: dict[str, Any]) -> str:
    """The name of a scenario with mocks."""
    Path("s.yaml").write_text(json.dumps({"definition": "m.asl.json", "name": "m", "mocks": mocks}))
    return "s.yaml"


@pytest.mark.parametrize("command", ["run", "simulate"])
def test_a_definition_runs_with_a_test_case(cli: Cli, command: str, folder: Path) -> None:
    """No function and no account are there."""
    result = cli(command, "m.asl.json", "--mock-config", "mocks.json", "--test-case", "Good", "--json", "-")
    assert (result.exit_code, json.loads(result.stdout)["execution"]["output"]) == (0, 7)
    assert json.loads(result.stdout)["mocks"] == {
        "machine": "m",
        "test_case": "Good",
        "strict": False,
        "answered": {"Call": 1},
        "unused": [],
        "warnings": [],
    }


def test_what_cannot_happen_is_warned_of_once(cli: Cli, folder: Path) -> None:
    """On standard error; the exit status is the execution's."""
    result = cli("simulate", "m.asl.json", "--mock-config", "mocks.json", "--test-case", "m#Bad")
    assert result.exit_code == 1
    [warning] = [line for line in result.stderr.splitlines() if line.startswith("Warning")]
    assert warning.startswith("Warning: mocks.json:29:4: MockedResponses.Broken.1: attempt 1 of 'Call' cannot happen")
    assert "Mocks of Bad" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mock-config", "mocks.json"), "--mock-config needs a --test-case; mocks.json has m#Good, m#Bad, m#Stale."),
        (("--test-case", "Good"), "--test-case is one of a --mock-config"),
        (("--mock-config", "mocks.json", "--test-case", "Gut"), "mocks.json has no test case 'Gut' for 'm'"),
        (("--mock-config", "mocks.json", "--test-case", "Stale"), "the state machine 'm' has no state 'Gone'"),
        (("--mock-config", "none.json", "--test-case", "Good"), "none.json: cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused(cli: Cli, arguments: tuple[str, ...], message: str, folder: Path) -> None:
    """With the exit status 2."""
    result = cli("simulate", "m.asl.json", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_scenario_names_its_test_case(cli: Cli, folder: Path) -> None:
    """Which the command line can change."""
    name = scenario({"file": "mocks.json", "test_case": "Good"})
    assert cli("simulate", name).exit_code == 0
    assert "Mocks of Bad" in cli("simulate", name, "--test-case", "Bad").stdout
    other = folder / "other.json"
    other.write_text(
        json.dumps(
            {
                "StateMachines": {"m": {"TestCases": {"Good": {"Call": "R"}}}},
                "MockedResponses": {"R": {"0": {"Return": 9}}},
            }
        )
    )
    assert "9" in cli("simulate", name, "--mock-config", "other.json").stdout


def test_mocks_may_stand_in_the_scenario(cli: Cli, folder: Path) -> None:
    """By themselves, or with names of the file's responses."""
    assert "3" in cli("simulate", scenario({"states": {"Call": {"0": {"Return": 3}}}})).stdout
    MOCKS_ONLY = {"MockedResponses": MOCKS["MockedResponses"], "StateMachines": {"m": {"TestCases": {"None": {}}}}}
    (folder / "mocks.json").write_text(json.dumps(MOCKS_ONLY))
    name = scenario({"file": "mocks.json", "test_case": "None", "states": {"Call": "Done"}})
    assert cli("simulate", name).exit_code == 0


def test_strict_mocks_must_all_be_used(cli: Cli, folder: Path) -> None:
    """Else the exit status is 1."""
    mocks = {"strict": True, "states": {"Call": {"0": {"Return": 3}, "1": {"Return": 4}}}}
    assert cli("simulate", scenario(mocks)).exit_code == 1


@pytest.mark.parametrize(
    ("mocks", "problem"),
    [
        ({}, "mocks: nothing is mocked (write file and test_case, or states)"),
        ({"file": "mocks.json"}, "mocks.file: 'test_case' is missing: file and test_case go together"),
        ({"test_case": "Good"}, "mocks.test_case: 'file' is missing: file and test_case go together"),
        ({"file": "none.json", "test_case": "Good"}, "mocks.file: there is no file none.json"),
        ({"file": "mocks.json", "test_case": "Gut"}, "mocks.test_case: mocks.json has no test case 'Gut' for 'm'"),
        ({"states": {"Call": "Done"}}, "mocks.states.Call: there is no response 'Done'"),
        ({"states": {"Call": {"x": {"Return": 1}}}}, "mocks.states.Call.x: 'x' names no attempts"),
        ({"states": {"Call": {"0": {"Retrun": 1}}}}, "unknown key 'Retrun' (did you mean 'Return'?)"),
        (
            {"file": "mocks.json", "test_case": "Good", "states": {"Call": "Broken"}},
            "mocks.states.Call: 'Call' is mocked by StateMachines.m.TestCases.Good.Call already",
        ),
        (
            {"file": "mocks.json", "test_case": "Good", "responses": {"Done": {}}},
            "'Done' stands in mocks.json:18:3: MockedResponses.Done, too",
        ),
    ],
)
def test_a_scenarios_mocks_are_checked_with_it(mocks: dict[str, Any], problem: str, folder: Path) -> None:
    """With the scenario's lines."""
    with pytest.raises(ScenarioError) as error:
        load_scenario(scenario(mocks))
    assert str(error.value).startswith("s.yaml:1:")
    assert problem in str(error.value)


def test_a_mock_file_can_be_validated(cli: Cli, folder: Path) -> None:
    """As definitions and scenarios are."""
    assert cli("validate", "mocks.json").stdout == "mocks.json: valid\n"
    (folder / "mocks.json").write_text('{"MockedResponses": {"R": {"0": {}}}}')
    result = cli("validate", "mocks.json")
    assert (result.exit_code, "exactly one of Return and Throw expected" in result.stdout) == (1, True)


def test_a_server_with_wrong_mocks_does_not_start(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether named on the command line or in the environment."""
    (folder / "mocks.json").write_text('{"MockedResponses": {"R": {"0": {}}}}')
    monkeypatch.setenv("SFN_MOCK_CONFIG", "mocks.json")
    result = cli("serve", "--port", "0")
    assert (result.exit_code, "exactly one of Return and Throw expected" in result.stderr) == (2, True)
