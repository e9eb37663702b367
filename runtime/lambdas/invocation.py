"""The Invoke operation: what a client may ask for, and what it is answered."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Literal

from stepsim.asl.payload import decode
from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.lambdas.reference import Home
from stepsim.runtime.requests import InvokeFunction, InvokeOptions
from stepsim.workers.worker import InvocationResult

SYNCHRONOUS_BYTES_MAX = 6_291_456
EVENT_BYTES_MAX = 1_048_576
"""What the payload of a request may come to."""

CLIENT_CONTEXT_BYTES_MAX = 3_583
LOG_TAIL_BYTES = 4_096
"""As much of the end of its log an invocation returns, if it is asked to."""

_STATUS: dict[str, int] = {"RequestResponse": 200, "Event": 202, "DryRun": 204}

Kind = Literal["RequestResponse", "Event", "DryRun"]


@dataclass(frozen=True, slots=True)
class InvokeResponse:
    """Lambda's answer to Invoke: its body, and what stands in headers."""

    status: int
    request_id: str
    payload: bytes = b""
    executed_version: str | None = None
    """``X-Amz-Executed-Version``; None where nothing was executed."""
    function_error: str | None = None
    """``X-Amz-Function-Error``."""
    log_result: str | None = None
    """``X-Amz-Log-Result``: base64."""

    def members(self) -> dict[str, Any]:
        """The response in boto3's names; Payload as its bytes."""
        named = {
            "StatusCode": self.status,
            "FunctionError": self.function_error,
            "LogResult": self.log_result,
            "ExecutedVersion": self.executed_version,
            "Payload": self.payload,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class InvokeRequest:
    """An Invoke as it was asked for, checked."""

    function: str
    kind: Kind
    event: str
    qualifier: str | None
    client_context: str | None
    tail: bool

    def program(self, home: Home, request_id: str) -> Program:
        """Invoke the function for a caller at `home`; returns an InvokeResponse or an ApiError."""
        site = CallSite("lambda", "", "", place=request_id)
        site.account, site.region = home
        options = InvokeOptions(self.kind, self.qualifier, self.client_context, request_id)
        answer = yield Invoke(InvokeFunction(self.function, self.event, site, options=options))
        return answer if isinstance(answer, ApiError) else self._response(answer, request_id)

    def _response(self, result: InvocationResult, request_id: str) -> InvokeResponse:
        if self.kind != "RequestResponse":
            return InvokeResponse(_STATUS[self.kind], request_id)
        return InvokeResponse(
            200,
            request_id,
            result.payload.encode(),
            result.version,
            result.function_error,
            log_result(result) if self.tail else None,
        )


def log_result(result: InvocationResult) -> str:
    """The end of an invocation's log, as LogResult has it."""
    return b64encode(result.log.encode()[-LOG_TAIL_BYTES:]).decode()


def check_invoke(params: dict[str, Any]) -> InvokeRequest:
    """The request of Invoke's parameters in boto3's names. Raises ApiError for what Lambda refuses."""
    kind = _one_of(params, "InvocationType", "invocationType", ("Event", "RequestResponse", "DryRun"))
    tail = _one_of({"LogType": "None", **params}, "LogType", "logType", ("None", "Tail")) == "Tail"
    payload = params.get("Payload") or b""
    if hasattr(payload, "read"):
        payload = payload.read()
    data = payload.encode() if isinstance(payload, str) else bytes(payload)
    _check_size(data, kind)
    return InvokeRequest(
        params["FunctionName"],
        kind,
        event_text(data),
        params.get("Qualifier"),
        client_context_text(params.get("ClientContext")),
        tail and kind == "RequestResponse",
    )


def event_text(data: bytes) -> str:
    """The JSON text of a payload, ``{}`` where it is empty. Raises ApiError InvalidRequestContentException."""
    if not data:
        return "{}"
    try:
        text = data.decode()
        decode(text)
    except ValueError as error:
        raise ApiError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
            extra={"Type": "User"},
        ) from None
    return text


def client_context_text(encoded: str | None) -> str | None:
    """The JSON text of a ClientContext. Raises ApiError InvalidRequestContentException where it is none."""
    if not encoded:
        return None
    if len(encoded) > CLIENT_CONTEXT_BYTES_MAX:
        raise ApiError(
            "InvalidRequestContentException",
            f"Client context must not be more than {CLIENT_CONTEXT_BYTES_MAX} bytes.",
            extra={"Type": "User"},
        )
    try:
        text = b64decode(encoded, validate=True).decode()
        if not isinstance(json.loads(text), dict):
            raise ValueError
    except ValueError:
        raise ApiError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            extra={"Type": "User"},
        ) from None
    return text


def _check_size(data: bytes, kind: Kind) -> None:
    # The code is that of Lambda's answers, and not the one its model names (observed).
    if kind == "Event" and len(data) > EVENT_BYTES_MAX:
        message = f"{len(data)} byte payload is too large for the Event invocation type (limit {EVENT_BYTES_MAX} bytes)"
    elif len(data) > SYNCHRONOUS_BYTES_MAX:
        message = f"Request must be smaller than {SYNCHRONOUS_BYTES_MAX} bytes for the InvokeFunction operation"
    else:
        return
    raise ApiError("RequestEntityTooLargeException", message, 413, {"Type": "User"})


def _one_of(params: dict[str, Any], name: str, member: str, values: tuple[str, ...]) -> Any:
    value = params.get(name) or "RequestResponse"
    if value not in values:
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(values)}]",
        )
    return value
