from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.errors import Problem
from stepsim.asl.parse import Document
from stepsim.asl.validate import validate

LAMBDA = "arn:aws:states:::lambda:invoke"


def problems(resource: str, *rules: list[str], field: str = "Retry", **fields: Any) -> list[Problem]:
    held = [{"ErrorEquals": rule, **({"Next": "B"} if field == "Catch" else {})} for rule in rules]
    state = {"Type": "Task", "Resource": resource, "End": True, field: held, **fields}
    states = {"A": state, **({"B": {"Type": "Succeed"}} if field == "Catch" else {})}
    return validate(Document.of_value({"StartAt": "A", "States": states}))


def codes(resource: str, *rules: list[str], field: str = "Retry", **fields: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems(resource, *rules, field=field, **fields)]


@pytest.mark.parametrize("field", ["Retry", "Catch"])
def test_the_first_rule_that_matches_decides(field: str) -> None:
    """A name that an earlier rule has, or that States.TaskFailed covers there, is never looked at."""
    at = f"/States/A/{field}[1]/ErrorEquals"
    assert codes(LAMBDA, ["X", "Y"], ["Y", "Z"], field=field) == [("NEVER_MATCHES", at)]
    assert codes(LAMBDA, ["States.TaskFailed"], ["X", "Y"], field=field) == [("NEVER_MATCHES", at)]
    assert codes(LAMBDA, ["X"], ["States.TaskFailed"], field=field) == []


def test_time_outs_are_no_failures_of_tasks() -> None:
    """States.TaskFailed covers neither a time-out nor, of course, States.ALL."""
    assert codes(LAMBDA, ["States.TaskFailed"], ["States.Timeout"], ["States.ALL"]) == []


def test_a_name_stands_once() -> None:
    """One ErrorEquals that names an error twice is told at the second."""
    assert codes(LAMBDA, ["X", "X"]) == [("DUPLICATE_ERROR_NAME", "/States/A/Retry[0]/ErrorEquals[1]")]


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("States.Timeouts", "UNKNOWN_ERROR_NAME", "'States.Timeout'"),
        ("States.Mine", "UNKNOWN_ERROR_NAME", "does not start with"),
        ("Lambda.ServiceExceptions", "UNKNOWN_ERROR_NAME", "'Lambda.ServiceException'"),
        ("Lambda.UnknownError", "UNKNOWN_ERROR_NAME", "'Lambda.Unknown'"),
        ("States.Runtime", "NEVER_MATCHES", "IsPresent"),
        ("States.NoChoiceMatched", "NEVER_MATCHES", "IsPresent"),
        ("States.HeartbeatTimeout", "NEVER_MATCHES", "HeartbeatSeconds"),
        ("States.DataLimitExceeded", "POINTLESS_RETRY", "S3"),
    ],
)
def test_names_that_nothing_raises(name: str, code: str, hint: str) -> None:
    """Misspelt names, and those that AWS never reports, are told with what to write."""
    [problem] = problems(LAMBDA, [name])
    assert problem.code == code
    assert problem.severity == "warning"
    assert hint in str(problem.suggestion)


def test_names_that_are_raised() -> None:
    """Lambda's own names, those of functions, HTTP's family, and what is caught for being too large."""
    assert codes(LAMBDA, ["Lambda.SnapStartException", "Lambda.Mine", "MyError", "States.Http.StatusCode.503"]) == []
    assert codes(LAMBDA, ["States.DataLimitExceeded"], field="Catch") == []
    assert codes(LAMBDA, ["States.HeartbeatTimeout"], HeartbeatSeconds=5) == []


@pytest.mark.parametrize(
    ("resource", "name", "hint"),
    [
        ("dynamodb:putItem", "Lambda.ServiceException", "DynamoDB."),
        ("dynamodb:putItem", "DynamoDb.ThrottlingException", "'DynamoDB.'"),
        ("aws-sdk:dynamodb:query", "DynamoDB.ThrottlingException", "'DynamoDb.'"),
        ("sqs:sendMessage", "S3.NoSuchKey", "the service that is called"),
        ("bedrock:invokeModel", "ThrottlingException", "have the service before them"),
    ],
)
def test_services_raise_errors_of_their_own(resource: str, name: str, hint: str) -> None:
    """An integration never fails with another service's error, nor with a name that has no service in it."""
    [problem] = problems(f"arn:aws:states:::{resource}", [name])
    assert (problem.code, problem.path) == ("NEVER_MATCHES", "/States/A/Retry[0]/ErrorEquals")
    assert hint in str(problem.suggestion)


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "MyError"),
        ("arn:aws:states:us-east-1:123456789012:activity:a", "MyError"),
        ("arn:aws:states:::dynamodb:putItem", "DynamoDB.ConditionalCheckFailedException"),
        ("arn:aws:states:::states:startExecution.sync:2", "StepFunctions.ExecutionAlreadyExistsException"),
        ("arn:aws:states:::aws-sdk:sfn:startExecution", "Sfn.ExecutionAlreadyExistsException"),
        ("${Resource}", "MyError"),
    ],
)
def test_who_answers_may_choose_names(resource: str, name: str) -> None:
    """Workers, holders of tokens and the service itself raise what is named."""
    assert codes(resource, [name], TimeoutSeconds=60) == []
