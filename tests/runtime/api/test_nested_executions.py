"""Executions that start executions: what they get of them, how a child's failure is told, and who stops whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

PREFIX = "arn:aws:states:us-east-1:123456789012"
CHILD = f"{PREFIX}:stateMachine:child"
START = "arn:aws:states:::states:startExecution"

FAIL: dict[str, Any] = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Boom", "Cause": "why"}}}
WAIT: dict[str, Any] = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 50, "End": True}}}
PASS: dict[str, Any] = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"x": 1}, "End": True}}}


class Parent:
    """An execution of one Task, and its child."""

    def __init__(self, service: Any, child: Any, resource: str = START, **fields: Any) -> None:
        self.service = service
        service.machine("child", child, type=fields.pop("child_type", "STANDARD"))
        parameters = {"StateMachineArn": CHILD, "Name": "c", **fields.pop("parameters", {})}
        task = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **fields}
        caught = {"Caught": {"Type": "Pass", "End": True}} if "Catch" in fields else {}
        machine = service.machine("parent", {"StartAt": "T", "States": {"T": task, **caught}})
        self.arn = service("StartExecution", stateMachineArn=machine, name="p")["executionArn"]
        service.advance(0)

    @property
    def described(self) -> dict[str, Any]:
        described: dict[str, Any] = self.service("DescribeExecution", executionArn=self.arn)
        return described

    @property
    def output(self) -> Any:
        return json.loads(self.described["output"])

    @property
    def child(self) -> dict[str, Any]:
        described: dict[str, Any] = self.service("DescribeExecution", executionArn=f"{PREFIX}:execution:child:c")
        return described

    @property
    def events(self) -> list[str]:
        return [event["type"] for event in self.service("GetExecutionHistory", executionArn=self.arn)["events"]]


def test_starting_alone_waits_for_nothing(service: Any) -> None:
    """The result is the call's response with the SDK's metadata; a null Input is an empty object."""
    parent = Parent(service, WAIT, parameters={"Input": None})
    names = ["ExecutionArn", "SdkHttpMetadata", "SdkResponseMetadata", "StartDate"]
    assert list(parent.output) == names
    assert parent.output["StartDate"] == 1_767_578_400_000
    assert (parent.child["status"], parent.child["input"]) == ("RUNNING", "{}")


@pytest.mark.parametrize(
    ("pattern", "given", "made"),
    [(".sync", '{"n":[1]}', '{"x":1}'), (".sync:2", {"n": [1]}, {"x": 1})],
)
def test_a_childs_description_is_the_result(service: Any, pattern: str, given: Any, made: Any) -> None:
    """Its input and output are texts, or parsed."""
    parent = Parent(service, PASS, START + pattern, parameters={"Input": {"n": [1]}})
    names = "ExecutionArn Input InputDetails Name Output OutputDetails RedriveCount RedriveStatus RedriveStatusReason"
    assert list(parent.output) == [*names.split(), "StartDate", "StateMachineArn", "Status", "StopDate"]
    assert (parent.output["Input"], parent.output["Output"]) == (given, made)
    assert parent.output["OutputDetails"] == {"Included": True}
    assert parent.events[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_the_parent_goes_on_when_the_child_ends(service: Any) -> None:
    """Not before, at that moment."""
    parent = Parent(service, WAIT, START + ".sync")
    service.advance(49_999)
    assert parent.described["status"] == "RUNNING"
    service.advance(1)
    assert parent.described["stopDate"] == parent.child["stopDate"]


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_a_failed_child_fails_the_task(service: Any, pattern: str) -> None:
    """Under one name; the cause is the child's description, with its input as a text in either mode."""
    catch = [{"ErrorEquals": ["Boom"], "Next": "Caught"}]
    parent = Parent(service, FAIL, START + pattern, Catch=catch, parameters={"Input": {"n": 1}})
    assert (parent.described["status"], parent.described["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(parent.described["cause"])
    assert list(cause) == sorted(cause)
    assert (cause["Error"], cause["Cause"], cause["Status"]) == ("Boom", "why", "FAILED")
    assert (cause["Input"], cause["RedriveStatus"]) == ('{"n":1}', "REDRIVABLE")
    assert not {"Output", "OutputDetails"} & set(cause)


def test_a_child_that_was_stopped_fails_the_task(service: Any) -> None:
    """Its description has neither error nor cause where none was given."""
    parent = Parent(service, WAIT, START + ".sync")
    service("StopExecution", executionArn=parent.child["executionArn"])
    cause = json.loads(parent.described["cause"])
    assert cause["Status"] == "ABORTED"
    assert not {"Error", "Cause"} & set(cause)


def test_a_name_is_used_once(service: Any) -> None:
    """The second start is refused, in the words of the SDK, before the job is submitted."""
    parent = Parent(service, PASS, START + ".sync")
    again = service("StartExecution", stateMachineArn=f"{PREFIX}:stateMachine:parent", name="q")["executionArn"]
    service.advance(0)
    described = service("DescribeExecution", executionArn=again)
    assert parent.described["status"] == "SUCCEEDED"
    assert described["error"] == "StepFunctions.ExecutionAlreadyExistsException"
    assert "(Service: AWSStepFunctions; Status Code: 400; Error Code: ExecutionAlreadyExists;" in described["cause"]
    events = service("GetExecutionHistory", executionArn=again)["events"]
    assert events[-2]["type"] == "TaskSubmitFailed"


def test_a_machine_that_is_not_there_is_named(service: Any) -> None:
    """By the error of the call."""
    parent = Parent(service, PASS, parameters={"StateMachineArn": f"{CHILD}less"})
    assert parent.described["error"] == "StepFunctions.StateMachineDoesNotExistException"


def test_the_end_of_an_express_child_cannot_be_waited_for(service: Any) -> None:
    """It can be started."""
    assert Parent(service, PASS, child_type="EXPRESS").described["status"] == "SUCCEEDED"


def test_waiting_for_an_express_child_is_refused(service: Any) -> None:
    """The task fails."""
    parent = Parent(service, PASS, START + ".sync", child_type="EXPRESS")
    assert parent.described["error"] == "StepFunctions.StateMachineTypeNotSupportedException"


def test_a_stopped_parent_stops_its_child(service: Any) -> None:
    """As AWS tries to."""
    parent = Parent(service, WAIT, START + ".sync")
    service("StopExecution", executionArn=parent.arn)
    assert parent.child["status"] == "ABORTED"


def test_a_task_whose_time_is_over_stops_its_child(service: Any) -> None:
    """And has timed out itself."""
    parent = Parent(service, WAIT, START + ".sync", TimeoutSeconds=5)
    service.advance(5_000)
    assert (parent.described["error"], parent.child["status"]) == ("States.Timeout", "ABORTED")


def test_a_cancelled_branch_stops_its_child(service: Any) -> None:
    """The branch beside it has failed."""
    service.machine("child", WAIT)
    task = {"Type": "Task", "Resource": START + ".sync", "End": True}
    branch = {"StartAt": "T", "States": {"T": {**task, "Parameters": {"StateMachineArn": CHILD, "Name": "c"}}}}
    slow = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "F"}, **FAIL["States"]}}
    parallel = {"Type": "Parallel", "Branches": [branch, slow], "End": True}
    machine = service.machine("parent", {"StartAt": "L", "States": {"L": parallel}})
    service("StartExecution", stateMachineArn=machine)
    service.advance(1_000)
    described = service("DescribeExecution", executionArn=f"{PREFIX}:execution:child:c")
    assert described["status"] == "ABORTED"


def test_a_token_ends_the_wait_early(service: Any) -> None:
    """What was sent is the result, and the child goes on."""
    parameters = {"Input": {"token.$": "$$.Task.Token"}}
    parent = Parent(service, WAIT, START + ".sync", parameters=parameters)
    token = json.loads(parent.child["input"])["token"]
    service("SendTaskSuccess", taskToken=token, output='"early"')
    assert (parent.output, parent.child["status"]) == ("early", "RUNNING")
    assert len(service.account.tokens) == 0


def test_a_task_token_may_be_all_that_is_waited_for(service: Any) -> None:
    """Whatever becomes of the child."""
    parameters = {"Input": {"token.$": "$$.Task.Token"}}
    parent = Parent(service, FAIL, START + ".waitForTaskToken", parameters=parameters)
    assert (parent.described["status"], parent.child["status"]) == ("RUNNING", "FAILED")
    token = json.loads(parent.child["input"])["token"]
    service("SendTaskFailure", taskToken=token, error="E")
    assert parent.described["error"] == "E"


def test_sdk_calls_reach_the_same_service(service: Any) -> None:
    """Their errors are those of the SDK's second version, their timestamps texts."""
    sdk = "arn:aws:states:::aws-sdk:sfn:"
    parent = Parent(service, PASS, f"{sdk}startExecution")
    assert parent.output == {"ExecutionArn": parent.child["executionArn"], "StartDate": "2026-01-05T02:00:00.000Z"}
    again = service("StartExecution", stateMachineArn=f"{PREFIX}:stateMachine:parent", name="q")["executionArn"]
    service.advance(0)
    error = service("DescribeExecution", executionArn=again)["error"]
    assert error == "Sfn.ExecutionAlreadyExistsException"


def test_an_express_machine_can_be_run_to_its_end(service: Any) -> None:
    """By the SDK's startSyncExecution."""
    parent = Parent(service, PASS, "arn:aws:states:::aws-sdk:sfn:startSyncExecution", child_type="EXPRESS")
    assert (parent.output["Status"], parent.output["Output"]) == ("SUCCEEDED", '{"x":1}')


def test_a_poll_that_is_given_up_takes_no_task(service: Any) -> None:
    """The task's time was over."""
    activity = service("CreateActivity", name="paint")["activityArn"]
    poll = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:getActivityTask",
        "Parameters": {"ActivityArn": activity},
        "TimeoutSeconds": 5,
        "End": True,
    }
    service("StartExecution", stateMachineArn=service.machine("worker", {"StartAt": "P", "States": {"P": poll}}))
    service.advance(5_000)
    task = {"Type": "Task", "Resource": activity, "End": True}
    machine = service.machine("asking", {"StartAt": "T", "States": {"T": task}})
    service("StartExecution", stateMachineArn=machine, input='"a"')
    service.advance(0)
    assert service("GetActivityTask", activityArn=activity)["input"] == '"a"'


def test_a_role_of_another_account_starts_its_machines(service: Any) -> None:
    """Credentials say in whose name."""
    other = service.home._replace(account_id="000000000002")
    replies: list[Any] = []
    params = {"name": "child", "definition": json.dumps(PASS), "roleArn": service.role}
    service.operations.call("CreateStateMachine", params, other, replies.append)
    credentials = {"RoleArn": "arn:aws:iam::000000000002:role/trusted"}
    parameters = {"StateMachineArn": replies[0]["stateMachineArn"]}
    parent = Parent(service, WAIT, START + ".sync:2", parameters=parameters, Credentials=credentials)
    assert parent.output["ExecutionArn"] == "arn:aws:states:us-east-1:000000000002:execution:child:c"
    assert parent.output["Output"] == {"x": 1}
