"""Lambda: by the function's own ARN, by ``lambda:invoke``, and with a task token."""

from __future__ import annotations

import json

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload, decode, encode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import AwaitToken, InvokeFunction
from stepsim.runtime.services.failures import optimised_failure
from stepsim.runtime.services.metadata import sdk_metadata
from stepsim.runtime.services.parameters import check_parameters
from stepsim.runtime.services.task import TaskCall
from stepsim.workers.worker import InvocationResult

_PARAMETERS = frozenset({"FunctionName", "Payload", "Qualifier", "InvocationType", "ClientContext", "LogType"})


def invoke_by_arn(call: TaskCall) -> Program:
    """A Task whose Resource is a function: the result is what the function returned."""
    answer = yield call.invoke(
        InvokeFunction(call.resource.arn, call.input.text, call.frame.site(call.resource.function))
    )
    return _returned(answer, call.resource.arn, spaced=True)


def invoke(call: TaskCall) -> Program:
    """``lambda:invoke``: the result is Lambda's response with the parsed Payload."""
    parameters = check_parameters(call, _PARAMETERS, required=("FunctionName",))
    function = parameters["FunctionName"]
    if not isinstance(function, str):
        raise runtime_error(f"The value of the field 'FunctionName' is not a string: {encode(function)}")
    kind = parameters.get("InvocationType", "RequestResponse")
    if kind != "RequestResponse":
        raise runtime_error(f"stepsim does not support the InvocationType {kind!r} of lambda:invoke yet")
    for unsupported in ("ClientContext", "LogType"):
        if unsupported in parameters:
            raise runtime_error(f"stepsim does not support the parameter {unsupported!r} of lambda:invoke yet")
    qualifier = parameters.get("Qualifier")
    target = function if qualifier is None else f"{function}:{qualifier}"
    event = _event(parameters["Payload"]) if "Payload" in parameters else "{}"
    answer = yield call.invoke(InvokeFunction(target, event, call.frame.site(function_name(function))))
    returned = _returned(answer, "lambda", spaced=False)
    response: dict[str, JSON] = {
        "ExecutedVersion": "$LATEST",
        "Payload": returned.value,
        **sdk_metadata("lambda", returned.text, call.frame.engine.scheduler.now_ms, call.request_id),
        "StatusCode": 200,
    }
    return Payload(response)


def invoke_with_token(call: TaskCall) -> Program:
    """``lambda:invoke.waitForTaskToken``: what the function returns is ignored; the token's answer is the result."""
    assert call.frame.token is not None
    response = yield from invoke(call)
    call.submitted(response)
    return (yield call.invoke(AwaitToken(call.frame.token), heartbeat=True))


def function_name(reference: str) -> str:
    """The bare name in a function's name, partial ARN or ARN; a version or alias is cut off."""
    parts = reference.split(":")
    if parts[0] == "arn":
        return parts[6] if len(parts) > 6 else reference
    if len(parts) >= 3 and parts[1] == "function":
        return parts[2]
    return parts[0]


def _event(payload: JSON) -> str:
    """The event's text. A string is the text itself (recorded): "0" calls the function with the number 0."""
    if not isinstance(payload, str):
        return encode(payload)
    try:
        decode(payload)
    except ValueError as error:
        refusal = ApiError("InvalidRequestContentException", f"Could not parse request body into json: {error}")
        raise optimised_failure("lambda", refusal, refusal.code) from None
    return payload


def _returned(answer: InvocationResult | ApiError, named: str, *, spaced: bool) -> Payload:
    """The function's result, or its failure. A direct call's cause is spaced, an integration's compact (recorded)."""
    if isinstance(answer, ApiError):
        raise optimised_failure("lambda", answer, answer.code)
    if answer.function_error is None:
        # The size is looked at first: what is too large need not even be JSON (recorded).
        payload = Payload(None, answer.payload)
        if payload.too_large:
            raise StatesError(
                DATA_LIMIT_EXCEEDED,
                f"The state/task '{named}' returned a result with a size exceeding the maximum number of bytes "
                "service limit.",
            )
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
