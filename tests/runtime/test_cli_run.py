"""``stepsim run`` and ``stepsim simulate``: what they take, what they write, and their exit status."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result

Cli: TypeAlias = Callable[..., Result]

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Broken", "Cause": "It \x1b[31mbroke"}}}
CALL = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "Double", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        }
    },
}
SCENARIO = """
definition: call.json
seed: 7
input: {n: 1}
functions:
  Double:
    echo: true
    duration: {lognormal: {median_ms: 240, p99_ms: 900}}
expect:
  - status == SUCCEEDED
  - functions.Double.invocations == 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with some definitions, a scenario and a function."""
    monkeypatch.chdir(tmp_path)
    for name, definition in (("pass", PASS), ("fail", FAIL), ("call", CALL)):
        (tmp_path / f"{name}.json").write_text(json.dumps(definition))
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "functions.py").write_text("def double(event, context):\n    return {'n': 2 * event['n']}\n")
    return tmp_path


def report(result: Result) -> dict[str, Any]:
    """What ``--json -`` wrote, without what differs from run to run."""
    written: dict[str, Any] = json.loads(result.stdout)
    return {name: value for name, value in written.items() if name not in ("wall_s", "peak_rss_mb")}


def test_a_definition_runs_with_its_input(cli: Cli, folder: Path) -> None:
    """The input given as JSON, or as a file that holds it, comes out of a Pass state; {} goes in otherwise."""
    (folder / "input.json").write_text('{"from": "file"}')
    for arguments, output in (
        (["--input", '{"x": [1, 2]}'], {"x": [1, 2]}),
        (["--input", "@input.json"], {"from": "file"}),
        (["--input", "null"], None),
        ([], {}),
    ):
        result = cli("run", "pass.json", *arguments, "--json", "-")
        assert result.exit_code == 0
        assert report(result)["execution"]["output"] == output


def test_a_failed_execution_is_exit_status_1(cli: Cli, folder: Path) -> None:
    """A run that AWS would fail, fails; its error and cause are told, and drive no terminal."""
    result = cli("run", "fail.json")
    assert result.exit_code == 1
    assert "fail  FAILED" in result.stdout
    assert "error  Broken" in result.stdout
    assert "It \\x1b[31mbroke" in result.stdout
    assert result.stderr == ""


def test_json_on_stdout_is_alone_there(cli: Cli, folder: Path) -> None:
    """With ``--json -`` standard output is the report and the summary moves to stderr."""
    result = cli("run", "pass.json", "--json", "-")
    assert list(json.loads(result.stdout))[:4] == ["scenario", "seed", "clock", "execution"]
    assert result.stdout.endswith("}\n")
    assert "pass  SUCCEEDED" in result.stderr


def test_json_in_a_file_leaves_the_summary_on_stdout(cli: Cli, folder: Path) -> None:
    """The report is written to the file; people read the summary as ever."""
    result = cli("run", "pass.json", "--json", "report.json")
    assert json.loads((folder / "report.json").read_text())["execution"]["status"] == "SUCCEEDED"
    assert "pass  SUCCEEDED" in result.stdout


def test_a_report_that_cannot_be_written_stops_the_run_before_it_starts(cli: Cli, folder: Path) -> None:
    """A folder, or a file in no folder, is refused as bad usage, and nothing has run."""
    for target, reason in ((".", "it is a folder"), ("none/report.json", "there is no folder none")):
        result = cli("run", "pass.json", "--json", target)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{target} cannot be written: {reason}." in result.stderr


def test_what_a_run_leaves_is_saved(cli: Cli, folder: Path) -> None:
    """``--save`` fills a new folder with the history; one with something in it is refused before the run."""
    assert cli("run", "pass.json", "--save", "left/here").exit_code == 0
    events = json.loads((folder / "left" / "here" / "history.json").read_text())["events"]
    assert events[0]["type"] == "ExecutionStarted"
    again = cli("run", "pass.json", "--save", "left/here")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "left/here is not empty: history.json is in it." in again.stderr


def test_a_scenario_is_simulated_from_its_seed(cli: Cli, folder: Path) -> None:
    """The same seed gives the same bytes, another seed another run; --set and --input change the scenario."""
    first = cli("simulate", "scenario.yaml", "--json", "-")
    again = cli("simulate", "scenario.yaml", "--json", "-")
    changing = re.compile(r'"(wall_s|peak_rss_mb)": [\d.]+')
    assert changing.sub("", first.stdout) == changing.sub("", again.stdout)
    assert (first.exit_code, report(first)["seed"], report(first)["clock"]) == (0, 7, "virtual")
    other = report(cli("simulate", "scenario.yaml", "--seed", "8", "--json", "-"))
    assert other["makespan_s"] != report(first)["makespan_s"]
    changed = report(
        cli(
            *("simulate", "scenario.yaml", "--set", "functions.Double.duration=2s", "--set", "latency=none"),
            *("--input", '{"n": 5}', "--json", "-"),
        )
    )
    assert (changed["makespan_s"], changed["execution"]["output"]) == (2.0, {"n": 5})


def test_a_broken_expectation_is_exit_status_1(cli: Cli, folder: Path) -> None:
    """The execution succeeded, yet the scenario expected more of it."""
    result = cli("simulate", "scenario.yaml", "--set", "expect.1=functions.Double.invocations == 2")
    assert result.exit_code == 1
    assert "✗ functions.Double.invocations == 2  (it is 1)" in result.stdout


def test_run_takes_what_a_scenario_sets_for_real_runs(cli: Cli, folder: Path) -> None:
    """``run.set`` changes a scenario that is run, not one that is simulated; ``--set`` goes over it."""
    (folder / "small.yaml").write_text("definition: pass.json\ninput: {n: 9}\nrun: {set: {input.n: 1}}\n")
    outputs = [
        report(cli(verb, "small.yaml", *more, "--json", "-"))["execution"]["output"]
        for verb, more in (("simulate", []), ("run", []), ("run", ["--set", "input.n=2"]))
    ]
    assert outputs == [{"n": 9}, {"n": 1}, {"n": 2}]


def test_real_code_runs_for_a_definition(cli: Cli, folder: Path) -> None:
    """``--function`` names the code of a function, found from the current folder."""
    result = cli(
        *("run", "call.json", "--input", '{"n": 21}', "--function", "Double=functions:double"),
        *("--processes", "1", "--json", "-"),
    )
    assert report(result)["execution"]["output"] == {"n": 42}
    assert result.exit_code == 0


def test_a_definition_without_functions_can_be_simulated(cli: Cli, folder: Path) -> None:
    """A bare definition needs no scenario; a wait takes virtual time only."""
    waiting = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    (folder / "wait.json").write_text(json.dumps(waiting))
    assert report(cli("simulate", "wait.json", "--json", "-"))["makespan_s"] == 86_400.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "none.json"], "none.json cannot be read: No such file or directory"),
        (["run", "other.json"], "other.json is neither a definition"),
        (["run", "broken.json"], "broken.json:1:2: error INVALID_JSON_DESCRIPTION"),
        (["run", "wrong.json"], "wrong.json:1:2: error MISSING_TRANSITION_TARGET: Missing 'Next' target: B"),
        (["run", "call.json"], "Double"),
        (["run", "call.json", "--function", "Double"], "'Double' is not of the form NAME=module:handler."),
        (["run", "call.json", "--function", "Double=none:handler"], "none"),
        (["run", "pass.json", "--function", "A=a:b", "--function", "A=a:c"], "A is named twice."),
        (["run", "pass.json", "--input", "{"], "--input"),
        (["run", "pass.json", "--input", "@none.json"], "No such file or directory"),
        (["run", "pass.json", "--set", "a=1"], "--set changes a scenario, and pass.json is a definition."),
        (["run", "scenario.yaml", "--function", "A=a:b"], "--function is for a definition"),
        (["run", "scenario.yaml", "--type", "EXPRESS"], "write --set type=EXPRESS"),
        (["run", "pass.json", "--processes", "0"], "0 is not in the range x>=1"),
        (["run", "pass.json", "--save", "pass.json"], "is a file"),
        (["run", "pass.json", "--save", "pass.json/left"], "pass.json/left cannot be made: Not a directory."),
        (["simulate", "pass.json", "--html", "none/a"], "there is no folder none"),
        (["simulate", "scenario.yaml", "--set", "sed=1"], "sed"),
        (["simulate", "scenario.yaml", "--set", "sed=1", "--set", "functions.A.b=1"], "has 2 problems."),
        (["simulate", "scenario.yaml", "--seed", "x"], "'x' is not a valid integer"),
        (["sweeps"], "No such command 'sweeps'"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(cli: Cli, folder: Path, arguments: list[str], told: str) -> None:
    """Bad usage and bad input end in exit status 2, with a message on stderr and nothing on stdout."""
    (folder / "other.json").write_text("[]")
    (folder / "broken.json").write_text("{,}")
    (folder / "wrong.json").write_text('{"StartAt": "B", "States": {"A": {"Type": "Pass", "End": true}}}')
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_version_is_the_package_s(cli: Cli) -> None:
    """``--version`` names the program and its version."""
    assert re.fullmatch(r"stepsim, version \d+\.\d+\.\d+\n", cli("--version").stdout)


def test_a_terminal_sees_a_live_line_and_ctrl_c_still_reports(folder: Path) -> None:
    """The line shows the run's time; after Ctrl-C it is gone, and the report says ABORTED with exit status 1."""
    waiting = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    (folder / "wait.json").write_text(json.dumps(waiting))
    terminal, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", "from stepsim.runtime.cli import main; main()", "run", "wait.json", "--json", "-"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        seen = b""
        while b"running" not in seen:
            seen += os.read(terminal, 1024)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate()
    os.close(terminal)
    execution = json.loads(stdout)["execution"]
    assert b"\r\x1b[Krunning \xc2\xb7 states entered 1 \xc2\xb7 time 00:00:0" in seen
    assert (execution["status"], process.returncode) == ("ABORTED", 1)
