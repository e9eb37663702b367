"""Faults of scenarios in whole runs: what they aim at, and what is told of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime import runner
from stepsim.runtime.scenario import load_scenario


@pytest.fixture
def load(tmp_path: Path, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Loads a scenario with these faults: of a distributed Map over the input, all of whose items may fail."""
    monkeypatch.chdir(tmp_path)

    def load(faults: str, **batcher: Any) -> Any:
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        each = laboratory.each(config=config, ToleratedFailurePercentage=100, **batcher)
        Path("machine.json").write_text(json.dumps(laboratory.machine(Each=each)))
        lines = ["definition: machine.json", "input: [1, 2, 3, 4, 5, 6]", "functions: {Work: {echo: true}}"]
        Path("scenario.yaml").write_text("\n".join([*lines, "faults:", faults, ""]))
        return load_scenario("scenario.yaml")

    return load


def test_a_batch_is_aimed_at_by_its_index(load: Any) -> None:
    """One batch of three fails; a map without batches has none to strike."""
    faults = "  - {function: Work, batch: 1, error: Broken}\n  - {state: Work, batch: 7, error: Broken}"
    report = runner.simulate(load(faults, ItemBatcher={"MaxItemsPerBatch": 2}))
    assert report["functions"]["Work"]["errors"] == {"Broken": 1}
    assert report["map_runs"]["Each"]["itemCounts"]["failed"] == 2
    struck, missed = report["faults"]
    assert (struck["fault"], struck["line"], struck["struck"], struck["message"]) == (
        "{function: Work, batch: 1, error: Broken}",
        5,
        1,
        None,
    )
    assert missed["message"] == "the state Work came up 3 times, but never with the batch 7"
    alone = runner.simulate(load(faults))
    assert [fault["struck"] for fault in alone["faults"]] == [0, 0]


def test_a_child_is_aimed_at_by_its_place(load: Any) -> None:
    """A pattern of an execution's name finds a child by its index in the map run."""
    report = runner.simulate(load("  - {function: Work, execution: '*/Each/1/*/4', error: Broken}"))
    assert report["faults"][0]["struck"] == 1
    report = runner.simulate(load("  - {function: Work, item: 4, crash: before}"))
    assert report["functions"]["Work"]["errors"] == {"Runtime.ExitError": 1}


def test_a_fault_that_never_struck_is_warned_of(load: Any, cli: Any) -> None:
    """After the summary, with its line and the reason; the exit status does not change."""
    load("  - {call: s3.GetObject, error: SlowDown}\n  - {function: Work, attempt: 2, error: Broken}")
    result = cli("simulate", "scenario.yaml")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "Warning: fault 1 (line 5) never struck: the call s3.GetObject never came up.",
        "Warning: fault 2 (line 6) never struck: the function Work came up 6 times, but never with attempt 2.",
    ]
