"""RedriveExecution: what runs again, what does not, and what the history says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepsim.asl.payload import Payload
from stepsim.runtime.history import MAX_EVENTS

TASK: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}
WORK = {
    "StartAt": "Before",
    "States": {
        "Before": {"Type": "Pass", "Assign": {"kept": 7}, "Next": "Work"},
        "Work": {
            **{key: value for key, value in TASK.items() if key != "End"},
            "Parameters": {"kept.$": "$kept", "count.$": "$$.Execution.RedriveCount", "retry.$": "$$.State.RetryCount"},
            "Retry": [{"ErrorEquals": ["Oops"], "MaxAttempts": 1}],
            "Next": "After",
        },
        "After": {"Type": "Pass", "End": True},
    },
}


def fail_while(api: Any, broken: set[Any]) -> None:
    """Let the function fail for these events' ``n``."""

    def function(event: Any) -> Any:
        if event.get("n") in broken:
            raise api.Refused("Oops", "no")
        return event

    api.function = function


def test_a_task_is_scheduled_again_with_its_variables_and_fresh_retriers(api: Any) -> None:
    """Recorded: no state is entered again, the task points back to its entry, and RetryCount begins at 0."""
    fail_while(api, {None})
    arn = api.run(WORK)
    assert api.describe(arn)["status"] == "FAILED"
    api.function = lambda event: event
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert [(call["kept"], call["count"], call["retry"]) for call in api.calls] == [(7, 0, 0), (7, 0, 1), (7, 1, 0)]
    assert api.trace(arn)[10:] == [
        "11<-10 ExecutionFailed",
        "12<-11 ExecutionRedriven",
        "13<-4 LambdaFunctionScheduled",
        "14<-13 LambdaFunctionStarted",
        "15<-14 LambdaFunctionSucceeded",
        "16<-15 TaskStateExited",
        "17<-16 PassStateEntered",
        "18<-17 PassStateExited",
        "19<-18 ExecutionSucceeded",
    ]


def test_describe_execution_forgets_the_failure_while_a_redrive_runs(api: Any) -> None:
    """Recorded: stopDate, error and cause go, redriveDate comes, and the status is RUNNING."""
    fail_while(api, {None})
    arn = api.run(WORK)
    failed = api.describe(arn)
    assert (failed["redriveCount"], failed["redriveStatus"], failed["error"]) == (0, "REDRIVABLE", "Oops")
    assert "redriveStatusReason" not in failed
    redriven = api.call("RedriveExecution", executionArn=arn)
    running = api.describe(arn)
    assert (running["status"], running["redriveCount"]) == ("RUNNING", 1)
    assert running["redriveDate"] == redriven["redriveDate"]
    assert not {"stopDate", "error", "cause", "output"} & set(running)
    assert running["redriveStatusReason"] == "Execution is RUNNING and cannot be redriven"


def test_a_client_token_is_answered_before_anything_else_is_looked_at(api: Any) -> None:
    """Recorded: a used token gets its old date whatever the status; a refused one may be used again."""
    fail_while(api, {None})
    arn = api.run(WORK)
    first = api.call("RedriveExecution", executionArn=arn, clientToken="a")
    assert api.refused("RedriveExecution", executionArn=arn, clientToken="b")[0] == "ExecutionNotRedrivable"
    assert api.call("RedriveExecution", executionArn=arn, clientToken="a") == first
    api.drive()
    assert api.call("RedriveExecution", executionArn=arn, clientToken="a") == first
    assert api.describe(arn)["redriveCount"] == 1
    api.function = lambda event: event
    second = api.call("RedriveExecution", executionArn=arn, clientToken="b")
    api.drive()
    assert second["redriveDate"] > first["redriveDate"]
    assert api.call("RedriveExecution", executionArn=arn, clientToken="b") == second
    refused = api.refused("RedriveExecution", executionArn=arn, clientToken="c")
    reason = f"Execution {arn} invalid for redrive as: Execution is SUCCEEDED and cannot be redriven"
    assert refused == ("ExecutionNotRedrivable", reason)


def test_a_fail_state_fails_again_without_being_entered_again(api: Any) -> None:
    """Recorded: ExecutionFailed points to ExecutionRedriven."""
    arn = api.run({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}})
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert api.trace(arn)[2:] == ["3<-2 ExecutionFailed", "4<-3 ExecutionRedriven", "5<-4 ExecutionFailed"]


def test_only_the_branches_that_had_not_succeeded_run_again(api: Any) -> None:
    """Recorded: the others' outputs stand in their places, and no ParallelStateStarted is written."""
    branches = [{"StartAt": f"S{n}", "States": {f"S{n}": {**TASK, "Parameters": {"n": n}}}} for n in range(2)]
    slow = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "S2"},
                                       "S2": {**TASK, "Parameters": {"n": 2}}}}  # fmt: skip
    parallel = {"Type": "Parallel", "Branches": [*branches, slow], "End": True}
    fail_while(api, {1})
    arn = api.run({"StartAt": "P", "States": {"P": parallel}})
    assert api.describe(arn)["status"] == "FAILED"
    before = len(api.trace(arn))
    api.function = lambda event: event
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert [call["n"] for call in api.calls] == [0, 1, 1, 2]
    assert api.describe(arn)["output"] == '[{"n":0},{"n":1},{"n":2}]'
    added = api.trace(arn)[before:]
    assert added[1] == f"{before + 2}<-7 LambdaFunctionScheduled"
    assert not [line for line in added if line.endswith(("ParallelStateStarted", "WaitStateEntered"))]
    assert added[-3:] == [
        f"{len(added) + before - 2}<-{len(added) + before - 3} ParallelStateSucceeded",
        f"{len(added) + before - 1}<-{len(added) + before - 3} ParallelStateExited",
        f"{len(added) + before}<-{len(added) + before - 1} ExecutionSucceeded",
    ]


def test_iterations_go_on_and_those_never_reached_begin(api: Any) -> None:
    """Recorded: the failed one without a MapIterationStarted, the unreached one with it; item order is kept."""
    inner = {"StartAt": "T", "States": {"T": TASK}}
    definition = {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": inner, "End": True}},
    }
    fail_while(api, {1})
    arn = api.run(definition, [{"n": 0}, {"n": 1}, {"n": 2}])
    before = len(api.trace(arn))
    api.function = lambda event: event
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert [call["n"] for call in api.calls] == [0, 1, 1, 2]
    assert api.describe(arn)["output"] == '[{"n":0},{"n":1},{"n":2}]'
    added = [line.split()[1] for line in api.trace(arn)[before:]]
    assert added.count("MapIterationStarted") == 1
    assert "MapStateStarted" not in added
    assert added.index("MapIterationSucceeded") < added.index("MapIterationStarted")


def test_an_execution_that_was_stopped_or_timed_out_goes_on(api: Any) -> None:
    """Both are redrivable; a machine's TimeoutSeconds begin anew."""
    definition = {
        "TimeoutSeconds": 100,
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": 200, "Next": "X"}, "X": {"Type": "Pass", "End": True}},
    }
    arn = api.run(definition)
    assert api.describe(arn)["status"] == "TIMED_OUT"
    api.call("RedriveExecution", executionArn=arn)
    api.drive(50)
    api.call("StopExecution", executionArn=arn, cause="enough")
    assert api.describe(arn)["cause"] == "enough"
    assert "error" not in api.describe(arn)
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    described = api.describe(arn)
    assert described["status"] == "TIMED_OUT"
    assert described["stopDate"] - described["redriveDate"] == timedelta(seconds=100)
    assert described["redriveCount"] == 2


def test_a_machine_that_is_being_deleted_is_a_reason(api: Any) -> None:
    """The reason is looked at before the execution's own."""
    definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}}
    machine = api.machine(definition)
    arn = api.start(machine)
    api.drive(1)
    api.call("DeleteStateMachine", stateMachineArn=machine)
    assert api.describe(arn)["redriveStatusReason"] == "State machine is in DELETING status"


def test_an_execution_without_room_for_events_cannot_be_redriven(api: Any) -> None:
    """ExecutionRedriven and one event more must fit into 25,000."""
    loop = {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": False, "Next": "C"}], "Default": "E"}
    arn = api.run({"StartAt": "C", "States": {"C": loop, "E": {"Type": "Succeed"}}})
    assert len(api.trace(arn)) == MAX_EVENTS
    assert api.describe(arn)["redriveStatusReason"] == "Execution history event limit exceeded"


def test_after_two_weeks_it_is_too_late(api: Any) -> None:
    """The redrivable period is 14 days."""
    arn = api.run({"StartAt": "F", "States": {"F": {"Type": "Fail"}}})
    api.drive(14 * 86_400 + 1)
    assert api.describe(arn)["redriveStatusReason"] == "Execution redrivable period exceeded"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:states:us-east-1:123456789012:express:m:one:x", "InvalidArn"),
        ("arn:aws:states:us-east-1:123456789012:execution:m:none", "ExecutionDoesNotExist"),
        ("arn:aws:states:us-east-1:123456789012:execution:m/label:child", "ValidationException"),
    ],
)
def test_what_cannot_be_redriven_is_refused_by_its_arn(api: Any, arn: str, code: str) -> None:
    """Recorded for Express and unknown executions; the children of map runs are redriven with their parent."""
    assert api.refused("RedriveExecution", executionArn=arn)[0] == code


def test_a_simulation_keeps_nothing_for_a_redrive(laboratory_account: Any) -> None:
    """What a redrive would need is gathered from Standard executions with a history alone."""
    execution = laboratory_account
    assert execution.stopped_at is None


@pytest.fixture
def laboratory_account(api: Any) -> Any:
    machine = {"StartAt": "F", "States": {"F": {"Type": "Fail"}}}
    execution = api.account.start_execution(machine, Payload({}), machine_name="m", name="one", express=True)
    api.drive()
    assert execution.status == "FAILED"
    return execution
