"""Invoke as code of functions makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

_CALLER = """
import json
import time

import boto3


def handler(event, context):
    client = boto3.client("lambda")
    began = time.time()
    told = {}
    for kind in event["kinds"]:
        try:
            answer = client.invoke(FunctionName=event["name"], InvocationType=kind, Payload=json.dumps({"kind": kind}))
        except client.exceptions.ClientError as error:
            told[kind] = error.response["Error"]["Code"]
        else:
            told[kind] = [answer["StatusCode"], answer.get("FunctionError"), answer["Payload"].read().decode()]
    return {"told": told, "took_s": time.time() - began}


def callee(event, context):
    time.sleep(2)
    if event.get("kind") == "Event":
        raise ValueError("in vain")
    return {"echoed": event}
"""


def _report(folder: Path, name: str, kinds: list[str], extra: str = "") -> dict[str, Any]:
    (folder / "code.py").write_text(_CALLER)
    (folder / "m.asl.json").write_text(
        '{"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",'
        ' "End": true, "Parameters": {"FunctionName": "Caller", "Payload.$": "$"}, "OutputPath": "$.Payload"}}}'
    )
    (folder / "s.yaml").write_text(
        "definition: m.asl.json\n"
        f"input: {{name: {name}, kinds: [{', '.join(kinds)}]}}\n"
        "latency: none\n"
        "cloud: {queues: {dead: {}}}\n"
        "functions:\n"
        "  Caller: {handler: 'code:handler', timeout_s: 30}\n"
        f"  Callee: {{handler: 'code:callee', timeout_s: 30, dlq: dead}}\n{extra}"
    )
    return simulate(load_scenario(folder / "s.yaml"))


def test_a_handler_waits_in_virtual_time_for_the_function_that_it_invokes(tmp_path: Path) -> None:
    """Invoke runs the scenario's function, counts it, and answers with what it returned."""
    report = _report(tmp_path, "Callee", ["RequestResponse"])

    output = report["execution"]["output"]
    assert output["told"] == {"RequestResponse": [200, None, '{"echoed": {"kind": "RequestResponse"}}']}
    assert output["took_s"] == 2
    assert report["functions"]["Callee"]["invocations"] == 1
    assert report["calls"]["lambda.Invoke"]["count"] == 1


def test_an_event_that_a_handler_sends_is_accepted_at_once(tmp_path: Path) -> None:
    """Nobody waits for an event; a dry run runs nothing."""
    report = _report(tmp_path, "Callee", ["Event", "DryRun"])

    assert report["execution"]["output"] == {"told": {"Event": [202, None, ""], "DryRun": [204, None, ""]}, "took_s": 0}


def test_a_function_that_nobody_made_cannot_be_invoked_by_code(tmp_path: Path) -> None:
    """What moto would echo is refused as Lambda refuses it."""
    report = _report(tmp_path, "Nobody", ["RequestResponse", "Event", "DryRun"])

    assert set(report["execution"]["output"]["told"].values()) == {"ResourceNotFoundException"}


def test_faults_strike_what_a_handler_invokes(tmp_path: Path) -> None:
    """A throttled Invoke meets botocore's own retries."""
    report = _report(
        tmp_path,
        "Callee",
        ["RequestResponse"],
        "faults: [{function: Callee, error: TooManyRequestsException, to: 1ms}]\n",
    )

    assert report["execution"]["output"]["told"]["RequestResponse"][0] == 200
    assert report["functions"]["Callee"]["throttles"] == 1
    assert report["calls"]["lambda.Invoke"] == {"count": 2, "throttled": 1, "faults": 0}
