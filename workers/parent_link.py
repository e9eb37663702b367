"""An environment's end of its control socket: frames to and from the pool, from any thread of the handler."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable

import msgspec

from stepsim.workers.frames import (
    Answer,
    ApiReply,
    ApiRequest,
    FrameReader,
    HttpReply,
    HttpRequest,
    Invoke,
    Ready,
    Result,
    Setup,
    ToEnvironment,
    encode_frame,
)

_READ_BYTES = 65_536


class ParentLink:
    """The pool, seen from an environment.

    Whichever thread waits first reads the socket and hands what is not its own to the others.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pid = os.getpid()
        self._frames: FrameReader[ToEnvironment] = FrameReader(msgspec.msgpack.Decoder(ToEnvironment))
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._reading = False
        self._commands: deque[Setup | Invoke] = deque()
        self._waiting: dict[int, list[ApiReply | HttpReply]] = {}
        """By the number of a call: where its answer is put."""

    def send(self, message: Ready | Result) -> None:
        """Tell the pool something."""
        self._send(encode_frame(message))

    def receive(self) -> Setup | Invoke:
        """What the pool wants done next. Ends the process where the pool is gone."""
        self._wait_until(lambda: bool(self._commands))
        return self._commands.popleft()

    def call(self, request: ApiRequest | HttpRequest) -> ApiReply | HttpReply:
        """The pool's answer to an AWS call. Raises TypeError for parameters that msgpack has no form for."""
        if os.getpid() != self._pid:
            raise RuntimeError("AWS calls from a process that the handler forked are not supported")
        frame = encode_frame(request)
        number = request.call
        waiting: list[ApiReply | HttpReply] = []
        with self._changed:
            self._waiting[number] = waiting
        try:
            self._send(frame)
            self._wait_until(lambda: bool(waiting))
            return waiting[0]
        finally:
            with self._changed:
                del self._waiting[number]

    def _send(self, frame: bytes) -> None:
        with self._sending:
            self._control.sendall(frame)

    def _wait_until(self, come: Callable[[], bool]) -> None:
        while True:
            with self._changed:
                while self._reading and not come():
                    self._changed.wait()
                if come():
                    return
                self._reading = True
            try:
                self._read()
            finally:
                with self._changed:
                    self._reading = False
                    self._changed.notify_all()

    def _read(self) -> None:
        """Read until at least one message has come, and put each where it is waited for."""
        while (message := self._frames.next()) is None:
            data = self._control.recv(_READ_BYTES)
            if not data:
                os._exit(1)
            self._frames.feed(data)
        with self._changed:
            while message is not None:
                if not isinstance(message, Answer):
                    self._commands.append(message)
                elif message.call in self._waiting:
                    self._waiting[message.call].append(message.reply)
                message = self._frames.next()
