"""AWS calls of a handler inside a simulation, or the same calls of plain boto3 on moto: ``calls.py KIND COUNT``.

KIND is ``gate`` (nothing limits the calls), ``limits`` (models of capacity count them, far from their limits),
``latency`` (they take their time, too) or ``moto``. Each call is made COUNT times, on a bucket and a table that hold
nothing else. Prints one line of JSON: the seconds that each operation took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BODY = b"2026-01-04,125000,EUR,Ada\n" * 40


def _now_s() -> float:
    # In a handler the other clocks show virtual time; this one does not.
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _calls(s3: Any, dynamodb: Any) -> Mapping[str, Callable[[int], object]]:
    def put_item(n: int) -> object:
        item = {"pk": {"S": f"pair#{n}"}, "amount": {"N": "125000"}, "status": {"S": "MATCHED"}}
        return dynamodb.put_item(TableName="table", Item=item)

    def batch_write_item(n: int) -> object:
        items = [{"pk": {"S": f"row#{n}/{k}"}, "amount": {"N": "125000"}} for k in range(25)]
        return dynamodb.batch_write_item(RequestItems={"table": [{"PutRequest": {"Item": item}} for item in items]})

    return {
        "PutObject": lambda n: s3.put_object(Bucket="bucket", Key=f"keys/{n:06d}", Body=BODY),
        "GetObject": lambda n: s3.get_object(Bucket="bucket", Key=f"keys/{n:06d}")["Body"].read(),
        "PutItem": put_item,
        "BatchWriteItem": batch_write_item,
    }


def time_calls(count: int) -> dict[str, float]:
    """Seconds for `count` calls of each operation, whatever account the clients reach."""
    import boto3

    calls = _calls(boto3.client("s3", "us-east-1"), boto3.client("dynamodb", "us-east-1"))
    seconds = {}
    for name, call in calls.items():
        call(0)
        started_s = _now_s()
        for n in range(count):
            call(n)
        seconds[name] = _now_s() - started_s
    return seconds


def handler(event: Any, context: Any) -> dict[str, float]:
    """The Lambda function of the simulation."""
    return time_calls(event["count"])


OUT_OF_REACH = 1_000_000_000
LIMITS = dict.fromkeys(
    (
        *("s3_prefix_read_rate", "s3_prefix_write_rate", "dynamodb_partition_wcu", "dynamodb_partition_rcu"),
        *("dynamodb_table_wcu", "dynamodb_table_rcu", "dynamodb_initial_wcu", "dynamodb_initial_rcu"),
    ),
    OUT_OF_REACH,
)
KINDS: Mapping[str, Mapping[str, object]] = {
    "gate": {"latency": "none", "quotas": "none"},
    "limits": {"latency": "none", "quotas": LIMITS},
    "latency": {"quotas": LIMITS},
}


def through_the_gate(kind: str, count: int) -> dict[str, float]:
    """The calls of a handler in virtual time."""
    from stepsim.runtime.runner import simulate
    from stepsim.runtime.scenario import load_scenario

    task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Calls", "End": True}
    scenario = {
        "name": "calls",
        "definition": "calls.asl.json",
        "input": {"count": count},
        **KINDS[kind],
        "cloud": {"buckets": {"bucket": {}}, "tables": {"table": {"partition_key": "pk"}}},
        "functions": {"Calls": {"handler": "calls:handler", "timeout_s": 900}},
    }
    with TemporaryDirectory() as folder:
        (Path(folder) / "calls.py").symlink_to(Path(__file__).resolve())
        (Path(folder) / "calls.asl.json").write_text(json.dumps({"StartAt": "Calls", "States": {"Calls": task}}))
        path = Path(folder) / "scenario.yaml"
        path.write_text(json.dumps(scenario))
        report = simulate(load_scenario(path))
    assert report["execution"]["status"] == "SUCCEEDED", report["execution"]
    output: dict[str, float] = report["execution"]["output"]
    return output


def on_moto(count: int) -> dict[str, float]:
    """The calls on moto's own way."""
    import boto3
    from moto import mock_aws

    with mock_aws():
        boto3.client("s3", "us-east-1").create_bucket(Bucket="bucket")
        boto3.client("dynamodb", "us-east-1").create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        return time_calls(count)


def main(kind: str, count: int) -> None:
    print(json.dumps(on_moto(count) if kind == "moto" else through_the_gate(kind, count)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
