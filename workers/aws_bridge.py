"""How boto3, inside an environment, reaches the pool's account instead of AWS.

Two layers. A call of an operation that the pool answers fast never becomes HTTP: its parameters go to the pool, its
response comes back. Every other call, and each that falls through, is serialised, parsed and retried by botocore here;
only its HTTP request goes to the pool. What is addressed to this machine (an endpoint_url that the user named) passes.
"""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import botocore.handlers
import msgspec
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ParamValidationError
from botocore.response import StreamingBody
from botocore.validate import ParamValidator

from stepsim.workers.frames import ApiReply, ApiRequest, HttpReply, HttpRequest

Client = Any
"""A botocore client: its own parts that are used here are in no stub."""

ApiCall = Callable[[Client, str, dict[str, Any]], dict[str, Any]]


class CallUnderway(NamedTuple):
    """The boto3 call that a thread is in: what its HTTP requests are told apart by."""

    number: int
    service: str
    """boto3's name for it; that of the events is another."""
    region: str
    attempts: Iterator[int]


class AwsBridge:
    """botocore's way to the pool: installed once in a process, connected once in an environment."""

    def __init__(self) -> None:
        self._call: Callable[[ApiRequest | HttpRequest], ApiReply | HttpReply] | None = None
        self._fast: frozenset[str] = frozenset()
        self._numbers = itertools.count(1)
        self._thread = threading.local()
        self._validator = ParamValidator()

    def install(self) -> None:
        """Hook botocore: every client of every session made from now on calls through this bridge."""
        base: Any = BaseClient
        original: ApiCall = base._make_api_call

        def make_api_call(client: Client, operation: str, params: dict[str, Any]) -> dict[str, Any]:
            return self._perform(original, client, operation, params)

        base._make_api_call = make_api_call
        botocore.handlers.BUILTIN_HANDLERS.append(("before-send", self._send))

    def connect(
        self, call: Callable[[ApiRequest | HttpRequest], ApiReply | HttpReply], fast_operations: frozenset[str]
    ) -> None:
        """Answer calls through `call`; of `fast_operations` (``s3.GetObject``, …) without HTTP."""
        self._call = call
        self._fast = fast_operations

    def _perform(self, original: ApiCall, client: Client, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """One boto3 call, in place of BaseClient._make_api_call."""
        service = client.meta.service_model.service_name
        underway = CallUnderway(next(self._numbers), service, client.meta.region_name or "", itertools.count())
        outer = getattr(self._thread, "call", None)
        self._thread.call = underway
        try:
            if f"{service}.{operation}" in self._fast and not _is_local(client.meta.endpoint_url):
                params = _with_body_read(client, operation, params)
                response = self._perform_fast(underway, client, operation, params)
                if response is not None:
                    return response
            return original(client, operation, params)
        finally:
            self._thread.call = outer

    def _perform_fast(
        self, underway: CallUnderway, client: Client, operation: str, params: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The response without HTTP, or None where the call falls through. Raises as boto3 does."""
        assert self._call is not None
        model = client.meta.service_model.operation_model(operation)
        service = client.meta.service_model.service_name
        context: dict[str, Any] = {}
        sent = params
        # S3's own handlers write parameters for a URL (encoding-type=url, …); those of other services and of boto3's
        # resources (DynamoDB's typed values, idempotency tokens) are part of what the call means.
        if service != "s3":
            sent = client._emit_api_params(dict(params), model, context)
        if model.input_shape is not None:
            report = self._validator.validate(sent, model.input_shape)
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())
        try:
            reply = self._call(ApiRequest(underway.number, service, operation, underway.region, sent))
        except (TypeError, OverflowError, msgspec.EncodeError):
            return None
        assert isinstance(reply, ApiReply)
        _wait(reply.latency_ms)
        if reply.error is not None:
            fault = reply.error
            parsed: dict[str, Any] = {
                "Error": {"Message": fault.message, "Code": fault.code},
                "ResponseMetadata": _metadata(underway, fault.status),
                **fault.extra,
            }
            raise client.exceptions.from_code(fault.code)(parsed, operation)
        if reply.response is None:
            return None
        response: dict[str, Any] = {"ResponseMetadata": _metadata(underway, 200), **reply.response}
        if model.has_streaming_output:
            member = model.output_shape.serialization["payload"]
            content = response.get(member, b"")
            response[member] = StreamingBody(io.BytesIO(content), len(content))
        if service != "s3":
            client.meta.events.emit(
                f"after-call.{client.meta.service_model.service_id.hyphenize()}.{operation}",
                http_response=_http_response("", HttpReply(200, {}, b"")),
                parsed=response,
                model=model,
                context=context,
            )
        return response

    def _send(self, event_name: str, request: AWSPreparedRequest, **__: object) -> AWSResponse | None:
        """botocore's before-send: the HTTP response, or None to let a request to this machine go out."""
        if _is_local(request.url):
            return None
        assert self._call is not None
        underway: CallUnderway = self._thread.call
        operation = event_name.rpartition(".")[2]
        reply = self._call(
            HttpRequest(
                call=underway.number,
                attempt=next(underway.attempts),
                service=underway.service,
                operation=operation,
                region=underway.region,
                method=request.method,
                url=request.url,
                headers=_text_headers(request.headers),
                body=_request_body(request.body),
            )
        )
        assert isinstance(reply, HttpReply)
        _wait(reply.latency_ms)
        return _http_response(request.url, reply)


class _RawBody(io.BytesIO):
    """A response body as botocore expects urllib3 to hand it over."""

    def stream(self, amt: int = 65_536, **_: object) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


def _http_response(url: str, reply: HttpReply) -> AWSResponse:
    headers: Any = reply.headers
    return AWSResponse(url, reply.status, headers, _RawBody(reply.body))


def _with_body_read(client: Client, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with a body that is a file or text as its bytes."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    member: str | None = shape.serialization.get("payload") if shape is not None else None
    if member is None or params.get(member) is None:
        return params
    body = params[member]
    if hasattr(body, "read"):
        body = body.read()
    return {**params, member: body.encode() if isinstance(body, str) else body}


def _request_body(body: Any) -> bytes:
    """The bytes of an HTTP request's body, as they would go over the wire."""
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


def _text_headers(headers: Any) -> dict[str, str]:
    return {
        name: value.decode("latin-1") if isinstance(value, bytes) else str(value) for name, value in headers.items()
    }


def _metadata(underway: CallUnderway, status: int) -> dict[str, object]:
    request_id = f"{underway.number:032x}"
    return {"RequestId": request_id, "HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}


def _is_local(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127.")


def _wait(latency_ms: int) -> None:
    if latency_ms > 0:
        time.sleep(latency_ms / 1000)
