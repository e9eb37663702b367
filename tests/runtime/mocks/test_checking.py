"""mocks/checking.py: test cases against machines that do not fit them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.asl.compile import compile_machine
from stepsim.runtime.mocks.checking import check_case, checked
from stepsim.runtime.mocks.reading import MockConfigError, read_mocks

RETRY = [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}]


def task(resource: str = "aws-sdk:s3:getObject", **fields: Any) -> dict[str, Any]:
    """A Task."""
    return {
        "Type": "Task",
        "Resource": resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}",
        **fields,
    }


def machine(**states: Any) -> dict[str, Any]:
    """A machine of states, beginning with the first."""
    return {"StartAt": next(iter(states)), "States": states}


def findings(definition: dict[str, Any], states: dict[str, Any], **own: Any) -> list[str]:
    """What is found in a test case, each with its severity."""
    text = json.dumps({"stepsim": {"test_cases": {"m": {"c": states}}, **own}})
    case = read_mocks(text, "m.json").cases["m"]["c"]
    return [f"{finding.severity}: {finding.message}" for finding in check_case(case, compile_machine(definition))]


ONE = machine(S=task(End=True, Retry=RETRY))
BUSY = {"Throw": {"Error": "Busy"}}
BROKEN = {"Throw": {"Error": "Broken"}}
DONE: dict[str, Any] = {"Return": {}}


def test_a_state_that_is_not_there_is_an_error() -> None:
    """As is one that is no Task: the Tasks in it can be mocked."""
    definition = machine(
        M={"Type": "Map", "ItemProcessor": machine(Inner=task(End=True)), "Next": "P"}, P={"Type": "Pass", "End": True}
    )
    found = findings(definition, {"Iner": {"0": DONE}, "M": {"0": DONE}, "P": {"0": DONE}, "Inner": {"0": DONE}})
    assert found == [
        "error: the state machine 'm' has no state 'Iner'",
        "error: 'M' is a Map state, and only Tasks can be mocked",
        "error: 'P' is a Pass state, and only Tasks can be mocked",
    ]


@pytest.mark.parametrize(
    ("attempts", "warnings"),
    [
        ({"0-1": BUSY, "2": DONE}, []),
        ({"0-2": BUSY}, []),
        ({"0-1": BUSY, "2": DONE, "3": DONE}, ["attempt 3 of 'S' cannot happen: attempt 2 returns"]),
        ({"0-3": BUSY}, ["attempt 3 of 'S' cannot happen: attempt 2 fails with Busy, which is not retried any more"]),
        (
            {"0": BROKEN, "1": DONE},
            ["attempt 1 of 'S' cannot happen: attempt 0 fails with Broken, which is not retried any more"],
        ),
        ({"1": DONE}, ["attempt 0 has no entry: the state 'S' fails with States.Runtime before this one"]),
        ({"0": BUSY, "2": DONE}, ["attempt 1 has no entry: the state 'S' fails with States.Runtime before this one"]),
        (
            {"0": BUSY},
            [
                "the Retry of 'S' makes another attempt after 0, and there is no entry for it: "
                "the state fails with States.Runtime"
            ],
        ),
        ({}, ["the response is empty: the state 'S' fails with States.Runtime"]),
    ],
)
def test_attempts_follow_the_states_retry(attempts: Any, warnings: list[str]) -> None:
    """What cannot happen, and what is missing, is warned of."""
    assert findings(ONE, {"S": attempts}) == [f"warning: {warning}" for warning in warnings]


@pytest.mark.parametrize(
    "definition",
    [
        machine(
            S=task(Next="C"),
            C={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "S"}], "Default": "E"},
            E={"Type": "Succeed"},
        ),
        machine(M={"Type": "Map", "End": True, "ItemProcessor": machine(S=task(End=True))}),
        machine(P={"Type": "Parallel", "End": True, "Retry": RETRY, "Branches": [machine(S=task(End=True))]}),
        machine(
            S=task(End=True, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "W"}]),
            W={"Type": "Wait", "Seconds": 1, "Next": "S"},
        ),
    ],
    ids=["loop", "map", "retried parallel", "caught and again"],
)
def test_states_that_are_entered_again_go_on_counting(definition: dict[str, Any]) -> None:
    """Any attempt can happen there; none may be left out."""
    assert findings(definition, {"S": {"0": DONE, "1-5": BROKEN, "6": DONE}}) == []
    gap = "warning: attempt 1 has no entry: the state 'S' fails with States.Runtime before this one"
    assert findings(definition, {"S": {"0": DONE, "2": DONE}}) == [gap]


def test_an_item_is_tried_as_often_as_its_retry_allows() -> None:
    """A rule's attempts are those of one item."""
    definition = machine(M={"Type": "Map", "End": True, "ItemProcessor": machine(S=task(End=True, Retry=RETRY))})
    found = findings(definition, {"S": [{"item": 0, "response": {"0-2": BUSY, "3": DONE}}]})
    assert found == [
        "warning: attempt 3 of 'S' cannot happen: attempt 2 fails with Busy, which is not retried any more"
    ]


def test_rules_need_a_map() -> None:
    """Elsewhere there are no items to tell apart."""
    assert findings(ONE, {"S": [{"item": 0, "response": {"0": DONE}}]}) == [
        "error: 'S' is in no Map: it has no items to be told apart"
    ]


@pytest.mark.parametrize(
    ("resource", "answer", "problem"),
    [
        ("sqs:sendMessage", {"heartbeat_every": "1s"}, "heartbeat_every is for callbacks and activities"),
        ("sqs:sendMessage.waitForTaskToken", {"worker": "w"}, "worker is for activities"),
        ("sqs:sendMessage.waitForTaskToken", {"taken_after": "1s"}, "taken_after is for activities"),
        ("sqs:sendMessage", {"submitted": {"a": 1}}, "submitted is for callbacks and .sync tasks"),
    ],
)
def test_what_means_nothing_to_a_task_is_an_error(resource: str, answer: dict[str, Any], problem: str) -> None:
    """Nothing is accepted and ignored."""
    [found] = findings(machine(S=task(resource, End=True)), {"S": {"0": {"Return": 1, **answer}}})
    assert found.startswith(f"error: {problem}, and 'S' calls arn:aws:states:::{resource}")


def test_what_fits_a_task_is_taken() -> None:
    """Of an activity and of a callback."""
    activity = machine(S=task("arn:aws:states:us-east-1:123456789012:activity:a", End=True))
    said = {"Return": 1, "worker": "w", "taken_after": "1s", "heartbeat_every": "1s", "delay": "3s"}
    assert findings(activity, {"S": {"0": said}}) == []
    callback = machine(S=task("sqs:sendMessage.waitForTaskToken", End=True))
    assert findings(callback, {"S": {"0": {"Throw": {"Error": "E"}, "refused": True}}}) == []


def test_responses_are_held_against_the_api_where_asked() -> None:
    """As Step Functions spells it; what is thrown has no shape."""
    definition = machine(S=task("lambda:invoke", End=True))
    wrong = {"S": {"0": {"Return": {"StatusCode": "200"}}}}
    assert findings(definition, wrong) == []
    assert findings(definition, wrong, validate_responses=True) == [
        "error: arn:aws:states:::lambda:invoke returns no such thing: Field 'StatusCode' must be a number"
    ]
    assert findings(definition, {"S": {"0": {"Return": {"StatusCode": 200}}}}, validate_responses=True) == []


def test_a_case_with_errors_cannot_be_run() -> None:
    """`checked` returns warnings and raises errors, with their places."""
    file = read_mocks(json.dumps({"stepsim": {"test_cases": {"m": {"c": {"T": {"0": DONE}}}}}}), "m.json")
    with pytest.raises(MockConfigError, match=r"m\.json:1:\d+: stepsim\.test_cases\.m\.c\.T: .*\(known: S\)"):
        checked(file.cases["m"]["c"], compile_machine(ONE))
