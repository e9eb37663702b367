"""Runs that are kept in a folder, in one process: what goes on, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result

from stepsim.runtime import runner
from stepsim.runtime.kept import KeptError, KeptRun
from stepsim.runtime.scenario import load_scenario

Cli: TypeAlias = Callable[..., Result]

TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F", "End": True}
MAPPED: dict[str, Any] = {
    "Type": "Map",
    "ItemsPath": "$.items",
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "T",
        "States": {"T": TASK},
    },
    "ToleratedFailureCount": 1,
    "End": True,
}
DEFINITION = {"StartAt": "M", "States": {"M": MAPPED}}
BROKEN = """
def f(event, context):
    if event > 1:
        raise ValueError("not yet")
    return event
"""
MENDED = "def f(event, context):\n    return event * 10\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a definition, and a function that does not work yet."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.asl.json").write_text(json.dumps(DEFINITION))
    (tmp_path / "pass.asl.json").write_text('{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}')
    (tmp_path / "code.py").write_text(BROKEN)
    (tmp_path / "scenario.yaml").write_text(
        'name: s\ndefinition: m.asl.json\ninput: {items: [1, 2, 3]}\nfunctions: {F: {handler: "code:f"}}\n'
    )
    return tmp_path


@pytest.fixture
def scenario(folder: Path) -> Callable[..., Any]:
    """Loads the scenario, changed by these."""
    return lambda *sets: load_scenario(folder / "scenario.yaml", sets, clock="system")


@pytest.fixture
def run(cli: Cli) -> Cli:
    """``stepsim run``."""
    return partial(cli, "run")


def test_a_run_that_failed_goes_on_with_code_that_was_mended(run: Cli, folder: Path) -> None:
    """The command line finds again what the run was given; what had succeeded keeps its result."""
    given = ["--input", '{"items": [1, 2, 3]}', "--function", "F=code:f", "--processes", "1"]
    failed = run("m.asl.json", *given, "--keep", "kept")
    assert failed.exit_code == 1, failed.output
    (folder / "code.py").write_text(MENDED)
    (folder / "m.asl.json").write_text(json.dumps({**DEFINITION, "TimeoutSeconds": 1_000}))
    redriven = run("--redrive", "kept/stepsim.sqlite", "--json", "report.json", "--processes", "1")
    assert redriven.exit_code == 0, redriven.output
    report = json.loads((folder / "report.json").read_text())
    assert report["execution"]["output"] == [1, 20, 30]
    assert report["functions"]["F"]["invocations"] == 2
    over = run("--redrive", "kept")
    assert over.exit_code == 2
    assert "Execution is SUCCEEDED and cannot be redriven" in over.output


def test_a_run_of_python_is_redriven_from_python(run: Cli, folder: Path, scenario: Any) -> None:
    """`run` with `keep` and `redrive` are the same as the options."""
    kept = folder / "kept"
    assert runner.run(scenario(), processes=1, keep=kept)["execution"]["status"] == "FAILED"
    (folder / "code.py").write_text(MENDED)
    assert runner.redrive(scenario(), kept, processes=1)["execution"]["output"] == [1, 20, 30]
    refused = run("--redrive", "kept")
    assert (refused.exit_code, "begun from Python" in refused.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--redrive", "nothing"], "nothing keeps no run: run.json cannot be read: No such file or directory."),
        (["--redrive", "nothing", "--seed", "3"], "--redrive goes on with a run as it was begun"),
        (["m.asl.json", "--redrive", "nothing"], "--redrive goes on with a run as it was begun"),
        (["scenario.yaml", "--keep", "."], "is not empty"),
        ([], "Name a scenario or a definition"),
    ],
)
def test_what_cannot_be_kept_or_redriven_is_bad_usage(
    run: Cli, folder: Path, arguments: list[str], message: str
) -> None:
    """Exit status 2, and one sentence that says why."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_what_cannot_go_on_is_not_begun(folder: Path, scenario: Any) -> None:
    """Each refusal in one sentence."""
    with pytest.raises(runner.RunError, match="Express execution cannot be redriven"):
        runner.run(scenario("type=EXPRESS", "definition=pass.asl.json"), keep=folder / "kept")
    (folder / "odd").mkdir()
    (folder / "odd/run.json").write_text("{}")
    with pytest.raises(KeptError, match=r"run\.json is not what a run writes"):
        KeptRun.of_folder(folder / "odd")
    KeptRun.new(folder / "other", "other", 0).begun("arn:aws:states:us-east-1:123456789012:execution:other:one")
    with pytest.raises(runner.RunError, match="keeps a run of 'other', not of"):
        runner.redrive(scenario(), folder / "other")


def test_what_could_not_be_written_is_written_by_a_redrive_of_a_later_process(scenario: Any, folder: Path) -> None:
    """The results of an attempt whose files were refused are all there, and nothing is run again."""
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "r"}}
    (folder / "m.asl.json").write_text(
        json.dumps({"StartAt": "M", "States": {"M": {**MAPPED, "ResultWriter": writer}}})
    )
    (folder / "code.py").write_text(MENDED)
    kept, saved, out = folder / "kept", folder / "saved", "cloud.buckets.out={}"
    refused = "faults=[{call: s3.PutObject, key: '*/SUCCEEDED_0.json', error: SlowDown}]"
    first = runner.run(scenario(out, refused), processes=1, keep=kept)
    assert first["execution"]["error"] == "States.ResultWriterFailed"
    again = runner.redrive(scenario(out), kept, runner.Watch(save=saved), processes=1)
    assert (again["execution"]["status"], again["functions"]["F"]["invocations"]) == ("SUCCEEDED", 0)
    manifest = json.loads(
        (saved / "buckets/out" / again["execution"]["output"]["ResultWriterDetails"]["Key"]).read_text()
    )
    (written,) = manifest["ResultFiles"]["SUCCEEDED"]
    records = json.loads((saved / "buckets/out" / written["Key"]).read_text())
    assert sorted(record["Output"] for record in records) == ["10", "20", "30"]


@pytest.mark.parametrize("arguments", [("scenario.yaml", "--keep", "early"), ("--redrive", "early")])
def test_a_run_that_was_ended_before_it_began_says_what_to_do(run: Cli, folder: Path, arguments: Any) -> None:
    """There is nothing to go on with, and the folder is not empty: whoever asks is told the one way out."""
    (folder / "early").mkdir()
    (folder / "early" / "stepsim.sqlite").touch()
    result = run(*arguments)
    assert result.exit_code == 2
    assert "remove the folder, and run it again with --keep" in result.stderr


def test_the_report_of_a_redrive_has_the_map_runs_that_needed_none(scenario: Any, folder: Path) -> None:
    """Those of earlier attempts stand in it as they ended, in the order in which they were opened."""
    first = {**MAPPED, "Next": "Second", "ResultPath": "$.first", "Label": "a", "ItemsPath": "$.ones"}
    first["ItemProcessor"] = {**MAPPED["ItemProcessor"], "StartAt": "U", "States": {"U": TASK}}
    del first["End"]
    (folder / "m.asl.json").write_text(json.dumps({"StartAt": "First", "States": {"First": first, "Second": MAPPED}}))
    kept, ones = folder / "kept", "input={ones: [0, 1], items: [1, 2, 3]}"
    assert runner.run(scenario(ones), processes=1, keep=kept)["execution"]["status"] == "FAILED"
    (folder / "code.py").write_text(MENDED)
    report = runner.redrive(scenario(ones), kept, processes=1)
    assert report["execution"]["status"] == "SUCCEEDED"
    succeeded = {name: run["itemCounts"]["succeeded"] for name, run in report["map_runs"].items()}
    assert succeeded == {"First": 2, "Second": 3}
    assert list(report["map_runs"]) == ["First", "Second"]
