"""The settlement pipeline as it was and as it is, on a day of 10,000 transactions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.parse import parse
from stepsim.asl.validate import validate
from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

ROOT = Path(__file__).parents[3]
SMALL = (
    "arrivals[0].generate.body=data:small_file",
    "cloud.buckets.inbox-authorizations.generate.body=data:small_authorizations",
)
NARROW = ("quotas.dynamodb_partition_wcu=20", "quotas.dynamodb_burst=0", "quotas.dynamodb_split_after=none")
"""A table whose partitions take a fiftieth, for a day of a hundredth."""


@cache
def settled(version: str, *sets: str) -> dict[str, Any]:
    """The report of one day."""
    return simulate(load_scenario(ROOT / "scenarios" / "settlement" / f"{version}.yaml", [*SMALL, *sets]))


def broken(report: dict[str, Any]) -> list[str]:
    """What was expected and does not hold."""
    return [one["text"] for one in report["expectations"] if not one["holds"]]


@pytest.mark.parametrize("version", ["before", "after"])
def test_the_definitions_are_valid(version: str) -> None:
    """Both of them."""
    path = ROOT / "definitions" / "settlement" / f"{version}.asl.json"
    problems = validate(parse(path.read_text(), str(path)))
    assert [problem for problem in problems if problem.severity == "error"] == []


def test_a_second_delivery_is_counted_twice_before_and_once_after() -> None:
    """A tenth of the files is delivered twice, and one file is none: it goes to the dead letters both times."""
    before, after = settled("before"), settled("after")
    assert before["triggers"]["inbox"]["duplicates"] == after["triggers"]["inbox"]["duplicates"] > 0
    assert before["queues"]["files"]["dead_lettered"] == after["queues"]["files"]["dead_lettered"] == 1
    assert "check checks:totals_are_true" in broken(before)
    assert broken(after) == []


def test_large_files_go_to_fargate() -> None:
    """The three large ones, each as often as it was delivered; small ones never."""
    after = settled("after", 'functions.StartSettlement.env.LARGE_ABOVE="100000"')
    assert broken(after) == []
    assert after["containers"]["settlement-loader"]["launched"] == after["states"]["LoadOnFargate"]["entered"] >= 3
    loaded = [after["states"][name]["entered"] for name in ("LoadInLambda", "LoadOnFargate")]
    assert sum(loaded) == after["executions"]["started"]


def test_one_key_throttles_and_64_do_not() -> None:
    """Before, one key and its index take all writes of a programme; after, its shards share them."""
    before, after = (
        settled("before", *NARROW),
        settled("after", *NARROW, "cloud.tables.transactions.provisioned.wcu=400"),
    )
    hottest = before["tables"]["transactions"]["hottest_keys"][0]
    assert hottest["key"] == "PRG00000#2026-01-04"
    assert before["tables"]["transactions"]["hottest_share"] > 0.6
    assert before["tables"]["transactions"]["throttled_writes"] > after["tables"]["transactions"]["throttled_writes"]
    assert after["tables"]["transactions"]["hottest_share"] < 0.05
    assert "check checks:totals_are_true" not in broken(after)


def test_more_shards_throttle_less_and_are_read_more() -> None:
    """The trade of sharding: each roll-up queries every shard."""
    throttled, queries = [], []
    for shards in (1, 8, 64):
        report = settled(
            "after",
            *NARROW,
            "cloud.tables.transactions.provisioned.wcu=400",
            f'functions.StartSettlement.env.SHARDS="{shards}"',
        )
        assert "check checks:totals_are_true" not in broken(report)
        throttled.append(report["tables"]["transactions"]["throttled_writes"])
        queries.append(report["calls"]["dynamodb.Query"]["count"])
    assert throttled[0] > throttled[1] > throttled[2]
    assert queries == [files * shards for files, shards in zip([queries[0]] * 3, (1, 8, 64), strict=True)]


@pytest.mark.parametrize(
    "fault",
    [
        "{call: dynamodb.BatchWriteItem, partial: 0.4, probability: 0.5}",
        "{function: LoadShards, crash: after, probability: 0.1}",
        "{function: RollUp, duplicate: true, probability: 0.5}",
        "{function: StartSettlement, crash: before, probability: 0.2}",
        "{service: dynamodb, from: 20s, to: 40s}",
    ],
)
def test_whatever_goes_wrong_the_totals_are_true(fault: str) -> None:
    """Unprocessed items, crashes after the effect, second invocations, an outage of the table."""
    report = settled("after", f"faults=[{fault}]")
    assert report["faults"][0]["struck"] > 0
    assert broken(report) == []
