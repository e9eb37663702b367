"""A scenario's handlers in processes of their own; their AWS calls come back to this process's account.

A call with a fast path is answered from boto3's own parameters. Everything else, and everything that a fault strikes,
comes as the HTTP request that botocore would have sent: botocore parses and retries it in the handler's process. Such
a request is moto's to answer, or an endpoint's: that may answer later, and the handler makes room for others meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from stepsim.runtime.cloud.call import ApiError, CallSite, FallThrough
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.faults import Refusal
from stepsim.runtime.cloud.wire import error_response
from stepsim.runtime.endpoint.request import HttpRequest as EndpointRequest
from stepsim.runtime.endpoint.request import HttpResponse as EndpointResponse
from stepsim.runtime.scenario_types import FunctionSpec, Scenario
from stepsim.workers.frames import FALL_THROUGH, ApiFault, ApiReply, ApiRequest, HttpReply, HttpRequest
from stepsim.workers.function_code import FunctionCode
from stepsim.workers.pool import ProcessPool
from stepsim.workers.process_worker import ProcessWorker
from stepsim.workers.worker import Invocation

_Fallen: TypeAlias = tuple[dict[str, Any], Refusal | ApiError | None, int]
"""A call that goes on as HTTP: boto3's parameters, how its first try ends, and how long that takes in ms."""

_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})


class AnswerHttp(Protocol):
    """An endpoint, as handlers' requests reach it: `reply` is called once, at once or later."""

    def __call__(self, request: EndpointRequest, reply: Callable[[EndpointResponse], None], /) -> object: ...


@asynccontextmanager
async def open_process_pool(
    cloud: Cloud | None, processes: int | None = None, *, answer_http: AnswerHttp | None = None, lazy: bool = False
) -> AsyncIterator[ProcessPool]:
    """A pool whose handlers' AWS calls come to the account; its processes are killed on leaving.

    `answer_http` answers what has no fast path, moto where it is None. A `lazy` pool starts no process before its first
    invocation.
    """
    answers: dict[str, Any] = {}
    if cloud is not None:
        bridge = _Bridge(cloud, answer_http)
        answers = {"api": bridge.api, "http": bridge.http, "fast_operations": bridge.fast_operations}
    async with ProcessPool(processes, lazy=lazy, **answers) as pool:
        yield pool


@asynccontextmanager
async def open_pool(
    scenario: Scenario, cloud: Cloud | None, processes: int | None
) -> AsyncIterator[Callable[[str, FunctionSpec], ProcessWorker]]:
    """A pool, as what makes the worker of a function; it is closed, and its processes killed, on leaving."""
    async with open_process_pool(cloud, processes) as pool:

        def code(name: str, spec: FunctionSpec) -> ProcessWorker:
            assert spec.handler is not None
            code_dir = spec.code_dir or scenario.base_dir
            return pool.worker(FunctionCode(name, spec.handler, code_dir, spec.search_paths, dict(spec.env)))

        yield code


class _FastOperations:
    """The operations that have a fast path at the moment: some are added once there is an account."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def __iter__(self) -> Iterator[str]:
        return iter([f"{service}.{name}" for service, names in self._cloud.fast_paths.items() for name in names])


class _Bridge:
    """Answers the AWS calls of other processes through the gate."""

    def __init__(self, cloud: Cloud, answer_http: AnswerHttp | None) -> None:
        self._answer_http = answer_http
        self._gate = cloud.gate
        self._cloud = cloud
        self.fast_operations = _FastOperations(cloud)
        self._fallen: dict[tuple[str, int], _Fallen] = {}
        """Calls that came with parameters and go on as HTTP: what they asked for, and how their first try ends."""
        self._sessions = botocore.session.get_session()

    def api(self, request: ApiRequest, invocation: Invocation, reply: Callable[[ApiReply], None]) -> None:
        """Answer a boto3 call, or let it go on as HTTP."""
        site = _site(invocation)
        route = self._gate.route(request.service, request.operation)
        wait_ms, refusal = self._gate.admit(route, request.params, site)
        outcome: Refusal | ApiError | None = None
        if refusal is not None and refusal.refuses:
            outcome = refusal
        else:
            try:
                if refusal is None or refusal.effect is None:
                    response = self._gate.serve(route, request.params, request.region)
                else:
                    response = self._gate.serve_struck(route, refusal, request.params, request.region)
            except FallThrough:
                outcome = None
            except ApiError as error:
                self._gate.failed(route, error.code)
                if error.status not in _RETRIED_STATUSES:
                    fault = ApiFault(error.code, error.message, error.status, error.extra)
                    reply(ApiReply(error=fault, latency_ms=wait_ms))
                    return
                outcome = error
            else:
                reply(ApiReply(_plain(response), latency_ms=wait_ms))
                return
        self._fallen[invocation.request_id, request.call] = (request.params, outcome, wait_ms)
        reply(FALL_THROUGH)

    def http(self, request: HttpRequest, invocation: Invocation, reply: Callable[[HttpReply], None]) -> None:
        """Answer an HTTP request: with an error where the try was refused, else as the endpoint or moto does."""
        params, outcome, wait_ms = self._outcome(request, invocation)

        def answered(answer: HttpReply) -> None:
            if answer.status in _RETRIED_STATUSES:
                self._fallen[invocation.request_id, request.call] = (params, None, 0)
            else:
                self._fallen.pop((invocation.request_id, request.call), None)
            reply(answer)

        if isinstance(outcome, Refusal):
            if outcome.hang:
                # Nothing ever comes back: the invocation waits until its own time is over.
                return
            outcome = outcome.api_error()
        if outcome is not None:
            model = self._sessions.get_service_model(request.service)
            answer = error_response(model, request.method, request.url, outcome, "0000000000000000")
        elif self._answer_http is not None:
            self._answer_http(_for_endpoint(request), lambda response: answered(_reply(response, wait_ms)))
            return
        else:
            answer = self._cloud.answer_http(_prepared(request))
        headers = {str(name): str(value) for name, value in answer.headers.items()}
        answered(HttpReply(answer.status_code, headers, answer.content, wait_ms))

    def _outcome(self, request: HttpRequest, invocation: Invocation) -> _Fallen:
        """How this try ends: as was decided when the call came with its parameters, else decided anew."""
        known = self._fallen.get((invocation.request_id, request.call))
        if known is not None and request.attempt == 0:
            return known
        params = {} if known is None else known[0]
        route = self._gate.route(request.service, request.operation)
        wait_ms, refusal = self._gate.admit(route, params, _site(invocation))
        return params, refusal if refusal is not None and refusal.refuses else None, wait_ms


def _site(invocation: Invocation) -> CallSite:
    site = invocation.site
    assert isinstance(site, CallSite)
    return site


def _plain(response: dict[str, Any]) -> dict[str, Any]:
    """A response that can travel: a streaming body as its bytes."""
    body = response.get("Body")
    return response if body is None or isinstance(body, bytes) else {**response, "Body": body.read()}


def _prepared(request: HttpRequest) -> AWSPreparedRequest:
    return AWSPreparedRequest(request.method, request.url, HTTPHeaders.from_dict(request.headers), request.body, False)


def _for_endpoint(request: HttpRequest) -> EndpointRequest:
    """A request as an endpoint would have read it from a connection."""
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.setdefault("host", url.netloc)
    target = url.path or "/"
    return EndpointRequest(request.method, f"{target}?{url.query}" if url.query else target, headers, request.body)


def _reply(response: EndpointResponse, wait_ms: int) -> HttpReply:
    return HttpReply(response.status, dict(response.headers), response.body, wait_ms)
