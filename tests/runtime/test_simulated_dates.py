"""Dates that the account gives in a simulation: all of them are virtual time's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

_STATES = {
    "Wait": {"Type": "Wait", "Seconds": 100, "Next": "Put"},
    "Put": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Parameters": {"Bucket": "inbox", "Key": "z", "Body": "late"},
        "Next": "List",
    },
    "List": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Parameters": {"Bucket": "inbox"},
        "ResultSelector": {"dates.$": "$.Contents[*].LastModified"},
        "Next": "Look",
    },
    "Look": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:describeTable",
        "Parameters": {"TableName": "things"},
        "ResultSelector": {"made.$": "$.Table.CreationDateTime"},
        "ResultPath": "$.table",
        "End": True,
    },
}

_CODE = """
import boto3


def handler(event, context):
    queues, objects = boto3.client("sqs"), boto3.client("s3")
    url = queues.get_queue_url(QueueName="work")["QueueUrl"]
    made = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["CreatedTimestamp"]
    return {"queue": float(made), "object": str(objects.head_object(Bucket="inbox", Key="a/0")["LastModified"])}
"""


def _output(folder: Path, states: dict[str, Any], functions: str = "") -> Any:
    (folder / "m.asl.json").write_text(json.dumps({"StartAt": next(iter(states)), "States": states}))
    (folder / "s.yaml").write_text(
        "definition: m.asl.json\nstart: 2026-01-05T02:00:00Z\nlatency: none\n"
        "cloud:\n"
        "  buckets: {inbox: {generate: {count: 1, key: 'a/{n}', size: 3}}}\n"
        "  tables: {things: {partition_key: pk}}\n"
        f"  queues: {{work: {{}}}}\n{functions}"
    )
    return simulate(load_scenario(folder / "s.yaml"))["execution"]["output"]


def test_objects_and_tables_are_as_old_as_the_run(tmp_path: Path) -> None:
    """What is there at first was made when the virtual clock began, what is put later when it was put."""
    output = _output(tmp_path, _STATES)

    assert output["dates"] == ["2026-01-05T02:00:00.000Z", "2026-01-05T02:01:40.000Z"]
    assert output["table"] == {"made": "2026-01-05T02:00:00.000Z"}


def test_code_is_told_the_same_dates(tmp_path: Path) -> None:
    """A handler sees the dates of the virtual clock's beginning, and none of the machine's own."""
    (tmp_path / "code.py").write_text(_CODE)
    task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Look", "End": True}

    output = _output(tmp_path, {"Look": task}, "functions: {Look: {handler: 'code:handler'}}\n")

    assert output == {"queue": 1767578400.0, "object": "2026-01-05 02:00:00+00:00"}
