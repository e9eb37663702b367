"""API Gateway's REST APIs over HTTP: at their own hosts, and at paths for clients that cannot resolve those.

``https://API.execute-api.REGION.amazonaws.com/STAGE/PATH`` is also ``/_aws/execute-api/API/STAGE/PATH`` and
``/restapis/API/STAGE/_user_request_/PATH`` here.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.rest_api_types import ApiRequest, ApiResponse, CallFunction, message
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address
from stepsim.runtime.requests import InvokeFunction, SendHttp

_OWN_HOST = re.compile(r"([a-z0-9]+)\.execute-api\.")
_PATHS = (
    re.compile(r"/_aws/execute-api/(?P<api>[^/]+)(?:/(?P<stage>[^/]*)(?P<path>/.*)?)?"),
    re.compile(r"/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?"),
)
_AT_HOST = re.compile(r"/(?P<stage>[^/]*)(?P<path>/.*)?")

_LIMIT_MS = 29_000
"""How long the gateway waits for an integration."""


def execute(request: HttpRequest, address: Address, request_id: str, now_ms: int) -> Program:
    """Execute the API that a request is for; returns its HttpResponse."""
    from stepsim.runtime.cloud.rest_api import begin  # moto's API Gateway is heavy, and seldom needed

    api_id, stage, path = _place(request, address)
    asked = ApiRequest(
        request.method,
        api_id,
        stage,
        unquote(path),
        parse_qs(request.target.partition("?")[2], keep_blank_values=True),
        {name: [value] for name, value in request.headers.items()},
        request.body.decode("utf-8", "replace"),
        request_id,
        now_ms,
        request.host,
        signed="authorization" in request.headers,
    )
    step = begin(asked, *address.home)
    if isinstance(step, ApiResponse):
        return _response(step, request_id)
    needed: InvokeFunction | SendHttp
    if isinstance(step, CallFunction):
        site = CallSite("apigateway", "", place=request_id)
        site.account, site.region = address.home
        needed = InvokeFunction(step.function, step.event, site)
    else:
        needed = SendHttp(step.call)
    try:
        came = yield Invoke(needed, now_ms + _LIMIT_MS)
    except StatesError as error:
        if error.error != TIMEOUT:
            raise
        return _response(message(504, "Endpoint request timed out"), request_id)
    return _response(step.finish(came), request_id)


def _place(request: HttpRequest, address: Address) -> tuple[str, str, str]:
    """API, stage and path of a request."""
    for pattern in _PATHS:
        found = pattern.fullmatch(request.path)
        if found is not None:
            return found["api"], found["stage"] or "", found["path"] or "/"
    host = _OWN_HOST.match(address.host)
    found = _AT_HOST.fullmatch(request.path)
    return host[1] if host else "", found["stage"] if found else "", (found["path"] if found else None) or "/"


def _response(answer: ApiResponse, request_id: str) -> HttpResponse:
    headers = {name.lower(): ",".join(values) for name, values in answer.headers.items()}
    return HttpResponse(
        answer.status,
        {"content-type": "application/json", "x-amzn-requestid": request_id, **headers},
        answer.body.encode(),
    )
