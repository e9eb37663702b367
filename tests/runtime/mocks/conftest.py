"""Executions of small machines with mocks, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stepsim.runtime.runner import Watch, simulate
from stepsim.runtime.scenario import load_scenario

PREFIX = "arn:aws:states:::"

Simulated: TypeAlias = "Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]"


@pytest.fixture
def simulated(tmp_path: Path) -> Simulated:
    """The report and the history of a machine that is simulated with mocks; further keys are the scenario's."""

    def run(
        definition: dict[str, Any], mocks: dict[str, Any], **keys: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        (tmp_path / "machine.asl.json").write_text(json.dumps(definition))
        scenario = {"definition": "machine.asl.json", "name": "machine", "latency": "none", "mocks": mocks, **keys}
        path = tmp_path / "scenario.json"
        path.write_text(json.dumps(scenario))
        kept = tmp_path / f"kept-{len(list(tmp_path.iterdir()))}"
        kept.mkdir()
        report = simulate(load_scenario(path), Watch(save=kept))
        return report, json.loads((kept / "history.json").read_text())["events"]

    return run
