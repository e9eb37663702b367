"""Scenarios that are started from outside: written, and simulated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

Simulate = Callable[..., dict[str, Any]]

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a scenario of a machine, and code besides."""

    def write(text: str, machine: Any = PASS, **files: str) -> Path:
        (tmp_path / "m.asl.json").write_text(json.dumps(machine))
        for name, content in files.items():
            (tmp_path / f"{name}.py").write_text(content)
        path = tmp_path / "s.yaml"
        path.write_text(f"name: s\ndefinition: m.asl.json\n{text}\n")
        return path

    return write


@pytest.fixture
def simulated(written: Callable[..., Path]) -> Simulate:
    """The report of a scenario."""
    return lambda text, machine=PASS, **files: simulate(load_scenario(written(text, machine, **files)))
