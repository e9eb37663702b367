"""Lambda's Invoke over HTTP: parameters in path, query and headers, the payload as the body, both ways."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from stepsim.runtime.effects import Program
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address
from stepsim.runtime.lambdas.invocation import InvokeResponse, check_invoke

_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
_INVOKE_ASYNC = re.compile(r"/2014-11-13/functions/([^/]+)/invoke-async/?")
_STREAM = re.compile(r"/2021-11-15/functions/([^/]+)/response-streaming-invocations/?")

_HEADERS = {
    "InvocationType": "x-amz-invocation-type",
    "LogType": "x-amz-log-type",
    "ClientContext": "x-amz-client-context",
}


def is_invoke(request: HttpRequest) -> bool:
    """Whether a request to Lambda runs a function."""
    path = request.path
    return request.method == "POST" and any(one.fullmatch(path) for one in (_INVOKE, _INVOKE_ASYNC, _STREAM))


def invoke(request: HttpRequest, address: Address, request_id: str) -> Program:
    """Run the function that a request names; returns its HttpResponse. Raises ApiError as Lambda refuses."""
    if _STREAM.fullmatch(request.path):
        raise NotImplementedError("a function's response is not streamed: call Invoke")
    answer = yield from check_invoke(_parameters(request)).program(address.home, request_id)
    if isinstance(answer, Exception):
        raise answer
    return _response(answer)


def _parameters(request: HttpRequest) -> dict[str, Any]:
    """Invoke's parameters in boto3's names; the older InvokeAsync is an Invoke that sends an event."""
    found = _INVOKE.fullmatch(request.path)
    if found is None:
        found = _INVOKE_ASYNC.fullmatch(request.path)
        assert found is not None
        return {"FunctionName": unquote(found[1]), "InvocationType": "Event", "Payload": request.body}
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
