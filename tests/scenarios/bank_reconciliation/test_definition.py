"""The definition and the two scenarios fit each other, and the figures of the issue stand in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
DEFINITIONS = ROOT / "definitions" / "bank_reconciliation"
SCENARIOS = ROOT / "scenarios" / "bank_reconciliation"


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a machine, those inside its maps too."""
    for name, state in machine["States"].items():
        yield name, state
        yield from states(state.get("ItemProcessor", {"States": {}}))


@pytest.fixture
def machine() -> dict[str, Any]:
    definition: dict[str, Any] = json.loads((DEFINITIONS / "bank_reconciliation.asl.json").read_text())
    return definition


@pytest.mark.parametrize("scenario", ["scenario.yaml", "modelled.yaml"])
def test_a_scenario_has_what_the_definition_calls(machine: dict[str, Any], scenario: str) -> None:
    """Each function that a state names is there, and each top-level input that a state reads."""
    described = YAML(typ="safe").load((SCENARIOS / scenario).read_text())
    called = {
        state["Parameters"]["FunctionName"]
        for _, state in states(machine)
        if state.get("Resource", "").endswith("lambda:invoke")
    }
    assert called == set(described["functions"])
    for function in described["functions"].values():
        if "handler" in function:
            file, attribute = function["handler"].split(":")
            assert f"def {attribute}(" in (SCENARIOS / f"{file}.py").read_text()
    made_by_states = {"fetched", "mapRun", "aggregate", "error"}
    outer = json.dumps({name: state for name, state in machine["States"].items() if name != "ReconcileAll"})
    read = {match for match in re.findall(r"(?<!\$)\$\.([A-Za-z]+)", outer) if match[0].islower()}
    assert read - made_by_states <= set(described["input"])


def test_the_map_is_as_large_as_was_published(machine: dict[str, Any]) -> None:
    """1,000 children at once, each a Standard execution over 50 files."""
    reconcile_all = machine["States"]["ReconcileAll"]
    assert reconcile_all["MaxConcurrency"] == 1000
    assert reconcile_all["ItemBatcher"]["MaxItemsPerBatch"] == 50
    assert reconcile_all["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_every_task_is_bounded_and_tried_again(machine: dict[str, Any]) -> None:
    """No task waits for ever, none fails for good at the first error."""
    tasks = [state for _, state in states(machine) if state["Type"] == "Task"]
    assert len(tasks) == 7
    assert all("TimeoutSeconds" in task and "Retry" in task for task in tasks)
