"""How AWS names and words the failures of integrations (recorded).

The optimised integrations speak as the Java SDK v1 does, ``aws-sdk:*`` as v2: ``DynamoDB.ResourceNotFoundException``
against ``DynamoDb.ResourceNotFoundException``, and causes that differ in their separators.
"""

from __future__ import annotations

from stepsim.asl.errors import StatesError
from stepsim.runtime.cloud.call import ApiError

_REQUEST_ID = "00000000-0000-4000-8000-000000000000"

_OPTIMISED = {
    # service: (prefix of the error, service name in the cause)
    "lambda": ("Lambda", "AWSLambda"),
    "dynamodb": ("DynamoDB", "AmazonDynamoDBv2"),
    "athena": ("Athena", "AmazonAthena"),
    "s3": ("S3", "Amazon S3"),
    "sqs": ("SQS", "AmazonSQS"),
    "sns": ("SNS", "AmazonSNS"),
    "states": ("StepFunctions", "AWSStepFunctions"),
}

_UNMODELLED = frozenset({"ValidationException", "SerializationException", "UnrecognizedClientException"})
"""Errors that no service model names: the SDK raises its service's general exception for them."""


def with_suffix(code: str) -> str:
    """The exception that an SDK makes of an error code: NoSuchKey -> NoSuchKeyException."""
    name = code.rsplit(".", 1)[-1]
    if name.endswith("Error"):
        name = name.removesuffix("Error")
    return name if name.endswith("Exception") else f"{name}Exception"


def optimised_failure(service: str, error: ApiError) -> StatesError:
    """The failure of an optimised integration, in the words of the Java SDK v1."""
    prefix, full_name = _OPTIMISED.get(service, (service.capitalize(), f"Amazon{service.capitalize()}"))
    name = with_suffix(error.code)
    if error.code in _UNMODELLED:
        name = f"Amazon{prefix}Exception"
    cause = (
        f"{error.message} (Service: {full_name}; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {_REQUEST_ID}; Proxy: null)"
    )
    return StatesError(f"{prefix}.{name}", cause)


def sdk_failure(prefix: str, error: ApiError, *, modelled: bool) -> StatesError:
    """The failure of an ``aws-sdk:*`` integration, in the words of the Java SDK v2; prefix is ``S3``, ``DynamoDb``…"""
    name = with_suffix(error.code) if modelled else f"{prefix}Exception"
    extended = ", Extended Request ID: stepsim" if prefix == "S3" else ""
    cause = (
        f"{error.message} (Service: {prefix}, Status Code: {error.status}, Request ID: {_REQUEST_ID}{extended}) "
        "(SDK Attempt Count: 1)"
    )
    return StatesError(f"{prefix}.{name}", cause)
