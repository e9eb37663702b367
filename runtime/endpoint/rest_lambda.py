"""Lambda over HTTP, as far as it is ours: Invoke is, and what creates and changes functions is looked at before moto.

Parameters stand in path, query and headers; the body is Invoke's payload as it is, and JSON everywhere else.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.endpoint.errors import error_answer
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address
from stepsim.runtime.lambdas.invocation import InvokeResponse
from stepsim.runtime.lambdas.lambdas import Lambdas

_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
_INVOKE_ASYNC = re.compile(r"/2014-11-13/functions/([^/]+)/invoke-async/?")
_STREAM = re.compile(r"/2021-11-15/functions/[^/]+/response-streaming-invocations/?")

_HEADERS = {
    "InvocationType": "x-amz-invocation-type",
    "LogType": "x-amz-log-type",
    "ClientContext": "x-amz-client-context",
}

_FUNCTION = r"/2015-03-31/functions/(?P<FunctionName>[^/]+)"
_MAPPINGS = "/2015-03-31/event-source-mappings"

_CHANGES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("POST", "CreateFunction", re.compile(r"/2015-03-31/functions/?")),
    ("PUT", "UpdateFunctionCode", re.compile(rf"{_FUNCTION}/code/?")),
    ("PUT", "UpdateFunctionConfiguration", re.compile(rf"{_FUNCTION}/configuration/?")),
    ("POST", "CreateEventSourceMapping", re.compile(rf"{_MAPPINGS}/?")),
    ("PUT", "UpdateEventSourceMapping", re.compile(rf"{_MAPPINGS}/(?P<UUID>[^/]+)/?")),
)
"""The operations whose parameters Lambda's side wants to see before moto: method, name, path."""


def invoke(
    lambdas: Lambdas, request: HttpRequest, address: Address, request_id: str, reply: Callable[[HttpResponse], None]
) -> bool:
    """Run the function that a request names; False where it is no Invoke.

    Raises NotImplementedError for a streamed response.
    """
    if request.method != "POST":
        return False
    if _STREAM.fullmatch(request.path):
        raise NotImplementedError("a function's response is not streamed: call Invoke")
    params = _invoke_parameters(request)
    if params is None:
        return False

    def reply_on_wire(answer: InvokeResponse | ApiError) -> None:
        if isinstance(answer, ApiError):
            reply(error_answer(request, "lambda", answer, request_id))
        else:
            reply(_response(answer))

    lambdas.invoke(params, address.home, reply_on_wire)
    return True


def prepared(lambdas: Lambdas, request: HttpRequest, address: Address) -> HttpRequest:
    """The request as moto is to get it. Raises ApiError for what Lambda refuses."""
    for method, operation, pattern in _CHANGES:
        found = pattern.fullmatch(request.path) if request.method == method else None
        if found is not None:
            named = {name: unquote(value) for name, value in found.groupdict().items()}
            params = lambdas.before(operation, _decoded(request.body) | named, address.home)
            body = _encoded({name: value for name, value in params.items() if name not in named})
            return HttpRequest(request.method, request.target, request.headers, body)
    return request


def _invoke_parameters(request: HttpRequest) -> dict[str, Any] | None:
    """Invoke's parameters in boto3's names; the older InvokeAsync is an Invoke that sends an event."""
    old = _INVOKE_ASYNC.fullmatch(request.path)
    if old is not None:
        return {"FunctionName": unquote(old[1]), "InvocationType": "Event", "Payload": request.body}
    found = _INVOKE.fullmatch(request.path)
    if found is None:
        return None
    params: dict[str, Any] = {"FunctionName": unquote(found[1]), "Payload": request.body}
    params |= {name: request.headers[header] for name, header in _HEADERS.items() if header in request.headers}
    if "Qualifier=" in request.target:
        params["Qualifier"] = request.query["Qualifier"]
    return params


def _response(answer: InvokeResponse) -> HttpResponse:
    headers = {
        "x-amzn-requestid": answer.request_id,
        "content-type": "application/json",
        "x-amz-executed-version": answer.executed_version,
        "x-amz-function-error": answer.function_error,
        "x-amz-log-result": answer.log_result,
    }
    said = {name: value for name, value in headers.items() if value is not None}
    return HttpResponse(answer.status, said, answer.payload)


def _decoded(body: bytes) -> dict[str, Any]:
    """The parameters in a body; an archive as its bytes."""
    try:
        params = msgspec.json.decode(body or b"{}")
        if not isinstance(params, dict):
            raise ValueError
        for code in (params, params.get("Code")):
            if isinstance(code, dict) and isinstance(code.get("ZipFile"), str):
                code["ZipFile"] = b64decode(code["ZipFile"], validate=True)
    except (ValueError, RecursionError):
        message = "Could not parse request body into json"
        raise ApiError("InvalidRequestContentException", message, extra={"Type": "User"}) from None
    return params


def _encoded(params: dict[str, Any]) -> bytes:
    """JSON, with archives in base64."""
    return msgspec.json.encode(params, enc_hook=lambda value: b64encode(value).decode())
