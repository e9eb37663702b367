"""Lambda: by the function's own ARN, by ``lambda:invoke``, and with a task token."""

from __future__ import annotations

import json
from functools import lru_cache

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload, decode, encode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.effects import Program
from stepsim.runtime.lambdas.invocation import client_context_text, event_text, log_result
from stepsim.runtime.requests import AwaitToken, InvokeFunction, InvokeOptions
from stepsim.runtime.services.failures import optimised_failure, sdk_failure
from stepsim.runtime.services.metadata import sdk_metadata
from stepsim.runtime.services.parameters import check_parameters
from stepsim.runtime.services.task import TaskCall
from stepsim.workers.worker import InvocationResult

_PARAMETERS = frozenset({"FunctionName", "Payload", "Qualifier", "InvocationType", "ClientContext", "LogType"})
_KINDS = ("Event", "RequestResponse", "DryRun")
_LOG_TYPES = ("None", "Tail")


def invoke_by_arn(call: TaskCall) -> Program:
    """A Task whose Resource is a function: the result is what the function returned."""
    site = call.site(call.resource.function)
    answer = yield call.invoke(InvokeFunction(call.resource.arn, call.input.text, site))
    return returned(answer, call.resource.arn, spaced=True)


def invoke(call: TaskCall) -> Program:
    """``lambda:invoke``: the result is Lambda's response with the parsed Payload."""
    try:
        request, tail = _request(call)
    except ApiError as error:
        raise _refused(error) from None
    options = request.options
    answer = yield call.invoke(request)
    if isinstance(answer, ApiError):
        raise _refused(answer)
    now_ms = call.frame.engine.scheduler.now_ms
    if options is not None and options.kind != "RequestResponse":
        status = 202 if options.kind == "Event" else 204
        metadata = sdk_metadata("lambda", "", now_ms, call.request_id, executed_version=None, status=status)
        return Payload({"Payload": "", **metadata, "StatusCode": status})
    return response_of(answer, now_ms, call.request_id, tail=tail)


def response_of(answer: InvocationResult | ApiError, now_ms: int, request_id: str, *, tail: bool = False) -> Payload:
    """Lambda's response with the parsed Payload, and with the log's end where it is wanted. Raises as `returned`."""
    payload = returned(answer, "lambda", spaced=False)
    assert isinstance(answer, InvocationResult)
    response: dict[str, JSON] = {"ExecutedVersion": answer.version}
    if tail:
        response["LogResult"] = log_result(answer)
    response["Payload"] = payload.value
    response |= sdk_metadata("lambda", payload.text, now_ms, request_id, executed_version=answer.version)
    response["StatusCode"] = 200
    return Payload(response)


def sdk_invoke(call: TaskCall) -> Program:
    """``aws-sdk:lambda:invoke``: Lambda's response as it is. A function's failure is a result; the Payload is text."""
    try:
        request, tail = _request(call)
    except ApiError as error:
        raise _refused_by_sdk(error) from None
    answer = yield call.invoke(request)
    if isinstance(answer, ApiError):
        raise _refused_by_sdk(answer)
    options = request.options
    if options is not None and options.kind != "RequestResponse":
        return Payload({"Payload": "", "StatusCode": 202 if options.kind == "Event" else 204})
    response: dict[str, JSON] = {"ExecutedVersion": answer.version}
    if answer.function_error is not None:
        response["FunctionError"] = answer.function_error
    if tail:
        response["LogResult"] = log_result(answer)
    result = Payload({**response, "Payload": answer.payload, "StatusCode": 200})
    if result.too_large:
        raise too_large("aws-sdk:lambda")
    return result


def sdk_invoke_with_token(call: TaskCall) -> Program:
    """``aws-sdk:lambda:invoke.waitForTaskToken``."""
    assert call.frame.token is not None
    call.submitted((yield from sdk_invoke(call)))
    return (yield call.invoke(AwaitToken(call.frame.token), heartbeat=True))


def invoke_with_token(call: TaskCall) -> Program:
    """``lambda:invoke.waitForTaskToken``: what the function returns is ignored; the token's answer is the result."""
    assert call.frame.token is not None
    response = yield from invoke(call)
    call.submitted(response)
    return (yield call.invoke(AwaitToken(call.frame.token), heartbeat=True))


@lru_cache(maxsize=1024)
def function_name(reference: str) -> str:
    """The bare name in a function's name, partial ARN or ARN; a version or alias is cut off."""
    parts = reference.split(":")
    if parts[0] == "arn":
        return parts[6] if len(parts) > 6 else reference
    if len(parts) >= 3 and parts[1] == "function":
        return parts[2]
    return parts[0]


def _request(call: TaskCall) -> tuple[InvokeFunction, bool]:
    """What a task asks of Lambda, and whether it wants the log's end. Raises ApiError where Lambda would refuse it."""
    parameters = check_parameters(call, _PARAMETERS, required=("FunctionName",))
    function = parameters["FunctionName"]
    if not isinstance(function, str):
        raise runtime_error(f"The value of the field 'FunctionName' is not a string: {encode(function)}")
    # From here on it is Lambda that refuses: the task has been scheduled.
    call.begin()
    options, tail = _options(parameters)
    # A Payload of null is no payload.
    event = "{}" if parameters.get("Payload") is None else _event(parameters["Payload"])
    return InvokeFunction(function, event, call.site(function_name(function)), options=options), tail


def _options(parameters: dict[str, JSON]) -> tuple[InvokeOptions | None, bool]:
    """What is asked for besides the result, None where it is nothing, and whether the log's end is wanted."""
    kind = parameters.get("InvocationType", "RequestResponse")
    tail = parameters.get("LogType", "None")
    _check_member("invocationType", kind, _KINDS)
    _check_member("logType", tail, _LOG_TYPES)
    qualifier = parameters.get("Qualifier")
    context = parameters.get("ClientContext")
    options = None
    if kind != "RequestResponse" or qualifier is not None or context is not None:
        text = client_context_text(context if isinstance(context, str | None) else encode(context))
        options = InvokeOptions(kind, None if qualifier is None else str(qualifier), text)
    return options, tail == "Tail"


def _check_member(member: str, value: JSON, values: tuple[str, ...]) -> None:
    if value not in values:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(values)}]",
        )


def _event(payload: JSON) -> str:
    """The event's text. A string is the text itself (recorded): "0" calls the function with the number 0."""
    return event_text(payload.encode("utf-8", "surrogatepass")) if isinstance(payload, str) else encode(payload)


def _refused(error: ApiError) -> StatesError:
    """The failure of a task that Lambda refused. Its model does not name what only a request's form can be."""
    return optimised_failure("lambda", error, None if error.code == "ValidationException" else error.code)


def _refused_by_sdk(error: ApiError) -> StatesError:
    return sdk_failure("Lambda", error, None if error.code == "ValidationException" else error.code)


def too_large(named: str) -> StatesError:
    """The failure of a task whose function returned more than 262,144 bytes (recorded)."""
    return StatesError(
        DATA_LIMIT_EXCEEDED,
        f"The state/task '{named}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )


def returned(answer: InvocationResult | ApiError, named: str, *, spaced: bool) -> Payload:
    """The function's result; raises StatesError where that is a failure.

    A direct call's cause is spaced, an integration's compact (recorded)."""
    if isinstance(answer, ApiError):
        raise _refused(answer)
    if answer.function_error is None:
        # The size is looked at first: what is too large need not even be JSON (recorded).
        payload = Payload(None, answer.payload)
        if payload.too_large:
            raise too_large(named)
        try:
            payload.value = decode(answer.payload)
        except ValueError as error:
            raise StatesError("Lambda.Unknown", f"The function's response is not JSON: {error}") from None
        return payload
    details = decode(answer.payload)
    error_type = details.get("errorType") if isinstance(details, dict) else None
    if not error_type:
        raise StatesError(
            "Lambda.Unknown",
            "The cause could not be determined because Lambda did not return an error type. "
            f"Returned payload: {answer.payload}",
        )
    cause = json.dumps(details, ensure_ascii=False) if spaced else encode(details)
    raise StatesError(error_type, cause)
