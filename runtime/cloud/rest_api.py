"""API Gateway's REST APIs, executed from what moto holds of them: stage, resource, method, integration, response.

Nothing is waited for here. A request is answered at once, or it needs a function or another host first: then `begin`
returns that call, and its `finish` makes the response of what came back. `handle` does the same with callbacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from moto.apigateway.models import Integration, IntegrationResponse, Method, Resource, RestAPI, apigateway_backends

from stepsim.asl.payload import decode, encode
from stepsim.runtime.cloud.api_throttles import ApiThrottles
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, ApiError
from stepsim.runtime.cloud.mapping_template import TemplateError, TemplateInput, parse_body, render
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall, HttpFailure
from stepsim.runtime.cloud.rest_api_proxy import proxied, proxy_event
from stepsim.runtime.cloud.rest_api_types import (
    INTERNAL_ERROR,
    ApiRequest,
    ApiResponse,
    CallFunction,
    CallUrl,
    FunctionAnswer,
    Matched,
    message,
)

_LAMBDA = re.compile(r"arn:aws[\w-]*:apigateway:[\w-]+:lambda:path/[^/]+/functions/(?P<function>.+)/invocations")
_JSON = "application/json"
_AUTHORIZED = frozenset({None, "NONE", "AWS_IAM"})

Step = ApiResponse | CallFunction | CallUrl


def handle(
    request: ApiRequest,
    *,
    invoke: Callable[[str, str, Callable[[FunctionAnswer], None]], None],
    fetch: Callable[[HttpCall, Callable[[HttpAnswer | HttpFailure], None]], None],
    reply: Callable[[ApiResponse], None],
    account: str = ACCOUNT_ID,
    region: str = DEFAULT_REGION,
) -> None:
    """Answer a request: `reply` is called once, now or later.

    ``invoke(function, event, done)`` runs a function (an ARN and JSON text), ``fetch(call, done)`` sends a request to
    another host; each calls back with what it got.
    """
    step = begin(request, account, region)
    if isinstance(step, CallFunction):
        finish = step.finish
        invoke(step.function, step.event, lambda answer: reply(finish(answer)))
    elif isinstance(step, CallUrl):
        finish_url = step.finish
        fetch(step.call, lambda answer: reply(finish_url(answer)))
    else:
        reply(step)


def begin(
    request: ApiRequest,
    account: str = ACCOUNT_ID,
    region: str = DEFAULT_REGION,
    throttles: ApiThrottles | None = None,
) -> Step:
    """The response to a request, or the call that it needs first. Without `throttles`, any number is let through."""
    backend = apigateway_backends[account][region]
    api: RestAPI | None = backend.apis.get(request.api_id)
    stage = None if api is None else api.stages.get(request.stage)
    if api is None or stage is None:
        return message(403, "Forbidden")
    found = _match(api, request.path)
    if found is None:
        return message(403, "Missing Authentication Token")
    resource, path_parameters = found
    method = resource.resource_methods.get(request.method) or resource.resource_methods.get("ANY")
    if method is None or (method.authorization_type == "AWS_IAM" and not request.signed):
        return message(403, "Missing Authentication Token")
    place = (region, request.api_id, request.stage)
    if throttles is not None and not throttles.take(
        place, resource.get_path(), request.method, stage.method_settings, request.now_ms
    ):
        return message(429, "Too Many Requests")
    integration = method.method_integration
    refusal = _refused(request, api, method, backend.keys)
    if refusal is not None:
        return refusal
    if integration is None:
        return INTERNAL_ERROR
    matched = Matched(
        request, resource.get_path(), path_parameters, dict(stage.variables), account, resource_id=resource.id
    )
    try:
        step = _INTEGRATIONS[integration.integration_type](matched, integration)
    except TemplateError as error:
        return message(500, str(error))
    if isinstance(step, ApiResponse) or not integration.timeout_in_millis:
        return step
    return replace(step, timeout_ms=int(integration.timeout_in_millis))


# -- finding the method -------------------------------------------------------------------------------------------


def _match(api: RestAPI, path: str) -> tuple[Resource, dict[str, str]] | None:
    """The resource of a path: a segment as it is written goes before a parameter, and that before the greedy one."""
    segments = path.strip("/").split("/") if path.strip("/") else []
    best: tuple[tuple[int, ...], Resource, dict[str, str]] | None = None
    for resource in api.resources.values():
        pattern = [part for part in resource.get_path().split("/") if part]
        parameters = _parameters(pattern, segments)
        if parameters is None:
            continue
        rank = tuple(2 if not part.startswith("{") else 0 if part.endswith("+}") else 1 for part in pattern)
        if best is None or rank > best[0]:
            best = rank, resource, parameters
    return None if best is None else best[1:]


def _parameters(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if part.endswith("+}"):
            if len(segments) <= index:
                return None
            parameters[part[1:-2]] = "/".join(segments[index:])
            return parameters
        if index >= len(segments):
            return None
        if part.startswith("{"):
            parameters[part[1:-1]] = segments[index]
        elif part != segments[index]:
            return None
    return parameters if len(pattern) == len(segments) else None


def _refused(request: ApiRequest, api: RestAPI, method: Method, keys: Mapping[str, Any]) -> ApiResponse | None:
    """What stands before the integration: authorizers, API keys, required parameters."""
    if method.authorization_type not in _AUTHORIZED:
        return message(500, f"stepsim does not run authorizers: {method.authorization_type} of {request.path}")
    if str(method.api_key_required).lower() == "true":
        values = [key.value for key in keys.values() if key.enabled]
        if request.header("x-api-key") not in values:
            return message(403, "Forbidden")
    validator = api.request_validators.get(method.request_validator_id or "")
    if validator is None:
        return None
    if validator.validate_request_body and method.request_models:
        return message(500, "stepsim does not validate bodies by models")
    if validator.validate_request_parameters:
        missing = [
            name for name, required in (method.request_parameters or {}).items() if _lacks(request, name, required)
        ]
        if missing:
            names = ", ".join(name.rpartition(".")[2] for name in missing)
            return message(400, f"Missing required request parameters: [{names}]")
    return None


def _lacks(request: ApiRequest, name: str, required: object) -> bool:
    if str(required).lower() != "true":
        return False
    _, _, where, key = name.split(".", 3)
    if where == "querystring":
        return key not in request.query
    return where == "header" and request.header(key) is None


# -- integrations -------------------------------------------------------------------------------------------------


def _aws(matched: Matched, integration: Integration) -> Step:
    """AWS: the request is mapped, a function called, and its answer mapped back."""
    body = _mapped_body(matched, integration)
    if isinstance(body, ApiResponse):
        return body
    function = _function(matched, integration)
    if function is None:
        return message(500, f"stepsim does not support the integration {integration.uri}")

    def finish(answer: FunctionAnswer) -> ApiResponse:
        if isinstance(answer, ApiError):
            return message(429, "Too Many Requests") if answer.status == 429 else INTERNAL_ERROR
        failure = decode(answer.payload) if answer.function_error is not None else None
        told = str(failure.get("errorMessage", "")) if isinstance(failure, dict) else None
        return _mapped_response(matched, integration, answer.payload, told)

    return CallFunction(function, body or "{}", finish)


def _aws_proxy(matched: Matched, integration: Integration) -> Step:
    function = _function(matched, integration)
    if function is None:
        return message(500, f"stepsim does not support the integration {integration.uri}")
    return CallFunction(function, encode(proxy_event(matched)), proxied)


def _mock(matched: Matched, integration: Integration) -> Step:
    """MOCK: the request template says with which status the integration ends."""
    body = _mapped_body(matched, integration)
    if isinstance(body, ApiResponse):
        return body
    value = parse_body(body)
    status = value.get("statusCode") if isinstance(value, dict) else None
    return _mapped_response(matched, integration, "", None if status is None else str(status), status=True)


def _http(matched: Matched, integration: Integration) -> Step:
    body = _mapped_body(matched, integration)
    if isinstance(body, ApiResponse):
        return body

    def finish(answer: HttpAnswer | HttpFailure) -> ApiResponse:
        if isinstance(answer, HttpFailure):
            return _unreachable(answer)
        text = answer.body.decode("utf-8", "replace")
        return _mapped_response(matched, integration, text, str(answer.status), status=True, headers=answer.headers)

    return _outgoing(matched, integration, {"Content-Type": _JSON}, body, finish)


def _http_proxy(matched: Matched, integration: Integration) -> Step:
    def finish(answer: HttpAnswer | HttpFailure) -> ApiResponse:
        if isinstance(answer, HttpFailure):
            return _unreachable(answer)
        dropped = ("transfer-encoding", "connection")
        headers = {name: values for name, values in answer.headers.items() if name.lower() not in dropped}
        return ApiResponse(answer.status, headers, answer.body.decode("utf-8", "replace"))

    headers = {
        name: values[-1]
        for name, values in matched.request.headers.items()
        if name.lower() not in ("host", "content-length", "connection")
    }
    return _outgoing(matched, integration, headers, matched.request.body, finish, forward_query=True)


_INTEGRATIONS: Mapping[str, Callable[[Matched, Integration], Step]] = {
    "AWS": _aws,
    "AWS_PROXY": _aws_proxy,
    "MOCK": _mock,
    "HTTP": _http,
    "HTTP_PROXY": _http_proxy,
}


def _function(matched: Matched, integration: Integration) -> str | None:
    match = _LAMBDA.fullmatch(_with_stage_variables(matched, integration.uri or ""))
    return None if match is None else match["function"]


def _with_stage_variables(matched: Matched, uri: str) -> str:
    variables = matched.stage_variables
    return re.sub(r"\$\{stageVariables\.([^}]+)\}", lambda name: variables.get(name[1], ""), uri)


def _outgoing(
    matched: Matched,
    integration: Integration,
    headers: dict[str, str],
    body: str,
    finish: Callable[[HttpAnswer | HttpFailure], ApiResponse],
    *,
    forward_query: bool = False,
) -> CallUrl:
    path: dict[str, str] = {}
    query = {name: list(values) for name, values in matched.request.query.items()} if forward_query else {}
    for target, source in (integration.request_parameters or {}).items():
        value = matched.parameter(source)
        if value is None:
            continue
        _, _, where, name = target.split(".", 3)
        if where == "path":
            path[name] = value
        elif where == "querystring":
            query[name] = [value]
        else:
            headers[name] = value
    url = _with_stage_variables(matched, integration.uri or "")
    for name, value in (matched.path_parameters | path).items():
        url = url.replace(f"{{{name}}}", value)
    method = integration.http_method or matched.request.method
    if method == "ANY":
        method = matched.request.method
    return CallUrl(HttpCall.to(method, url, query, headers, body.encode() if body else None, 29.0), finish)


def _unreachable(failure: HttpFailure) -> ApiResponse:
    if failure.refused:
        return message(500, failure.message)
    return message(504, "Endpoint request timed out") if failure.late else INTERNAL_ERROR


# -- mapping ------------------------------------------------------------------------------------------------------


def _mapped_body(matched: Matched, integration: Integration) -> str | ApiResponse:
    """The integration's request body: the template's of the request's content type, else the body as it came."""
    templates = integration.request_templates or {}
    content_type = (matched.request.header("content-type") or _JSON).partition(";")[0].strip()
    template = templates.get(content_type)
    if template is not None:
        return render(template, _template_input(matched, matched.request.body))
    behaviour = integration.passthrough_behaviour or "WHEN_NO_MATCH"
    if behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates):
        return message(415, "Unsupported Media Type")
    return matched.request.body


def _mapped_response(
    matched: Matched,
    integration: Integration,
    body: str,
    told: str | None,
    *,
    status: bool = False,
    headers: Mapping[str, list[str]] | None = None,
) -> ApiResponse:
    """The method's response: of the first integration response whose pattern matches what the integration `told` (a
    function's error message or, with `status`, a status code), else of the one without a pattern."""
    responses = list((integration.integration_responses or {}).values())
    default = next((one for one in responses if not one.selection_pattern), None)
    chosen = default
    if told is not None:
        chosen = next((one for one in responses if _selects(one, told)), None)
        if chosen is None and status:
            chosen = next((one for one in responses if str(one.status_code) == told and one is default), None)
        chosen = chosen or default
    if chosen is None:
        return INTERNAL_ERROR
    template = (chosen.response_templates or {}).get(_JSON)
    text = body if template is None else render(template, _template_input(matched, body))
    named = {"Content-Type": [_JSON]}
    for target, source in (chosen.response_parameters or {}).items():
        value = _response_value(source, body, headers or {})
        if target.startswith("method.response.header.") and value is not None:
            named[target.rpartition(".")[2]] = [value]
    return ApiResponse(int(chosen.status_code), named, text)


def _selects(response: IntegrationResponse, told: str) -> bool:
    pattern = response.selection_pattern
    return bool(pattern) and re.fullmatch(str(pattern), told, flags=re.DOTALL) is not None


def _response_value(source: str, body: str, headers: Mapping[str, list[str]]) -> str | None:
    if source.startswith("'") and source.endswith("'"):
        return source[1:-1]
    if source.startswith("integration.response.header."):
        wanted = source.rpartition(".")[2].lower()
        return next((values[-1] for name, values in headers.items() if name.lower() == wanted), None)
    if source.startswith("integration.response.body"):
        value = parse_body(body)
        for name in source.split(".")[3:]:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) or value is None else encode(value)
    return None


def _template_input(matched: Matched, body: str) -> TemplateInput:
    request = matched.request
    return TemplateInput(
        body,
        matched.path_parameters,
        {name: values[-1] for name, values in request.query.items() if values},
        {name: values[-1] for name, values in request.headers.items() if values},
        matched.context(),
        matched.stage_variables,
    )
