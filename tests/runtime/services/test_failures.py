"""How failures of integrations are named and worded."""

from __future__ import annotations

import pytest

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.services.failures import (
    exception_name,
    null_member,
    optimised_failure,
    refused_parameters,
    sdk_failure,
)
from stepsim.runtime.services.shapes import service_model


@pytest.mark.parametrize(
    ("name", "exception"),
    [
        ("NoSuchKey", "NoSuchKeyException"),
        ("ResourceNotFoundException", "ResourceNotFoundException"),
        ("InternalServerError", "InternalServerErrorException"),
        ("DBInstanceNotFoundFault", "DBInstanceNotFoundException"),
    ],
)
def test_an_exception_ends_in_exception(name: str, exception: str) -> None:
    """Whatever the service's model calls it."""
    assert exception_name(name) == exception


def test_an_optimised_integration_speaks_as_the_first_sdk() -> None:
    """Parts of the cause are separated by semicolons; an error without a model is the service's general exception."""
    error = ApiError("ResourceNotFoundException", "Requested resource not found", 400)
    failure = optimised_failure("dynamodb", error, "ResourceNotFoundException")
    assert failure.error == "DynamoDB.ResourceNotFoundException"
    assert (failure.cause or "").startswith(
        "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; "
        "Error Code: ResourceNotFoundException; Request ID: "
    )
    assert (failure.cause or "").endswith("; Proxy: null)")
    assert optimised_failure("dynamodb", ApiError("ValidationException", ""), None).error == (
        "DynamoDB.AmazonDynamoDBException"
    )
    assert optimised_failure("lambda", ApiError("Odd", ""), None).error == "Lambda.AWSLambdaException"


def test_an_sdk_integration_speaks_as_the_second_sdk() -> None:
    """Parts of the cause are separated by commas, S3 adds its extended request id."""
    failure = sdk_failure("S3", ApiError("NoSuchKey", "The specified key does not exist.", 404), "NoSuchKey")
    assert failure.error == "S3.NoSuchKeyException"
    cause = failure.cause or ""
    assert cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")
    assert ", Extended Request ID: " in cause
    assert cause.endswith(" (SDK Attempt Count: 1)")
    assert sdk_failure("S3", ApiError("SlowDown", "", 503), None).error == "S3.S3Exception"
    missing = sdk_failure("Rds", ApiError("DBInstanceNotFound", "", 404), "DBInstanceNotFoundFault")
    assert missing.error == "Rds.DbInstanceNotFoundException"


@pytest.mark.parametrize(
    ("service", "member", "code", "message"),
    [
        ("sqs", "MessageBody", "MissingParameter", "The request must contain the parameter MessageBody."),
        ("iam", "RoleName", "ValidationError", "Value null at 'roleName' failed"),
        ("dynamodb", "Key", "ValidationException", "Value null at 'key' failed"),
    ],
)
def test_a_null_where_a_value_is_required_is_the_services_to_refuse(
    service: str, member: str, code: str, message: str
) -> None:
    """In the words of its protocol."""
    error = null_member(service_model(service), member)
    assert error.code == code
    assert message in error.message


def test_only_refused_parameters_are_an_answer() -> None:
    """Any other exception is somebody's bug, and stays one."""
    assert refused_parameters(KeyError("x")) is None
