"""`run_machine`: what functions, mocks and resources given in Python come to in a whole run."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from stepsim.asl.errors import DefinitionError
from stepsim.runtime.execution import Execution
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.runner import RunError
from stepsim.runtime.scenario_check import ScenarioError
from stepsim.runtime.testing import Fails, Function, Hangs, Machine, MockedCall, Returns, Unanswered, run_machine

_boto3: Any = boto3
CHARGE: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "Charge", "Payload.$": "$"},
    "OutputPath": "$.Payload",
    "TimeoutSeconds": 60,
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2}],
    "Catch": [{"ErrorEquals": ["Declined", "States.Timeout"], "ResultPath": "$.why", "Next": "Sorry"}],
    "Next": "Pack",
}
PACK: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Pack",
    "End": True,
}
ORDERS: dict[str, Any] = {"StartAt": "Charge", "States": {"Charge": CHARGE, "Pack": PACK, "Sorry": {"Type": "Succeed"}}}
PUT: dict[str, Any] = {
    "StartAt": "Put",
    "States": {
        "Put": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": "orders", "Item": {"id": {"S.$": "$.id"}}},
            "End": True,
        }
    },
}


def test_functions_are_python_or_what_they_return() -> None:
    """They get the event and the context, and their results go the state's way."""
    result = run_machine(
        ORDERS,
        {"cents": 5},
        functions={
            "Charge": lambda event, context: {**event, "by": context.function_name},
            "Pack": Returns({"box": 1}),
        },
    )
    assert result.state("Pack").inputs == [{"cents": 5, "by": "Charge"}]
    assert (result.status, result.output) == ("SUCCEEDED", {"box": 1})


def test_a_list_answers_one_invocation_after_the_other() -> None:
    """An answer for each; what code raises is a function's error as on Lambda."""

    def declined(event: Any, context: Any) -> None:
        raise Declined("no money")

    class Declined(Exception):
        pass

    result = run_machine(ORDERS, {}, functions={"Charge": [Fails("Busy"), declined]})
    assert result.path == ["Charge", "Sorry"]
    assert result.state("Charge").errors == ["Busy", "Declined"]
    assert json.loads(result.output["why"]["Cause"])["errorMessage"] == "no money"


def test_time_of_functions_is_virtual() -> None:
    """Sleeps, retries' pauses and delays pass at once, and are in the result."""

    def slow(event: Any, context: Any) -> str:
        time.sleep(7)
        return datetime.now(UTC).isoformat()

    result = run_machine(ORDERS, {}, functions={"Charge": [Fails("Busy"), slow], "Pack": Returns(1, delay="1m")})
    assert result.state("Charge").outputs == ["2026-01-01T00:00:09+00:00"]
    assert result.duration_s == 2 + 7 + 60


def test_silence_ends_with_the_time_out() -> None:
    """Of a mock with the state's, of a function with its own."""
    hung = run_machine(ORDERS, {}, mocks={"Charge": Hangs()})
    assert (hung.state("Charge").errors, hung.duration_s) == (["States.Timeout"], 60)
    function = run_machine(PACK_ONLY, {}, functions={"Pack": Function(Hangs(), timeout_s=3)})
    assert (function.error, function.duration_s) == ("Sandbox.Timedout", 3)


PACK_ONLY: dict[str, Any] = {"StartAt": "Pack", "States": {"Pack": PACK}}


def test_mocks_answer_states() -> None:
    """With a value or an error, or by Python that sees the parameters and, where it wants to, the attempt."""
    seen: list[MockedCall] = []

    def pack(parameters: Any, call: MockedCall) -> Any:
        seen.append(call)
        return {"boxed": parameters["n"]}

    result = run_machine(
        ORDERS,
        {"n": 1},
        mocks={"Charge": [Fails("Busy"), lambda parameters: {"Payload": parameters["Payload"]}], "Pack": pack},
    )
    assert result.output == {"boxed": 1}
    assert [(call.state, call.attempt, call.retry, call.item) for call in seen] == [("Pack", 0, 0, None)]
    assert seen[0].context["State"]["Name"] == "Pack"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the state 'Charge' calls the function 'Charge', which this test does not give"),
        ({"mocks": {"Charge": [Fails("Busy")]}}, "'Charge' was given 1 answers, and this is attempt 2"),
        ({"functions": {"Charge": [Fails("Busy")]}}, "'Charge' was given 1 answers, and this is invocation 2"),
        ({"mocks": {"Charge": Returns({"StatusCode": "200"})}}, "Field 'StatusCode' must be a number"),
    ],
)
def test_what_is_not_answered_is_told(given: dict[str, Any], message: str) -> None:
    """What is asked for, and what to write: a run does not go on with something made up."""
    with pytest.raises(Unanswered, match=message):
        run_machine(ORDERS, {}, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mocks": {"Charge": {"a": 1}}}, r"mocks\['Charge'\]: dict is no answer: write Returns"),
        ({"functions": {"Charge": 5}}, r"functions\['Charge'\]: int is no function"),
        ({"functions": {"Charge": lambda event: event}}, r"does not take \(event, context\)"),
    ],
)
def test_answers_of_no_kind_are_refused(given: dict[str, Any], message: str) -> None:
    """With the forms that there are."""
    with pytest.raises(TypeError, match=message):
        run_machine(ORDERS, {}, **given)


def test_a_handler_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    """With the file that was looked for, or what it defines."""
    with pytest.raises(RunError, match=r"function Charge cannot be run: .*there is no file .*nowhere.py"):
        run_machine(ORDERS, {}, functions={"Charge": "nowhere.py:handler"}, base_dir=tmp_path)
    (tmp_path / "charge.py").write_text("def handle(event, context): return event\n")
    with pytest.raises(RunError, match="has no function 'handler'; it defines handle"):
        run_machine(ORDERS, {}, functions={"Charge": "charge:handler"}, base_dir=tmp_path)
    given: dict[str, Any] = {"Charge": "charge:handle", "Pack": Returns(1)}
    assert run_machine(ORDERS, {}, functions=given, base_dir=tmp_path).output == 1


def test_tables_buckets_and_queues_are_there_before_and_after() -> None:
    """With what a test puts in; boto3 in handlers and tasks of states work on the same."""

    def pack(event: Any, context: Any) -> Any:
        item = _boto3.client("dynamodb").get_item(TableName="orders", Key={"id": {"S": "o-1"}})["Item"]
        _boto3.client("s3").put_object(Bucket="labels", Key="o-1", Body=item["n"]["N"])
        return _boto3.client("s3").get_object(Bucket="labels", Key="logo")["Body"].read().decode()

    result = run_machine(
        PACK_ONLY,
        {},
        functions={"Pack": pack},
        tables={"orders": {"partition_key": "id", "items": [{"id": "o-1", "n": 3, "tags": {"a", "b"}}]}},
        buckets={"labels": {"logo": "stepsim"}},
        queues={"work": [{"order": 1}]},
    )
    assert result.output == "stepsim"
    assert result.tables == {"orders": [{"id": "o-1", "n": 3, "tags": {"a", "b"}}]}
    assert result.buckets == {"labels": {"logo": b"stepsim", "o-1": b"3"}}
    assert result.queues == {"work": ['{"order":1}']}
    put = run_machine(PUT, {"id": "o-2"}, tables={"orders": {"partition_key": "id"}})
    assert put.tables == {"orders": [{"id": "o-2"}]}


def test_what_is_wrong_with_resources_is_told_at_once() -> None:
    """In a scenario's words."""
    with pytest.raises(ScenarioError) as caught:
        run_machine(
            PUT,
            {},
            tables={"orders": {"partitionkey": "id"}},
            queues={"work": {"dlq": "dead", "max_receive": 2}},
            faults=[{"state": "Put", "erorr": "X"}],
        )
    assert [problem.path for problem in caught.value.problems] == [
        "tables.orders.partitionkey",
        "tables.orders",
        "queues.work.dlq",
        "faults[0].erorr",
    ]


def test_faults_strike_as_in_a_scenario() -> None:
    """Calls of tasks, and states."""
    fault = {"call": "dynamodb.PutItem", "error": "ProvisionedThroughputExceededException"}
    result = run_machine(PUT, {"id": "1"}, tables={"orders": {"partition_key": "id"}}, faults=[fault])
    result.failed_with("DynamoDB.ProvisionedThroughputExceededException")


def test_other_machines_are_started_and_told_of() -> None:
    """Each with a result of its own."""
    parent = {
        "StartAt": "Order",
        "States": {
            "Order": {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {
                    "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:orders",
                    "Input": {"n": 1},
                },
                "OutputPath": "$.Output",
                "End": True,
            }
        },
    }
    functions = {"Charge": Returns({}), "Pack": Returns("packed")}
    result = run_machine(parent, {}, machines={"orders": Machine(ORDERS)}, functions=functions)
    assert result.output == "packed"
    assert [(child.name, child.path) for child in result.started] == [("orders", ["Charge", "Pack"])]


def test_test_cases_of_a_mock_file_are_used(tmp_path: Path) -> None:
    """What the test says of a state itself goes before them."""
    file = tmp_path / "mocks.json"
    charged = {"0": {"Return": {"Payload": {"n": 1}, "StatusCode": 200}}}
    cases = {"StateMachines": {"orders": {"TestCases": {"Happy": {"Charge": "Charged", "Pack": "Packed"}}}}}
    file.write_text(json.dumps({**cases, "MockedResponses": {"Charged": charged, "Packed": {"0": {"Return": "box"}}}}))
    happy = run_machine(ORDERS, {}, mock_file=file, test_case="Happy")
    assert happy.output == "box"
    assert run_machine(ORDERS, {}, mock_file=file, test_case="Happy", mocks={"Pack": Returns(2)}).output == 2
    with pytest.raises(RunError, match=r"has no test case 'Hapy' for 'orders' .did you mean 'Happy'"):
        run_machine(ORDERS, {}, mock_file=file, test_case="Hapy")
    with pytest.raises(ValueError, match="test_case is missing"):
        run_machine(ORDERS, {}, mock_file=file)


def test_strict_runs_use_all_mocks() -> None:
    """A mock for nothing is an error there, and told elsewhere."""
    mocks: dict[str, Any] = {"Charge": Fails("Declined"), "Pack": Returns(1)}
    assert run_machine(ORDERS, {}, mocks=mocks).unused_mocks == ["the mock of the state 'Pack'"]
    with pytest.raises(AssertionError, match="it was to use all mocks"):
        run_machine(ORDERS, {}, mocks=mocks, strict=True)


def test_definitions_come_in_all_forms(tmp_path: Path) -> None:
    """A value, a text, a file, and a file that changes; what is wrong with one is told as ever."""
    assert run_machine(json.dumps(PACK_ONLY), {}, mocks={"Pack": Returns(1)}).output == 1
    file = tmp_path / "pack.asl.json"
    file.write_text(json.dumps(PACK_ONLY))
    assert run_machine(file, {}, mocks={"Pack": Returns(1)}).name == "pack"
    file.write_text(json.dumps({"StartAt": "Parcel", "States": {"Parcel": PACK}}))
    assert run_machine(str(file), {}, mocks={"Parcel": Returns(1)}).path == ["Parcel"]
    with pytest.raises(DefinitionError, match="cannot be read"):
        run_machine(tmp_path / "nowhere.json", {})
    with pytest.raises(DefinitionError):
        run_machine({"StartAt": "A", "States": {}}, {})
    with pytest.raises(ValueError, match="names a machine of a template"):
        run_machine(PACK_ONLY, {}, resource="Pack")


def test_a_machine_of_a_template_has_its_account_around_it(tmp_path: Path) -> None:
    """Tables and functions that the template says; the test's own answers go before them."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    result = run_machine(
        tmp_path / "template.yaml", {"id": "o-1"}, resource="Orders", functions={"Pack": Returns({"id": "o-2"})}
    )
    assert result.succeeded()
    assert result.tables == {"orders": [{"id": "o-2"}]}


TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: orders
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Orders:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Pack
        States:
          Pack:
            Type: Task
            Resource: arn:aws:states:::lambda:invoke
            Parameters: {FunctionName: Pack, Payload.$: $}
            OutputPath: $.Payload
            Next: Put
          Put:
            Type: Task
            Resource: arn:aws:states:::dynamodb:putItem
            Parameters: {TableName: !Ref Table, Item: {id: {S.$: $.id}}}
            End: true
"""


def test_ids_come_from_the_seed_and_the_clock_begins_where_it_is_told() -> None:
    """The same run has the same history; another seed makes other ids."""
    machine = {"StartAt": "Now", "States": {"Now": {"Type": "Pass", "OutputPath": "$$.Execution", "End": True}}}
    one, other = (run_machine(machine, {}, seed=3, start="2026-03-01T12:00:00Z") for _ in range(2))
    assert one.history == other.history
    assert one.output["StartTime"] == "2026-03-01T12:00:00.000Z"
    assert run_machine(machine, {}, seed=4, start=datetime(2026, 3, 1, 12, tzinfo=UTC)).output["Id"] != one.output["Id"]
    with pytest.raises(ValueError, match="has no time zone"):
        run_machine(machine, {}, start=datetime(2026, 3, 1))
    with pytest.raises(ValueError, match="is no time such as"):
        run_machine(machine, {}, start="tomorrow")


def test_express_executions_have_a_history_here() -> None:
    """On AWS nobody can ask for it."""
    result = run_machine(PACK_ONLY, {}, type="EXPRESS", mocks={"Pack": Returns(1)})
    assert result.path == ["Pack"]
    assert ":express:" in result.report["execution"]["executionArn"]


def test_an_interrupt_ends_the_test() -> None:
    """And not only the execution."""
    pack = {"Type": "Task", "Resource": PACK["Resource"], "Next": "Pause"}
    states = {"Pack": pack, "Pause": {"Type": "Wait", "Seconds": 1, "End": True}}
    with pytest.raises(KeyboardInterrupt):
        run_machine(
            {"StartAt": "Pack", "States": states},
            {},
            mocks={"Pack": lambda parameters: signal.raise_signal(signal.SIGINT)},
        )


def test_an_observer_is_told_of_every_execution() -> None:
    """Children of map runs among them, with all events."""
    told: dict[str, list[str]] = {}

    class Observer:
        def execution_started(self, execution: Execution) -> Callable[[HistoryEvent], None]:
            events = told.setdefault(next(iter(execution.machine.states)), [])
            return lambda event: events.append(event.type)

    machine = {
        "StartAt": "All",
        "States": {
            "All": {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    "StartAt": "One",
                    "States": {"One": {"Type": "Pass", "End": True}},
                },
                "End": True,
            }
        },
    }
    run_machine(machine, [1, 2], observer=Observer())
    assert told["One"].count("PassStateExited") == 2
    assert told["All"][-1] == "ExecutionSucceeded"
