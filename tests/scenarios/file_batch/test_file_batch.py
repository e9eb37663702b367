"""The file batch, at a size that tests can afford: 240 rows in chunks of 20."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stepsim.asl.parse import parse
from stepsim.asl.validate import validate
from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import stream
from stepsim.runtime.runner import Report, Watch, simulate
from stepsim.runtime.scenario import load_scenario
from stepsim.workers.handler import HandlerReference

ROOT = Path(__file__).parents[3]
SCENARIO = ROOT / "scenarios" / "file_batch"
SMALL = ("arrivals.0.generate.body=data:rows_240", "cloud.triggers.1.input.chunk_rows=20", "seed=7")
UPLOAD = '{bucket: orders, key: "input/%s.csv", at: %s, generate: {count: 1, seed: %d, body: "data:rows_240"}}'


def processed(*sets: str, save: Path | None = None) -> Report:
    """The report, in which everything holds that the scenario expects."""
    report = simulate(load_scenario(SCENARIO / "scenario.yaml", [*SMALL, *sets]), Watch(save=save))
    broken = [one for one in report["expectations"] if not one["holds"]]
    assert not broken, broken
    return report


def numbers_of_bad_rows(seed: int) -> dict[int, str]:
    """Which rows of the small file are bad, and in which column, by the data's own word."""
    tell: Any = HandlerReference.parse("data:numbers_of_bad_rows", SCENARIO).load()
    told: dict[int, str] = tell(240, stream(Dice(seed), "data", 0))
    return told


def items(folder: Path) -> list[dict[str, Any]]:
    """What was saved of the table of rejected rows."""
    lines = (folder / "tables" / "rejected-rows.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", ["orchestrator", "chunk"])
def test_the_definitions_are_valid(name: str) -> None:
    """Without a warning, even."""
    path = ROOT / "definitions" / "file_batch" / f"{name}.asl.json"
    assert validate(parse(path.read_text(), str(path))) == []


def test_an_upload_becomes_one_file(tmp_path: Path) -> None:
    """In it is every good row once and in order, with its totals; the others are in the table."""
    report = processed(save=tmp_path)
    counts = {name: machine["succeeded"] for name, machine in report["executions"]["by_machine"].items()}
    assert counts == {"file-batch": 1, "process-chunk": 12}
    (merged,) = (tmp_path / "buckets" / "orders" / "output" / "orders").iterdir()
    rows = list(csv.DictReader(io.StringIO(merged.read_text(encoding="utf-8"))))
    bad = numbers_of_bad_rows(7)
    assert bad
    assert [row["order"] for row in rows] == [f"{100_000_000 + n}" for n in range(240) if n + 1 not in bad]
    assert all(cents(row["profit"]) == cents(row["revenue"]) - cents(row["cost"]) for row in rows)
    assert all(cents(row["revenue"]) == int(row["units"]) * cents(row["unit_price"]) for row in rows)


def cents(amount: str) -> int:
    """``12.50`` in cents."""
    return int(amount.replace(".", ""))


def test_a_bad_row_is_in_the_table_with_its_reason(tmp_path: Path) -> None:
    """What the validation says of it, or the API, which alone knows all items; and nothing else is there."""
    report = processed(save=tmp_path)
    bad = numbers_of_bad_rows(7)
    rejected = {int(item["number"]["N"]): item for item in items(tmp_path)}
    assert rejected.keys() == bad.keys()
    assert report["execution"]["output"]["rejected"] == len(bad)
    for number, column in bad.items():
        told = rejected[number]
        error, cause = told["error"]["S"], json.loads(told["cause"]["S"])
        if column == "item":
            assert (error, cause) == ("ApiGateway.404", {"message": "there is no item I9999"})
        else:
            assert error == "InvalidRow"
            assert cause["errorMessage"].startswith(f"{column}: ")


def test_a_throttled_api_is_asked_again_and_nothing_is_lost() -> None:
    """The stage lets through three a second, where twelve chunks ask for more."""
    report = processed("cloud.apis.enrichment.throttle={burst: 3, rate: 3}")
    asked = report["states"]["GetFinancials"]
    assert asked["retries"]["ApiGateway.429"] > 50
    assert report["functions"]["GetFinancials"]["invocations"] == asked["entered"]


@pytest.mark.parametrize(
    "fault",
    [
        "{call: s3.PutObject, probability: 0.2, error: SlowDown, status: 503}",
        "{function: ValidateRow, probability: 0.1, error: TooManyRequestsException}",
        "{function: GetFinancials, probability: 0.1, error: OutOfTemper}",
        "{function: WriteChunk, probability: 0.2, crash: after}",
        "{call: dynamodb.PutItem, attempt: 1, error: InternalServerError, status: 500}",
        "{function: MergeParts, attempt: 1, crash: after}",
    ],
)
def test_what_fails_is_done_again(fault: str) -> None:
    """No row is lost, and none is written twice, whatever fails on the way."""
    report = processed(f"faults=[{fault}]")
    assert report["faults"][0]["struck"] > 0


def test_two_uploads_make_two_files(tmp_path: Path) -> None:
    """At the same time, too; each has its own workflow, chunks, rejected rows and mail."""
    uploads = ", ".join((UPLOAD % ("april", "60s", 4), UPLOAD % ("may", "61s", 5)))
    report = processed(f"arrivals=[{uploads}]", save=tmp_path)
    assert report["executions"]["by_machine"]["file-batch"]["succeeded"] == 2
    assert report["calls"]["ses.SendEmail"]["count"] == 2
    names = sorted(path.name for path in (tmp_path / "buckets" / "orders" / "output").iterdir())
    assert names == ["april", "may"]
    assert len({item["batch"]["S"] for item in items(tmp_path)}) == 2


def test_the_same_name_uploaded_again_makes_a_file_of_its_own() -> None:
    """An hour later, say; what was there stays."""
    uploads = ", ".join((UPLOAD % ("april", "1m", 4), UPLOAD % ("april", "1h", 4)))
    report = processed(f"arrivals=[{uploads}]")
    assert report["calls"]["ses.SendEmail"]["count"] == 2
    assert report["executions"]["by_machine"]["process-chunk"]["succeeded"] == 24


def test_a_chunks_time_is_its_rows() -> None:
    """They are done one after another; chunks are done side by side."""
    small, large = (processed(f"cloud.triggers.1.input.chunk_rows={rows}") for rows in (20, 60))
    means = [one["executions"]["by_machine"]["process-chunk"]["duration_ms"]["mean"] for one in (small, large)]
    assert 0.35 < (means[1] - means[0]) / 40 / 1000 < 0.55
    assert small["functions"]["ValidateRow"]["max_concurrency_seen"] <= 12


def test_the_check_finds_a_row_that_was_written_twice(modules: SimpleNamespace) -> None:
    """And one that was not written."""
    given = b"order,x\n1,a\n2,b\n3,c\n"

    def outcome(merged: bytes) -> Any:
        table = {"rejected-rows": [{"batch": "b", "number": 2}]}
        return SimpleNamespace(buckets={"orders": {"input/f.csv": given, "output/f/b.csv": merged}}, tables=table)

    modules.checks.every_row_is_written_or_rejected(outcome(b"order,x\n1,a\n3,c\n"))
    for wrong in (b"order,x\n1,a\n3,c\n3,c\n", b"order,x\n1,a\n", b"order,x\n3,c\n1,a\n"):
        with pytest.raises(AssertionError, match="rows, where 2 are expected"):
            modules.checks.every_row_is_written_or_rejected(outcome(wrong))
