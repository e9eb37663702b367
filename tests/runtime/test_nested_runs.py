"""Scenarios of several machines: each may start the others, on either clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.errors import DefinitionError
from stepsim.asl.payload import encode
from stepsim.runtime import runner
from stepsim.runtime.scenario import ScenarioError, load_scenario

PREFIX = "arn:aws:states:us-east-1:123456789012"

VERBS = pytest.mark.parametrize("verb", [runner.simulate, runner.run])


def start(pattern: str, machine: str, **fields: Any) -> dict[str, Any]:
    """A Task that starts a machine's execution."""
    parameters = {"StateMachineArn": f"{PREFIX}:stateMachine:{machine}", "Input.$": "$", **fields}
    return {
        "StartAt": "Start",
        "States": {
            "Start": {
                "Type": "Task",
                "Resource": f"arn:aws:states:::states:startExecution{pattern}",
                "Parameters": parameters,
                "End": True,
            }
        },
    }


DOUBLE = {
    "StartAt": "Double",
    "States": {"Double": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, $.n)"}, "End": True}},
}


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Any]:
    """Writes definitions, the first of them the scenario's own, and loads a scenario of them."""

    def load(own: Any, text: str = "", **machines: Any) -> Any:
        for name, definition in {"main": own, **machines}.items():
            (tmp_path / f"{name}.asl.json").write_text(encode(definition))
        named = encode({name: {"definition": f"{name}.asl.json"} for name in machines})
        (tmp_path / "outer.yaml").write_text(
            f"definition: main.asl.json\ninput: {{n: 4}}\nmachines: {named}\nlatency: none\n{text}"
        )
        return load_scenario(tmp_path / "outer.yaml")

    return load


@VERBS
def test_a_machine_starts_another_and_gets_its_output(scenario: Any, verb: Any) -> None:
    """The states of both are counted."""
    report = verb(scenario(start(".sync:2", "double"), double=DOUBLE))
    assert report["execution"]["output"]["Output"] == {"n": 8}
    assert {name: state["entered"] for name, state in report["states"].items()} == {"Start": 1, "Double": 1}


def test_executions_nest_as_deep_as_one_likes(scenario: Any) -> None:
    """A child may be a parent."""
    report = runner.simulate(scenario(start(".sync:2", "middle"), middle=start(".sync:2", "double"), double=DOUBLE))
    assert report["execution"]["output"]["Output"]["Output"] == {"n": 8}


def test_the_scenarios_own_machine_can_be_started_too(scenario: Any) -> None:
    """It stands in the account under the scenario's name."""
    again = start(".sync:2", "outer")
    again["StartAt"] = "Last"
    again["States"]["Last"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericEquals": 4, "Next": "Start"}],
        "Default": "Stop",
    }
    again["States"]["Stop"] = {"Type": "Succeed"}
    del again["States"]["Start"]["Parameters"]["Input.$"]
    again["States"]["Start"]["Parameters"]["Input"] = {"n": 0}
    report = runner.simulate(scenario(again))
    assert report["execution"]["output"]["Output"] == {"n": 0}
    assert report["states"]["Last"]["entered"] == 2


def test_a_call_of_step_functions_is_counted_and_struck_by_faults(scenario: Any) -> None:
    """As any call of AWS."""
    text = "faults: [{call: stepfunctions.StartExecution, error: ThrottlingException, status: 400}]"
    report = runner.simulate(scenario(start(".sync:2", "double"), text, double=DOUBLE))
    assert report["execution"]["error"] == "StepFunctions.AWSStepFunctionsException"
    assert report["calls"]["stepfunctions.StartExecution"]["faults"] == 1


def test_a_handlers_boto3_starts_executions_too(scenario: Any, tmp_path: Path) -> None:
    """And reads what the account knows of them."""
    (tmp_path / "code.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    client = boto3.client('stepfunctions', region_name='us-east-1')\n"
        f"    started = client.start_execution(stateMachineArn='{PREFIX}:stateMachine:double', input='{{\"n\": 1}}')\n"
        "    return client.describe_execution(executionArn=started['executionArn'])['status']\n"
    )
    task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F", "End": True}
    own = {"StartAt": "A", "States": {"A": task}}
    report = runner.simulate(scenario(own, 'functions: {F: {handler: "code:handler"}}', double=DOUBLE))
    assert report["execution"]["output"] == "RUNNING"


def test_an_activitys_worker_may_be_a_machine(scenario: Any) -> None:
    """It polls, and answers with the token."""
    worker = {
        "StartAt": "Poll",
        "States": {
            "Poll": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sfn:getActivityTask",
                "Parameters": {"ActivityArn": f"{PREFIX}:activity:paint"},
                "Next": "Answer",
            },
            "Answer": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
                "Parameters": {"TaskToken.$": "$.TaskToken", "Output": {"painted": True}},
                "End": True,
            },
        },
    }
    own = start("", "worker")
    own["States"]["Start"] |= {"Next": "Paint"}
    del own["States"]["Start"]["End"]
    own["States"]["Paint"] = {"Type": "Task", "Resource": f"{PREFIX}:activity:paint", "End": True}
    report = runner.simulate(scenario(own, "activities: [paint]", worker=worker))
    assert report["execution"]["output"] == {"painted": True}


def test_what_another_machines_definition_lacks_is_said_before_the_run(scenario: Any) -> None:
    """Its functions, and its mistakes."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    calling = {"StartAt": "A", "States": {"A": {**task, "Parameters": {"FunctionName": "Nobody"}}}}
    with pytest.raises(runner.RunError, match=r"calling\.asl\.json calls functions that nothing runs: Nobody"):
        runner.simulate(scenario(DOUBLE, calling=calling))
    with pytest.raises(DefinitionError):
        runner.simulate(scenario(DOUBLE, wrong={"StartAt": "A", "States": {}}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("machines: {outer: {definition: main.asl.json}}", "name of the scenario's own machine"),
        ("machines: {'a b': {definition: main.asl.json}}", "no such name: 'a b'"),
        ("machines: {a: {definition: nowhere.json}}", "there is no file"),
        ("activities: ['a*']", "no such name: 'a*'"),
    ],
)
def test_names_and_files_are_checked(tmp_path: Path, text: str, said: str) -> None:
    """Before anything runs."""
    (tmp_path / "main.asl.json").write_text(encode(DOUBLE))
    (tmp_path / "outer.yaml").write_text(f"definition: main.asl.json\n{text}\n")
    with pytest.raises(ScenarioError) as raised:
        load_scenario(tmp_path / "outer.yaml")
    assert said in str(raised.value)


def test_events_of_all_executions_are_counted(scenario: Any) -> None:
    """The parent's eight and the child's four."""
    report = runner.simulate(scenario(start(".sync:2", "double"), double=DOUBLE))
    assert report["history_events"] == 8 + 4
    assert report["state_transitions"] == 2


def test_what_code_cannot_wait_for_is_refused(scenario: Any, tmp_path: Path) -> None:
    """By name; moto does not answer in the service's place."""
    (tmp_path / "code.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    client = boto3.client('stepfunctions', region_name='us-east-1')\n"
        f"    client.start_sync_execution(stateMachineArn='{PREFIX}:stateMachine:double')\n"
    )
    task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F", "End": True}
    own = {"StartAt": "A", "States": {"A": task}}
    report = runner.simulate(scenario(own, 'functions: {F: {handler: "code:handler"}}', double=DOUBLE))
    assert "does not support StartSyncExecution from a function's code" in report["execution"]["cause"]
