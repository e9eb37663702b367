"""The CSV pipeline, at a size that tests can afford."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.parse import parse
from stepsim.asl.validate import validate
from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import stream
from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario
from stepsim.workers.handler import HandlerReference

ROOT = Path(__file__).parents[3]
SCENARIO = ROOT / "scenarios" / "csv_etl"
SEED = 7


def truth_of(exponent: int, seed: int) -> dict[str, Any]:
    """What is true of the file of 10 to the power of `exponent` rows."""
    truth: Any = HandlerReference.parse("data:truth", SCENARIO).load()
    made: dict[str, Any] = truth(exponent, stream(Dice(seed), "data", exponent))
    return made


def transformed(exponent: int, *sets: str) -> dict[str, Any]:
    """The report on a smaller file."""
    return simulate(load_scenario(SCENARIO / "scenario.yaml", [f"input.source.key=orders/1e{exponent}.csv", *sets]))


def test_the_definition_is_valid() -> None:
    """Without a warning, even."""
    path = ROOT / "definitions" / "csv_etl" / "csv_etl.asl.json"
    assert validate(parse(path.read_text(), str(path))) == []


@pytest.mark.parametrize("faults", ["[]", "[{call: s3.PutObject, probability: 0.3, error: SlowDown, status: 503}]"])
def test_what_is_loaded_is_the_truth_about_the_file(faults: str) -> None:
    """Each good row is counted once, each bad one rejected, whatever S3 refuses on the way."""
    truth = HandlerReference.parse("data:truth", SCENARIO).load()
    made = simulate(load_scenario(SCENARIO / "scenario.yaml", ["input.source.key=orders/1e3.csv", f"faults={faults}"]))
    assert made["execution"]["output"] == truth(3, stream(Dice(7), "data", 3))
    assert made["map_runs"]["TransformAll"]["itemCounts"]["failed"] == made["execution"]["output"]["rejected"]


def test_more_bad_rows_than_are_tolerated_fail_the_run(tmp_path: Path) -> None:
    """Of 10 rows the file has one that is bad: 10 %, where 5 are tolerated."""
    found = [n for n in range(40) if truth_of(1, n)["rejected"] == 1]
    made = simulate(load_scenario(SCENARIO / "scenario.yaml", ["input.source.key=orders/1e1.csv", f"seed={found[0]}"]))
    assert made["execution"]["status"] == "FAILED"
    assert made["execution"]["error"] == "States.ExceedToleratedFailureThreshold"


def test_a_request_for_each_row_is_on_the_bill() -> None:
    """$1.00 for a million: an Express workflow a row."""
    made = transformed(3)
    assert made["cost"]["lines"]["states.express_request"] == {"quantity": 1_000, "usd": pytest.approx(0.001)}
