"""``stepsim validate``: its three formats and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import Result

from stepsim.asl.errors import Problem
from stepsim.runtime.sarif import artifact_uri, sarif_log

Cli: TypeAlias = Callable[..., Result]

GOOD = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
BAD = """{
  "StartAt": "A",
  "States": {
    "A": {"Type": "Pass", "Nxt": "B", "Next": "B"},
    "B": {"Type": "Wait", "Seconds": -1, "End": true}
  }
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a right and a wrong definition."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.asl.json").write_text(GOOD)
    (tmp_path / "bad.asl.json").write_text(BAD)
    return tmp_path


@pytest.fixture
def validate(cli: Cli) -> Cli:
    """``stepsim validate``."""
    return partial(cli, "validate")


def test_a_right_definition_is_valid(validate: Cli, folder: Path) -> None:
    """One quiet line, and exit status 0."""
    result = validate("good.asl.json")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "good.asl.json: valid\n", "")


def test_a_wrong_definition_gets_every_problem_with_its_place(validate: Cli, folder: Path) -> None:
    """Each problem names file, line, column, severity, code and path; errors end in exit status 1."""
    result = validate("bad.asl.json")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert any(
        line.startswith("bad.asl.json:4:27: error SCHEMA_VALIDATION_FAILED:")
        and "'Nxt'" in line
        and line.endswith(" at /States/A")
        for line in lines
    )
    assert any(line.startswith("bad.asl.json:5:27: error ") and "Seconds" in line for line in lines)
    assert lines[-1].endswith(" in 1 file")
    assert "\x1b" not in result.stdout


def test_what_to_write_instead_stands_below_its_problem(validate: Cli, folder: Path) -> None:
    """A misspelt field's problem is followed by the right spelling."""
    lines = validate("bad.asl.json").stdout.splitlines()
    index = next(index for index, line in enumerate(lines) if "'Nxt'" in line)
    assert lines[index + 1].startswith("    ")
    assert "Next" in lines[index + 1]


def test_several_files_are_summed_up(validate: Cli, folder: Path) -> None:
    """Each file has its lines, and the last line counts; the worst file decides the exit status."""
    result = validate("good.asl.json", "bad.asl.json")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "good.asl.json: valid"
    assert lines[-1].endswith(" in 2 files")


def test_warnings_alone_do_not_fail(validate: Cli, folder: Path) -> None:
    """What AWS accepts is valid; the warning is told all the same."""
    definition = json.loads(GOOD)
    definition["States"]["A"]["Parameters"] = {"greeting": "Hello {name}"}
    (folder / "literal.json").write_text(json.dumps(definition))
    result = validate("literal.json")
    assert result.exit_code == 0
    assert " warning LITERAL_BRACES: " in result.stdout
    assert result.stdout.endswith("literal.json: valid\n0 errors, 1 warning in 1 file\n")


def test_json_is_a_list_of_files_with_their_problems(validate: Cli, folder: Path) -> None:
    """A program reads the same problems with the same places, and nothing else, from standard output."""
    result = validate("--format", "json", "good.asl.json", "bad.asl.json")
    good, bad = json.loads(result.stdout)
    assert result.exit_code == 1
    assert good == {"file": "good.asl.json", "valid": True, "problems": []}
    assert (bad["file"], bad["valid"]) == ("bad.asl.json", False)
    keys = ["severity", "code", "message", "path", "line", "column", "suggestion"]
    assert all(list(problem) == keys for problem in bad["problems"])
    assert [(problem["line"], problem["column"]) for problem in bad["problems"]] == [(4, 27), (5, 27)]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(validate: Cli, folder: Path) -> None:
    """Missing files, folders and what is not text are told on stderr with exit status 2; the rest is validated."""
    (folder / "latin.json").write_bytes(b'{"Comment": "caf\xe9"}')
    result = validate("none.json", ".", "latin.json", "good.asl.json")
    assert result.exit_code == 2
    assert result.stdout.splitlines()[0] == "good.asl.json: valid"
    assert result.stderr.splitlines() == [
        "Error: none.json cannot be read: No such file or directory",
        "Error: . cannot be read: Is a directory",
        "Error: latin.json cannot be read: it is not UTF-8 (byte 16)",
    ]


def test_a_syntax_error_is_one_problem_in_one_line(validate: Cli, folder: Path) -> None:
    """Text that is not JSON is told with its place, and without AWS's quotation of the whole text."""
    (folder / "broken.json").write_text('{\n  "StartAt": "A",\n  "States": {,}\n}\n')
    result = validate("broken.json")
    assert result.exit_code == 1
    assert result.stdout.startswith("broken.json:3:14: error INVALID_JSON_DESCRIPTION: ")
    assert "Source:" not in result.stdout


def test_a_text_that_ends_too_early_is_not_quoted(validate: Cli, folder: Path) -> None:
    """What was opened and never closed is told by its line and column."""
    (folder / "broken.json").write_text('{\n  "StartAt": "A"')
    result = validate("broken.json")
    assert "(start marker at line: 1, column: 1)" in result.stdout
    assert "Source:" not in result.stdout


JOB = "arn:aws:states:::glue:startJobRun.sync"


def test_good_practice_is_told_to_those_who_ask(validate: Cli, folder: Path) -> None:
    """--advice adds warnings; the exit status stays 0."""
    state = {"Type": "Task", "Resource": JOB, "End": True}
    (folder / "job.json").write_text(json.dumps({"StartAt": "A", "States": {"A": state}}))
    assert validate("job.json").stdout == "job.json: valid\n"
    advised = validate("--advice", "job.json")
    assert advised.exit_code == 0
    assert "warning NO_JOB_TIMEOUT" in advised.stdout


def test_placeholders_may_be_filled_in_before(validate: Cli, folder: Path) -> None:
    """What comes of a placeholder is held to the rules, and a name that is none is a warning."""
    state = {"Type": "Wait", "Seconds": "${S}", "End": True}
    text = json.dumps({"StartAt": "A", "States": {"A": state}}).replace('"${S}"', "${S}")
    (folder / "wait.json").write_text(text)
    assert validate("wait.json").exit_code == 0
    filled = validate("--substitute", "S=-1", "--substitute", "T=1", "wait.json")
    assert filled.exit_code == 1
    assert "Minimum value is 0" in filled.stdout
    assert "warning UNUSED_SUBSTITUTION: The definition has no placeholder ${T}" in filled.stdout
    assert "It has S." in filled.stdout
    assert validate("--substitute", "S", "wait.json").exit_code == 2


def test_yaml_definitions_are_validated_too(validate: Cli, folder: Path) -> None:
    """The suffix decides the form; a problem's place is that of the YAML text."""
    (folder / "bad.yaml").write_text("StartAt: A\nStates:\n  A:\n    Type: Pass\n    Nxt: B\n    End: true\n")
    assert validate("bad.yaml").stdout.startswith("bad.yaml:5:5: error SCHEMA_VALIDATION_FAILED:")


def test_placeholders_are_holes(validate: Cli, folder: Path) -> None:
    """What a template fills in later is no problem."""
    (folder / "hole.json").write_text(
        '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${FunctionArn}", "End": true}}}'
    )
    assert validate("hole.json").exit_code == 0


def test_a_scenario_is_held_to_what_scenarios_may_say(validate: Cli, folder: Path) -> None:
    """A file that names a definition is no definition: its own keys are checked, with their places."""
    (folder / "scenario.yaml").write_text("definition: bad.asl.json\nsed: 1\n")
    result = validate("scenario.yaml")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        1,
        "scenario.yaml:2:1: error UNKNOWN_KEY: unknown key 'sed'",
    )


def test_bad_usage_is_exit_status_2(validate: Cli, folder: Path) -> None:
    """No file, an unknown option and an unknown format are refused by name."""
    assert validate().exit_code == 2
    assert validate("--nope", "good.asl.json").exit_code == 2
    result = validate("--format", "xml", "good.asl.json")
    assert (result.exit_code, "'xml'" in result.stderr) == (2, True)


def test_sarif_has_the_places_that_code_hosts_show(validate: Cli, folder: Path) -> None:
    """Each problem is a result of its rule, at its line and column of its file."""
    result = validate("--format", "sarif", "bad.asl.json", "good.asl.json", "none.json")
    log = json.loads(result.stdout)
    (run,) = log["runs"]
    assert (log["version"], result.exit_code) == ("2.1.0", 2)
    assert [artifact["location"]["uri"] for artifact in run["artifacts"]] == ["bad.asl.json", "good.asl.json"]
    assert run["invocations"][0]["executionSuccessful"] is False
    first = run["results"][0]
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "SCHEMA_VALIDATION_FAILED"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "bad.asl.json"
    assert place["region"] == {"startLine": 4, "startColumn": 27}


def test_sarif_tells_what_to_write_and_where_in_the_definition() -> None:
    """A suggestion follows the message; the path is the logical location; a warning stays one."""
    problem = Problem("UNREACHABLE_STATE", "Never reached", "/States/B", 3, 7, "warning", "Remove it.")
    log = sarif_log({"a.json": [problem, problem]}, {}, "1.0")
    (run,) = log["runs"]
    assert run["tool"]["driver"]["rules"] == [
        {"id": "UNREACHABLE_STATE", "shortDescription": {"text": "Unreachable state."}}
    ]
    result = run["results"][1]
    assert (result["level"], result["ruleIndex"]) == ("warning", 0)
    assert result["message"] == {"text": "Never reached. Remove it."}
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "/States/B"}]


def test_sarif_uris_are_uris() -> None:
    """Blanks are escaped; an absolute path becomes a file URI, a relative one stays relative."""
    assert artifact_uri("my files/ä.json") == "my%20files/%C3%A4.json"
    assert artifact_uri("/tmp/a b.json") == "file:///tmp/a%20b.json"


def test_the_command_line_starts_light(folder: Path) -> None:
    """Help and validation load neither an AWS library nor a terminal library, and JSON needs no YAML."""
    heavy = {"boto3", "botocore", "moto", "rich", "anyio", "greenlet", "time_machine"}
    for arguments, unwanted in ((["--help"], heavy), (["validate", "good.asl.json"], heavy | {"ruamel"})):
        program = (
            "import sys\n"
            "from stepsim.runtime.cli import main\n"
            f"main({arguments!r}, standalone_mode=False)\n"
            f"print(sorted(set(sys.modules) & {unwanted!r}))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"
