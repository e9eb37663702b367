"""Execution logging into moto's CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.account import Account
from stepsim.runtime.api.logs import VALIDATION_STREAM, is_error
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.statistics import Statistics

GROUP = "/aws/vendedlogs/states/orders"
HOME = Home("123456789012", "us-east-1")
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "because"}}}


class Lab:
    """An account with a log group, on a clock that stands at a minute of ours."""

    def __init__(self, cloud: Cloud) -> None:
        dice, statistics = Dice(1), Statistics()
        functions = Functions([], dice, statistics)
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=functions,
            call=cloud.perform,
            models={},
            start_ms=1_767_578_400_000,
        )
        self.service = StepFunctions(self.account)
        self.client = cloud.client("logs")
        self.client.create_log_group(logGroupName=GROUP)

    def call(self, operation: str, **params: Any) -> Response:
        replies: list[Response | ApiError] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        self.account.scheduler.advance(self.account.scheduler.now_ms)
        assert isinstance(replies[0], dict), replies
        return replies[0]

    def machine(self, definition: Any, level: str, *, data: bool = True, kind: str = "STANDARD") -> str:
        group = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*"
        logging = {"level": level, "includeExecutionData": data}
        logging["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]
        role = "arn:aws:iam::123456789012:role/r"
        text = json.dumps(definition)
        made = self.call(
            "CreateStateMachine", name="orders", definition=text, roleArn=role, type=kind, loggingConfiguration=logging
        )
        return str(made["stateMachineArn"])

    def streams(self) -> list[str]:
        described = self.client.describe_log_streams(logGroupName=GROUP)["logStreams"]
        return [stream["logStreamName"] for stream in described]

    def lines(self) -> list[dict[str, Any]]:
        name = self.streams()[-1]
        events = self.client.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]
        return [json.loads(event["message"]) for event in events]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Cloud(seed=1) as cloud:
        yield Lab(cloud)


def test_a_line_holds_an_event_with_its_numbers_as_strings(lab: Lab) -> None:
    """Each event is a line as AWS writes it: details without their member's name, and strings for numbers."""
    arn = lab.machine(PASS, "ALL")
    execution = lab.call("StartExecution", stateMachineArn=arn, name="one", input="{}")["executionArn"]
    lines = lab.lines()
    assert [line["type"] for line in lines] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert lines[2] == {
        "id": "3",
        "type": "PassStateExited",
        "details": {"name": "P", "output": '{"a":1}', "outputDetails": {"truncated": False}},
        "previous_event_id": "2",
        "event_timestamp": "1767578400000",
        "execution_arn": execution,
        "redrive_count": "0",
    }


def test_without_execution_data_inputs_and_outputs_are_left_out(lab: Lab) -> None:
    """Lines without execution data keep everything else of the details."""
    arn = lab.machine(PASS, "ALL", data=False)
    lab.call("StartExecution", stateMachineArn=arn, input='{"secret": 1}')
    details = [line["details"] for line in lab.lines()]
    assert details == [{"roleArn": "arn:aws:iam::123456789012:role/r"}, {"name": "P"}, {"name": "P"}, {}]


@pytest.mark.parametrize(
    ("level", "types"),
    [
        ("ALL", ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
    ],
)
def test_a_level_says_which_events_are_logged(lab: Lab, level: str, types: list[str]) -> None:
    """ALL logs everything, ERROR what went wrong, FATAL how the execution ended if it did not succeed."""
    lab.call("StartExecution", stateMachineArn=lab.machine(FAIL, level))
    assert [line["type"] for line in lab.lines()] == types


@pytest.mark.parametrize(
    ("event_type", "logged"),
    [
        ("LambdaFunctionScheduleFailed", True),
        ("TaskTimedOut", True),
        ("MapIterationAborted", True),
        ("MapRunFailed", True),
        ("EvaluationFailed", True),
        ("FailStateEntered", True),
        ("TaskStateEntered", False),
        ("MapIterationSucceeded", False),
        ("ExecutionSucceeded", False),
    ],
)
def test_errors_are_failures_time_outs_and_aborts(event_type: str, logged: bool) -> None:
    """The level ERROR goes by the kind of event, and takes in that a Fail state was entered."""
    assert is_error(event_type) is logged


def test_nothing_is_written_for_a_machine_whose_level_is_off(lab: Lab) -> None:
    """A destination without a level gets no stream at all."""
    lab.call("StartExecution", stateMachineArn=lab.machine(PASS, "OFF"))
    assert lab.streams() == []


def test_configuring_a_destination_makes_the_validation_stream(lab: Lab) -> None:
    """AWS proves that it may write before the first execution; the executions' own stream sorts after that one."""
    arn = lab.machine(PASS, "ALL")
    assert lab.streams() == [VALIDATION_STREAM]
    lab.call("StartExecution", stateMachineArn=arn)
    name = lab.streams()[-1]
    assert name.startswith("states/orders/2026-01-05-02-00/")


def test_executions_of_a_machine_share_a_stream_in_their_order(lab: Lab) -> None:
    """Lines of a later execution follow those of an earlier one."""
    arn = lab.machine(PASS, "ALL")
    started = [lab.call("StartExecution", stateMachineArn=arn)["executionArn"] for _ in range(3)]
    assert [line["execution_arn"] for line in lab.lines()[::4]] == started
    assert len(lab.lines()) == 12


def test_express_executions_are_logged_like_others(lab: Lab) -> None:
    """Their history is kept nowhere else."""
    arn = lab.machine(PASS, "ALL", kind="EXPRESS")
    execution = lab.call("StartExecution", stateMachineArn=arn)["executionArn"]
    lines = lab.lines()
    assert [line["id"] for line in lines] == ["1", "2", "3", "4"]
    assert lines[3]["execution_arn"] == execution


def test_a_deleted_log_group_fails_no_execution(lab: Lab) -> None:
    """Lines for a group that is gone are lost, as on AWS."""
    arn = lab.machine(PASS, "ALL")
    lab.client.delete_log_group(logGroupName=GROUP)
    execution = lab.call("StartExecution", stateMachineArn=arn)["executionArn"]
    assert lab.call("DescribeExecution", executionArn=execution)["status"] == "SUCCEEDED"


def test_an_input_too_large_for_a_line_is_cut(lab: Lab) -> None:
    """Of an input above 248 KB (escaped) the beginning is logged, and the details say so."""
    arn = lab.machine(PASS, "ALL")
    lab.call("StartExecution", stateMachineArn=arn, input=json.dumps("\\" * 65_000))
    details = lab.lines()[0]["details"]
    assert details["inputDetails"] == {"truncated": True}
    assert len(json.dumps(details["input"])) - 2 in range(248 * 1024 - 3, 248 * 1024 + 1)


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_children_of_a_map_run_are_logged_where_their_parent_is(lab: Lab, kind: str) -> None:
    """A child's lines name the child and its map run, and number its events from 1."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, **PASS}
    state = {"Type": "Map", "ItemProcessor": processor, "End": True}
    arn = lab.machine({"StartAt": "M", "States": {"M": state}}, "ALL")
    parent = lab.call("StartExecution", stateMachineArn=arn, input="[1, 2]")["executionArn"]
    lines = lab.lines()
    children = [line for line in lines if line["execution_arn"] != parent]
    runs = {line["details"]["mapRunArn"] for line in lines if line["type"] == "MapRunStarted"}
    assert {line["map_run_arn"] for line in children} == runs
    assert len({line["execution_arn"] for line in children}) == 2
    assert sorted(line["id"] for line in children) == ["1", "1", "2", "2", "3", "3", "4", "4"]
    assert not any("map_run_arn" in line for line in lines if line["execution_arn"] == parent)


def test_lines_of_a_redriven_execution_count_the_redrives(lab: Lab) -> None:
    """The events go on, each line once, with the number of redrives."""
    arn = lab.machine(FAIL, "ALL")
    execution = lab.call("StartExecution", stateMachineArn=arn)["executionArn"]
    lab.call("RedriveExecution", executionArn=execution)
    assert [(line["id"], line["type"], line["redrive_count"]) for line in lab.lines()] == [
        ("1", "ExecutionStarted", "0"),
        ("2", "FailStateEntered", "0"),
        ("3", "ExecutionFailed", "0"),
        ("4", "ExecutionRedriven", "1"),
        ("5", "ExecutionFailed", "1"),
    ]
