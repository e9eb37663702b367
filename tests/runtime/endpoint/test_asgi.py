"""endpoint/asgi.py: requests of a server, read whole and answered, or given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from stepsim.runtime.endpoint.asgi import Application
from stepsim.runtime.endpoint.endpoint import Cancel, Reply
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The loop that the server runs on."""
    return "asyncio"


class Endpoint:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, response: HttpResponse | None = None) -> None:
        self.response = response
        self.asked: list[HttpRequest] = []
        self.replies: list[Reply] = []
        self.cancelled = 0
        self.was_asked = anyio.Event()

    def answer(self, request: HttpRequest, reply: Reply) -> Cancel:
        """Answer at once, or keep the reply for later."""
        self.asked.append(request)
        self.replies.append(reply)
        if self.response is not None:
            reply(self.response)
        self.was_asked.set()

        def cancel() -> None:
            self.cancelled += 1

        return cancel


class Wire:
    """One exchange on a connection."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = list(messages)
        self.gone = anyio.Event()
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        """The next message, and in the end that the client has gone."""
        if self._messages:
            return self._messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a message."""
        self.sent.append(message)

    @property
    def status(self) -> int:
        status = self.sent[0]["status"]
        assert isinstance(status, int)
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        body = self.sent[1]["body"]
        assert isinstance(body, bytes)
        return body


def body(*chunks: bytes) -> list[dict[str, Any]]:
    """The messages of a body."""
    return [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]


def scope(method: str = "POST", path: bytes = b"/", query: bytes = b"", **headers: str) -> dict[str, Any]:
    """A request's head."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "raw_path": path, "query_string": query, "headers": named}


async def exchange(endpoint: Endpoint, messages: list[dict[str, Any]], head: dict[str, Any] | None = None) -> Wire:
    """One exchange, from beginning to end."""
    wire = Wire(*messages)
    await application(endpoint)(head or scope(), wire.receive, wire.send)
    return wire


def application(endpoint: Endpoint) -> Application:
    """The application of an endpoint."""
    return Application(endpoint.answer, lambda: b'{"ready": true}')


async def test_a_request_comes_whole_and_as_it_was_sent() -> None:
    """Chunks joined, header names in lower case, the path undecoded."""
    endpoint = Endpoint(HttpResponse(201, {"x-a": "b", "content-length": "999"}, b"done"))
    head = scope("PUT", b"/a%2Fb//c", b"x=%20", host="localhost", x_twice="1")
    head["headers"].append((b"x-twice", b"2"))
    wire = await exchange(endpoint, body(b"on", b"", b"e"), head)
    assert endpoint.asked == [HttpRequest("PUT", "/a%2Fb//c?x=%20", {"host": "localhost", "x-twice": "1,2"}, b"one")]
    assert (wire.status, wire.body) == (201, b"done")
    assert wire.headers == {b"x-a": b"b", b"content-length": b"4"}


async def test_the_health_of_the_server_is_told() -> None:
    """Without asking the account."""
    endpoint = Endpoint()
    wire = await exchange(endpoint, body(b""), scope("GET", b"/_stepsim/health"))
    assert (wire.status, wire.body, endpoint.asked) == (200, b'{"ready": true}', [])


async def test_a_proxys_form_of_the_path_is_understood() -> None:
    """``GET http://host/path``."""
    endpoint = Endpoint(HttpResponse(200))
    await exchange(endpoint, body(b""), scope("GET", b"http://localhost:1/bucket/key"))
    await exchange(endpoint, body(b""), scope("OPTIONS", b"*"))
    assert [request.target for request in endpoint.asked] == ["/bucket/key", "/"]


async def test_a_late_answer_is_waited_for() -> None:
    """And sent when it comes."""
    endpoint = Endpoint()
    wire = Wire(*body(b""))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(application(endpoint), scope(), wire.receive, wire.send)
        await endpoint.was_asked.wait()
        endpoint.replies[0](HttpResponse(200, {}, b"late"))
    assert wire.body == b"late"
    assert endpoint.cancelled == 0


async def test_a_client_that_goes_is_given_up() -> None:
    """Nothing is sent, and nothing is kept for it."""
    endpoint = Endpoint()
    wire = Wire(*body(b""))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(application(endpoint), scope(), wire.receive, wire.send)
        await endpoint.was_asked.wait()
        wire.gone.set()
    assert (wire.sent, endpoint.cancelled) == ([], 1)
    endpoint.replies[0](HttpResponse(200))


async def test_a_client_that_goes_before_it_has_said_all_is_not_asked_for() -> None:
    """Half a request is none."""
    endpoint = Endpoint()
    wire = Wire({"type": "http.request", "body": b"half", "more_body": True})
    wire.gone.set()
    await application(endpoint)(scope(), wire.receive, wire.send)
    assert (wire.sent, endpoint.asked) == ([], [])


async def test_a_server_that_goes_tells_everybody_who_waits() -> None:
    """With a 503."""
    endpoint = Endpoint()
    wire = Wire(*body(b""))
    served = application(endpoint)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(served, scope(), wire.receive, wire.send)
        await endpoint.was_asked.wait()
        await anyio.lowlevel.checkpoint()
        served.close()
    assert wire.status == 503


async def test_of_too_large_a_body_only_the_beginning_is_kept() -> None:
    """One chunk more than the service takes; the client is heard out."""
    endpoint = Endpoint(HttpResponse(413))
    chunks = [b"x" * 600_000] * 10
    await exchange(endpoint, body(*chunks), scope(x_amz_target="AWSStepFunctions.StartExecution"))
    assert len(endpoint.asked[0].body) == 1_200_000


async def test_the_answer_to_a_head_has_a_length_and_no_body() -> None:
    """As the service said it."""
    endpoint = Endpoint(HttpResponse(200, {"content-length": "12345"}, b""))
    wire = await exchange(endpoint, body(b""), scope("HEAD", b"/bucket/key"))
    assert (wire.headers[b"content-length"], wire.body) == (b"12345", b"")


async def test_no_content_is_no_content() -> None:
    """No length either."""
    wire = await exchange(Endpoint(HttpResponse(204, {}, b"")), body(b""))
    assert b"content-length" not in wire.headers


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "ü", "\u2028", "\0"])
async def test_a_header_cannot_end_itself(value: str) -> None:
    """Whatever an answer's header holds becomes one line."""
    wire = await exchange(Endpoint(HttpResponse(200, {"x-a": value})), body(b""))
    assert not set(wire.headers[b"x-a"]) & set(b"\r\n\0")


async def test_a_websocket_is_nothing_that_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is told to offer none."""
    asked: Callable[..., Any] = application(Endpoint())
    with pytest.raises(AssertionError):
        await asked({"type": "websocket"}, None, None)
