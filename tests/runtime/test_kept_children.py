"""``keep_children`` in a scenario: what can be asked of a map run's children, and what is saved of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime import runner
from stepsim.runtime.scenario import load_scenario

SCENARIO = """
definition: machine.asl.json
input: {count: 40}
cloud: {buckets: {out: {}}}
functions:
  work: {handler: "code:work", duration: 1s}
  ask: {handler: "code:ask", timeout_s: 60}
"""

CODE = """
import boto3

def work(event, context):
    if event % 4 == 1:
        raise ValueError(f"{event} is odd")
    return event

def ask(event, context):
    client = boto3.client("stepfunctions")
    listed = {}
    for status in ("SUCCEEDED", "FAILED", "PENDING_REDRIVE"):
        found = client.list_executions(mapRunArn=event["MapRunArn"], statusFilter=status)["executions"]
        listed[status] = len(found)
        if status == "FAILED":
            arn = found[0]["executionArn"]
            listed["error"] = client.describe_execution(executionArn=arn)["error"]
            events = client.get_execution_history(executionArn=arn)["events"]
            listed["types"] = [one["type"] for one in events]
    return listed
"""


def machine() -> dict[str, Any]:
    def task(name: str) -> dict[str, Any]:
        return {"Type": "Task", "Resource": f"arn:aws:lambda:us-east-1:123456789012:function:{name}"}

    items = {
        "Type": "Pass",
        "Parameters": {"items.$": "States.ArrayRange(0, 39, 1)"},
        "Next": "M",
    }
    mapped = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "Label": "all",
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "W",
            "States": {"W": {**task("work"), "End": True}},
        },
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out"}},
        "Next": "Ask",
    }
    return {"StartAt": "I", "States": {"I": items, "M": mapped, "Ask": {**task("ask"), "End": True}}}


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Any]:
    """Writes and loads the scenario, changed by these."""
    (tmp_path / "machine.asl.json").write_text(json.dumps(machine()))
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    return lambda *sets: load_scenario(tmp_path / "scenario.yaml", sets)


TYPES = (
    "ExecutionStarted",
    "TaskStateEntered",
    "LambdaFunctionScheduled",
    "LambdaFunctionStarted",
    "LambdaFunctionFailed",
    "ExecutionFailed",
)
ASKED = {
    "SUCCEEDED": 30,
    "FAILED": 10,
    "PENDING_REDRIVE": 0,
    "error": "ValueError",
    "types": list(TYPES),
}


@pytest.mark.parametrize(("keep", "succeeded"), [("all", 30), ("failed", 0)])
def test_kept_children_are_listed_and_described(scenario: Any, tmp_path: Path, keep: str, succeeded: int) -> None:
    """Code asks for them as on AWS, and a folder for what is left gets those that failed, with their events."""
    report = runner.simulate(scenario(f"keep_children={keep}"), runner.Watch(save=tmp_path / "saved"))
    assert report["execution"]["output"] == {**ASKED, "SUCCEEDED": succeeded}, report["execution"]
    assert report["map_runs"]["M"]["itemCounts"]["failed"] == 10
    saved = [json.loads(file.read_text()) for file in (tmp_path / "saved/children").glob("all-*/*.json")]
    assert sorted(child["input"] for child in saved) == list(range(1, 40, 4))
    assert {child["error"] for child in saved} == {"ValueError"}
    assert {tuple(event["type"] for event in child["events"]) for child in saved} == {TYPES}


def test_by_default_no_child_is_kept(scenario: Any, tmp_path: Path) -> None:
    """The report is the same, and nobody can ask for the map run."""
    kept = runner.simulate(scenario("keep_children=all"))
    plain = runner.simulate(scenario(), runner.Watch(save=tmp_path / "saved"))
    assert plain["execution"]["status"] == "FAILED"
    assert "ResourceNotFound" in plain["execution"]["error"]
    assert not (tmp_path / "saved/children").exists()
    assert plain["map_runs"] == kept["map_runs"]


LISTED = """
definition: listed.asl.json
keep_children: failed
cloud: {buckets: {photos: {generate: {count: 2, key: "{n}.jpg", size: 9}}}}
"""


def test_children_are_saved_whatever_their_items_hold(tmp_path: Path) -> None:
    """A listed object's LastModified is a number of its own kind, and a cause may hold half a character."""
    cause = "half a character: " + chr(0xD800)
    mapped = {
        "Type": "Map",
        "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "photos"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "F",
            "States": {"F": {"Type": "Fail", "Error": "E", "Cause": cause}},
        },
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fail"}],
        "End": True,
    }
    states = {"Each": mapped, "Fail": {"Type": "Fail", "Error": "E", "Cause": cause}}
    (tmp_path / "listed.asl.json").write_text(json.dumps({"StartAt": "Each", "States": states}))
    (tmp_path / "listed.yaml").write_text(LISTED)
    runner.simulate(load_scenario(tmp_path / "listed.yaml"), runner.Watch(save=tmp_path / "saved"))
    children = [json.loads(file.read_text()) for file in (tmp_path / "saved/children").glob("*/*.json")]
    assert {(child["input"]["Size"], child["cause"]) for child in children} == {(9, cause)}
    assert json.loads((tmp_path / "saved/history.json").read_text())["events"][-1]["executionFailedEventDetails"] == {
        "error": "E",
        "cause": cause,
    }
