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


def test_what_the_account_cannot_answer_ends_the_execution(stand: Any) -> None:
    """An operation or a service that moto does not have is named, and is nobody's to catch."""
    for action in ("sagemaker:listAlgorithms", "braket:cancelJob"):
        parameters = {"JobArn": "x"} if "braket" in action else {}
        execution = stand.task(SDK + action, parameters, fields={"Retry": [{"ErrorEquals": ["States.ALL"]}]})
        assert execution.error == "States.Runtime"
        service, operation = action.split(":")
        assert f"{service}.{operation[0].upper()}{operation[1:]}" in execution.cause


def test_an_account_that_breaks_is_an_internal_failure(stand: Any) -> None:
    """What moto raises by accident is a 500 of the service, which a task can catch."""
    execution = stand.task(SDK + "emr:listSteps", {"ClusterId": "x"})
    assert execution.error == "Emr.EmrException"
    assert execution.cause.startswith("moto failed in emr.ListSteps: KeyError: 'x' (Service: Emr, Status Code: 500, ")


def test_an_sdk_call_is_spelled_as_the_sdk_spells_it(stand: Any) -> None:
    """Services, actions and fields by other names are refused with the name to write."""
    result = stand.task(SDK + "secretsmanager:createSecret", {"Name": "n", "SecretString": {"a": 1}})
    assert list(result.output.value) == ["Arn", "Name", "VersionId"]
    for resource, parameters, name in (
        ("events:listRules", {}, "'eventbridge'"),
        ("s3:ListBuckets", {}, "s3:listBuckets"),
        ("rds:describeDBInstances", {"DBInstanceIdentifier": "x"}, '"DbInstanceIdentifier"'),
    ):
        execution = stand.task(SDK + resource, parameters)
        assert execution.error == "States.Runtime"
        assert name in execution.cause


@pytest.mark.usefixtures("resources")
def test_dynamodbs_types_are_spelled_by_each_sdk(stand: Any) -> None:
    """BOOL of the optimised integration is the AWS SDK's Bool, which takes either."""
    item = {"id": {"S": "types"}, "b": {"BOOL": True}, "n": {"NULL": True}, "s": {"SS": ["x"]}}
    stand.task(SDK + "dynamodb:putItem", {"TableName": "table", "Item": item})
    key = {"TableName": "table", "Key": {"id": {"S": "types"}}}
    assert stand.task(DYNAMODB + "getItem", key).output.value["Item"] == item
    got = stand.task(SDK + "dynamodb:getItem", key).output.value["Item"]
    assert got == {"id": {"S": "types"}, "b": {"Bool": True}, "n": {"Nul": True}, "s": {"Ss": ["x"]}}
    stand.task(SDK + "dynamodb:putItem", {"TableName": "table", "Item": got})
    assert stand.task(DYNAMODB + "getItem", key).output.value["Item"] == item


def test_an_optimised_integration_wants_its_strings(stand: Any) -> None:
    """A number is no string there, and the field is named (seen on AWS)."""
    parameters = {"TableName": "table", "Item": {"id": {"S": "1"}, "n": {"N": 5}}}
    execution = stand.task(DYNAMODB + "putItem", parameters)
    assert execution.error == "States.Runtime"
    assert execution.cause.endswith(
        "could not be used to start the Task: [The value for the field 'N' must be a STRING]"
    )


@pytest.mark.usefixtures("resources")
def test_a_task_acts_in_the_account_of_its_role(stand: Any) -> None:
    """Credentials of another account see nothing of ours; ours see all."""
    read = {"TableName": "table", "Key": {"id": {"S": "none"}}}
    for account, error in (("123456789012", None), ("111122223333", "DynamoDb.ResourceNotFoundException")):
        role = f"arn:aws:iam::{account}:role/reader"
        fields = {"Credentials": {"RoleArn.$": "States.Format('{}', $.role)"}}
        execution = stand.task(SDK + "dynamodb:getItem", read, {"role": role}, fields=fields)
        assert execution.error == error
        assert details(execution, "TaskScheduled")["taskCredentials"] == {"roleArn": role}
    execution = stand.task(SDK + "s3:listBuckets", {}, fields={"Credentials": {"RoleArn": "reader"}})
    assert (execution.error, "not the ARN of a role" in execution.cause) == ("States.Runtime", True)
