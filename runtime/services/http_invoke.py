"""HTTP tasks: ``http:invoke``. The request is really sent, to this machine or to a host that the user named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import quote_plus

from stepsim.asl.errors import StatesError, runtime_error
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.event_connections import Connection, connection
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall, HttpFailure
from stepsim.runtime.effects import Program
from stepsim.runtime.requests import SendHttp
from stepsim.runtime.services.apigateway import received, response_body
from stepsim.runtime.services.parameters import check_parameters, unusable
from stepsim.runtime.services.task import TaskCall

_PARAMETERS = frozenset(
    (
        "ApiEndpoint", "Method", "Authentication", "InvocationConfig", "Headers", "QueryParameters", "RequestBody",
        "Transform",
    )
)  # fmt: skip
_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"))
_ARRAYS = frozenset(("INDICES", "REPEAT", "COMMAS", "BRACKETS"))
_FORM = "application/x-www-form-urlencoded"
_BINARY = ("application/octet-stream", "image/", "video/", "audio/")
_TIMEOUT_S = 60.0


def invoke(call: TaskCall) -> Program:
    """``http:invoke``: the result is the response; a status that is no success fails the task."""
    parameters = check_parameters(call, _PARAMETERS, required=("ApiEndpoint", "Method"))
    if parameters["Method"] not in _METHODS:
        raise unusable(parameters, "The value of the field 'Method' has an invalid format")
    arn = _connection_arn(parameters)
    found = connection(arn, call.site())
    if found is None:
        raise StatesError("Events.ConnectionResource.NotFound", f"The connection {arn} does not exist")
    request = request_of(parameters, found)
    if found.token_call is not None:
        token = yield from _token(call, found.token_call)
        request = HttpCall(
            request.method,
            request.url,
            (*request.headers, ("Authorization", f"Bearer {token}")),
            request.body,
            request.timeout_s,
        )
    answer: HttpAnswer = yield from _sent(call, request)
    text = _text(answer)
    if not 200 <= answer.status < 300:
        raise StatesError(f"States.Http.StatusCode.{answer.status}", text)
    response: dict[str, JSON] = {
        "Headers": dict(answer.headers),
        "ResponseBody": response_body(answer, text),
        "StatusCode": answer.status,
        "StatusText": answer.reason or HTTPStatus(answer.status).phrase,
    }
    return received(call, response)


def _connection_arn(parameters: Mapping[str, JSON]) -> str:
    for holder in ("Authentication", "InvocationConfig"):
        held = parameters.get(holder)
        if isinstance(held, dict) and isinstance(held.get("ConnectionArn"), str):
            return str(held["ConnectionArn"])
    raise unusable(dict(parameters), "The field 'Authentication.ConnectionArn' is required but was missing")


def _sent(call: TaskCall, request: HttpCall) -> Program:
    answer: HttpAnswer | HttpFailure = yield call.invoke(SendHttp(request))
    if isinstance(answer, HttpAnswer):
        return answer
    if answer.refused:
        raise runtime_error(answer.message)
    raise StatesError("States.Http.Socket", answer.message)


def _token(call: TaskCall, request: HttpCall) -> Program:
    """An access token for the connection's client."""
    answer: HttpAnswer = yield from _sent(call, request)
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = None
    if answer.status >= 300 or not isinstance(value, dict) or "access_token" not in value:
        cause = f"The authorization endpoint answered {answer.status}, and gave no access_token"
        raise StatesError("Events.ConnectionResource.InvalidConnectionState", cause)
    return str(value["access_token"])


def _text(answer: HttpAnswer) -> str:
    """The body's text. Raises States.Runtime for what AWS does not take for one."""
    kind = next((values[-1] for name, values in answer.headers.items() if name.lower() == "content-type"), "")
    if kind.startswith(_BINARY):
        raise runtime_error(f"The response's Content-Type {kind} is not supported by HTTP tasks")
    try:
        return answer.body.decode()
    except UnicodeDecodeError:
        raise runtime_error("The response's body is not text, which HTTP tasks do not support") from None


# -- the request --------------------------------------------------------------------------------------------------


def request_of(parameters: Mapping[str, JSON], found: Connection) -> HttpCall:
    """The request: what the task says, and the connection's own over it."""
    arrays = _array_format(parameters)
    headers = _headers(parameters, found)
    body = _body(parameters, found)
    content: bytes | None = None
    if body is not None:
        if arrays is not None:
            headers.setdefault("content-type", ("Content-Type", _FORM))
            content = body.encode() if isinstance(body, str) else form_encoded(body, arrays).encode()
        else:
            headers.setdefault("content-type", ("Content-Type", "application/json; charset=UTF-8"))
            content = (body if isinstance(body, str) else encode(body)).encode()
    query: dict[str, list[str]] = {}
    for name, value in (parameters.get("QueryParameters") or {}).items():
        query[name] = [_plain(one) for one in (value if isinstance(value, list) else [value])]
    query |= {name: [value] for name, value in found.query.items()}
    written = dict(headers.values())
    return HttpCall.to(parameters["Method"], parameters["ApiEndpoint"], query, written, content, _TIMEOUT_S)


def _headers(parameters: Mapping[str, JSON], found: Connection) -> dict[str, tuple[str, str]]:
    """The headers by their names in small letters: name and value as they are written."""
    headers = {
        "user-agent": ("User-Agent", "Amazon|StepFunctions|HttpInvoke|us-east-1"),
        "range": ("Range", "bytes=0-262144"),
    }
    for name, value in (parameters.get("Headers") or {}).items():
        text = ",".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
        headers[name.lower()] = (name, text)
    for name, value in found.headers.items():
        headers[name.lower()] = (name, value)
    return headers


def _body(parameters: Mapping[str, JSON], found: Connection) -> JSON:
    body = parameters.get("RequestBody")
    if not found.body:
        return body
    if body is None:
        return dict(found.body)
    if not isinstance(body, dict):
        raise runtime_error(
            "A RequestBody that is no object cannot be merged with the BodyParameters of the connection"
        )
    return {**body, **found.body}


def _array_format(parameters: Mapping[str, JSON]) -> str | None:
    """How a form writes arrays; None where the body is not a form."""
    transform = parameters.get("Transform")
    if transform is None:
        return None
    encoding = transform.get("RequestBodyEncoding", "NONE") if isinstance(transform, dict) else None
    if encoding == "NONE":
        return None
    options = transform.get("RequestEncodingOptions") or {}
    arrays = options.get("ArrayFormat", "INDICES")
    if encoding != "URL_ENCODED" or arrays not in _ARRAYS:
        raise unusable(dict(parameters), "The value of the field 'Transform' has an invalid format")
    return str(arrays)


def form_encoded(body: JSON, arrays: str) -> str:
    """A JSON value as a form: members of members in brackets, arrays as the format says."""
    return "&".join(f"{quote_plus(name, safe='[]')}={quote_plus(value)}" for name, value in _fields(body, "", arrays))


def _fields(value: JSON, name: str, arrays: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _fields(member, f"{name}[{key}]" if name else key, arrays)
    elif isinstance(value, list):
        if arrays == "COMMAS":
            yield name, ",".join(map(_plain, value))
            return
        for index, element in enumerate(value):
            suffix = {"INDICES": f"[{index}]", "BRACKETS": "[]"}.get(arrays, "")
            yield from _fields(element, f"{name}{suffix}", arrays)
    else:
        yield name, _plain(value)


def _plain(value: JSON) -> str:
    return value if isinstance(value, str) else "" if value is None else encode(value)
