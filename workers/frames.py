"""What travels between the pool, its launcher and its environments: length-prefixed msgpack frames.

pool ─ Setup, Invoke, Answer ─▶ environment      environment ─ Ready, Result, ApiRequest, HttpRequest ─▶ pool
pool ─ Start (with two file descriptors), Kill ─▶ launcher ─ Exited ─▶ pool
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

LENGTH_BYTES = 4
"""A frame is its length (big-endian) and its msgpack bytes."""


class ApiFault(Struct, array_like=True, frozen=True):
    """An AWS call's error: the wire's error code, its message, the HTTP status and further members of its shape."""

    code: str
    message: str
    status: int = 400
    extra: dict[str, object] = {}


class ApiRequest(Struct, array_like=True, frozen=True, tag="api"):
    """One boto3 call as the handler made it: boto3's own parameters, a streaming body as its bytes."""

    call: int
    """Numbers the calls of an environment; the HTTP requests that a call falls through to carry the same number."""
    service: str
    operation: str
    region: str
    params: dict[str, object]


class ApiReply(Struct, array_like=True, frozen=True, tag="api"):
    """How a boto3 call was answered: a response as boto3 returns it (a streaming body as its bytes), or an error.

    With neither, the call falls through: botocore serialises it and it comes back as an HttpRequest.
    """

    response: dict[str, object] | None = None
    error: ApiFault | None = None
    latency_ms: int = 0
    """How long the caller waits for it."""


FALL_THROUGH = ApiReply()


class HttpRequest(Struct, array_like=True, frozen=True, tag="http"):
    """One HTTP request that botocore would have sent to AWS, signed with credentials that mean nothing."""

    call: int
    attempt: int
    """0 for the first try of the call, 1 for botocore's first retry."""
    service: str
    operation: str
    region: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class HttpReply(Struct, array_like=True, frozen=True, tag="http"):
    """The HTTP response that botocore parses, and retries where its own rules say so."""

    status: int
    headers: dict[str, str]
    body: bytes
    latency_ms: int = 0


class Setup(Struct, array_like=True, frozen=True, tag="setup"):
    """The first frame an environment reads: which function it is, for the rest of its life."""

    function_name: str
    module: str
    function: str
    """The handler's name in it, dotted for an attribute of a class."""
    label: str
    """The module as the handler reference spells it; Lambda's messages quote it."""
    task_root: str
    paths: list[str]
    environment: dict[str, str]
    memory_mb: int
    region: str
    fast_operations: list[str]
    version: str = "$LATEST"
    log_group: str = ""
    log_stream: str = ""
    """Empty where the environment names its own."""
    shown_root: str | None = None
    """What stack traces call the task root; None: by its own name."""
    account: str | None = None
    """Whose credentials it has: None for the account that everything lives in."""


class Invoke(Struct, array_like=True, frozen=True, tag="invoke"):
    """Call the handler with an event (JSON text)."""

    request_id: str
    function_arn: str
    event: str
    timeout_ms: int
    variables: dict[str, str] = {}
    """Environment variables of this invocation alone."""
    client_context: str | None = None


class Answer(Struct, array_like=True, frozen=True, tag="answer"):
    """The reply to the call of that number."""

    call: int
    reply: ApiReply | HttpReply


class Ready(Struct, array_like=True, frozen=True, tag="ready"):
    """The handler's module is imported; or it failed to, and `error` is the error object's JSON text."""

    init_ms: float
    error: str | None = None


class Result(Struct, array_like=True, frozen=True, tag="result"):
    """The handler returned (payload: what it returned) or raised (payload: the error object)."""

    payload: str
    failed: bool
    max_memory_mb: int


class Start(Struct, array_like=True, frozen=True, tag="start"):
    """Start an environment; its control socket and the write end of its log pipe come with this frame."""

    environment: int


class Kill(Struct, array_like=True, frozen=True, tag="kill"):
    """Kill an environment and the processes that it started."""

    environment: int


class Exited(Struct, array_like=True, frozen=True, tag="exited"):
    """An environment ended: its exit status, or minus the signal that ended it."""

    environment: int
    status: int


ToEnvironment = Setup | Invoke | Answer
FromEnvironment = Ready | Result | ApiRequest | HttpRequest
ToLauncher = Start | Kill

_encoder = msgspec.msgpack.Encoder()


def encode_frame(message: Struct) -> bytes:
    """The frame of a message: length and msgpack bytes."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


Message = TypeVar("Message")


class FrameReader(Generic[Message]):
    """Cuts a stream of bytes into messages of one union of types."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Message]) -> None:
        self._decode = decoder.decode
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def next(self) -> Message | None:
        """The next whole message, or None until more bytes have come."""
        buffer = self._buffer
        if len(buffer) < LENGTH_BYTES:
            return None
        end = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES], "big")
        if len(buffer) < end:
            return None
        with memoryview(buffer) as view:
            message = self._decode(view[LENGTH_BYTES:end])
        del buffer[:end]
        return message
