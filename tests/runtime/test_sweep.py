"""``stepsim sweep``: every combination of some values, and the best of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import Result

from stepsim.runtime.comparison import best, spread
from stepsim.runtime.sweep import Axis, SweepError, combinations, parse_axis, sets_of

Cli: TypeAlias = Callable[..., Result]

SCENARIO = """
definition: machine.json
substitutions: {together: 2}
input: [1, 2, 3, 4, 5, 6, 7, 8]
functions:
  Work: {echo: true, duration: 1s, memory_mb: 512}
expect: [status == SUCCEEDED, makespan_s < 6]
"""


@pytest.fixture
def folder(tmp_path: Path, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    machine = laboratory.machine(Each=laboratory.each(MaxConcurrency="${together}"))
    text = json.dumps(machine).replace('"${together}"', "${together}")
    (tmp_path / "machine.json").write_text(text)
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    return tmp_path


def test_values_are_yaml_and_combine(folder: Path) -> None:
    """Each axis is a key path with values; the last one moves first."""
    axes = [parse_axis("a.b=1,2.5"), parse_axis("c= 30s, none, [1, 2]")]
    assert axes == [Axis("a.b", (1, 2.5)), Axis("c", ("30s", "none", [1, 2]))]
    made = combinations(axes)
    assert made[:2] == [{"a.b": 1, "c": "30s"}, {"a.b": 1, "c": "none"}]
    assert len(made) == 6
    assert sets_of(made[0]) == ("a.b=1", 'c="30s"')


@pytest.mark.parametrize("texts", [["a"], ["a="], ["=1"], ["a=[1"], ["a=1,1"], ["a=1", "a=2"], ["a=" + "1" * 5, "b"]])
def test_what_cannot_be_varied_is_refused(texts: list[str]) -> None:
    """A value that is missing, unreadable or twice there."""
    with pytest.raises(SweepError):
        combinations([parse_axis(text) for text in texts])


def test_too_many_simulations_are_refused() -> None:
    """Ten thousand are the most."""
    axis = Axis("a", tuple(range(101)))
    with pytest.raises(SweepError, match="10,100 simulations are too many"):
        combinations([axis], 100)


def test_the_best_are_those_that_nothing_beats() -> None:
    """Faster and dearer, slower and cheaper: both may be best; what is neither, or the same twice, is told."""
    assert best([(1, 4), (2, 2), (3, 3), (4, 1), (2, 2), (1, 5)]) == [True, True, False, True, True, False]
    assert spread([3.0, None, 1.0, 2.0]) == {"p50": 2.0, "p99": 3.0, "max": 3.0}
    assert spread([None]) == {"p50": None, "p99": None, "max": None}


def test_a_sweep_marks_the_best_of_those_that_pass(cli: Cli, folder: Path) -> None:
    """More at a time is faster, and has more cold starts; more memory is dearer. What does not pass is never best."""
    asked = ("--vary", "functions.Work.memory_mb=512,1024", "--vary", "substitutions.together=1,2,4")
    result = cli("sweep", "scenario.yaml", *asked, "--json", "out.json")
    assert result.exit_code == 0
    summary: dict[str, Any] = json.loads(Path("out.json").read_text())
    told = [(*run["set"].values(), run["passed"], run["best"], run["expectations"]) for run in summary["runs"]]
    assert told == [
        (512, 1, 0, False, [1, 2]),
        (512, 2, 1, True, [2, 2]),
        (512, 4, 1, True, [2, 2]),
        (1024, 1, 0, False, [1, 2]),
        (1024, 2, 1, False, [2, 2]),
        (1024, 4, 1, False, [2, 2]),
    ]
    assert "scenario.yaml" not in result.stdout
    assert result.stdout.count("★") == 3
    assert summary["runs"][2]["makespan_s"]["p50"] < summary["runs"][1]["makespan_s"]["p50"] < 6


def test_a_sweep_with_seeds_is_the_same_each_time(cli: Cli, folder: Path) -> None:
    """A combination passes where all of its seeds do."""
    asked = ("--vary", "functions.Work.duration=0s,2s", "--seeds", "2", "--seed", "3", "--json", "-")
    first, second = (cli("sweep", "scenario.yaml", *asked) for _ in range(2))
    assert first.stdout == second.stdout
    summary = json.loads(first.stdout)
    assert summary["seeds"] == [3, 4]
    assert [run["passed"] for run in summary["runs"]] == [2, 0]


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("functions.Work.memry_mb=1,2", "unknown key 'memry_mb'"),
        ("functions.Work.memory_mb=512,1", "from 128 to 10240 expected, not 1"),
        ("functions.Work.memory_mb", "key.path=a,b,c"),
        ("substitutions.other=1", "together"),
    ],
)
def test_a_wrong_key_or_value_ends_the_sweep_before_anything_runs(
    cli: Cli, folder: Path, vary: str, message: str
) -> None:
    """Exit status 2, though other combinations could have run."""
    changed = ("--set", "substitutions={}") if vary.startswith("substitutions") else ()
    result = cli("sweep", "scenario.yaml", "--vary", vary, *changed)
    assert result.exit_code == 2
    assert message in result.stderr
