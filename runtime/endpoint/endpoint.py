"""Answers AWS requests: Step Functions and what stands before it here, and moto for everything else.

Everything happens on one thread. What cannot be answered at once (a synchronous execution, a long poll) is answered
later, by the same callback.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeAlias

from stepsim.runtime.account import Account
from stepsim.runtime.api.records import Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.effects import Program
from stepsim.runtime.endpoint import json_protocol, rest_lambda
from stepsim.runtime.endpoint.errors import error_answer, internal_failure
from stepsim.runtime.endpoint.long_polls import LongPoll, wait_of
from stepsim.runtime.endpoint.moto_answers import moto_answer
from stepsim.runtime.endpoint.request import Headers, HttpRequest, HttpResponse
from stepsim.runtime.endpoint.routing import Address, Router
from stepsim.runtime.lambdas.lambdas import Lambdas

Reply: TypeAlias = Callable[[HttpResponse], None]
"""Called once, at once or later."""

Cancel: TypeAlias = Callable[[], None]
"""Called when nobody waits for the answer any more."""


_S3_BYTES_MAX = 5 * 1024**3
"""What S3 takes in one request."""

_BYTES_MAX = 64 * 1024**2
"""More than any JSON service takes; each refuses for itself what is too large for it."""


def body_bytes_max(headers: Headers) -> int:
    """How much of a request's body is worth reading: one byte more shows that it is too large."""
    target = headers.get("x-amz-target", "")
    if target.startswith(f"{json_protocol.TARGET}."):
        return json_protocol.REQUEST_BYTES_MAX
    return _BYTES_MAX if target else _S3_BYTES_MAX


def _nothing() -> None:
    pass


class _Exchange:
    """One request's answer: given once, and not after the client has gone."""

    __slots__ = ("_reply", "cancelled")

    def __init__(self, reply: Reply) -> None:
        self._reply: Reply | None = reply
        self.cancelled: Cancel = _nothing
        """What is to be given up with it."""

    def reply(self, response: HttpResponse) -> None:
        """Pass the answer on."""
        reply, self._reply = self._reply, None
        if reply is not None:
            reply(response)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._reply = None
        self.cancelled()


class Endpoint:
    """All services of all accounts and regions, by HTTP."""

    def __init__(
        self, cloud: Cloud, step_functions: StepFunctions, lambdas: Lambdas, account: Account, router: Router
    ) -> None:
        self._cloud = cloud
        self._step_functions = step_functions
        self._lambdas = lambdas
        self._scheduler = account.scheduler
        self._dice = account.dice
        self._router = router
        self._answered = 0

    def answer(self, request: HttpRequest, reply: Reply) -> Cancel:
        """Answer a request, whatever it is: `reply` is called once, at once or later, and never after a cancel."""
        request_id = self.request_id()
        exchange = _Exchange(reply)
        stranger = self._router.stranger(request)
        if stranger is not None:
            refusal = ApiError("AccessDenied", f"This server does not answer for the name {stranger!r}.", 403)
            exchange.reply(error_answer(request, "", refusal, request_id))
            return exchange.cancel
        address = self._router.address(request)
        try:
            if address.service != "s3" and "content-encoding" in request.headers:
                request = _decoded(request)
            exchange.cancelled = self._answer(request, address, request_id, exchange.reply)
        except Exception as error:
            exchange.reply(_failed(request, address, error, request_id))
        return exchange.cancel

    def request_id(self) -> str:
        """An id that no other answer has."""
        self._answered += 1
        return self._dice.uuid4("request", self._answered)

    def _answer(self, request: HttpRequest, address: Address, request_id: str, reply: Reply) -> Cancel:
        if address.service == "states":
            return self._step_functions_answer(request, address, request_id, reply)
        if address.service == "sqs":
            return self._sqs_answer(request, address, request_id, reply)
        if address.service == "lambda":
            return self._lambda_answer(request, address, request_id, reply)
        if address.service == "execute-api" and not request.path.startswith("/@connections"):
            from stepsim.runtime.endpoint import rest_apis

            program = rest_apis.execute(request, address, request_id, self._scheduler.now_ms)
            return self._run(program, request, address, request_id, reply)
        reply(self._moto(request, address))
        return _nothing

    def _lambda_answer(self, request: HttpRequest, address: Address, request_id: str, reply: Reply) -> Cancel:
        # An invocation goes on when its client has gone.
        if not rest_lambda.invoke(self._lambdas, request, address, request_id, reply):
            reply(self._moto(rest_lambda.prepared(self._lambdas, request, address), address))
        return _nothing

    def _run(self, program: Program, request: HttpRequest, address: Address, request_id: str, reply: Reply) -> Cancel:
        """Run a program of the scheduler's that returns the response. What it began goes on without the client."""

        def answered() -> Program:
            try:
                response = yield from program
            except Exception as error:
                response = _failed(request, address, error, request_id)
            reply(response)

        self._scheduler.spawn(answered())
        return _nothing

    def _moto(self, request: HttpRequest, address: Address) -> HttpResponse:
        return moto_answer(self._cloud, request, address)

    def _step_functions_answer(self, request: HttpRequest, address: Address, request_id: str, reply: Reply) -> Cancel:
        def reply_on_wire(answer: Response | ApiError) -> None:
            if isinstance(answer, ApiError):
                reply(json_protocol.error_response(answer, request_id))
            else:
                reply(json_protocol.response(answer, request_id))

        try:
            operation, params = json_protocol.parse_request(request)
        except ApiError as error:
            reply_on_wire(error)
        else:
            return self._step_functions.call(operation, params, address.home, reply_on_wire)
        return _nothing

    def _sqs_answer(self, request: HttpRequest, address: Address, request_id: str, reply: Reply) -> Cancel:
        wait_s = wait_of(request, address)
        if not wait_s:
            reply(self._moto(request, address))
            return _nothing

        def ask(short: HttpRequest) -> HttpResponse:
            try:
                return self._moto(short, address)
            except Exception as error:
                return _failed(request, address, error, request_id)

        poll = LongPoll(request, address, wait_s, ask, reply)
        poll.begin(self._scheduler)
        return poll.cancel


def _failed(request: HttpRequest, address: Address, error: Exception, request_id: str) -> HttpResponse:
    if isinstance(error, ApiError):
        return error_answer(request, address.service, error, request_id)
    return internal_failure(request, address, error, request_id)


def _decoded(request: HttpRequest) -> HttpRequest:
    """The request with its body as it was before the client compressed it. To S3, an encoding is the object's own."""
    encoding = request.headers["content-encoding"].strip().lower()
    if encoding != "gzip":
        raise ApiError("UnsupportedMediaType", f"The content encoding {encoding!r} is not gzip.", 415)
    reader = zlib.decompressobj(wbits=31)
    try:
        body = reader.decompress(request.body, _BYTES_MAX)
    except zlib.error:
        raise ApiError("SerializationException", "The request's body is not gzip, as its encoding says.") from None
    if reader.unconsumed_tail:
        raise ApiError("RequestEntityTooLargeException", f"The request has more than {_BYTES_MAX} bytes.", 413)
    headers = {name: value for name, value in request.headers.items() if name != "content-encoding"}
    return HttpRequest(request.method, request.target, headers, body)
