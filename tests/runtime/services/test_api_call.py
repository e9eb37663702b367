"""Tasks that are one AWS call, on the account's own state."""

from __future__ import annotations

from typing import Any

import pytest

SDK = "arn:aws:states:::aws-sdk:"
DYNAMODB = "arn:aws:states:::dynamodb:"


@pytest.fixture(scope="module")
def resources(cloud: Any) -> None:
    cloud.client("s3").create_bucket(Bucket="bucket")
    cloud.client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def details(execution: Any, event_type: str) -> Any:
    return next(event.details for event in execution.history if event.type == event_type)


@pytest.mark.usefixtures("resources")
def test_an_object_is_put_and_read_back(stand: Any) -> None:
    """A put names its checksum and encryption; a read has no checksum that nobody asked for, and its body is text."""
    put = stand.task(SDK + "s3:putObject", {"Bucket": "bucket", "Key": "a", "Body": {"n": 1}})
    assert put.output is not None, put.cause
    assert {"ChecksumType": "FULL_OBJECT", "ServerSideEncryption": "AES256"}.items() <= put.output.value.items()
    got = stand.task(SDK + "s3:getObject", {"Bucket": "bucket", "Key": "a"})
    assert got.output.value["Body"] == '{"n":1}'
    assert got.output.value["ContentType"] == "text/plain; charset=UTF-8"
    assert not [name for name in got.output.value if name.startswith("Checksum")]


@pytest.mark.usefixtures("resources")
def test_a_content_type_that_is_given_stays(stand: Any) -> None:
    """Only a body without one is sent as plain text."""
    stand.task(SDK + "s3:putObject", {"Bucket": "bucket", "Key": "j", "Body": {}, "ContentType": "application/json"})
    got = stand.task(SDK + "s3:getObject", {"Bucket": "bucket", "Key": "j"})
    assert got.output.value["ContentType"] == "application/json"


@pytest.mark.usefixtures("resources")
@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("s3:getObject", {"Bucket": "bucket", "Key": "no"}, "S3.NoSuchKeyException"),
        ("s3:getObject", {"Bucket": "no-such-bucket", "Key": "a"}, "S3.NoSuchBucketException"),
        ("dynamodb:getItem", {"TableName": "no", "Key": {"id": {"S": "1"}}}, "DynamoDb.ResourceNotFoundException"),
        ("dynamodb:getItem", {"TableName": "table", "Key": {"x": {"S": "1"}}}, "DynamoDb.DynamoDbException"),
    ],
)
def test_a_refused_call_fails_the_task(stand: Any, action: str, parameters: Any, error: str) -> None:
    """With the second SDK's name for it, in the task's event and the execution's."""
    execution = stand.task(SDK + action, parameters)
    assert (execution.status, execution.error) == ("FAILED", error)
    assert details(execution, "TaskFailed")["error"] == error
    assert details(execution, "TaskFailed")["cause"] == execution.cause


@pytest.mark.usefixtures("resources")
def test_dynamodb_by_its_own_integration(stand: Any) -> None:
    """The four operations carry the SDK's metadata, among the members in their order."""
    item = {"id": {"S": "1"}, "n": {"N": "5"}}
    put = stand.task(DYNAMODB + "putItem", {"TableName": "table", "Item": item})
    assert list(put.output.value) == ["SdkHttpMetadata", "SdkResponseMetadata"]
    got = stand.task(DYNAMODB + "getItem", {"TableName": "table", "Key": {"id": {"S": "1"}}})
    assert list(got.output.value) == ["Item", "SdkHttpMetadata", "SdkResponseMetadata"]
    assert got.output.value["Item"] == item
    update = {
        "TableName": "table",
        "Key": {"id": {"S": "1"}},
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "6"}},
        "ReturnValues": "UPDATED_NEW",
    }
    assert stand.task(DYNAMODB + "updateItem", update).output.value["Attributes"] == {"n": {"N": "6"}}
    stand.task(DYNAMODB + "deleteItem", {"TableName": "table", "Key": {"id": {"S": "1"}}})
    gone = stand.task(DYNAMODB + "getItem", {"TableName": "table", "Key": {"id": {"S": "1"}}})
    assert "Item" not in gone.output.value


@pytest.mark.usefixtures("resources")
def test_a_condition_that_fails_has_two_names(stand: Any) -> None:
    """One for each SDK."""
    parameters = {
        "TableName": "table",
        "Item": {"id": {"S": "new"}},
        "ConditionExpression": "attribute_exists(id)",
    }
    assert stand.task(DYNAMODB + "putItem", parameters).error == "DynamoDB.ConditionalCheckFailedException"
    assert stand.task(SDK + "dynamodb:putItem", parameters).error == "DynamoDb.ConditionalCheckFailedException"


@pytest.mark.parametrize(
    ("resource", "parameters", "reason"),
    [
        (SDK + "s3:getObject", {"Bucket": "bucket", "Key": "a", "Colour": 1}, '"Colour" is not supported'),
        (DYNAMODB + "getItem", {"TableName": "table"}, "'Key' is required"),
        (SDK + "nope:getObject", {}, "no AWS service 'nope'"),
    ],
)
def test_what_cannot_be_called_ends_the_execution(stand: Any, resource: str, parameters: Any, reason: str) -> None:
    """States.Runtime names the field or the service; the task writes no event of its own (recorded)."""
    execution = stand.task(resource, parameters)
    assert execution.error == "States.Runtime"
    assert reason in execution.cause
    assert [event.type for event in execution.history][-2:] == ["TaskStateEntered", "ExecutionFailed"]


def test_parameters_that_boto3_refuses_are_a_failure_of_the_task(stand: Any) -> None:
    """The service would refuse them too: an empty bucket name can be caught."""
    execution = stand.task(SDK + "s3:listBuckets", {"MaxBuckets": 0})
    assert execution.error == "S3.S3Exception"
    assert "Parameter validation failed" in execution.cause


@pytest.mark.usefixtures("resources")
def test_an_sdk_call_may_wait_for_a_token(stand: Any) -> None:
    """What it answered is TaskSubmitted; the token's output is the result."""
    task = {
        "Type": "Task",
        "Resource": SDK + "s3:putObject.waitForTaskToken",
        "Parameters": {"Bucket": "bucket", "Key": "token", "Body.$": "$$.Task.Token"},
        "End": True,
    }
    execution = stand.execution({"StartAt": "T", "States": {"T": task}})
    account = stand.account
    while "TaskSubmitted" not in [event.type for event in execution.history]:
        account.scheduler.advance(account.scheduler.next_deadline())
    body = stand.cloud.client("s3").get_object(Bucket="bucket", Key="token")["Body"].read().decode()
    account.tokens.succeed(body.strip('"'), '{"done": true}')
    account.scheduler.advance(account.scheduler.now_ms)
    assert execution.output is not None
    assert execution.output.text == '{"done": true}'
    assert details(execution, "TaskSubmitted")["resource"] == "putObject.waitForTaskToken"
