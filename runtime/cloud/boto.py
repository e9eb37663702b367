"""The gate's skin for handlers: their boto3 calls, taken at ``BaseClient._make_api_call``.

Most calls end here, answered by a fast path without ever becoming HTTP. A call that is refused, or that no fast path
covers, goes botocore's own way; each of its HTTP attempts comes back here at ``before-send``, where a fault answers it
with the real status and body, so that botocore's own retries see it. What passes here is moto's to answer.

Handlers registered on a client's events don't see the calls that a fast path answers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import Any, TypeAlias
from unittest.mock import patch

import boto3.s3.inject
import boto3.s3.transfer
from botocore import client as botocore_client
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

from stepsim.runtime.cloud import dynamodb_resource
from stepsim.runtime.cloud.call import ApiError, CallSite, ConnectionLost, FallThrough
from stepsim.runtime.cloud.faults import Refusal
from stepsim.runtime.cloud.gate import HANG_MS, Gate, Route
from stepsim.runtime.cloud.hosts import is_aws_url
from stepsim.runtime.cloud.meter import THROTTLES
from stepsim.runtime.cloud.wire import empty_response, error_response

MakeApiCall: TypeAlias = Callable[[Any, str, dict[str, Any]], dict[str, Any]]

Outcome: TypeAlias = "dict[str, Any] | ApiError | Refusal | None"
"""How an attempt ends: with a fast path's response, with an error, struck by a fault, or (None) left to moto."""

_BaseClient: Any = botocore_client.BaseClient

UNTOUCHED = "_stepsim_untouched"
"""Marks the clients that are not taken at the gate: those a cloud hands out for set-up."""

_STATUS = {"DeleteObject": 204}


class _Call:
    """A handler's call on botocore's own way."""

    __slots__ = ("client", "last", "outcomes", "params", "request", "response", "route", "site")

    def __init__(
        self, client: Any, route: Route, params: dict[str, Any], site: CallSite, first: ApiError | Refusal | None
    ) -> None:
        self.client = client
        self.route = route
        self.params = params
        self.site = site
        self.outcomes = [first]
        """The outcome of the first attempt, until botocore comes to ask for it."""
        self.last: Outcome = None
        self.request: object = None
        """The HTTP request that was asked about last: it comes by twice where moto doesn't know its host."""
        self.response: dict[str, Any] | None = None
        """What a later attempt was answered with by the fast path."""


class BotoHook:
    """Brings handlers' boto3 calls to a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._underway: ContextVar[_Call | None] = ContextVar("underway", default=None)
        self._request_numbers = count(1)
        self._original: MakeApiCall = _BaseClient._make_api_call

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take the calls of all clients while it lasts."""
        self._original = _BaseClient._make_api_call
        stub = BotocoreStubber.__call__

        def before_send(stubber: BotocoreStubber, event_name: str, request: Any, **rest: Any) -> Any:
            answer = self.answer(request)
            return answer if answer is not None else stub(stubber, event_name, request, **rest)

        def make_api_call(client: Any, operation_name: str, api_params: dict[str, Any]) -> dict[str, Any]:
            return self.call(client, operation_name, api_params)

        with ExitStack() as stack:
            stack.enter_context(patch.object(_BaseClient, "_make_api_call", make_api_call))
            stack.enter_context(patch.object(BotocoreStubber, "__call__", before_send))
            for module in (boto3.s3.inject, boto3.s3.transfer):
                stack.enter_context(patch.object(module, "create_transfer_manager", self._create_transfer_manager))
            yield

    def call(self, client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """What a client's operation returns or raises."""
        site = self._gate.current_site()
        if site is None or UNTOUCHED in client.__dict__ or not is_aws_url(client.meta.endpoint_url):
            return self._original(client, operation, params)
        route = self._gate.route(client.meta.service_model.service_name, operation)
        outcome = self._attempt(client, route, params, site)
        if type(outcome) is dict:
            return self._finished(operation, outcome, 0)
        if isinstance(outcome, ApiError) and not _retried(outcome):
            raise self._client_error(client, operation, outcome)
        assert not isinstance(outcome, dict)
        return self._send(_Call(client, route, params, site, outcome))

    def answer(self, request: AWSPreparedRequest) -> AWSResponse | None:
        """The answer to an HTTP request of a handler's call; None leaves it to moto."""
        call = self._underway.get()
        if call is None or call.request is request:
            return None
        call.request = request
        outcome: Outcome
        if call.outcomes:
            outcome = call.outcomes.pop()
        else:
            outcome = self._attempt(call.client, call.route, call.params, call.site)
        call.last = outcome
        if outcome is None:
            return None
        model = call.client.meta.service_model
        if isinstance(outcome, dict):
            call.response = outcome
            return empty_response(model, request.url, self._request_id())
        if isinstance(outcome, Refusal):
            if outcome.hang:
                # botocore gives up on a silent connection after its read time-out, and retries that, too.
                seconds = call.client.meta.config.read_timeout
                self._gate.pause(HANG_MS if seconds is None else int(seconds * 1000))
                raise ReadTimeoutError(endpoint_url=request.url)
            outcome = outcome.api_error()
        if isinstance(outcome, ConnectionLost):
            raise ConnectionClosedError(endpoint_url=request.url)
        return error_response(model, request.method, request.url, outcome, self._request_id())

    def _attempt(self, client: Any, route: Route, params: dict[str, Any], site: CallSite) -> Outcome:
        gate = self._gate
        latency_ms, refusal = gate.admit(route, params, site)
        if latency_ms and (refusal is None or not refusal.hang):
            gate.pause(latency_ms)
        if refusal is not None and refusal.refuses:
            return refusal
        fast = route.fast
        if refusal is not None and refusal.effect is not None:
            fast = partial(gate.serve_struck, route, refusal)
        if fast is None:
            return None
        try:
            if route.service == "dynamodb" and dynamodb_resource.is_resource_client(client):
                sent = dynamodb_resource.serialize(route.operation, params)
                response = dynamodb_resource.deserialize(route.operation, fast(sent, client.meta.region_name))
            else:
                response = fast(params, client.meta.region_name)
            if not latency_ms and (response.get("UnprocessedItems") or response.get("UnprocessedKeys")):
                # Whoever sends the rest again at once must not do so for ever at the same time.
                gate.pause(1)
            if route.transfer is not None and (received_ms := route.transfer.received_ms(response)):
                gate.pause(received_ms)
            return response
        except FallThrough:
            return None
        except ApiError as error:
            gate.failed(route, error.code)
            return error

    def _send(self, call: _Call) -> dict[str, Any]:
        token = self._underway.set(call)
        try:
            response = self._original(call.client, call.route.operation, call.params)
        except ClientError as error:
            if call.last is None:
                self._gate.failed(call.route, error.response.get("Error", {}).get("Code", "Unknown"))
            raise
        finally:
            self._underway.reset(token)
        if call.response is None:
            transfer = call.route.transfer
            if transfer is not None and (received_ms := transfer.received_ms(response)):
                self._gate.pause(received_ms)
            return response
        return self._finished(call.route.operation, call.response, response["ResponseMetadata"]["RetryAttempts"])

    def _finished(self, operation: str, response: dict[str, Any], retries: int) -> dict[str, Any]:
        headers = {"x-amzn-requestid": self._request_id()}
        if "ETag" in response:
            headers["etag"] = response["ETag"]
            if "ContentLength" in response:
                headers["content-length"] = str(response["ContentLength"])
                headers["content-type"] = response["ContentType"]
        response["ResponseMetadata"] = {
            "RequestId": headers["x-amzn-requestid"],
            "HTTPStatusCode": _STATUS.get(operation, 200),
            "HTTPHeaders": headers,
            "RetryAttempts": retries,
        }
        return response

    def _client_error(self, client: Any, operation: str, error: ApiError) -> ClientError:
        """The exception that botocore would have made of the error."""
        model = client.meta.service_model
        code, message, extra = error.code, error.message, error.extra
        if model.operation_model(operation).http.get("method") == "HEAD":
            code, message, extra = str(error.status), "Not Found" if error.status == 404 else "Bad Request", {}
        within_error = extra if model.service_name == "s3" else {}
        request_id = self._request_id()
        response: dict[str, Any] = {
            "Error": {"Message": message, "Code": code, **within_error},
            "ResponseMetadata": {
                "RequestId": request_id,
                "HTTPStatusCode": error.status,
                "HTTPHeaders": {"x-amzn-requestid": request_id},
                "RetryAttempts": 0,
            },
        }
        if not within_error:
            response |= extra
            if model.service_name == "dynamodb":
                response.setdefault("message", message)
        exception: ClientError = client.exceptions.from_code(code)(response, operation)
        return exception

    def _request_id(self) -> str:
        return f"{next(self._request_numbers) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF:016X}"

    def _create_transfer_manager(self, client: Any, config: Any, osutil: Any = None) -> Any:
        """boto3's transfers start threads, which know no virtual time: a handler's run in its own."""
        if self._gate.current_site() is not None:
            config = copy.copy(config)
            config.use_threads = False
        return _boto3_transfer_manager(client, config, osutil)


_boto3_transfer_manager = boto3.s3.transfer.create_transfer_manager


def _retried(error: ApiError) -> bool:
    """Whether botocore would try again."""
    return error.status >= 500 or error.status == 429 or error.code in THROTTLES
