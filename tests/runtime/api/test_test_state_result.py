"""Mocked results are compared with botocore's model of what a Task calls."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.resource import parse_resource
from stepsim.runtime.api.test_state_result import check_result
from stepsim.runtime.cloud.call import ApiError


def found(resource: str, result: Any, *, required: bool = True) -> str | None:
    """What is said of a result; None where nothing is."""
    try:
        check_result(parse_resource(f"arn:aws:states:::{resource}"), result, required=required)
    except ApiError as error:
        return error.message.removeprefix("Mock result schema validation error: ")
    return None


START = "states:startExecution"


@pytest.mark.parametrize(
    ("resource", "result", "problem"),
    [
        (START, {"ExecutionArn": "a"}, "Required field 'StartDate' is missing"),
        (START, {"ExecutionArn": "a", "StartDate": 5}, "Field 'StartDate' must be a string"),
        (START, {"ExecutionArn": "", "StartDate": "d"}, "Field 'ExecutionArn' is smaller than the minimum length"),
        (START, {"ExecutionArn": "a" * 257, "StartDate": "d"}, "Field 'ExecutionArn' exceeds the maximum length"),
        ("events:putEvents", {"Entries": {}}, "Field 'Entries' must be an array"),
        ("events:putEvents", {"Entries": [{"EventId": "e"}, {"EventId": []}]}, "Field 'EventId' must be a string"),
        ("events:putEvents", {"Entries": [5]}, "Field 'Entries' must be an object"),
        ("dynamodb:putItem", {"Attributes": []}, "Field 'Attributes' must be an object"),
        ("dynamodb:putItem", {"ConsumedCapacity": {"CapacityUnits": True}}, "Field 'CapacityUnits' must be a number"),
        ("aws-sdk:s3:getObject", {"StorageClass": "Papyrus"}, "Field 'StorageClass' is not an expected value"),
        ("aws-sdk:s3:getObject", {"DeleteMarker": 1}, "Field 'DeleteMarker' must be a boolean"),
        ("aws-sdk:lambda:getFunction", {"Configuration": {"MemorySize": 127}},
         "Field 'MemorySize' is less than the minimum value"),
        ("aws-sdk:lambda:getFunction", {"Configuration": {"MemorySize": 10241}},
         "Field 'MemorySize' exceeds the maximum value"),
        ("aws-sdk:kms:encrypt", {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is smaller than the minimum length"),
        ("emr-serverless:startJobRun", {}, "Required field 'ApplicationId' is missing"),
        ("dynamodb:putItem", [], "Mocked result must be a JSON object."),
    ],
)  # fmt: skip
def test_a_member_that_does_not_fit_is_named(resource: str, result: Any, problem: str) -> None:
    """The first one, in AWS's words (those of recordings, and the like)."""
    assert found(resource, result) == problem


def test_required_members_may_be_left_out() -> None:
    """In the mode PRESENT; what is there must still fit."""
    assert found(START, {}, required=False) is None
    assert found(START, {"StartDate": 5}, required=False) == "Field 'StartDate' must be a string"


@pytest.mark.parametrize(
    ("resource", "result"),
    [
        ("lambda:invoke", {"pokemon": "pikachu"}),
        ("lambda:invoke", {"Payload": {"any": ["JSON"]}, "StatusCode": 200}),
        ("events:putEvents", {}),
        ("dynamodb:getItem", {"Item": {"a": {"S": "x"}}, "SdkHttpMetadata": {"HttpStatusCode": 200}}),
        ("aws-sdk:rds:describeDBInstances", {"DbInstances": [{"DbInstanceIdentifier": "d"}]}),
        ("apigateway:invoke", {"approval": True}),
        ("http:invoke", {"StatusCode": "any"}),
        ("sqs:sendMessage.waitForTaskToken", "whatever the worker sends"),
        ("eks:runJob.sync", {"any": 1}),
    ],
)
def test_what_is_not_in_a_model_is_accepted(resource: str, result: Any) -> None:
    """Members that it does not know (recorded), and results of what has none."""
    assert found(resource, result) is None


DESCRIBED = {"ExecutionArn": "e", "StateMachineArn": "m", "StartDate": "d"}


@pytest.mark.parametrize(
    ("resource", "result", "problem"),
    [
        (f"{START}.sync", DESCRIBED, "Required field 'Status' is missing"),
        (f"{START}.sync", {**DESCRIBED, "Status": "DONE"}, "Field 'Status' is not an expected value"),
        (f"{START}.sync", {**DESCRIBED, "Status": "FAILED", "Output": {}}, "Field 'Output' must be a string"),
        (f"{START}.sync:2", {**DESCRIBED, "Status": "FAILED", "Output": {}}, None),
        ("batch:submitJob.sync", {"Jobs": [{"JobName": "j"}]}, "Required field 'JobId' is missing"),
        ("glue:startJobRun.sync", {"JobRun": {"Id": 5}}, "Field 'Id' must be a string"),
        ("ecs:runTask.sync", {"Tasks": {}}, "Field 'Tasks' must be an array"),
        ("athena:startQueryExecution.sync", {"QueryExecution": 5}, "Field 'QueryExecution' must be an object"),
        ("elasticmapreduce:createCluster.sync", {"Cluster": {"Id": 5}}, "Field 'Id' must be a string"),
    ],
)
def test_a_job_that_is_waited_for_is_what_is_polled(resource: str, result: Any, problem: str | None) -> None:
    """DescribeExecution, DescribeJobs, GetJobRun, DescribeTasks and their like."""
    assert found(resource, result) == problem
