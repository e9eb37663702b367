"""``stepsim simulate --seeds``: many seeds, the worst of them, and the few faults that break one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result
from ruamel.yaml import YAML

from stepsim.runtime.seeds import simulate_seeds
from stepsim.runtime.sweep import sweep

Cli: TypeAlias = Callable[..., Result]

SCENARIO = """
definition: machine.json
input: [1, 2, 3, 4, 5, 6]
functions:
  Work: {echo: true, duration: {uniform: {min_ms: 100, max_ms: 900}}}
faults:
  - {function: Work, probability: 0.25, error: Broken}
  - {state: Work, probability: 0.2, delay: 1s}
expect: [status == SUCCEEDED, makespan_s < 60]
"""


@pytest.fixture
def folder(tmp_path: Path, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flaky").mkdir()
    machine = laboratory.machine(Each=laboratory.each(retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]))
    (tmp_path / "flaky" / "machine.json").write_text(json.dumps(machine))
    (tmp_path / "flaky" / "scenario.yaml").write_text(SCENARIO)
    return tmp_path


def test_a_failing_seed_is_shrunk_to_a_scenario_that_fails_and_needs_each_fault(cli: Cli, folder: Path) -> None:
    """An item fails where both of its attempts do: two faults are left, and neither can be taken away."""
    result = cli("simulate", "flaky/scenario.yaml", "--seeds", "8", "--keep", "kept.yaml", "--json", "out.json")
    assert result.exit_code == 1
    summary: dict[str, Any] = json.loads(Path("out.json").read_text())
    failed = summary["failed"]
    assert 0 < len(failed) < 8
    assert summary["passed"] == 8 - len(failed)
    assert [run["seed"] for run in summary["runs"]] == list(range(8))
    assert summary["worst"] in failed
    shrunk = summary["shrunk"]
    assert (shrunk["seed"], shrunk["minimal"], shrunk["message"]) == (failed[0], True, None)
    assert shrunk["struck"] > 2 == len(shrunk["faults"])
    assert "kept in kept.yaml" in result.stdout
    assert "status == SUCCEEDED (it is" in result.stdout
    assert cli("simulate", "kept.yaml").exit_code == 1
    kept = YAML(typ="safe").load(Path("kept.yaml"))
    assert (kept["seed"], kept["name"], kept["relative_to"]) == (failed[0], "flaky", "flaky")
    for left_out in range(2):
        del (fewer := YAML(typ="safe").load(Path("kept.yaml")))["faults"][left_out]
        Path("fewer.json").write_text(json.dumps(fewer))
        assert cli("simulate", "fewer.json").exit_code == 0


def test_the_summary_is_the_same_however_many_run_at_a_time(cli: Cli, folder: Path) -> None:
    """The same seeds give the same bytes, and what the run alone would report."""
    texts = []
    for jobs in ("1", "3"):
        asked = ("--seeds", "4", "--seed", "1", "--set", "faults[0].probability=0.4", "--json", "-", "--jobs", jobs)
        result = cli("simulate", "flaky/scenario.yaml", *asked)
        texts.append(result.stdout)
    assert texts[0] == texts[1]
    run = json.loads(texts[0])["runs"][1]
    alone = json.loads(
        cli(
            "simulate", "flaky/scenario.yaml", "--seed", "2", "--set", "faults[0].probability=0.4", "--json", "-"
        ).stdout
    )
    assert (run["seed"], run["makespan_s"]) == (2, alone["makespan_s"])


def test_a_scenario_that_fails_without_faults_is_kept_without(cli: Cli, folder: Path) -> None:
    """Where no fault is to blame, that is what is said."""
    result = cli("simulate", "flaky/scenario.yaml", "--seeds", "1", "--set", "expect=[makespan_s < 0]", "--json", "-")
    shrunk = json.loads(result.stdout)["shrunk"]
    assert (shrunk["faults"], shrunk["message"]) == ([], "it fails without any fault")
    assert "faults: []" in shrunk["scenario"]


def test_seeds_that_all_pass_leave_nothing_to_keep(cli: Cli, folder: Path) -> None:
    """Exit status 0, and no file."""
    asked = ("--seeds", "2", "--set", "faults=[]", "--keep", "kept.yaml")
    result = cli("simulate", "flaky/scenario.yaml", *asked)
    assert result.exit_code == 0
    assert "2 seeds  2 passed" in result.stdout
    assert not Path("kept.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "2"], "--jobs and --keep go with --seeds"),
        (["--seeds", "2", "--save", "left"], "does not go with --save"),
        (["--seeds", "2", "--set", "inptu=1"], "unknown key 'inptu'"),
        (["--seeds", "2", "--keep", "none/kept.yaml"], "there is no folder none"),
        (["--seeds", "2", "--set", "functions={}", "--set", "faults=[]"], "calls functions that nothing runs"),
    ],
)
def test_what_cannot_be_is_refused(cli: Cli, folder: Path, arguments: list[str], message: str) -> None:
    """Exit status 2, with the reason."""
    result = cli("simulate", "flaky/scenario.yaml", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_ctrl_c_leaves_what_is_done(folder: Path) -> None:
    """The seeds that were simulated are summed up; where none was, nothing is there to tell."""
    done = 0

    def interrupted() -> None:
        nonlocal done
        done += 1
        if done == 2:
            raise KeyboardInterrupt

    made = simulate_seeds(folder / "flaky" / "scenario.yaml", (), range(5), 1, folder, interrupted)
    assert (made.summary["seeds"], made.summary["interrupted"], made.kept) == (2, True, None)


def test_a_sweep_that_is_interrupted_tells_of_the_combinations_it_came_to(folder: Path) -> None:
    """One of three was done."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    tried: list[dict[str, Any]] = [{"latency": latency} for latency in ("aws", "none", "aws")]
    summary = sweep(folder / "flaky" / "scenario.yaml", (), tried, [1], 1, interrupted)
    assert ([run["set"] for run in summary["runs"]], summary["interrupted"]) == ([{"latency": "aws"}], True)
