"""The repositories below tests/examples: each tests its own machines with the plugin, and notices what is changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent / "examples"


@dataclass(frozen=True, slots=True)
class Change:
    """A transition of an example's definition, led elsewhere, and what must be said of it."""

    file: str
    before: str
    after: str
    told: str


CHANGES = {
    "sam_orders": Change(
        "statemachine/order.asl.json",
        '["OutOfStock"], "ResultPath": "$.error", "Next": "RejectOrder"',
        '["OutOfStock"], "ResultPath": "$.error", "Next": "ReleaseStock"',
        "the state 'ReleaseStock' was to never be entered; was entered once",
    ),
    "cdk_jsonata": Change(
        "cdk.out/LoanStack.template.json",
        r"['A', 'B'] %}\",\"Next\":\"SendOffer\"",
        r"['A', 'B'] %}\",\"Next\":\"AskOfficer\"",
        "state AskOfficer is now entered after Agree",
    ),
    "asl_local_mocks": Change("claim.asl.json", '"Default": "Pay"', '"Default": "CoolOff"', "  + CoolOff"),
}


@pytest.fixture(params=sorted(CHANGES))
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example, as a team has it in a folder of its own."""
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / request.param, ignore=ignored))


def run_tests(repository: Path) -> subprocess.CompletedProcess[str]:
    """What the team's own command says."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider"]
    options = ["--asl-cov", "--asl-cov-report", "term-missing", "--asl-cov-fail-under", "100"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *options], cwd=repository, env=environment, capture_output=True, text=True, timeout=120
    )


def test_an_example_passes_and_covers_its_machine(example: Path) -> None:
    """Its tests pass, and every state and every way out of it is run."""
    ended = run_tests(example)
    assert ended.returncode == 0, ended.stdout
    assert re.search(r"^total +\d+ +0 +\d+ +0 +100 %$", ended.stdout, re.MULTILINE), ended.stdout


def test_an_example_fails_where_a_transition_is_changed(example: Path) -> None:
    """One transition that leads elsewhere fails a test, which names the state."""
    change = CHANGES[example.name]
    definition = example / change.file
    text = definition.read_text()
    assert text.count(change.before) == 1
    definition.write_text(text.replace(change.before, change.after))
    ended = run_tests(example)
    assert ended.returncode == 1, ended.stdout
    assert change.told in ended.stdout


def test_every_example_is_looked_at() -> None:
    """No example is without a change that it must notice."""
    assert {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()} == set(CHANGES)
