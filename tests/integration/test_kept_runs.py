"""``stepsim run --keep`` and ``--redrive``: processes that are really killed, and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

PREFIX = "arn:aws:lambda:us-east-1:123456789012:function:"

HANDLERS = """
import json, os, signal, time
import boto3

HERE = os.path.dirname(__file__)
LOG = os.path.join(HERE, "log")


def note(line):
    with open(LOG, "a") as log:
        log.write(line + "\\n")


def pairs(event, context):
    note("pairs")
    return [{"n": n} for n in range(event["count"])]


def work(event, context):
    n = event["n"]
    if n in (10, 20) and not os.path.exists(os.path.join(HERE, "again")):
        hold(n)
    boto3.client("s3").put_object(Bucket="out", Key=f"pairs/{n:03d}", Body=json.dumps(event).encode())
    boto3.client("dynamodb").update_item(
        TableName="sums", Key={"pk": {"S": "all"}}, UpdateExpression="ADD n :n, pairs :one",
        ExpressionAttributeValues={":n": {"N": str(n)}, ":one": {"N": "1"}},
    )
    note(str(n))
    return n * 2


def hold(n):
    # Until everything else that may run is done and written down, and then until somebody kills us.
    if n == 20:
        while sum(1 for _ in open(LOG)) < 20:
            time.sleep(0.01)
        time.sleep(0.5)
        with open(os.path.join(HERE, "held"), "w") as held:
            held.write("now")
    signal.pause()


def total(event, context):
    item = boto3.client("dynamodb").get_item(TableName="sums", Key={"pk": {"S": "all"}})["Item"]
    objects = boto3.client("s3").list_objects_v2(Bucket="out", Prefix="pairs/")["KeyCount"]
    return {"sum": int(item["n"]["N"]), "pairs": int(item["pairs"]["N"]), "objects": objects, "map": event}
"""

SCENARIO = """
name: kept
definition: machine.asl.json
input: {count: 30}
cloud:
  buckets: {out: {}}
  tables: {sums: {partition_key: pk}}
functions:
  pairs: {handler: "handlers:pairs"}
  work: {handler: "handlers:work", timeout_s: 600}
  total: {handler: "handlers:total"}
expect:
  - status == SUCCEEDED
  - output.sum == 435
"""


def task(function: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": PREFIX + function, **(fields or {"End": True})}


def write_scenario(tmp_path: Path, kind: str) -> None:
    """A scenario whose map run comes to a stand at its 20th pair and waits to be ended; a pipe tells when."""
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "results"}}
    mapped = {
        "Type": "Map",
        "MaxConcurrency": 2,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": "Work",
            "States": {"Work": task("work")},
        },
        "ResultWriter": writer,
        "Next": "Total",
    }
    states = {"Pairs": task("pairs", Next="All"), "All": mapped, "Total": task("total")}
    (tmp_path / "machine.asl.json").write_text(json.dumps({"StartAt": "Pairs", "States": states}))
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "handlers.py").write_text(HANDLERS)
    os.mkfifo(tmp_path / "held")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from stepsim.runtime.cli import main; main()", "run", *arguments]


@pytest.mark.parametrize(("ending", "kind"), [(signal.SIGKILL, "STANDARD"), (signal.SIGINT, "EXPRESS")])
def test_a_run_that_was_ended_goes_on_where_it_stood(tmp_path: Path, ending: signal.Signals, kind: str) -> None:
    """Whatever ended it: each pair's handler succeeds once, totals are right, the manifest joins both attempts."""
    folder = tmp_path
    write_scenario(folder, kind)
    kept, scenario = str(folder / "kept"), str(folder / "scenario.yaml")
    process = subprocess.Popen(
        command(scenario, "--keep", kept, "--processes", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with (folder / "held").open() as held:
        assert held.read() == "now", process.communicate(timeout=30)
    process.send_signal(ending)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (1 if ending == signal.SIGINT else -signal.SIGKILL), errors
    assert "Traceback" not in errors

    (folder / "again").touch()
    report_file, saved = folder / "report.json", folder / "saved"
    again = subprocess.run(
        command("--redrive", kept, "--json", str(report_file), "--save", str(saved), "--processes", "2"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    report = json.loads(report_file.read_text())
    log = Counter((folder / "log").read_text().split())
    assert log == {"pairs": 1, **{str(n): 1 for n in range(30)}}
    output = report["execution"]["output"]
    assert {name: output[name] for name in ("sum", "pairs", "objects")} == {"sum": 435, "pairs": 30, "objects": 30}
    assert report["map_runs"]["All"]["itemCounts"]["succeeded"] == 30

    types = [event["type"] for event in json.loads((saved / "history.json").read_text())["events"]]
    assert types.count("ExecutionRedriven") == types.count("MapRunRedriven") == types.count("MapRunStarted") == 1
    assert types.count("MapStateEntered") == 1
    manifest_key = output["map"]["ResultWriterDetails"]["Key"]
    manifest = json.loads((saved / "buckets" / "out" / manifest_key).read_text())
    files = manifest["ResultFiles"]
    assert "Redrive-1" in manifest_key
    assert (files["FAILED"], files["PENDING"]) == ([], [])
    records = [json.loads((saved / "buckets" / "out" / one["Key"]).read_text()) for one in files["SUCCEEDED"]]
    assert [len(file) for file in records] == [19, 11]
    assert sorted(int(record["Output"]) for file in records for record in file) == [2 * n for n in range(30)]

    once_more = subprocess.run(command("--redrive", kept), capture_output=True, text=True, timeout=60, check=False)
    assert once_more.returncode == 2
    assert "Execution is SUCCEEDED and cannot be redriven" in once_more.stderr
