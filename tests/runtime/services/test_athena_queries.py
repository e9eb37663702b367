"""Athena's queries in simulations: they take time, scan data, and may be too many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

START = "arn:aws:states:::athena:startQueryExecution"
PARAMETERS = {
    "QueryString": "SELECT 1",
    "WorkGroup": "primary",
    "ResultConfiguration": {"OutputLocation": "s3://results/"},
}


def simulated(folder: Path, machine: Any, **keys: Any) -> Any:
    """The report of a machine, with a bucket for results."""
    (folder / "machine.json").write_text(json.dumps(machine))
    scenario = {"definition": "machine.json", "cloud": {"buckets": {"results": {}}}, "latency": "none", **keys}
    (folder / "scenario.yaml").write_text(json.dumps(scenario))
    return simulate(load_scenario(folder / "scenario.yaml"))


def task(pattern: str = ".sync", **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": START + pattern, "Parameters": PARAMETERS, "End": True, **fields}


def test_a_modelled_query_takes_its_time_and_is_billed(tmp_path: Path) -> None:
    """For what it scans; its description tells both."""
    machine = {"StartAt": "Ask", "States": {"Ask": task()}}
    model = {"query": "select*", "duration": "40s", "scanned_bytes": 1024**4}
    report = simulated(tmp_path, machine, athena=[model])
    assert report["makespan_s"] == 40
    statistics = report["execution"]["output"]["QueryExecution"]["Statistics"]
    assert (statistics["EngineExecutionTimeInMillis"], statistics["DataScannedInBytes"]) == (40_000, 1024**4)
    assert report["cost"]["by_service"]["athena"] == 5.0


def test_too_many_queries_are_refused(tmp_path: Path) -> None:
    """By the error that a Retry may name; whoever comes when one has ended, is served."""
    retry = [{"ErrorEquals": ["Athena.TooManyRequestsException"], "IntervalSeconds": 30, "MaxAttempts": 2}]
    each = {"StartAt": "Ask", "States": {"Ask": task("", Retry=retry)}}
    machine = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": each, "End": True}}}
    keys: Any = {"input": [1, 2, 3], "quotas": {"athena_active_queries": 2}, "athena": [{"duration": "20s"}]}
    report = simulated(tmp_path, machine, **keys)
    assert (report["execution"]["status"], report["makespan_s"]) == ("SUCCEEDED", 30)
    assert report["calls"]["athena.StartQueryExecution"] == {"count": 4, "throttled": 1, "faults": 0}
    assert report["cost"]["lines"]["athena.tb"]["quantity"] == round(3 * 10 / 1024**2, 6)


def test_queries_are_looked_at_and_stopped(tmp_path: Path) -> None:
    """A query that runs has no results yet; one that was cancelled never will."""
    sdk = "arn:aws:states:::aws-sdk:athena:"
    one: Any = {"Type": "Task", "Parameters": {"QueryExecutionId.$": "$.QueryExecutionId"}}
    failed = [{"ErrorEquals": ["Athena.InvalidRequestException"], "ResultPath": "$.failed", "Next": "Stop"}]
    states = {
        "Ask": {**task("", Next="Results")},
        "Results": {**one, "Resource": sdk + "getQueryResults", "Catch": failed, "End": True},
        "Stop": {**one, "Resource": sdk + "stopQueryExecution", "ResultPath": None, "Next": "Look"},
        "Look": {**one, "Resource": sdk + "getQueryExecution", "ResultPath": "$.look", "End": True},
    }
    del states["Ask"]["End"]
    report = simulated(tmp_path, {"StartAt": "Ask", "States": states}, athena=[{"duration": "20s"}])
    output = report["execution"]["output"]
    assert "Query has not yet finished. Current state: RUNNING" in output["failed"]["Cause"]
    assert output["look"]["QueryExecution"]["Status"]["State"] == "CANCELLED"
