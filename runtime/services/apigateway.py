"""API Gateway: ``invoke``. The account's own REST APIs are executed here; a local server is called over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from hashlib import blake2b
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, TIMEOUT, StatesError, runtime_error
from stepsim.asl.payload import JSON, Payload, decode, encode
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.hosts import is_loopback
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall, HttpFailure
from stepsim.runtime.cloud.rest_api_types import (
    INTEGRATION_MS,
    ApiRequest,
    ApiResponse,
    CallFunction,
    message,
)
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.requests import InvokeFunction, SendHttp
from stepsim.runtime.services.api_call import await_token
from stepsim.runtime.services.parameters import check_parameters, unusable
from stepsim.runtime.services.task import TaskCall

_PARAMETERS = frozenset(
    (
        "ApiEndpoint", "Method", "Stage", "Path", "QueryParameters", "Headers", "RequestBody", "AllowNullValues",
        "AuthType",
    )
)  # fmt: skip
_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"))
_AUTH_TYPES = frozenset(("NO_AUTH", "IAM_ROLE", "RESOURCE_POLICY"))
_FORBIDDEN = frozenset(
    (
        "authorization", "connection", "content-md5", "expect", "host", "max-forwards", "proxy-authenticate", "server",
        "te", "transfer-encoding", "trailer", "upgrade", "via", "www-authenticate",
    )
)  # fmt: skip
_FORBIDDEN_PREFIXES = ("x-forwarded", "x-amz", "x-amzn")
_EXECUTE_API = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.(?P<rest>.+)")
_AWS = re.compile(r"(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


def invoke(call: TaskCall) -> Program:
    """``apigateway:invoke``: the result is the response; a status from 400 on fails the task."""
    parameters = _checked(call)
    endpoint = parameters["ApiEndpoint"]
    host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname or ""
    own = _EXECUTE_API.fullmatch(host)
    region = _AWS.fullmatch(own["rest"]) if own else None
    if own and (region or is_loopback(own["rest"])):
        answer = yield from _executed(call, parameters, own["api"], region["region"] if region else None, host)
    else:
        answer = yield from _sent(call, parameters, endpoint, host)
    text = answer.body.decode("utf-8", "replace")
    if answer.status >= 400:
        raise StatesError(f"ApiGateway.{answer.status}", text)
    response: dict[str, JSON] = {
        "Headers": dict(answer.headers),
        "ResponseBody": response_body(answer, text),
        "StatusCode": answer.status,
        "StatusText": answer.reason,
    }
    return received(call, response)


def invoke_with_token(call: TaskCall) -> Program:
    """``apigateway:invoke.waitForTaskToken``: the token's answer is the result."""
    return (yield from await_token(call, (yield from invoke(call))))


def received(call: TaskCall, response: JSON) -> Payload:
    """The result that a response makes. Raises States.DataLimitExceeded for one that no state can hold."""
    payload = Payload(response)
    if payload.too_large:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{call.resource.resource_type}' returned a result with a size exceeding the maximum "
            "number of bytes service limit.",
        )
    return payload


def response_body(answer: HttpAnswer, text: str) -> JSON:
    """A response's body: parsed where it says that it is JSON, else its text."""
    content_type = next((values[-1] for name, values in answer.headers.items() if name.lower() == "content-type"), "")
    if "json" not in content_type:
        return text
    try:
        return decode(text)
    except ValueError:
        return text


# -- the request --------------------------------------------------------------------------------------------------


def _checked(call: TaskCall) -> Mapping[str, JSON]:
    """The parameters. Raises States.Runtime for those that AWS does not take; no event is written then (recorded)."""
    parameters = check_parameters(call, _PARAMETERS, required=("ApiEndpoint", "Method"))
    for name in ("ApiEndpoint", "Method", "Stage", "Path", "AuthType"):
        if not isinstance(parameters.get(name, ""), str):
            raise _invalid(parameters, name)
    for name in ("Headers", "QueryParameters"):
        value = parameters.get(name)
        if value is not None and not (isinstance(value, dict) and all(map(_is_texts, value.values()))):
            raise _invalid(parameters, name)
    if parameters["Method"] not in _METHODS:
        raise _invalid(parameters, "Method")
    if parameters.get("AuthType", "NO_AUTH") not in _AUTH_TYPES:
        raise _invalid(parameters, "AuthType")
    forbidden = [name.lower() for name in parameters.get("Headers") or {} if _is_forbidden(name.lower())]
    if forbidden:
        raise unusable(parameters, f"The 'Headers' field contains unsupported values: [{', '.join(forbidden)}]")
    return parameters


def _is_texts(value: JSON) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, str | None) for one in value))


def _is_forbidden(name: str) -> bool:
    return name in _FORBIDDEN or name.startswith(_FORBIDDEN_PREFIXES)


def _invalid(parameters: JSON, name: str) -> StatesError:
    return unusable(parameters, f"The value of the field '{name}' has an invalid format")


def _lists(value: JSON) -> dict[str, list[str]]:
    return {name: [one for one in values if one is not None] for name, values in (value or {}).items() if values}


def _body(parameters: Mapping[str, JSON]) -> str:
    """The body's JSON text; members that are null are left out unless they are asked for."""
    value = parameters.get("RequestBody")
    if value is None:
        return ""
    return encode(value if parameters.get("AllowNullValues") is True else _without_nulls(value))


def _without_nulls(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(element) for element in value] if isinstance(value, list) else value


def _headers(parameters: Mapping[str, JSON]) -> dict[str, list[str]]:
    headers = _lists(parameters.get("Headers"))
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = ["application/json"]
    return headers


# -- the account's own APIs ---------------------------------------------------------------------------------------


def _executed(call: TaskCall, parameters: Mapping[str, JSON], api_id: str, region: str | None, host: str) -> Program:
    """Execute a REST API of the account; returns an `HttpAnswer`."""
    from stepsim.runtime.cloud.rest_api import begin  # moto's API Gateway is heavy, and seldom needed

    now_ms = call.frame.engine.scheduler.now_ms
    request = ApiRequest(
        parameters["Method"],
        api_id,
        (parameters.get("Stage") or "").strip("/"),
        parameters.get("Path") or "",
        _lists(parameters.get("QueryParameters")),
        _headers(parameters) | {"Host": [host], "User-Agent": ["Amazon|StepFunctions|ApiGateway"]},
        _body(parameters),
        request_id=call.request_id,
        now_ms=now_ms,
        host=host,
        signed=parameters.get("AuthType", "NO_AUTH") != "NO_AUTH",
    )
    site = call.site()
    call.begin()
    engine = call.frame.engine
    yield from call.pause(engine.latency.of("apigateway.request", *call.frame.names))
    apis = engine.capacity.apis
    step = begin(request, site.account or ACCOUNT_ID, region or site.region or DEFAULT_REGION, apis)
    if isinstance(step, ApiResponse):
        response = step
    else:
        limit_ms = engine.scheduler.now_ms + step.timeout_ms
        if isinstance(step, CallFunction):
            name = step.function.split(":")[6] if step.function.count(":") > 5 else step.function
            asked: InvokeFunction | SendHttp = InvokeFunction(step.function, step.event, call.site(name))
        else:
            asked = SendHttp(step.call)
        try:
            came = yield Invoke(asked, limit_ms if call.deadline_ms is None else min(limit_ms, call.deadline_ms))
        except StatesError as error:
            if error.error != TIMEOUT or (call.deadline_ms is not None and call.deadline_ms <= limit_ms):
                raise
            response = message(504, "Endpoint request timed out")
        else:
            response = step.finish(came)
    body = response.body.encode()
    headers = {**_edge_headers(call, len(body)), **response.headers}
    return HttpAnswer(response.status, headers, body, _phrase(response.status))


def _edge_headers(call: TaskCall, length: int) -> dict[str, list[str]]:
    """What the gateway and the network in front of it add to a response (recorded)."""
    now_s = call.frame.engine.scheduler.now_ms // 1000
    mark = blake2b(call.request_id.encode(), digest_size=20).hexdigest()
    edge = f"{mark[:32]}.cloudfront.net"
    return {
        "Connection": ["keep-alive"],
        "Content-Length": [str(length)],
        "Content-Type": ["application/json"],
        "Date": [formatdate(now_s, usegmt=True)],
        "Via": [f"1.1 {edge} (CloudFront)"],
        "x-amz-apigw-id": [mark[:15]],
        "X-Amz-Cf-Id": [mark],
        "X-Amz-Cf-Pop": ["IAD00-P1"],
        "x-amzn-RequestId": [call.request_id],
        "X-Amzn-Trace-Id": [f"Root=1-{now_s:08x}-{mark[:24]}"],
        "X-Cache": ["Miss from cloudfront"],
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


# -- other servers ------------------------------------------------------------------------------------------------


def _sent(call: TaskCall, parameters: Mapping[str, JSON], endpoint: str, host: str) -> Program:
    """Send the request over HTTP; returns an `HttpAnswer`."""
    url = endpoint if "//" in endpoint else f"{'http' if is_loopback(host) else 'https'}://{endpoint}"
    parts: Sequence[str] = [(parameters.get("Stage") or "").strip("/"), (parameters.get("Path") or "").strip("/")]
    url = "/".join([url.rstrip("/"), *(quote(part) for part in parts if part)])
    headers = {name: ",".join(values) for name, values in _headers(parameters).items()}
    body = _body(parameters).encode() or None
    query = _lists(parameters.get("QueryParameters"))
    request = HttpCall.to(parameters["Method"], url, query, headers, body, INTEGRATION_MS / 1000)
    answer: HttpAnswer | HttpFailure = yield call.invoke(SendHttp(request))
    if isinstance(answer, HttpAnswer):
        return answer
    if answer.refused:
        raise runtime_error(answer.message)
    raise StatesError("ApiGateway.SdkClientException", f"Unable to execute HTTP request: {answer.message}")
