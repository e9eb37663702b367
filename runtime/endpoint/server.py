"""The HTTP server: uvicorn, told when to stop, and impatient with connections that say nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import h11
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from stepsim.runtime.endpoint.asgi import Application

IDLE_S = 75
"""How long a connection may say nothing between two requests, or in the middle of a request's head."""

_LINGER_S = 2
"""How long a client whose request was refused may go on sending it, unheard."""

_BACKLOG = 4096
_SHUTDOWN_S = 5


class ImpatientProtocol(H11Protocol):
    """uvicorn's own, which waits for ever for a request that does not come or is not finished.

    It also closes on a client that is still sending what was refused. The rest of it then lies unread, and the client's
    system answers that by throwing the refusal away, too. So the rest is read, for a while, and not listened to.
    """

    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come: it has so long to say what it wants."""
        super().connection_made(transport)
        self._expect_more()

    def data_received(self, data: bytes) -> None:
        """A client has said something."""
        if self._refused:
            return
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._expect_more()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, and end the connection when the client has heard."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        self._refused = True
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=msg.encode()), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.close)

    def _expect_more(self) -> None:
        if self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )


class _Server(Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone: whoever runs the loop handles them."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises OSError where the address cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


@contextlib.asynccontextmanager
async def serving(application: Application, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application until this is left; requests under way are then answered or refused."""
    config = Config(
        application,
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        backlog=_BACKLOG,
    )
    server = _Server(config)
    running = asyncio.ensure_future(server.serve([listener]))
    try:
        yield
    finally:
        application.close()
        server.should_exit = True
        await running


@contextlib.contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
