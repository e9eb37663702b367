"""The ledger of fidelity says what is so: what it names exists, and what it says is missing is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from click.testing import CliRunner

from stepsim.asl.resource import parse_resource
from stepsim.runtime.api.step_functions import OPERATIONS, WAITING
from stepsim.runtime.cli import main
from stepsim.runtime.services.integrations import INTEGRATIONS, service_of

LEDGER = (Path(__file__).parent.parent / "docs" / "fidelity.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", LEDGER, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_operation_of_aws_is_named_and_there() -> None:
    """The ledger, the service and botocore's model know the same operations."""
    named = re.findall(r"`(\w+)`", section("The API"))
    model = botocore.session.get_session().get_service_model("stepfunctions").operation_names
    assert sorted(named) == sorted(model) == sorted([*OPERATIONS, *WAITING])


def test_the_optimised_integrations_are_those_of_the_ledger() -> None:
    """Each with its patterns, and each can be loaded."""
    named = {
        (*resource.split(":"), "" if pattern == "request" else pattern.strip("`"))
        for resources, patterns in rows("Integrations")
        for resource in re.findall(r"`([^`]+)`", resources)
        for pattern in patterns.split(", ")
    }
    assert named == set(INTEGRATIONS)
    for service, action, pattern in INTEGRATIONS:
        arn = f"arn:aws:states:::{service}:{action}" + (f".{pattern}" if pattern else "")
        assert service_of(parse_resource(arn)) is not None


def no_such_integration(tmp_path: Path) -> None:
    """No integration performs the resource."""
    assert service_of(parse_resource("arn:aws:states:::sagemaker:createTrainingJob.sync")) is None


def no_redrive_command(tmp_path: Path) -> None:
    """`stepsim simulate` has no option for it."""
    assert "No such option" in CliRunner().invoke(main, ["simulate", "x.json", "--redrive", "y"]).output


CHECKS: dict[str, Callable[[Path], None]] = {
    "the optimised integrations of SageMaker": no_such_integration,
    "redrive in `stepsim simulate`": no_redrive_command,
}


@pytest.mark.parametrize("row", CHECKS)
def test_what_is_missing_is_refused(row: str, tmp_path: Path) -> None:
    """What the ledger says of something that is not there yet is what happens."""
    assert any(cells[0].startswith(row) for cells in rows("Not yet")), f"the ledger no longer says {row!r} is missing"
    CHECKS[row](tmp_path)


def test_what_stands_in_code_is_there() -> None:
    """The files that the ledger names exist."""
    root = Path(__file__).parent.parent
    named: list[Any] = re.findall(r"`((?:asl|runtime|workers)/[\w/]+\.py)`", LEDGER)
    assert named
    assert [name for name in named if not (root / name).is_file()] == []
