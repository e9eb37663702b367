"""Integrations that are one AWS call: the optimised ones of DynamoDB and Athena, and ``aws-sdk:<service>:<action>``."""

from __future__ import annotations

from typing import Any, NoReturn

from botocore.model import OperationModel

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import Answer, ApiError, CallSite, ConnectionLost, Unsupported
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import AwaitToken, CallApi
from stepsim.runtime.services.failures import client_failure, null_member, optimised_failure, sdk_failure
from stepsim.runtime.services.metadata import response_body, sdk_metadata
from stepsim.runtime.services.parameters import unusable
from stepsim.runtime.services.s3_answers import as_s3_answers
from stepsim.runtime.services.shapes import (
    NullMember,
    ParameterError,
    check_sdk_name,
    error_name,
    error_prefix,
    operation_model,
    response_json,
    to_boto,
)
from stepsim.runtime.services.spelling import OPTIMISED, SDK
from stepsim.runtime.services.task import TaskCall

_WITH_METADATA = frozenset({"batch", "dynamodb", "ecs", "glue", "sns", "sqs", "states"})
"""Optimised integrations whose results carry the SDK's metadata (recorded, but for Batch and Glue)."""

_LATER_SDK = frozenset({"events"})
"""Optimised integrations that speak as the second SDK does (recorded: their errors' prefix, no metadata)."""


def sdk_call(call: TaskCall) -> Program:
    """``aws-sdk:<service>:<action>``: any action of any service that the account has."""
    if call.resource.sdk:
        try:
            check_sdk_name(call.resource.service)
        except ValueError as error:
            raise runtime_error(str(error)) from None
    return (yield from api_call(call, call.resource.action, call.input.value))


def sdk_call_with_token(call: TaskCall) -> Program:
    """``aws-sdk:<service>:<action>.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from sdk_call(call))))


def await_token(call: TaskCall, submitted: Payload) -> Program:
    """Wait until the task's token is used; `submitted` is what the service answered to the call that carried it."""
    assert call.frame.token is not None
    call.submitted(submitted)
    return (yield call.invoke(AwaitToken(call.frame.token), heartbeat=True))


def api_call(call: TaskCall, action: str, parameters: JSON, site: CallSite | None = None) -> Program:
    """Perform one action with the task's manners; returns the response `Payload`. `site` says where, if elsewhere."""
    service = call.resource.service
    arguments = boto_parameters(call, action, parameters)
    operation = operation_model(service, action)
    if operation.has_event_stream_output or operation.has_event_stream_input:
        raise runtime_error(f"stepsim does not support event streams: {service}:{action}")
    shape = operation.input_shape
    if shape is not None and operation.has_streaming_input and "ContentType" in shape.members:
        # The SDK sends a body that is made of text with this type (recorded).
        arguments.setdefault("ContentType", "text/plain; charset=UTF-8")
    answer: Answer = yield call.invoke(
        CallApi(operation.service_model.service_name, operation.name, arguments, site or call.site())
    )
    return answered(call, action, parameters, answer)


def answered(call: TaskCall, action: str, parameters: JSON, answer: Answer) -> Payload:
    """The task's result, made of an action's answer. Raises what `refused` does for an error."""
    if answer.error is not None:
        refused(call, answer.error)
    operation = operation_model(call.resource.service, action)
    response = answer.response or {}
    if call.resource.service == "s3":
        response = as_s3_answers(operation.name, parameters, response)
    return _result(call, operation, response)


def refused(call: TaskCall, error: ApiError) -> NoReturn:
    """Fail the task with a call's error, in its integration's words."""
    if isinstance(error, Unsupported):
        raise runtime_error(error.message)
    service = call.resource.service
    if isinstance(error, ConnectionLost):
        later = call.resource.sdk or service in _LATER_SDK
        raise client_failure(service, error.message, error_prefix(service) if later else None)
    # A service that once spoke the query protocol names an error twice: AWS.SimpleQueueService.NonExistentQueue is
    # the model's QueueDoesNotExist.
    modelled = error_name(service, error.code) or error_name(service, error.extra.get("QueryErrorCode", error.code))
    if call.resource.sdk or service in _LATER_SDK:
        raise sdk_failure(error_prefix(service), error, modelled, call.request_id)
    raise optimised_failure(service, error, modelled, call.request_id)


def boto_parameters(call: TaskCall, action: str, parameters: JSON) -> dict[str, Any]:
    """An action's parameters as boto3 takes them.

    Raises States.Runtime for those that the integration does not take, and fails the task for those that the service
    would refuse.
    """
    try:
        operation = operation_model(call.resource.service, action)
        return to_boto(operation.input_shape, parameters, manner=SDK if call.resource.sdk else OPTIMISED) or {}
    except ParameterError as error:
        raise unusable(parameters, str(error)) from None
    except NullMember as error:
        refused(call, null_member(operation.service_model, error.member))
    except ValueError as error:
        raise runtime_error(str(error)) from None


def _result(call: TaskCall, operation: OperationModel, response: dict[str, Any]) -> Payload:
    # SDK v2 writes timestamps as ISO text, the optimised integrations as epoch milliseconds (measured).
    resource = call.resource
    if resource.sdk:
        written = response_json(operation, response, format_timestamp, SDK)
    else:
        written = response_json(operation, response, int, OPTIMISED)
        if resource.service in _WITH_METADATA:
            body = response_body(resource.service, written, call.request_id)
            metadata = sdk_metadata(resource.service, body, call.frame.engine.scheduler.now_ms, call.request_id)
            written = dict(sorted((written | metadata).items()))
    payload = Payload(written)
    if payload.too_large:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{resource.resource_type}' returned a result with a size exceeding the maximum "
            "number of bytes service limit.",
        )
    return payload
