"""How AWS names and words the failures of integrations (recorded).

The optimised integrations speak as the Java SDK v1 does, ``aws-sdk:*`` as v2: ``DynamoDB.ResourceNotFoundException``
against ``DynamoDb.ResourceNotFoundException``, and causes that differ in their separators. An error that the service's
model does not name is the service's general exception: ``DynamoDB.AmazonDynamoDBException``, ``S3.S3Exception``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepsim.asl.errors import StatesError
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.services.spelling import pascal_case

if TYPE_CHECKING:
    from botocore.model import ServiceModel

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


def optimised_failure(
    service: str, error: ApiError, modelled: str | None, request_id: str = _REQUEST_ID
) -> StatesError:
    """The failure of an optimised integration, in the words of the Java SDK v1.

    `modelled` is what the service's model calls the error, None where it does not name it.
    """
    prefix, full_name, general = _OPTIMISED[service]
    name = general if modelled is None else exception_name(modelled)
    cause = (
        f"{error.message} (Service: {full_name}; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {request_id}; Proxy: null)"
    )
    return StatesError(f"{prefix}.{name}", cause)


def sdk_failure(prefix: str, error: ApiError, modelled: str | None, request_id: str = _REQUEST_ID) -> StatesError:
    """The failure of an ``aws-sdk:*`` integration, in the words of the Java SDK v2; prefix is ``S3``, ``DynamoDb``…

    `modelled` is as in `optimised_failure`. This SDK respells it, too: RDS's DBInstanceNotFoundFault is
    ``Rds.DbInstanceNotFoundException`` (seen on AWS).
    """
    name = f"{prefix}Exception" if modelled is None else pascal_case(exception_name(modelled))
    extended = ", Extended Request ID: stepsim" if prefix == "S3" else ""
    cause = (
        f"{error.message} (Service: {prefix}, Status Code: {error.status}, Request ID: {request_id}{extended}) "
        "(SDK Attempt Count: 1)"
    )
    return StatesError(f"{prefix}.{name}", cause)


def client_failure(service: str, message: str, prefix: str | None = None) -> StatesError:
    """The failure of an integration whose SDK could not even send the request (recorded), or got no answer.

    `prefix` is the second SDK's; without one it is an optimised integration's.
    """
    name = f"{prefix or _OPTIMISED[service][0]}.SdkClientException"
    return StatesError(name, f"Unable to execute HTTP request: {message}")


_NAMES_PARAMETERS = frozenset({"ec2", "sqs"})
"""Services that say which parameter is missing; the others speak of the value null."""


def null_member(model: ServiceModel, member: str) -> ApiError:
    """How a service refuses a call that leaves a required member out (SQS recorded); `member` is its path."""
    name = member.rpartition(".")[2]
    if model.service_name in _NAMES_PARAMETERS:
        return ApiError("MissingParameter", f"The request must contain the parameter {name}.")
    code = "ValidationError" if model.metadata.get("protocol") == "query" else "ValidationException"
    where = member[:1].lower() + member[1:]
    return ApiError(
        code,
        f"1 validation error detected: Value null at '{where}' failed to satisfy constraint: Member must not be null",
    )


def refused_parameters(error: Exception) -> ApiError | None:
    """The answer to parameters that boto3 itself refuses, as a service would refuse them; None for another error."""
    from botocore.exceptions import ParamValidationError  # botocore is heavy, and seldom needed here

    if not isinstance(error, ParamValidationError):
        return None
    return ApiError("ValidationException", str(error))
