"""What goes into a REST API and what comes out: requests, responses, and the calls that an integration needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from stepsim.asl.payload import JSON, encode
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.outbound_http import HttpAnswer, HttpCall, HttpFailure
from stepsim.workers.worker import InvocationResult

FunctionAnswer: TypeAlias = InvocationResult | ApiError

INTEGRATION_MS = 29_000
"""How long the gateway waits for an integration that says nothing of it
(docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html)."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request as the gateway gets it."""

    method: str
    api_id: str
    stage: str
    path: str
    """What follows the stage, decoded."""
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: str = ""
    request_id: str = "00000000-0000-4000-8000-000000000000"
    now_ms: int = 0
    host: str = ""
    signed: bool = False
    """Somebody vouches for who calls: a method that asks for IAM lets it in."""

    def header(self, name: str) -> str | None:
        """The last value of a header, however its name is written."""
        wanted = name.lower()
        return next((values[-1] for key, values in self.headers.items() if key.lower() == wanted and values), None)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What the gateway answers."""

    status: int
    headers: Mapping[str, list[str]] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class CallFunction:
    """A function is needed first; `event` is its JSON text."""

    function: str
    event: str
    finish: Callable[[FunctionAnswer], ApiResponse]
    timeout_ms: int = INTEGRATION_MS


@dataclass(frozen=True, slots=True)
class CallUrl:
    """Another host is needed first."""

    call: HttpCall
    finish: Callable[[HttpAnswer | HttpFailure], ApiResponse]
    timeout_ms: int = INTEGRATION_MS


@dataclass(frozen=True, slots=True)
class Matched:
    """A request with the method that it was found to mean."""

    request: ApiRequest
    resource_path: str
    path_parameters: dict[str, str]
    stage_variables: dict[str, str]
    account: str
    resource_id: str = ""

    def context(self) -> dict[str, Any]:
        """The ``$context`` of mapping templates, which is also a proxy event's requestContext."""
        request = self.request
        return {
            "accountId": self.account,
            "apiId": request.api_id,
            "domainName": request.host,
            "extendedRequestId": request.request_id,
            "httpMethod": request.method,
            "identity": {"sourceIp": "127.0.0.1", "userAgent": request.header("user-agent")},
            "path": f"/{request.stage}/{request.path.strip('/')}",
            "protocol": "HTTP/1.1",
            "requestId": request.request_id,
            "requestTime": format_timestamp(request.now_ms),
            "requestTimeEpoch": request.now_ms,
            "resourceId": self.resource_id,
            "resourcePath": self.resource_path,
            "stage": request.stage,
        }

    def parameter(self, source: str) -> str | None:
        """What a parameter mapping's source stands for: ``method.request.querystring.x``, ``'text'``, ``context.x``."""
        if source.startswith("'") and source.endswith("'"):
            return source[1:-1]
        parts = source.split(".", 3)
        if source.startswith("method.request.") and len(parts) == 4:
            name = parts[3]
            if parts[2] == "path":
                return self.path_parameters.get(name)
            if parts[2] == "querystring":
                values = self.request.query.get(name)
                return values[-1] if values else None
            return self.request.header(name)
        if source.startswith("stageVariables."):
            return self.stage_variables.get(source.partition(".")[2])
        if source.startswith("context."):
            value: JSON = self.context().get(source.partition(".")[2])
            return value if isinstance(value, str) else None
        return None


def message(status: int, text: str) -> ApiResponse:
    """A response of the gateway's own."""
    return ApiResponse(status, {"Content-Type": ["application/json"]}, encode({"message": text}))


INTERNAL_ERROR = message(500, "Internal server error")
