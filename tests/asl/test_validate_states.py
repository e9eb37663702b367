"""Single states and how they join: resources, error handlers, choices, transitions, variables, templates."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.errors import Problem
from stepsim.asl.parse import Document
from stepsim.asl.resource import parse_resource
from stepsim.asl.validate import validate
from stepsim.asl.validate_resources import OPTIMISED

END: dict[str, Any] = {"Type": "Pass", "End": True}
LAMBDA = "arn:aws:states:::lambda:invoke"


def check(**states: Any) -> list[Problem]:
    return validate(Document.of_value({"StartAt": next(iter(states)), "States": states}))


def task(resource: Any = LAMBDA, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **fields}


def messages(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.message, problem.path) for problem in problems]


@pytest.mark.parametrize("service", OPTIMISED)
def test_optimised_integrations(service: str) -> None:
    """Every integration of the table, with each of its patterns, is a resource that a Task can call."""
    for action, patterns in OPTIMISED[service].items():
        for pattern in patterns:
            arn = f"arn:aws:states:::{service}:{action}{'.' * bool(pattern)}{pattern}"
            assert check(A=task(arn, TimeoutSeconds=60)) == []
            assert parse_resource(arn).pattern == pattern


@pytest.mark.parametrize(
    ("resource", "hint"),
    [
        ("arn:aws:states:::dynamodb:query", "aws-sdk:dynamodb:query"),
        ("arn:aws:states:::dynamodb:getItems", "Did you mean 'getItem'?"),
        ("arn:aws:states:::lamda:invoke", "Did you mean 'lambda'?"),
        ("arn:aws:states:::lambda:invoke.sync", "'.waitForTaskToken'"),
        ("arn:aws:states:::aws-sdk:S3:GetObject", "aws-sdk:s3:getObject"),
        ("arn:aws:states:::aws-sdk:s3:getObject.sync", "waits for no job"),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:x", "states:startExecution.sync:2"),
        ("arn:aws:athena:us-west-2:123456789012:workgroup/w", "athena:startQueryExecution.sync"),
        ("arn:aws:dynamodb:us-west-2:123456789012:table/t", "dynamodb:putItem"),
        ("arn:aws:sqs:us-west-2:123456789012:q", "sqs:sendMessage"),
        ("arn:aws:kinesis:us-west-2:123456789012:stream/s", "aws-sdk:kinesis:"),
        ("MyFunction", '"FunctionName": "MyFunction"'),
        ("<INSERT THE ARN>", "written ${Name}"),
        ("arn:aws:lambda:REGION:ACCOUNT:F", "12 digits"),
    ],
)
def test_what_is_no_resource_of_a_task(resource: str, hint: str) -> None:
    """AWS's text for anything a Task cannot call, and what to write for it."""
    [problem] = check(A=task(resource))
    assert problem.message == (
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource "
        "is not available in this region."
    )
    assert problem.path == "/States/A/Resource"
    assert hint in (problem.suggestion or "")


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:::aws-sdk:s3:getObject",
        "arn:aws-cn:states:::sqs:sendMessage",
        "arn:aws:states:us-east-1:123456789012:aws-sdk:s3:getObject",
    ],
)
def test_resources(resource: str) -> None:
    """Functions, activities, integrations, whose region and account may be named, and other partitions."""
    assert check(A=task(resource, TimeoutSeconds=60)) == []


@pytest.mark.parametrize("field", ["Retry", "Catch"])
def test_states_all_stands_alone_and_last(field: str) -> None:
    """States.ALL is the only name of the last element."""
    rest = {} if field == "Retry" else {"Next": "B"}
    text = "States.ALL must appear alone and at end of list"
    for names in ([["States.ALL", "X"]], [["States.ALL"], ["X"]]):
        handlers = [{"ErrorEquals": each, **rest} for each in names]
        found = messages(check(A={"Type": "Task", "Resource": LAMBDA, "Next": "B", field: handlers}, B=END))
        assert found == [(text, f"/States/A/{field}[0]/ErrorEquals")]


def test_error_names_that_nothing_has() -> None:
    """A name of States. that AWS does not raise is a warning, with the one that was meant."""
    [problem] = check(A=task(Retry=[{"ErrorEquals": ["States.Timout"]}]))
    assert (problem.severity, problem.suggestion) == ("warning", "Did you mean 'States.Timeout'?")


@pytest.mark.parametrize(
    ("retrier", "message", "field"),
    [
        ({"ErrorEquals": []}, "Value cannot be empty", "/ErrorEquals"),
        ({"ErrorEquals": ["X"], "MaxAttempts": -1}, "Minimum value is 0", "/MaxAttempts"),
        ({"ErrorEquals": ["X"], "IntervalSeconds": 0}, "Minimum value is 1", "/IntervalSeconds"),
        ({"ErrorEquals": ["X"], "BackoffRate": 0.5}, "Minimum value is 1", "/BackoffRate"),
        ({"ErrorEquals": ["X"], "MaxDelaySeconds": 31_622_401}, "Maximum value is 31622400", "/MaxDelaySeconds"),
        (
            {"ErrorEquals": ["X"], "JitterStrategy": "SOME"},
            "Value should be one of the following: [NONE, FULL]",
            "/JitterStrategy",
        ),
        ({}, "These fields are required: [ErrorEquals]", ""),
        ({"ErrorEquals": ["X"], "MaxRetries": 3}, "Field 'MaxRetries' is not supported", ""),
    ],
)
def test_retriers(retrier: dict[str, Any], message: str, field: str) -> None:
    """The ranges of a Retrier are AWS's."""
    assert messages(check(A=task(Retry=[retrier]))) == [(message, f"/States/A/Retry[0]{field}")]


def choice(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(rules), "Default": "B"}


@pytest.mark.parametrize(
    ("rule", "message", "place"),
    [
        ({"Next": "B"}, "This object should have only one of the following fields: [", ""),
        (
            {"Variable": "$.a", "StringEquals": "x", "IsNull": True, "Next": "B"},
            "There should only be one of the following fields: [",
            "",
        ),
        ({"Variable": "$.a", "IsNull": True}, "These fields are required: [Next]", ""),
        ({"IsNull": True, "Next": "B"}, "These fields are required: [Variable]", ""),
        ({"Variable": "$.a", "NumericEquals": "1", "Next": "B"}, "Expected value of type [NUMBER]", "/NumericEquals"),
        ({"Variable": "$.a", "StringEqual": "1", "Next": "B"}, "Field 'StringEqual' is not supported", ""),
        (
            {"Variable": "a", "IsNull": True, "Next": "B"},
            "Value is not a Reference Path: Reference path didn't start with '$'",
            "/Variable",
        ),
        ({"And": [], "Next": "B"}, "Value cannot be empty", "/And"),
        (
            {"Not": {"Variable": "$.a", "IsNull": True, "Next": "B"}, "Next": "B"},
            "Field 'Next' is not supported",
            "/Not",
        ),
        ({"Condition": True, "Next": "B"}, "The QueryLanguage is set to 'JSONPath', but field 'Condition'", ""),
    ],
)
def test_choice_rules(rule: dict[str, Any], message: str, place: str) -> None:
    """A rule is one comparison or one combination; only outermost rules lead somewhere."""
    found = messages(check(A=choice(rule), B=END))
    assert any(text.startswith(message) and path == f"/States/A/Choices[0]{place}" for text, path in found)


def test_transitions_stay_within_their_scope() -> None:
    """A transition out of a branch names a state that AWS does not find, and is told where that state stands."""
    branch = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Next": "B"}}}
    [problem] = check(A={"Type": "Parallel", "Branches": [branch], "Next": "B"}, B=END)
    assert (problem.code, problem.path) == ("MISSING_TRANSITION_TARGET", "/States/A/Branches[0]/States/In/Next")
    assert "no transition leaves Branches[0] of A" in (problem.suggestion or "")


def test_a_nested_machine_need_not_end() -> None:
    """AWS asks only the outermost machine for a terminal state (measured)."""
    branch = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Next": "In"}}}
    assert check(A={"Type": "Parallel", "Branches": [branch], "End": True}) == []


def test_unreachable_states_are_not_told_where_nothing_ends() -> None:
    """The missing end comes alone (measured)."""
    loop = {"Type": "Pass", "Next": "A"}
    assert [problem.code for problem in check(A=loop, B=loop)] == ["MISSING_END_STATE"]


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ({"a.$": "States.Nothing()"}, "SCHEMA_VALIDATION_FAILED"),
        ({"a.$": 5}, "SCHEMA_VALIDATION_FAILED"),
        ({"a.$": "$.b", "a": 1}, "SCHEMA_VALIDATION_FAILED"),
        ({"a": "s3://b/{key}"}, "LITERAL_BRACES"),
        ({"a": "$.b"}, "NO_DOLLAR"),
        ("$.a", "LITERAL_PATH"),
    ],
)
def test_templates(template: Any, code: str) -> None:
    """What is computed must be computable, and no two members may come out under one name."""
    assert [problem.code for problem in check(A={**END, "Parameters": template})] == [code]


@pytest.mark.parametrize("template", [{"a": "{}"}, {"a": '{"b": 1}'}, {"a": "{{b}}"}, {"a": "$.50"}, [{"a.$": "$.b"}]])
def test_literals_in_templates(template: Any) -> None:
    """Empty braces, JSON in a string, other template languages and prices are left alone."""
    assert check(A={**END, "Parameters": template}) == []


@pytest.mark.parametrize("path", ["$$.x", "$x", "a", "$..a", "$.a[*]"])
def test_result_paths(path: str) -> None:
    """ResultPath is a place in the state's input: no context object, no variable, one node."""
    assert [p.path for p in check(A={**END, "ResultPath": path}) if p.severity == "error"] == ["/States/A/ResultPath"]


def test_credentials_and_heartbeats() -> None:
    """Credentials have a role, and a heartbeat comes before the time-out."""
    assert messages(check(A=task(Credentials={}))) == [
        ("The field 'RoleArn' is required but was missing", "/States/A/Credentials")
    ]
    assert messages(check(A=task(Credentials={"Role": "r"}))) == messages(check(A=task(Credentials={})))
    assert check(A=task(Credentials={"RoleArn.$": "$.role"})) == []
    assert [p.path for p in check(A=task(TimeoutSeconds=5, HeartbeatSeconds=6))] == ["/States/A/HeartbeatSeconds"]
