"""JSON into boto3's parameters and back, by botocore's models."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.services.shapes import (
    ParameterError,
    error_name,
    error_prefix,
    operation_model,
    response_json,
    to_boto,
)


def given(service: str, action: str, value: Any) -> Any:
    return to_boto(operation_model(service, action).input_shape, value)


def answered(service: str, action: str, response: Any) -> Any:
    return response_json(operation_model(service, action), response, format_timestamp)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("dynamodb", "DynamoDb"),
        ("s3", "S3"),
        ("sfn", "Sfn"),
        ("sqs", "Sqs"),
        ("secretsmanager", "SecretsManager"),
        ("eventbridge", "EventBridge"),
        ("cognitoidentityprovider", "CognitoIdentityProvider"),
    ],
)
def test_a_service_is_called_as_the_java_sdk_calls_it(name: str, prefix: str) -> None:
    """In the Resource in lower case, in errors in camel case."""
    assert error_prefix(name) == prefix


def test_what_aws_does_not_have_is_refused() -> None:
    """By its name."""
    with pytest.raises(ValueError, match="no AWS service 'nope'"):
        operation_model("nope", "getItem")
    with pytest.raises(ValueError, match="no action 'fetchItem'"):
        operation_model("dynamodb", "fetchItem")


def test_members_have_capital_letters_and_keys_of_maps_stay() -> None:
    """Also in nested structures of a service whose API has camel case."""
    value = {
        "Cluster": "c",
        "TaskDefinition": "t",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["s"]}},
    }
    assert given("ecs", "runTask", value) == {
        "cluster": "c",
        "taskDefinition": "t",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
    }
    item = {"TableName": "t", "Key": {"some key": {"S": "x"}}}
    assert given("dynamodb", "getItem", item) == item


def test_a_string_member_takes_json() -> None:
    """It is written compactly; null is no value at all."""
    value = {"StateMachineArn": "arn", "Input": {"a": [1, None]}, "Name": None}
    assert given("sfn", "startExecution", value) == {"stateMachineArn": "arn", "input": '{"a":[1,null]}'}


@pytest.mark.parametrize(
    ("body", "sent"),
    [("text", b'"text"'), ({"a": 1}, b'{"a":1}'), (False, b"false"), (0, b"0"), ([1, "x"], b'[1,"x"]')],
)
def test_the_body_of_an_object_is_json_text(body: Any, sent: bytes) -> None:
    """A string's with its quotes."""
    assert given("s3", "putObject", {"Bucket": "b", "Key": "k", "Body": body})["Body"] == sent


def test_numbers_may_be_spelled_by_strings() -> None:
    """As the SDK's own reader takes them; what is no whole number is refused."""
    assert given("s3", "listObjectsV2", {"Bucket": "b", "MaxKeys": "5"})["MaxKeys"] == 5
    assert given("s3", "listObjectsV2", {"Bucket": "b", "MaxKeys": 5.0})["MaxKeys"] == 5
    for wrong in ("five", 5.5, True):
        with pytest.raises(ParameterError, match="'MaxKeys' has an invalid format"):
            given("s3", "listObjectsV2", {"Bucket": "b", "MaxKeys": wrong})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"TableName": "t", "Key": {}, "Colour": 1}, 'The field "Colour" is not supported'),
        ({"TableName": "t"}, "The field 'Key' is required"),
        ({"TableName": "t", "Key": []}, "'Key' has an invalid format"),
        ({"TableName": "t", "Key": {}, "ConsistentRead": "yes"}, "'ConsistentRead' has an invalid format"),
    ],
)
def test_parameters_that_do_not_fit_are_named(value: Any, message: str) -> None:
    """Each error says which field it is about."""
    with pytest.raises(ParameterError, match=message):
        given("dynamodb", "getItem", value)


def test_a_timestamp_goes_both_ways() -> None:
    """ISO 8601 in the definition, datetime in boto3, ISO 8601 with milliseconds in the result."""
    moment = datetime(2026, 1, 5, 2, tzinfo=UTC)
    value = {"Bucket": "b", "Key": "k", "IfModifiedSince": "2026-01-05T02:00:00Z"}
    assert given("s3", "getObject", value)["IfModifiedSince"] == moment
    assert answered("s3", "getObject", {"LastModified": moment}) == {"LastModified": "2026-01-05T02:00:00.000Z"}


def test_a_response_is_ordered_and_its_body_comes_last() -> None:
    """Members by name, the body as text, and nothing of boto3's own."""
    response = {
        "ResponseMetadata": {},
        "Body": io.BytesIO(b"text"),
        "ETag": '"e"',
        "ContentLength": 4,
        "Metadata": {"z": "1", "a": "2"},
    }
    answer = answered("s3", "getObject", response)
    assert list(answer.items()) == [
        ("ContentLength", 4),
        ("ETag", '"e"'),
        ("Metadata", {"z": "1", "a": "2"}),
        ("Body", "text"),
    ]


def test_an_error_has_the_name_of_its_shape() -> None:
    """A code that no shape has is not modelled."""
    assert error_name("rds", "DBInstanceNotFound") == "DBInstanceNotFoundFault"
    assert error_name("s3", "NoSuchBucket") == "NoSuchBucket"
    assert error_name("s3", "SlowDown") is None
