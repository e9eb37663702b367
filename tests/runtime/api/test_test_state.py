"""TestState without mocks: what comes of one state, and what its data was after each step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.api.records import Params

ROLE = "arn:aws:iam::123456789012:role/states"
SEND = "arn:aws:states:::aws-sdk:sfn:sendTaskHeartbeat"


def tried(service: Any, state: Any, value: Any = None, level: str = "DEBUG", **params: Any) -> dict[str, Any]:
    """The response, its texts parsed."""
    text = json.dumps({} if value is None else value)
    response = service(
        "TestState", definition=json.dumps(state), input=text, inspectionLevel=level, roleArn=ROLE, **params
    )
    inspection = response.get("inspectionData", {})
    for holder, names in ((response, ["output"]), (inspection, [n for n in inspection if n != "errorDetails"])):
        for name in names:
            if name in holder:
                holder[name] = json.loads(holder[name])
    return dict(response)


def refused(service: Any, state: Any, **params: Any) -> tuple[str, str]:
    code, message = service.refusal("TestState", definition=json.dumps(state), **params)
    return code, message


def test_the_data_is_shown_after_each_step(service: Any) -> None:
    """In the order of the steps, as text (recorded)."""
    state = {
        "Type": "Pass",
        "InputPath": "$.a",
        "Parameters": {"x.$": "$.b"},
        "ResultPath": "$.r",
        "OutputPath": "$.r",
        "Next": "Then",
    }
    assert tried(service, state, {"a": {"b": 1}}) == {
        "status": "SUCCEEDED",
        "nextState": "Then",
        "output": {"x": 1},
        "inspectionData": {
            "input": {"a": {"b": 1}},
            "afterInputPath": {"b": 1},
            "afterParameters": {"x": 1},
            "afterResultSelector": {"x": 1},
            "afterResultPath": {"a": {"b": 1}, "r": {"x": 1}},
        },
    }


def test_a_constant_result_hides_the_way_in(service: Any) -> None:
    """It is the result, whatever came in (recorded)."""
    inspection = tried(service, {"Type": "Pass", "Result": 5, "End": True}, {"a": 1})["inspectionData"]
    assert inspection == {"input": {"a": 1}, "result": 5, "afterResultSelector": 5, "afterResultPath": 5}


def test_info_shows_only_what_comes_of_it(service: Any) -> None:
    """The input may be left out."""
    response = service("TestState", definition='{"Type": "Succeed"}')
    assert response == {"status": "SUCCEEDED", "output": "{}"}


def test_a_choice_says_where_it_leads(service: Any) -> None:
    """A loop to itself included."""
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "One"}
    state = {"Type": "Choice", "Choices": [rule], "Default": "Other"}
    assert [tried(service, state, {"n": n})["nextState"] for n in (1, 2)] == ["One", "Other"]


def test_a_wait_waits(service: Any) -> None:
    """The answer comes when it is over; five minutes are the most."""
    replies: list[Any] = []
    for seconds in (5, 500):
        params = Params(definition=json.dumps({"Type": "Wait", "Seconds": seconds, "End": True}))
        service.operations.call("TestState", params, service.home, replies.append)
    service.advance(4_999)
    assert replies == []
    service.advance(1)
    assert replies == [{"status": "SUCCEEDED", "output": "{}"}]
    service.advance(295_000)
    assert replies[1] == {"status": "FAILED", "error": "States.Timeout"}


def test_a_test_that_nobody_waits_for_ends(service: Any) -> None:
    """Its reply is not called."""
    replies: list[Any] = []
    params = Params(definition='{"Type": "Wait", "Seconds": 5, "End": true}')
    service.operations.call("TestState", params, service.home, replies.append)()
    service.advance(10_000)
    assert replies == []


def test_a_fail_state_fails(service: Any) -> None:
    """It does not look for a retrier."""
    response = tried(service, {"Type": "Fail", "Error": "E", "Cause": "C"})
    inspection: dict[str, Any] = {"input": {}, "afterInputPath": {}}
    assert response == {"status": "FAILED", "error": "E", "cause": "C", "inspectionData": inspection}


def test_errors_of_the_interpreter_do_not_say_where(service: Any) -> None:
    """There is but one state (recorded)."""
    response = tried(service, {"Type": "Pass", "InputPath": "$.no", "End": True}, level="INFO")
    assert (response["error"], response["cause"]) == (
        "States.Runtime",
        "Invalid path '$.no' : No results for path: $['no']",
    )


TASK = {"Type": "Task", "Resource": SEND, "Parameters": {"TaskToken": "t"}, "End": True}


def test_a_task_calls_what_it_calls(service: Any) -> None:
    """Really: here it is refused."""
    response = tried(service, TASK)
    assert (response["status"], response["error"]) == ("FAILED", "Sfn.InvalidTokenException")
    assert response["inspectionData"]["afterParameters"] == {"TaskToken": "t"}
    assert "result" not in response["inspectionData"]


def test_a_result_is_shown(service: Any) -> None:
    """Before ResultSelector and after it."""
    listing = "arn:aws:states:::aws-sdk:sfn:listActivities"
    service("CreateActivity", name="paint")
    state = {"Type": "Task", "Resource": listing, "ResultSelector": {"n.$": "States.ArrayLength($.Activities)"}}
    response = tried(service, {**state, "End": True})
    assert response["output"] == {"n": 1}
    assert response["inspectionData"]["result"]["Activities"][0]["Name"] == "paint"


def test_an_error_that_would_be_retried(service: Any) -> None:
    """The retrier, and how long it would wait; nothing is retried."""
    retry = [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 7}]
    response = tried(service, {**TASK, "Retry": retry})
    assert response["status"] == "RETRIABLE"
    assert response["inspectionData"]["errorDetails"] == {"retryIndex": 1, "retryBackoffIntervalSeconds": 7}


def test_an_error_that_is_caught(service: Any) -> None:
    """The catcher, its output and where it leads; an exhausted retrier is named, and leaves the error to it."""
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}]
    catch = [{"ErrorEquals": ["Sfn.InvalidTokenException"], "ResultPath": "$.e", "Next": "Then"}]
    response = tried(service, {**TASK, "Retry": retry, "Catch": catch}, {"a": 1})
    assert (response["status"], response["nextState"]) == ("CAUGHT_ERROR", "Then")
    assert response["output"]["e"]["Error"] == "Sfn.InvalidTokenException"
    assert response["inspectionData"]["errorDetails"] == {"retryIndex": 0, "catchIndex": 0}


def test_variables_are_given_and_shown(service: Any) -> None:
    """With those that the state assigns."""
    state = {"Type": "Pass", "Parameters": {"x.$": "$v"}, "Assign": {"w": 2}, "End": True}
    response = tried(service, state, variables='{"v": 1}')
    assert response["output"] == {"x": 1}
    assert response["inspectionData"]["variables"] == {"v": 1, "w": 2}


def test_the_context_object_is_an_express_executions(service: Any) -> None:
    """Without a redrive count; the state is called StateName (recorded)."""
    output = tried(service, {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}, {"a": 1})["output"]
    execution = output["c"]["Execution"]
    assert execution["Id"].split(":")[5] == "express"
    assert sorted(execution) == ["Id", "Input", "Name", "RoleArn", "StartTime"]
    assert output["c"]["State"]["Name"] == "StateName"


def test_a_state_of_a_machine_is_found_wherever_it_stands(service: Any) -> None:
    """In the machine's language."""
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "Output": "{% $states.input.a %}", "End": True}}}
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}},
    }
    response = tried(service, machine, {"a": 3}, stateName="Inner")
    assert response == {"status": "SUCCEEDED", "output": 3, "inspectionData": {"input": {"a": 3}}}
    assert refused(service, machine, stateName="dne") == ("ValidationException", "State not found in definition")


def test_nothing_is_recorded(service: Any) -> None:
    """Neither an execution nor a machine."""
    tried(service, {"Type": "Succeed"})
    assert service("ListStateMachines")["stateMachines"] == []
    assert service.account.running == 0
    assert service.account.statistics.state_transitions == 0


MAP = {"Type": "Map", "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}, "End": True}
TYPES = "[Task, Wait, Pass, Succeed, Fail, Choice"


@pytest.mark.parametrize(
    ("state", "params", "code", "message"),
    [
        (TASK, {}, "ValidationException", "RoleArn must be specified when testing a Task state"),
        (
            MAP,
            {},
            "InvalidDefinition",
            f"TestState API does not support Map or Parallel states. Supported state types include: {TYPES}]",
        ),
        (
            {"Type": "Sleep"},
            {},
            "InvalidDefinition",
            f"The field 'Type' should have one of these values: {TYPES}, Parallel, Map]",
        ),
        (
            TASK,
            {"mock": {"result": "{}", "errorOutput": {"error": "E"}}},
            "ValidationException",
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ),
        (
            {"Type": "Succeed"},
            {"mock": {"result": "{}"}},
            "ValidationException",
            "State type 'Succeed' is not supported when a mock is specified",
        ),
        (
            MAP,
            {"stateConfiguration": {"mapIterationFailureCount": 0}},
            "ValidationException",
            "TestState does not support MapIterationFailureCount when a mock is not specified.",
        ),
        (
            {"Type": "Succeed"},
            {"context": "{}"},
            "ValidationException",
            "TestState does not support Context when a mock is not specified.",
        ),
        (
            TASK,
            {"mock": {"result": "{}"}, "revealSecrets": True},
            "ValidationException",
            "TestState does not support RevealSecrets when a mock is specified.",
        ),
        (
            {**TASK, "Resource": "arn:aws:states:::states:startExecution.sync"},
            {"roleArn": ROLE},
            "ValidationException",
            "TestState does not support a Task state with '.sync' when a mock is not specified.",
        ),
        ({"Type": "Pass", "End": True}, {"variables": "[]"}, "ValidationException", "Variables must be a JSON object"),
    ],
)
def test_what_cannot_be_tested_is_refused(service: Any, state: Any, params: Any, code: str, message: str) -> None:
    """In AWS's words where they are known."""
    assert refused(service, state, **params) == (code, message)


def test_a_wrong_state_is_refused_with_its_place(service: Any) -> None:
    """As CreateStateMachine refuses it; inputs as StartExecution does."""
    code, message = refused(service, {"Type": "Pass", "Colour": 1, "End": True})
    assert (code, message.rpartition(" ")[2]) == ("InvalidDefinition", "/States/StateName'")
    assert service.refusal("TestState", definition="{")[0] == "InvalidDefinition"
    assert refused(service, {"Type": "Succeed"}, input="{")[0] == "InvalidExecutionInput"
