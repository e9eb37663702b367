"""The order workflow's test cases: which way each takes, by the events of its history."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime import local_aws
from stepsim.runtime.mocks.reading import find_case, load_mocks
from stepsim.runtime.report import holds
from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

FOLDER = Path(__file__).parents[3] / "scenarios" / "order_mocks"
CASES = {
    # name: how it ends, and how often each state is tried
    "HappyPath": ("SUCCEEDED", None, {"ReserveLine": 2, "ChargeCard": 1, "Ship": 1, "RecordOrder": 1}),
    "RetryPath": ("SUCCEEDED", None, {"ReserveLine": 2, "ChargeCard": 4, "Ship": 1, "RecordOrder": 1}),
    "PaymentDeclined": ("FAILED", "PaymentDeclined", {"ReserveLine": 2, "ChargeCard": 1}),
    "SoldOut": ("FAILED", "DynamoDB.ConditionalCheckFailedException", {"ReserveLine": 2}),
    "NotShipped": ("FAILED", "Damaged", {"ReserveLine": 2, "ChargeCard": 1, "Ship": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_each_case_takes_its_way(name: str) -> None:
    """And uses all its mocks."""
    status, error, answered = CASES[name]
    scenario = load_scenario(FOLDER / "scenario.yaml", [f"mocks.test_case={name}"])
    report = simulate(scenario)
    execution = report["execution"]
    assert (execution["status"], execution["error"], report["mocks"]["answered"]) == (status, error, answered)
    assert (report["mocks"]["unused"], report["mocks"]["warnings"]) == ([], [])


def test_the_cases_are_those_of_the_file() -> None:
    """None is forgotten here."""
    assert list(load_mocks(FOLDER / "MockConfigFile.json").cases["order"]) == list(CASES)


def test_a_warehouse_that_takes_a_day_is_waited_for() -> None:
    """It is kept alive by its heartbeats; one that is silent is not."""
    scenario = load_scenario(FOLDER / "warehouse.yaml")
    assert holds(simulate(scenario))
    silent = load_scenario(FOLDER / "warehouse.yaml", ["mocks.states.Ship.0.heartbeat_every=9h"])
    report = simulate(replace(silent, expect=()))
    assert (report["execution"]["error"], report["states"]["Ship"]["caught"]) == (
        "States.Timeout",
        {"States.Timeout": 1},
    )


def test_the_same_file_serves_boto3() -> None:
    """As the README shows it."""
    with local_aws(mock_config=FOLDER / "MockConfigFile.json") as aws:
        client: Any = aws.client("stepfunctions")
        made = client.create_state_machine(
            name="order",
            definition=(FOLDER / "order.asl.json").read_text(),
            roleArn="arn:aws:iam::123456789012:role/test",
        )
        order = {"id": "o-1", "lines": [{"sku": "tea", "quantity": 2}]}
        started = client.start_execution(
            stateMachineArn=f"{made['stateMachineArn']}#HappyPath", input=json.dumps(order)
        )
        events = client.get_execution_history(executionArn=started["executionArn"])["events"]
        case = find_case(load_mocks(FOLDER / "MockConfigFile.json"), "order", "HappyPath")
        entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["ReserveLines", *case.states]
