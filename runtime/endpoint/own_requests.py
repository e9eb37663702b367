"""Requests that this very process's boto3 is about to send to AWS, answered by its own endpoint."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from stepsim.runtime.cloud.hosts import host_of
from stepsim.runtime.cloud.wire import aws_response
from stepsim.runtime.endpoint.endpoint import Cancel, Reply
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse


class Answers(Protocol):
    """What answers requests: an emulator."""

    def answer(self, request: HttpRequest, reply: Reply) -> Cancel:
        """See `Endpoint.answer`."""
        ...


def in_place(emulator: Answers, request: AWSPreparedRequest) -> AWSResponse | None:
    """The answer to a request of the loop's own thread; None leaves it to moto, which is where most of them belong.

    Raises RuntimeError for an operation that waits: the loop cannot wait for itself.
    """
    if not host_of(request.url).removeprefix("sync-").startswith("states."):
        return None
    answers: list[HttpResponse] = []
    cancel = emulator.answer(http_request(request), answers.append)
    if not answers:
        cancel()
        raise RuntimeError(f"The event loop's own thread cannot wait for {request.headers.get('X-Amz-Target')!r}")
    return as_aws_response(request, answers[0])


def http_request(request: AWSPreparedRequest) -> HttpRequest:
    """The request as the endpoint takes it."""
    url = urlsplit(request.url)
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    headers = {str(name).lower(): _text(value) for name, value in request.headers.items()}
    headers["host"] = url.netloc
    return HttpRequest(request.method, target, headers, _body(request))


def as_aws_response(request: AWSPreparedRequest, response: HttpResponse) -> AWSResponse:
    """The endpoint's answer as botocore takes it."""
    headers = {"content-length": str(len(response.body)), **response.headers}
    return aws_response(request.url, response.status, headers, response.body)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(request: AWSPreparedRequest) -> bytes:
    body: Any = request.body
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)
