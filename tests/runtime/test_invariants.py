"""Checks in Python among a scenario's expectations, and faults whose effects only they can see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime import runner
from stepsim.runtime.report import holds
from stepsim.runtime.scenario import ScenarioError, load_scenario

MACHINE = {
    "StartAt": "Count",
    "States": {
        "Count": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Count",
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}],
            "End": True,
        }
    },
}
CODE = """
import boto3
table = boto3.resource("dynamodb").Table("totals")
def handler(event, context):
    table.update_item(
        Key={"pk": event["day"]}, UpdateExpression="ADD n :one, halves :half",
        ExpressionAttributeValues={":one": 1, ":half": __import__("decimal").Decimal("0.5")},
    )
    boto3.client("s3").put_object(Bucket="reports", Key="day/" + event["day"], Body=b"done")
    boto3.client("sqs").send_message(QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/told", MessageBody="m")
    return event
"""
CHECKS = """
def counted_once(outcome):
    [item] = outcome.tables["totals"]
    assert item["n"] == 1, f"{item['pk']} was counted {item['n']} times"
def everything_is_seen(outcome):
    assert outcome.tables["totals"] == [{"pk": "monday", "n": 1, "halves": __import__("decimal").Decimal("0.5")}]
    assert dict(outcome.buckets["reports"]) == {"day/monday": b"done"}
    assert outcome.queues["told"] == ["m"]
    assert (list(outcome.tables), len(outcome.buckets["reports"])) == (["totals"], 1)
    return outcome.report["execution"]["status"] == "SUCCEEDED"
def says_no(outcome):
    return False
def says_why(outcome):
    return "two files are missing"
def asserts(outcome):
    assert len(outcome.queues["told"]) == 2
def raises(outcome):
    return outcome.tables["total"]
def returns_a_list(outcome):
    return []
"""
SCENARIO = """
definition: machine.json
input: {day: monday}
latency: none
cloud:
  tables: {totals: {partition_key: pk}}
  buckets: {reports: {}}
  queues: {told: {}}
functions:
  Count: {handler: "code:handler", timeout_s: 30}
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Any]:
    """Loads the scenario with further lines."""

    def load(lines: str) -> Any:
        (tmp_path / "machine.json").write_text(json.dumps(MACHINE))
        (tmp_path / "code.py").write_text(CODE)
        (tmp_path / "checks.py").write_text(CHECKS)
        (tmp_path / "scenario.yaml").write_text(SCENARIO + lines)
        return load_scenario(tmp_path / "scenario.yaml")

    return load


@pytest.mark.parametrize("verb", [runner.simulate, runner.run])
def test_a_check_sees_what_the_run_has_left(load: Any, verb: Any) -> None:
    """Tables as plain values, objects and messages, on either clock."""
    report = verb(load("expect: [status == SUCCEEDED, {check: 'checks:everything_is_seen'}]"))
    told = [{"text": "check checks:everything_is_seen", "holds": True, "actual": True}]
    assert report["expectations"][1:] == told
    assert holds(report)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("says_no", "it returned False"),
        ("says_why", "two files are missing"),
        ("asserts", 'assert len(outcome.queues["told"]) == 2 (checks.py:16)'),
        (
            "raises",
            "FILE:12: the check itself raised KeyError: \"there is no table 'total', only totals\" (checks.py:18)",
        ),
        ("returns_a_list", "FILE:12: the check itself returned list; None, True, False or a text is expected"),
    ],
)
def test_a_check_that_does_not_hold_says_why(load: Any, tmp_path: Path, function: str, message: str) -> None:
    """Its own words, the assertion that failed, or its own mistake with the scenario's line."""
    report = runner.simulate(load(f"expect:\n  - check: 'checks:{function}'\n"))
    [verdict] = report["expectations"]
    assert verdict["message"] == message.replace("FILE", str(tmp_path / "scenario.yaml"))
    assert not verdict["holds"]
    assert not holds(report)


def test_a_check_that_is_not_there_is_refused_before_anything_runs(load: Any) -> None:
    """A missing file is a problem of the scenario, a missing function one of the run."""
    with pytest.raises(
        ScenarioError, match=r"scenario.yaml:12:5: expect\[0\].check: 'no_such_file:x': there is neither"
    ):
        load("expect:\n  - check: 'no_such_file:x'\n")
    with pytest.raises(runner.RunError, match=r"scenario.yaml:12: the check checks:x: .*no function 'x'"):
        runner.simulate(load("expect:\n  - check: 'checks:x'\n"))


@pytest.mark.parametrize(
    ("fault", "counted", "status", "errors"),
    [
        ("{function: Count, attempt: 1, crash: before}", 1, "SUCCEEDED", {"Runtime.ExitError": 1}),
        ("{function: Count, attempt: 1, crash: after}", 2, "SUCCEEDED", {"Runtime.ExitError": 1}),
        ("{function: Count, duplicate: true}", 2, "SUCCEEDED", {}),
        ("{call: dynamodb.UpdateItem, call_number: 1, crash: after}", 2, "SUCCEEDED", {}),
        ("{call: dynamodb.UpdateItem, duplicate: true}", 2, "SUCCEEDED", {}),
        ("{service: dynamodb, to: 500ms}", 1, "SUCCEEDED", {"InternalServerError": 1}),
        ("{service: lambda}", 0, "FAILED", {}),
    ],
)
def test_repeated_effects_are_found(load: Any, fault: str, counted: int, status: str, errors: dict[str, int]) -> None:
    """A crash after the work, a second delivery and a lost answer count twice what the execution calls a success."""
    report = runner.simulate(load(f"faults: [{fault}]\nexpect: [{{check: 'checks:counted_once'}}]\n"))
    [verdict] = report["expectations"]
    assert report["execution"]["status"] == status
    assert verdict["holds"] == (counted == 1)
    if counted == 2:
        assert verdict["message"] == "monday was counted 2 times"
    assert report["functions"]["Count"]["errors"] == errors
    assert report["faults"][0]["struck"] > 0
    if status == "FAILED":
        assert report["execution"]["error"] == "Lambda.ServiceException"


def test_effects_are_repeated_on_the_system_clock_too(load: Any) -> None:
    """In processes of their own, functions are struck in the same way."""
    faults = "[{call: dynamodb.UpdateItem, call_number: 1, crash: after}, {function: Count, duplicate: true}]"
    report = runner.run(load(f"faults: {faults}\nexpect: [{{check: 'checks:counted_once'}}]\n"))
    assert report["expectations"][0]["message"] == "monday was counted 4 times"


def test_the_same_seed_gives_the_same_report_with_any_fault(load: Any) -> None:
    """What faults do is drawn from names."""
    faults = (
        "[{function: Count, probability: 0.5, crash: after}, {call: s3.PutObject, probability: 0.5, duplicate: true}]"
    )
    first, second = (runner.simulate(load(f"faults: {faults}\nseed: 5\n")) for _ in range(2))
    for report in (first, second):
        del report["wall_s"], report["peak_rss_mb"]
    assert first == second
