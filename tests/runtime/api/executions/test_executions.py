"""Starting, describing, listing and stopping executions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "because"}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
_INCLUDED = ("ALL_DATA", "METADATA_ONLY")
PREFIX = "arn:aws:states:us-east-1:123456789012"


# -- StartExecution -----------------------------------------------------------------------------------------------


def test_the_same_name_and_input_mean_the_execution_that_runs(api: Any) -> None:
    """Recorded: the same answer while it runs; another input, or a closed execution, is refused."""
    machine = api.machine(WAIT)
    params = {"stateMachineArn": machine, "name": "one", "input": "{}"}
    first = api.call("StartExecution", **params)
    assert api.call("StartExecution", **params) == first
    refused = ("ExecutionAlreadyExists", f"Execution Already Exists: '{PREFIX}:execution:m:one'")
    assert api.refused("StartExecution", **params | {"input": "[]"}) == refused
    api.drive()
    assert api.refused("StartExecution", **params) == refused


def test_express_executions_share_a_name(api: Any) -> None:
    """Each has an id of its own behind the name."""
    machine = api.machine(PASS, type="EXPRESS")
    arns = [api.start(machine) for _ in range(2)]
    assert arns[0] != arns[1]
    assert all(arn.startswith(f"{PREFIX}:express:m:one:") for arn in arns)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Invalid execution input."),
        (
            "not some json",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
            "'false')",
        ),
        ("{'not': 'json'", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
    ],
)
def test_input_that_is_no_json_is_refused_in_jacksons_words(api: Any, text: str, reason: str) -> None:
    """Recorded."""
    refused = api.refused("StartExecution", stateMachineArn=api.machine(PASS), input=text)
    assert refused == ("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


def test_any_json_value_is_an_input_and_keeps_its_text(api: Any) -> None:
    """Recorded for numbers, strings and null; the text is shown as it came."""
    arn = api.call("StartExecution", stateMachineArn=api.machine(WAIT), input=" [1,  2]")["executionArn"]
    assert api.describe(arn)["input"] == " [1,  2]"


def test_input_of_more_than_262144_bytes_is_refused(api: Any) -> None:
    """The limit is in bytes of UTF-8."""
    code, _ = api.refused("StartExecution", stateMachineArn=api.machine(PASS), input='"' + "é" * 131_072 + '"')
    assert code == "InvalidExecutionInput"


def test_a_name_with_forbidden_characters_is_refused(api: Any) -> None:
    """White space, among others."""
    refused = api.refused("StartExecution", stateMachineArn=api.machine(PASS), name="a b")
    assert refused == ("InvalidName", "Invalid Name: 'a b'")


def test_a_version_arn_starts_its_revision_and_is_shown(api: Any) -> None:
    """In the response of DescribeExecution, in lists, and in ExecutionStarted."""
    machine = api.machine(PASS, publish=True)
    api.call("UpdateStateMachine", stateMachineArn=machine, definition=json.dumps(FAIL))
    arn = api.start(f"{machine}:1")
    api.drive()
    described = api.describe(arn)
    assert (described["status"], described["stateMachineVersionArn"]) == ("SUCCEEDED", f"{machine}:1")
    assert described["stateMachineArn"] == machine
    events = api.call("GetExecutionHistory", executionArn=arn)["events"]
    assert events[0]["executionStartedEventDetails"]["stateMachineVersionArn"] == f"{machine}:1"
    (listed,) = api.call("ListExecutions", stateMachineArn=f"{machine}:1")["executions"]
    assert listed["executionArn"] == arn
    assert api.refused("StartExecution", stateMachineArn=f"{machine}:2")[0] == "StateMachineDoesNotExist"


def test_an_alias_takes_its_versions_by_their_weights(api: Any) -> None:
    """Of a hundred executions, about as many as the weight says take a version."""
    machine = api.machine(PASS, publish=True)
    second = api.call("UpdateStateMachine", stateMachineArn=machine, roleArn="arn:aws:iam::1:role/x", publish=True)
    routing = [
        {"stateMachineVersionArn": f"{machine}:1", "weight": 80},
        {"stateMachineVersionArn": second["stateMachineVersionArn"], "weight": 20},
    ]
    alias = api.call("CreateStateMachineAlias", name="PROD", routingConfiguration=routing)["stateMachineAliasArn"]
    versions = [api.describe(api.start(alias, f"e{n}"))["stateMachineVersionArn"] for n in range(100)]
    assert 65 < versions.count(f"{machine}:1") < 95
    assert len(api.call("ListExecutions", stateMachineArn=alias)["executions"]) == 100
    assert api.describe(f"{PREFIX}:execution:m:e1")["stateMachineAliasArn"] == alias


def test_a_machine_that_is_being_deleted_starts_nothing_and_fails_what_runs(api: Any) -> None:
    """Measured: at its next event, which is not written; then nobody knows of it any more."""
    machine = api.machine(WAIT)
    arn = api.start(machine)
    api.drive(1)
    api.call("DeleteStateMachine", stateMachineArn=machine)
    assert api.refused("StartExecution", stateMachineArn=machine)[0] == "StateMachineDeleting"
    execution = api.execution(arn)
    api.drive()
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.cause == "State machine m has been deleted"
    assert [event.type for event in execution.history] == ["ExecutionStarted", "WaitStateEntered", "ExecutionFailed"]
    assert api.refused("DescribeExecution", executionArn=arn)[0] == "ExecutionDoesNotExist"


# -- StartSyncExecution -------------------------------------------------------------------------------------------


def test_a_synchronous_execution_is_answered_when_it_has_ended(api: Any) -> None:
    """Recorded: at least 100 ms and 64 MB are billed, and nothing is said of redrives."""
    replies = api.ask("StartSyncExecution", stateMachineArn=api.machine(WAIT, type="EXPRESS"), traceHeader="Root=1")
    assert replies == []
    api.drive()
    (reply,) = replies
    assert reply["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 60_000}
    assert (reply["status"], reply["output"], reply["traceHeader"]) == ("SUCCEEDED", "{}", "Root=1")
    assert reply["stopDate"] - reply["startDate"] == timedelta(seconds=60)
    assert not [name for name in reply if name.startswith("redrive")]


def test_a_synchronous_failure_is_an_answer_like_others(api: Any) -> None:
    """Error and cause stand in it; METADATA_ONLY leaves them out, with all data."""
    machine = api.machine(FAIL, type="EXPRESS")
    asked = [api.ask("StartSyncExecution", stateMachineArn=machine, includedData=included) for included in _INCLUDED]
    api.drive()
    (everything,), (metadata,) = asked
    assert (everything["error"], everything["cause"]) == ("E", "because")
    assert everything["billingDetails"]["billedDurationInMilliseconds"] == 100
    assert not {"input", "output", "error", "cause"} & set(metadata)
    assert metadata["inputDetails"] == {"included": False}


def test_standard_machines_do_not_run_synchronously(api: Any) -> None:
    """Recorded."""
    refused = api.refused("StartSyncExecution", stateMachineArn=api.machine(PASS))
    message = "This operation is not supported by this type of state machine"
    assert refused == ("StateMachineTypeNotSupported", message)


# -- DescribeExecution and StopExecution --------------------------------------------------------------------------


def test_a_success_is_described_as_recorded(api: Any) -> None:
    """Recorded, in every member."""
    arn = api.run(PASS)
    described = api.describe(arn)
    dates = {described.pop("startDate"), described.pop("stopDate")}
    assert len(dates) == 1
    assert described == {
        "executionArn": arn,
        "stateMachineArn": f"{PREFIX}:stateMachine:m",
        "name": "one",
        "status": "SUCCEEDED",
        "input": "{}",
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_a_failure_has_error_and_cause_and_no_output(api: Any) -> None:
    """Recorded."""
    described = api.describe(api.run(FAIL))
    assert (described["error"], described["cause"]) == ("E", "because")
    assert not {"output", "outputDetails", "redriveStatusReason"} & set(described)


def test_only_the_express_children_of_map_runs_can_be_described(api: Any) -> None:
    """Recorded: the resource type is not valid for any other, in any operation that reads."""
    arn = api.start(api.machine(PASS, type="EXPRESS"))
    refused = ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    for operation in ("DescribeExecution", "StopExecution", "GetExecutionHistory", "RedriveExecution"):
        assert api.refused(operation, executionArn=arn) == refused


def test_stopping_writes_the_error_and_cause_that_are_given(api: Any) -> None:
    """Recorded: ExecutionAborted points to 0, and the state that was cut has no end."""
    arn = api.start(api.machine(WAIT))
    api.drive(1)
    stopped = api.call("StopExecution", executionArn=arn, cause="enough")
    described = api.describe(arn)
    assert (described["status"], described["stopDate"], described["cause"]) == (
        "ABORTED",
        stopped["stopDate"],
        "enough",
    )
    assert "error" not in described
    assert api.trace(arn) == ["1<-0 ExecutionStarted", "2<-0 WaitStateEntered", "3<-0 ExecutionAborted"]
    events = api.call("GetExecutionHistory", executionArn=arn)["events"]
    assert events[-1]["executionAbortedEventDetails"] == {"cause": "enough"}


def test_stopping_what_has_ended_changes_nothing(api: Any) -> None:
    """Its own stopDate is told."""
    arn = api.run(PASS)
    stopped = api.call("StopExecution", executionArn=arn, error="late")
    described = api.describe(arn)
    assert (described["status"], described["stopDate"]) == ("SUCCEEDED", stopped["stopDate"])


# -- ListExecutions -----------------------------------------------------------------------------------------------


def test_executions_are_listed_newest_first_page_by_page(api: Any) -> None:
    """Running ones by their start, others by their end."""
    machine = api.machine(WAIT)
    for name in "abc":
        api.start(machine, name)
        api.drive(25)
    page = api.call("ListExecutions", stateMachineArn=machine, maxResults=2)
    assert [one["name"] for one in page["executions"]] == ["a", "c"]
    rest = api.call("ListExecutions", stateMachineArn=machine, maxResults=2, nextToken=page["nextToken"])
    assert [one["name"] for one in rest["executions"]] == ["b"]
    assert "nextToken" not in rest
    running = api.call("ListExecutions", stateMachineArn=machine, statusFilter="RUNNING")
    assert [one["name"] for one in running["executions"]] == ["c", "b"]
    assert "stopDate" not in running["executions"][0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Exactly one of stateMachineArn or mapRunArn must be specified"),
        (
            {"stateMachineArn": f"{PREFIX}:stateMachine:m", "redriveFilter": "REDRIVEN"},
            "RedriveFilter cannot be applied to ListExecutions call with StateMachine ARN",
        ),
        (
            {"stateMachineArn": f"{PREFIX}:stateMachine:m", "statusFilter": "PENDING_REDRIVE"},
            "PENDING_REDRIVE StatusFilter cannot be applied to ListExecutions call with StateMachine ARN",
        ),
    ],
)
def test_what_cannot_be_asked_together_is_refused(api: Any, params: dict[str, Any], message: str) -> None:
    """The text about RedriveFilter is recorded."""
    api.machine(PASS)
    assert api.refused("ListExecutions", **params) == ("ValidationException", message)


def test_express_machines_list_nothing(api: Any) -> None:
    """Recorded."""
    machine = api.machine(PASS, type="EXPRESS")
    assert api.refused("ListExecutions", stateMachineArn=machine)[0] == "StateMachineTypeNotSupported"
