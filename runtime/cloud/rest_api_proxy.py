"""AWS_PROXY: the event that a function gets of a REST API (format 1.0), and the response that it must return."""

from __future__ import annotations

import base64
import binascii

from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.rest_api_types import ApiResponse, FunctionAnswer, Matched, message

_MALFORMED = message(502, "Internal server error")
"""What the gateway says when a function fails, or returns what is no response."""

_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"})


def proxy_event(matched: Matched) -> dict[str, JSON]:
    """The event of a request. What is empty is null, as on AWS."""
    request = matched.request
    headers = {name: list(values) for name, values in request.headers.items()}
    query = {name: list(values) for name, values in request.query.items()}
    path = "/" + request.path.strip("/")
    return {
        "resource": matched.resource_path,
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items() if values} or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items() if values} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": matched.path_parameters or None,
        "stageVariables": matched.stage_variables or None,
        "requestContext": matched.context(),
        "body": request.body or None,
        "isBase64Encoded": False,
    }


def proxied(answer: FunctionAnswer) -> ApiResponse:
    """The response that a function returned; 502 where it failed or returned something else."""
    if isinstance(answer, ApiError) or answer.function_error is not None:
        return _MALFORMED
    try:
        value = decode(answer.payload)
    except ValueError:
        return _MALFORMED
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        return _MALFORMED
    try:
        status = int(value.get("statusCode", 200))
        headers = {name: [_text(one)] for name, one in (value.get("headers") or {}).items()}
        for name, several in (value.get("multiValueHeaders") or {}).items():
            headers[name] = [*headers.get(name, []), *(_text(one) for one in several)]
        body = value.get("body")
        text = "" if body is None else _text(body) if isinstance(body, str) else None
        if text is None:
            return _MALFORMED
        if value.get("isBase64Encoded") is True:
            text = base64.b64decode(text).decode("utf-8", "replace")
    except (ValueError, TypeError, AttributeError, binascii.Error):
        return _MALFORMED
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = ["application/json"]
    return ApiResponse(status, headers, text)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else encode(value)
