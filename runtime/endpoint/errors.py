"""Errors in the shape of whatever protocol the client speaks, known by the look of its request."""

from __future__ import annotations

import sys
import traceback

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.wire import error_body
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address

_CONTENT_TYPES = {
    "json": "application/x-amz-json-1.0",
    "rest-json": "application/json",
    "s3": "application/xml",
    "query": "text/xml",
    "ec2": "text/xml",
}


def error_answer(request: HttpRequest, service: str, error: ApiError, request_id: str) -> HttpResponse:
    """An error as the service that was addressed would send it."""
    protocol = _protocol(request, service)
    headers = {
        "x-amzn-requestid": request_id,
        "x-amz-request-id": request_id,
        "content-type": _CONTENT_TYPES[protocol],
    }
    if protocol in ("json", "rest-json"):
        headers["x-amzn-errortype"] = error.code
    body = b"" if request.method == "HEAD" else error_body(protocol, error, request_id)
    return HttpResponse(error.status, headers, body)


def internal_failure(request: HttpRequest, address: Address, error: BaseException, request_id: str) -> HttpResponse:
    """The answer to a request on which our code, or moto's, failed; what moto does not do is a 501 that says so."""
    if isinstance(error, NotImplementedError):
        message = f"{_named(request, address)} is not implemented here: {error}"
        return error_answer(request, address.service, ApiError("NotImplemented", message, 501), request_id)
    sys.stderr.write(f"{_named(request, address)} failed (request {request_id}):\n")
    traceback.print_exception(error)
    code = "InternalError" if address.service in ("s3", "ec2") else "InternalFailure"
    message = f"{type(error).__name__} in stepsim; its standard error tells more (request {request_id})"
    return error_answer(request, address.service, ApiError(code, message, 500), request_id)


def _named(request: HttpRequest, address: Address) -> str:
    """The operation of a request, as far as it shows."""
    action = request.headers.get("x-amz-target", "").rpartition(".")[2] or request.form.get("Action")
    return f"{address.service}.{action}" if action else f"{address.service} {request.method} {request.path}"


def _protocol(request: HttpRequest, service: str) -> str:
    if "x-amz-target" in request.headers:
        return "json"
    if service == "s3":
        return "s3"
    if service == "ec2":
        return "ec2"
    if "Action" in request.form or "Action=" in request.target:
        return "query"
    return "rest-json"
