"""A distributed Map over a CSV file on the system clock: ``real_map.py KIND COUNT [BATCH]``.

KIND is ``stepsim``, real handlers in the process pool, so many rows to a child (BATCH, 200 unless given), or ``moto``,
its own interpreter. That one has neither batches nor Express children, and runs no function without Docker: it passes
each row through a Pass state, which is the least that it can be asked. Prints one line of JSON: seconds of the run,
items a second, and of stepsim how many processors were busy, on average, and the most of memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:total"
BATCH = 200

HANDLER = '''
from datetime import datetime
from decimal import Decimal
from hashlib import sha256


def handler(event, context):
    """The totals of a batch of orders by customer and month, and a digest of the orders."""
    totals, digest = {}, sha256()
    for row in event["Items"]:
        key = row["customer"], datetime.fromisoformat(row["placed"]).month
        totals[key] = totals.get(key, 0) + int(row["quantity"]) * Decimal(row["amount"])
        digest.update(row["order"].encode())
    return {"rows": len(event["Items"]), "total": str(sum(totals.values())), "digest": digest.hexdigest()}
'''


def rows(count: int) -> Iterator[str]:
    """The file, line by line."""
    yield "order,customer,placed,quantity,amount,note\n"
    for n in range(count):
        placed = f"2026-{1 + n % 12:02d}-05T02:00:00+00:00"
        yield f"{n:09d},customer-{n % 97},{placed},{n % 17},{n % 1000}.25,note {n % 101} of the day\n"


def definition(states: dict[str, Any], kind: str, **fields: Any) -> dict[str, Any]:
    """A distributed Map over the file."""
    each = {
        "Type": "Map",
        "MaxConcurrency": 100,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "orders", "Key": "orders.csv"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": "Work",
            "States": states,
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "results", "Prefix": "out"},
        },
        "End": True,
        **fields,
    }
    return {"StartAt": "Each", "States": {"Each": each}}


def on_stepsim(count: int, batch: int) -> dict[str, float]:
    """As ``stepsim run`` would run it: the pool has a process for each processor."""
    from stepsim.runtime.runner import run
    from stepsim.runtime.scenario import load_scenario

    work = {"Work": {"Type": "Task", "Resource": FUNCTION, "End": True}}
    machine = definition(work, "EXPRESS", ItemBatcher={"MaxItemsPerBatch": batch})
    scenario = {
        "name": "orders",
        "definition": "orders.asl.json",
        "cloud": {"buckets": {"orders": {"from": "orders"}, "results": {}}},
        "functions": {"total": {"handler": "total:handler"}},
        # AWS starts 1,000 Express children a second, and so would a run: this is about what runs them.
        "quotas": "none",
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "orders").mkdir()
        with (folder / "orders" / "orders.csv").open("w") as file:
            file.writelines(rows(count))
        (folder / "total.py").write_text(HANDLER)
        (folder / "orders.asl.json").write_text(json.dumps(machine))
        (folder / "scenario.yaml").write_text(json.dumps(scenario))
        loaded = load_scenario(folder / "scenario.yaml")
        before_s = _processor_s()
        started_s = perf_counter()
        report = run(loaded)
        seconds = perf_counter() - started_s
    counts = report["map_runs"]["Each"]["itemCounts"]
    assert report["execution"]["status"] == "SUCCEEDED", report["execution"]
    assert counts["succeeded"] == counts["total"] == count, counts
    return {
        "seconds": seconds,
        "per_s": count / seconds,
        "processors": (_processor_s() - before_s) / seconds,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _processor_s() -> float:
    """What this process and those that it has seen the end of have taken of the processors."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def on_moto(count: int) -> dict[str, float]:
    """The interpreter that moto runs where it is told to execute state machines. It needs ``moto[stepfunctions]``."""
    import boto3
    from moto import mock_aws

    machine = definition({"Work": {"Type": "Pass", "End": True}}, "STANDARD")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        s3 = boto3.client("s3", "us-east-1")
        for bucket in ("orders", "results"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="orders", Key="orders.csv", Body="".join(rows(count)))
        client = boto3.client("stepfunctions", "us-east-1")
        made = client.create_state_machine(
            name="orders", definition=json.dumps(machine), roleArn="arn:aws:iam::123456789012:role/machine"
        )
        started_s = perf_counter()
        execution = client.start_execution(stateMachineArn=made["stateMachineArn"], input="{}")
        while True:
            described = client.describe_execution(executionArn=execution["executionArn"])
            if described["status"] != "RUNNING":
                break
            time.sleep(0.005)
        seconds = perf_counter() - started_s
    assert described["status"] == "SUCCEEDED", described
    return {"seconds": seconds, "per_s": count / seconds}


def main(kind: str, count: int, batch: int) -> None:
    def measure(count: int) -> dict[str, float]:
        return on_moto(count) if kind == "moto" else on_stepsim(count, batch)

    # The first execution of a process pays for its imports.
    measure(3)
    print(json.dumps(measure(count)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else BATCH)
