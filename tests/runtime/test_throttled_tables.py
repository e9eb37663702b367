"""Whole simulations on tables that are too small: what is throttled, who tries again, and what is billed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stepsim.runtime import runner
from stepsim.runtime.scenario import load_scenario

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:Write"
CODE = """
import zlib
import boto3

rows = boto3.client("dynamodb", "us-east-1")


def handler(event, context):
    for n in range(event["count"]):
        transaction = f"{event['item']}-{n}"
        shard = zlib.crc32(transaction.encode()) % event["shards"]
        item = {"pk": {"S": f"P1#2026-01-05#{shard}"}, "sk": {"S": transaction}, "status": {"S": "OPEN"}}
        rows.put_item(TableName="rows", Item=item)
    return {}
"""

Simulate: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """Has 15 invocations at a time, of 50, write 60 items each, on so many shards of one partition key."""

    def simulated(shards: int, table: dict[str, Any], **keys: Any) -> dict[str, Any]:
        selector = {"item.$": "$$.Map.Item.Value", "count": 60, "shards": shards}
        each = {
            "Type": "Map",
            "End": True,
            "MaxConcurrency": 15,
            "ItemSelector": selector,
            "ItemProcessor": {
                "StartAt": "Write",
                "States": {"Write": {"Type": "Task", "Resource": FUNCTION, "End": True}},
            },
            "ResultPath": None,
        }
        (tmp_path / "write.py").write_text(CODE)
        (tmp_path / "machine.asl.json").write_text(json.dumps({"StartAt": "Each", "States": {"Each": each}}))
        scenario = {
            "definition": "machine.asl.json",
            "input": list(range(50)),
            "cloud": {"tables": {"rows": {"partition_key": "pk", "sort_key": "sk", **table}}},
            "functions": {"Write": {"handler": "write:handler", "timeout_s": 900}},
            **keys,
        }
        (tmp_path / "scenario.yaml").write_text(json.dumps(scenario))
        return runner.simulate(load_scenario(tmp_path / "scenario.yaml"))

    return simulated


SMALL = {"dynamodb_partition_wcu": 300, "dynamodb_initial_wcu": 4_800}
"""Sixteen partitions, of which one takes a fraction of what is written."""


def test_a_hot_key_is_throttled_and_shards_mend_it(simulate: Simulate) -> None:
    """botocore tries again, in virtual time, until all is written; spread over 64 keys it takes a fifth of the time."""
    hot, spread = (simulate(shards, {}, quotas=SMALL) for shards in (1, 64))
    assert hot["execution"]["status"] == spread["execution"]["status"] == "SUCCEEDED"
    rows = hot["tables"]["rows"]
    assert rows["consumed_wcu"] == spread["tables"]["rows"]["consumed_wcu"] == 3_000
    assert rows["throttles"] == {"TableWriteKeyRangeThroughputExceeded": rows["throttled_writes"]}
    assert rows["throttled_writes"] == hot["calls"]["dynamodb.PutItem"]["throttled"] > 100
    assert rows["hottest_keys"] == [{"key": "P1#2026-01-05#0", "share": 1.0, "throttles": rows["throttled_writes"]}]
    assert hot["makespan_s"] > (3_000 - 300) / 300
    assert spread["tables"]["rows"]["throttled_writes"] == 0
    assert spread["makespan_s"] < hot["makespan_s"] / 4


def test_an_index_of_few_keys_undoes_the_shards(simulate: Simulate) -> None:
    """All are OPEN: the index takes them one partition's worth at a time, and the table with it."""
    gsis = {"by_status": {"partition_key": "status"}}
    report = simulate(64, {"gsis": gsis}, quotas=SMALL)
    rows = report["tables"]["rows"]
    assert report["execution"]["status"] == "SUCCEEDED"
    assert rows["throttles"]["IndexWriteKeyRangeThroughputExceeded"] > 100
    assert rows["indexes"]["by_status"]["consumed_wcu"] == 3_000
    assert report["makespan_s"] > (3_000 - 300) / 300


def test_a_partition_that_stays_hot_is_split(simulate: Simulate) -> None:
    """Between sort keys, too, as they come in any order: it goes faster then."""
    quotas = {**SMALL, "dynamodb_split_after": "1s"}
    report = simulate(1, {}, quotas=quotas)
    rows = report["tables"]["rows"]
    assert rows["splits"] >= 1
    assert rows["partitions"] == 16 + rows["splits"]
    assert report["makespan_s"] < simulate(1, {}, quotas=SMALL)["makespan_s"]


def test_provisioned_units_are_billed_by_the_hour(simulate: Simulate) -> None:
    """For the time of the run, the table's and the index's; and they throttle with an error of their own."""
    table = {"provisioned": {"wcu": 300, "rcu": 100}, "gsis": {"by_status": {"partition_key": "status"}}}
    report = simulate(64, table, quotas={"dynamodb_burst": 0})
    rows = report["tables"]["rows"]
    assert set(rows["throttles"]) == {
        "IndexWriteProvisionedThroughputExceeded",
        "TableWriteProvisionedThroughputExceeded",
    }
    hours = report["makespan_s"] / 3600
    lines = report["cost"]["lines"]
    assert lines["dynamodb.wcu_hour"]["quantity"] == round(600 * hours, 6)
    assert lines["dynamodb.rcu_hour"]["quantity"] == round(200 * hours, 6)
    assert "dynamodb.write_unit" not in lines


def test_the_same_seed_throttles_the_same(simulate: Simulate) -> None:
    """To the last retry."""
    first, second = (simulate(2, {}, quotas=SMALL, seed=7) for _ in range(2))
    assert first["tables"] == second["tables"]
    assert first["makespan_s"] == second["makespan_s"]


def test_a_task_s_own_call_meets_the_machine_s_retrier(tmp_path: Path) -> None:
    """Under the name that Step Functions gives the error."""
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Parameters": {"TableName": "rows", "Item": {"pk": {"S": "hot"}, "n": {"S.$": "States.Format('{}', $)"}}},
        "Retry": [
            {"ErrorEquals": ["DynamoDB.ProvisionedThroughputExceededException"], "IntervalSeconds": 1, "BackoffRate": 1}
        ],
        "End": True,
    }
    each = {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "Put", "States": {"Put": put}}}
    (tmp_path / "machine.asl.json").write_text(json.dumps({"StartAt": "Each", "States": {"Each": each}}))
    scenario = {
        "definition": "machine.asl.json",
        "input": list(range(6)),
        "latency": "none",
        "quotas": {"dynamodb_burst": 0},
        "cloud": {"tables": {"rows": {"partition_key": "pk", "billing": {"provisioned": {"wcu": 2, "rcu": 1}}}}},
    }
    (tmp_path / "scenario.yaml").write_text(json.dumps(scenario))
    report = runner.simulate(load_scenario(tmp_path / "scenario.yaml"))
    assert report["execution"]["status"] == "SUCCEEDED"
    assert report["states"]["Put"]["retries"] == {"DynamoDB.ProvisionedThroughputExceededException": 4 + 2}
    assert report["makespan_s"] == 2
