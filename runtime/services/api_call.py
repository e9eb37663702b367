"""Integrations that are one AWS call: the optimised ones of DynamoDB and Athena, and ``aws-sdk:<service>:<action>``."""

from __future__ import annotations

from typing import Any

from botocore.model import OperationModel

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import Answer
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import AwaitToken, CallApi
from stepsim.runtime.services.failures import optimised_failure, sdk_failure
from stepsim.runtime.services.metadata import sdk_metadata
from stepsim.runtime.services.s3_answers import as_s3_answers
from stepsim.runtime.services.shapes import (
    ParameterError,
    error_name,
    error_prefix,
    operation_model,
    response_json,
    to_boto,
)
from stepsim.runtime.services.task import TaskCall

_WITH_METADATA = frozenset({"batch", "dynamodb", "ecs", "glue", "sns", "sqs", "states"})
"""Optimised integrations whose results carry the SDK's metadata (recorded, but for Batch and Glue)."""


def sdk_call(call: TaskCall) -> Program:
    """``aws-sdk:<service>:<action>``: any action of any service that the account has."""
    return (yield from api_call(call, call.resource.action, call.input.value))


def sdk_call_with_token(call: TaskCall) -> Program:
    """``aws-sdk:<service>:<action>.waitForTaskToken``: the token's answer is the result."""
    assert call.frame.token is not None
    call.submitted((yield from sdk_call(call)))
    return (yield call.invoke(AwaitToken(call.frame.token), heartbeat=True))


def api_call(call: TaskCall, action: str, parameters: JSON) -> Program:
    """Perform one action with the task's manners; returns the response `Payload`."""
    service = call.resource.service
    arguments = boto_parameters(call, action, parameters)
    operation = operation_model(service, action)
    shape = operation.input_shape
    if shape is not None and operation.has_streaming_input and "ContentType" in shape.members:
        # The SDK sends a body that is made of text with this type (recorded).
        arguments.setdefault("ContentType", "text/plain; charset=UTF-8")
    answer: Answer = yield call.invoke(
        CallApi(operation.service_model.service_name, operation.name, arguments, call.frame.site())
    )
    if answer.error is not None:
        if call.resource.sdk:
            raise sdk_failure(error_prefix(service), answer.error, error_name(service, answer.error.code))
        raise optimised_failure(service, answer.error, error_name(service, answer.error.code))
    if service == "s3":
        answer.response = as_s3_answers(operation.name, parameters, answer.response or {})
    return _response(call, operation, answer)


def boto_parameters(call: TaskCall, action: str, parameters: JSON) -> dict[str, Any]:
    """An action's parameters as boto3 takes them. Raises States.Runtime for those that it does not take."""
    try:
        return to_boto(operation_model(call.resource.service, action).input_shape, parameters) or {}
    except ParameterError as error:
        raise runtime_error(
            f"The Parameters '{Payload(parameters).text}' could not be used to start the Task: [{error}]"
        ) from None
    except ValueError as error:
        raise runtime_error(str(error)) from None


def _response(call: TaskCall, operation: OperationModel, answer: Answer) -> Payload:
    # SDK v2 writes timestamps as ISO text, the optimised integrations as epoch milliseconds (measured).
    write_time = format_timestamp if call.resource.sdk else int
    response = response_json(operation, answer.response or {}, write_time)
    if not call.resource.sdk and call.resource.service in _WITH_METADATA:
        content_type = "application/x-amz-json-1.0"
        response = dict(sorted((response | sdk_metadata(len(Payload(response).text), content_type)).items()))
    payload = Payload(response)
    if payload.too_large:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{call.resource.resource_type}' returned a result with a size exceeding the maximum "
            "number of bytes service limit.",
        )
    return payload
