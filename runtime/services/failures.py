"""How AWS names and words the failures of integrations (recorded).

The optimised integrations speak as the Java SDK v1 does, ``aws-sdk:*`` as v2: ``DynamoDB.ResourceNotFoundException``
against ``DynamoDb.ResourceNotFoundException``, and causes that differ in their separators. An error that the service's
model does not name is the service's general exception: ``DynamoDB.AmazonDynamoDBException``, ``S3.S3Exception``.
"""

from __future__ import annotations

from stepsim.asl.errors import StatesError
from stepsim.runtime.cloud.call import ApiError

_REQUEST_ID = "00000000-0000-4000-8000-000000000000"

_OPTIMISED = {
    # service: (prefix of the error, service in the cause, general exception)
    "lambda": ("Lambda", "AWSLambda", "AWSLambdaException"),
    "dynamodb": ("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException"),
    "athena": ("Athena", "AmazonAthena", "AmazonAthenaException"),
    "sqs": ("SQS", "AmazonSQS", "AmazonSQSException"),
    "sns": ("SNS", "AmazonSNS", "AmazonSNSException"),
    "ecs": ("ECS", "AmazonECS", "AmazonECSException"),
    "batch": ("Batch", "AWSBatch", "AWSBatchException"),
    "glue": ("Glue", "AWSGlue", "AWSGlueException"),
    "states": ("StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException"),
}


def exception_name(name: str) -> str:
    """The class that an SDK makes of an error's name: NoSuchKey -> NoSuchKeyException, XFault -> XException."""
    if name.endswith("Exception"):
        return name
    return f"{name.removesuffix('Fault')}Exception"


def optimised_failure(service: str, error: ApiError, modelled: str | None) -> StatesError:
    """The failure of an optimised integration, in the words of the Java SDK v1.

    `modelled` is what the service's model calls the error, None where it does not name it.
    """
    prefix, full_name, general = _OPTIMISED[service]
    name = general if modelled is None else exception_name(modelled)
    cause = (
        f"{error.message} (Service: {full_name}; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {_REQUEST_ID}; Proxy: null)"
    )
    return StatesError(f"{prefix}.{name}", cause)


def sdk_failure(prefix: str, error: ApiError, modelled: str | None) -> StatesError:
    """The failure of an ``aws-sdk:*`` integration, in the words of the Java SDK v2; prefix is ``S3``, ``DynamoDb``…

    `modelled` is as in `optimised_failure`.
    """
    name = f"{prefix}Exception" if modelled is None else exception_name(modelled)
    extended = ", Extended Request ID: stepsim" if prefix == "S3" else ""
    cause = (
        f"{error.message} (Service: {prefix}, Status Code: {error.status}, Request ID: {_REQUEST_ID}{extended}) "
        "(SDK Attempt Count: 1)"
    )
    return StatesError(f"{prefix}.{name}", cause)


def refused_parameters(error: Exception) -> ApiError | None:
    """The answer to parameters that boto3 itself refuses, as a service would refuse them; None for another error."""
    from botocore.exceptions import ParamValidationError  # botocore is heavy, and seldom needed here

    if not isinstance(error, ParamValidationError):
        return None
    return ApiError("ValidationException", str(error))
