"""A scenario's own latencies, in whole runs and where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import ScenarioError, load_scenario

GET = {"Bucket": "bank", "Key": "large0"}


def scenario(folder: Path, latency: Any) -> Any:
    """A machine that gets an object of 200,000 bytes."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Parameters": GET, "End": True}
    machine = {"StartAt": "Get", "States": {"Get": {**task, "OutputPath": "$.ContentLength"}}}
    (folder / "machine.json").write_text(json.dumps(machine))
    bucket = {"generate": {"count": 1, "key": "large{n}", "size": 200_000}}
    written = {"definition": "machine.json", "cloud": {"buckets": {"bank": bucket}}, "latency": latency}
    path = folder / "scenario.yaml"
    path.write_text(json.dumps(written))
    return load_scenario(path)


@pytest.mark.parametrize(
    ("latency", "seconds"),
    [
        ({"s3.GetObject": "1s", "s3.megabyte": 0}, 1.0),
        ({"s3.*": "9s", "s3.GetObject": "1s"}, 1.002),
        ({"s3.GetObject": {"empirical": ["2s"]}, "s3.megabyte": "100ms"}, 2.02),
        ({"s3.GetObject": {"uniform": {"min_ms": 500, "max_ms": 500}}}, 0.502),
        ("none", 0.0),
    ],
)
def test_calls_take_what_the_scenario_says(tmp_path: Path, latency: Any, seconds: float) -> None:
    """And what a body's size adds; the narrowest name holds."""
    report = simulate(scenario(tmp_path, latency))
    assert report["makespan_s"] == seconds


@pytest.mark.parametrize(
    ("entry", "value", "problem"),
    [
        ("athena.queu", "1s", r"latency\.\"athena\.queu\": athena has no operation 'queu' \(did you mean 'queue'\?\)"),
        ("dynamo.GetItem", "1s", r"neither a service 'dynamo' nor a latency .*did you mean 'dynamodb'"),
        ("s3.GetObject", 20, "write 20ms or 20s"),
        ("s3.GetObject", {"linear": {"base": "1s", "per_item": "1ms"}}, "an answer has no items"),
        ("s3.megabyte", {"uniform": {"min_ms": 1, "max_ms": 2}}, "s3.megabyte is a time such as 20ms"),
        ("lambda.Invoke", {"exponential": {"mean_ms": 5}}, "is a time such as 20ms or {uniform"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, entry: str, value: Any, problem: str) -> None:
    """With its place and what may have been meant."""
    with pytest.raises(ScenarioError, match=problem):
        scenario(tmp_path, {entry: value})
