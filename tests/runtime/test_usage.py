"""Whole runs and their bills: what is counted, how it is rounded, who caused it, and what of it was waste."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stepsim.runtime import runner
from stepsim.runtime.scenario import ScenarioError, load_scenario

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:F"
TASK = {"Type": "Task", "Resource": FUNCTION, "End": True}
MODEL = {"F": {"returns": {}, "duration": "250ms", "memory_mb": 1024}}

Report: TypeAlias = dict[str, Any]
Simulate: TypeAlias = Callable[..., Report]


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """Simulates a machine of these states, the first one first, with these keys in its scenario."""

    def simulated(states: dict[str, Any], watch: runner.Watch = runner.NOTHING_WATCHED, **keys: Any) -> Report:
        machine = {"StartAt": next(iter(states)), "States": states}
        (tmp_path / "machine.asl.json").write_text(json.dumps(machine))
        scenario = {"definition": "machine.asl.json", "latency": "none", "functions": MODEL, **keys}
        (tmp_path / "scenario.yaml").write_text(json.dumps(scenario))
        return runner.simulate(load_scenario(tmp_path / "scenario.yaml"), watch)

    return simulated


def each(execution_type: str, work: dict[str, Any] = TASK, **fields: Any) -> dict[str, Any]:
    """A distributed Map of one Task, or whatever the work is, and a Pass after it."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
        "StartAt": "Work",
        "States": {
            "Work": {**{name: value for name, value in work.items() if name != "End"}, "Next": "Done"},
            "Done": {"Type": "Pass", "End": True},
        },
    }
    return {"Type": "Map", "End": True, "ItemProcessor": processor, **fields}


def quantities(report: Report) -> dict[str, float]:
    """The lines of the bill, without the money."""
    return {entry: line["quantity"] for entry, line in report["cost"]["lines"].items()}


def test_entries_and_retries_are_transitions(simulate: Simulate) -> None:
    """One state, entered once and retried twice, is three; the two attempts that failed are waste."""
    retried = {**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}]}
    faults = [{"function": "F", "attempt": attempt, "error": "Bad", "delay": "100ms"} for attempt in (1, 2)]
    report = simulate({"A": retried}, faults=faults)
    assert quantities(report) == {"states.transition": 3, "lambda.request": 3, "lambda.gb_second": 0.45}
    waste = report["cost"]["waste"]
    assert waste["retries_usd"] == 0.00005
    assert waste["failed_attempts_usd"] == round(2 * 0.0000002 + 0.2 * 0.0000166667, 6)


def test_standard_children_are_billed_by_their_transitions(simulate: Simulate) -> None:
    """Three items of two states and the Map itself; one child failed in its first state."""
    each_item = each("STANDARD", ToleratedFailureCount=1)
    report = simulate({"Each": each_item}, input=[1, 2, 3], faults=[{"function": "F", "item": 1, "error": "Bad"}])
    assert quantities(report)["states.transition"] == 1 + 3 + 2
    assert report["cost"]["waste"]["failed_children_usd"] == 0.000025
    assert report["cost"]["map_runs"]["Each"]["items"] == 3


def test_children_that_are_kept_cost_the_same(simulate: Simulate) -> None:
    """Whether somebody wants to look at them makes no difference."""
    faults = [{"function": "F", "item": 1, "error": "Bad", "delay": "1s"}]
    for execution_type in ("STANDARD", "EXPRESS"):
        bills = [
            simulate(
                {"Each": each(execution_type, ToleratedFailureCount=1)},
                input=[1, 2, 3],
                faults=faults,
                keep_children=kept,
            )["cost"]
            for kept in ("none", "all")
        ]
        assert bills[0] == bills[1]


def test_express_children_are_billed_by_requests_and_time(simulate: Simulate) -> None:
    """250 ms are three steps of 100 ms at 64 MB; their states are no transitions."""
    report = simulate({"Each": each("EXPRESS")}, input=list(range(10)))
    used = quantities(report)
    assert (used["states.transition"], used["states.express_request"]) == (1, 10)
    assert used["states.express_gb_second"] == 10 * 0.3 * 0.0625
    assert used["lambda.gb_second"] == 10 * 0.25
    # What the children cost stands at the Map, what their Tasks cost at the Tasks.
    by_state, of_items = report["cost"]["by_state"], report["cost"]["map_runs"]["Each"]
    assert list(by_state) == ["Each", "Work", "Done"]
    assert of_items["total_usd"] == report["cost"]["total_usd"] == pytest.approx(sum(by_state.values()), abs=2e-6)


def test_failed_express_children_are_waste(simulate: Simulate) -> None:
    """One that failed after a second is a request and ten steps."""
    faults = [{"function": "F", "item": 4, "error": "Bad", "delay": "1s"}]
    report = simulate({"Each": each("EXPRESS", ToleratedFailureCount=1)}, input=list(range(10)), faults=faults)
    expected = 0.000001 + 1.0 * 0.0625 * 0.00001667
    assert report["cost"]["waste"]["failed_children_usd"] == round(expected, 6)


def test_a_million_items_are_a_dollar_of_requests(simulate: Simulate) -> None:
    """As published: without functions and time, what is left besides requests is the least time of each."""
    report = simulate({"Each": each("EXPRESS", {"Type": "Pass"})}, input=list(range(1_000)))
    lines = report["cost"]["lines"]
    assert lines["states.express_request"]["usd"] * 1_000 == pytest.approx(1.0)
    assert lines["states.express_gb_second"]["usd"] * 1_000 == pytest.approx(0.1042, abs=1e-3)


def test_an_express_execution_is_a_request_itself(simulate: Simulate) -> None:
    """The run's own, and those that it starts; neither has transitions."""
    report = simulate({"A": TASK}, type="EXPRESS")
    assert quantities(report)["states.express_request"] == 1
    assert quantities(report)["states.express_gb_second"] == 0.3 * 0.0625
    assert "states.transition" not in quantities(report)


def test_express_executions_that_others_start_are_billed(simulate: Simulate, tmp_path: Path) -> None:
    """One request and the least time for a machine of one Pass."""
    (tmp_path / "other.asl.json").write_text('{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}')
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:other"},
        "Next": "Wait",
    }
    states = {"Start": start, "Wait": {"Type": "Wait", "Seconds": 5, "End": True}}
    report = simulate(states, machines={"other": {"definition": "other.asl.json", "type": "EXPRESS"}})
    assert quantities(report) == {
        "states.transition": 2,
        "states.express_request": 1,
        "states.express_gb_second": 0.1 * 0.0625,
    }


def test_a_short_container_is_billed_a_minute_and_no_lambda(simulate: Simulate) -> None:
    """2 GB come with a quarter of a vCPU, unless the scenario says how many there are."""
    run_task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {"Cluster": "default", "TaskDefinition": "load", "LaunchType": "FARGATE"},
        "End": True,
    }
    report = simulate({"Run": run_task}, containers={"load": {"duration": "10s"}})
    assert quantities(report)["ecs.vcpu_hour"] == round(0.25 / 60, 6)
    assert quantities(report)["ecs.gb_hour"] == round(2 / 60, 6)
    assert report["cost"]["by_service"]["lambda"] == 0
    report = simulate({"Run": run_task}, containers={"load": {"duration": "90s", "vcpu": 1}})
    assert quantities(report)["ecs.vcpu_hour"] == 0.025


def test_calls_are_billed_by_their_class(simulate: Simulate, tmp_path: Path) -> None:
    """Lists and puts at one price, gets at another, deletes at none, and what was throttled not at all."""
    (tmp_path / "code.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    s3 = boto3.client('s3')\n"
        "    s3.put_object(Bucket='things', Key='k', Body=b'x')\n"
        "    s3.list_objects_v2(Bucket='things')\n"
        "    s3.get_object(Bucket='things', Key='k')\n"
        "    s3.delete_object(Bucket='things', Key='k')\n"
        "    boto3.resource('dynamodb').Table('rows').put_item(Item={'pk': 'a', 'text': 'x' * 3000})\n"
    )
    report = simulate(
        {"A": TASK},
        functions={"F": {"handler": "code:handler", "timeout_s": 60}},
        cloud={"buckets": {"things": {}}, "tables": {"rows": {"partition_key": "pk"}}},
        faults=[{"call": "s3.GetObject", "error": "SlowDown", "to": "10ms"}],
    )
    used = quantities(report)
    assert report["calls"]["s3.GetObject"] == {"count": 2, "throttled": 1, "faults": 1}
    assert (used["s3.put_request"], used["s3.get_request"], used["dynamodb.write_unit"]) == (2, 1, 3)
    assert report["cost"]["by_state"]["A"] < report["cost"]["total_usd"]


def test_an_expectation_can_be_about_money(simulate: Simulate) -> None:
    """`cost.total_usd` is a number of the report, and so are its parts."""
    report = simulate({"A": TASK}, expect=["cost.total_usd < 12", "cost.by_service.athena == 0"])
    assert [found["holds"] for found in report["expectations"]] == [True, True]


def test_prices_can_be_set_and_switched_off(simulate: Simulate) -> None:
    """One price anew leaves the others; without prices there is no bill."""
    assert simulate({"A": TASK}, prices={"states.transition": 2})["cost"]["by_service"]["states"] == 2
    assert simulate({"A": TASK}, prices="none")["cost"] is None


def test_an_unknown_price_is_a_problem_of_the_scenario(simulate: Simulate) -> None:
    """It is named, with the one that was meant."""
    with pytest.raises(ScenarioError, match=r"lambda\.gb_seconds"):
        simulate({"A": TASK}, prices={"lambda.gb_seconds": 1})


def test_the_same_seed_gives_the_same_bill(simulate: Simulate) -> None:
    """Byte for byte, keys in their order."""
    functions = {"F": {"returns": {}, "duration": {"lognormal": {"median_ms": 200, "p99_ms": 900}}}}
    bills = [
        json.dumps(simulate({"Each": each("EXPRESS")}, input=[1, 2, 3], functions=functions)["cost"]) for _ in range(2)
    ]
    assert bills[0] == bills[1]
