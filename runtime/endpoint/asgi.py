"""The endpoint as an ASGI application: reads a request whole, and gives up on clients that are gone or too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from stepsim.runtime.endpoint.endpoint import Cancel, Reply, body_bytes_max
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

READ_S_MAX = 60.0
"""The longest silence in the middle of a body."""


_HEALTH_PATH = "/_stepsim/health"

_SERVERS_OWN = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})
"""Headers that are the connection's, not the answer's."""


class Application:
    """Answers the requests of a server; `answer` is the endpoint's."""

    def __init__(self, answer: Callable[[HttpRequest, Reply], Cancel], health: Callable[[], bytes]) -> None:
        self._answer = answer
        self._health = health
        self._waiting: set[asyncio.Future[HttpResponse]] = set()

    def close(self) -> None:
        """Answer everybody who still waits: the server is going."""
        for answered in self._waiting:
            if not answered.done():
                answered.set_result(_GOING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its answer."""
        assert scope["type"] == "http", scope["type"]
        headers = _headers(scope)
        body = await _body(receive, body_bytes_max(headers))
        if body is None:
            return
        request = _request(scope, headers, body)
        if request.path == _HEALTH_PATH:
            await _send(send, request.method, HttpResponse(200, {"content-type": "application/json"}, self._health()))
            return
        answered: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()

        def reply(response: HttpResponse) -> None:
            if not answered.done():
                answered.set_result(response)

        cancel = self._answer(request, reply)
        if not answered.done():
            self._waiting.add(answered)
            try:
                await _answered_or_gone(answered, receive)
            finally:
                self._waiting.discard(answered)
            if not answered.done():
                cancel()
                return
        await _send(send, request.method, answered.result())


_GOING = HttpResponse(503, {"content-type": "text/plain"}, b"stepsim is shutting down")


async def _body(receive: Receive, bytes_max: int) -> bytes | None:
    """The whole body, or as much of it as shows that it is too large; None where the client is gone or silent."""
    chunks: list[bytes] = []
    read = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), READ_S_MAX)
        except TimeoutError:
            return None
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        if read <= bytes_max:
            # The rest of too large a body is read all the same: a client that still writes doesn't read.
            chunks.append(chunk)
        read += len(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _answered_or_gone(answered: asyncio.Future[HttpResponse], receive: Receive) -> None:
    """Wait for the answer, or for the client to go."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _request(scope: Scope, headers: dict[str, str], body: bytes) -> HttpRequest:
    target = scope["raw_path"].decode("latin-1")
    if not target.startswith("/"):
        # A proxy's absolute form, and the asterisk of OPTIONS.
        target = "/" + target.partition("://")[2].partition("/")[2]
    if scope["query_string"]:
        target = f"{target}?{scope['query_string'].decode('latin-1')}"
    return HttpRequest(scope["method"], target, headers, body)


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _send(send: Send, method: str, response: HttpResponse) -> None:
    headers = [
        (name.encode("latin-1"), _header_value(value))
        for name, value in response.headers.items()
        if name not in _SERVERS_OWN
    ]
    if method == "HEAD":
        length = response.headers.get("content-length", str(len(response.body)))
    else:
        length = str(len(response.body))
    if response.status not in (204, 304):
        headers.append((b"content-length", length.encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if method == "HEAD" or response.status in (204, 304) else response.body
    await send({"type": "http.response.body", "body": body})


def _header_value(value: str) -> bytes:
    """A header's value, which cannot hold what ends a line."""
    return " ".join(value.split("\n")).replace("\r", " ").replace("\0", " ").encode("latin-1", "replace").strip()
