"""The pool's ends of its child processes: the launcher, and one environment each. Nothing here waits."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import anyio
import msgspec

from stepsim.workers.capture import LogTail
from stepsim.workers.frames import (
    Exited,
    FrameReader,
    FromEnvironment,
    Kill,
    Setup,
    Start,
    encode_frame,
)
from stepsim.workers.worker import Done, Invocation

if TYPE_CHECKING:
    from stepsim.workers.process_worker import ProcessWorker

StartMethod = Literal["fork", "spawn"]
"""``fork``: an environment is a fork of the launcher, boto3 in memory. ``spawn``: a fresh interpreter."""

DEFAULT_START_METHOD: StartMethod = "fork" if sys.platform == "linux" else "spawn"

_READ_BYTES = 65_536
"""Read at once: the C library takes larger pieces of memory from the kernel, and gives them back, each time."""
_WRITE_BYTES = 1 << 20


class LauncherProcess:
    """The launcher: a child process in a session of its own, so that Ctrl-C reaches only the pool."""

    def __init__(self, start_method: StartMethod) -> None:
        self.socket, theirs = socket.socketpair()
        self._frames: FrameReader[Exited] = FrameReader(msgspec.msgpack.Decoder(Exited))
        module = ["-P", "-m", "stepsim.workers.bootstrap", "launcher", start_method, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *module],
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=[theirs.fileno()],
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
                start_new_session=True,
            )

    def start(self, environment: int, fds: Sequence[int]) -> None:
        """Ask for an environment with that control socket and log pipe. Raises OSError where the launcher is gone."""
        # The frames to the launcher are tiny and it always reads on: this blocks for no longer than a write.
        socket.send_fds(self.socket, [encode_frame(Start(environment))], fds)

    def kill(self, environment: int) -> None:
        """Ask for an environment's end. Where the launcher is gone, so are its environments."""
        try:
            self.socket.sendall(encode_frame(Kill(environment)))
        except OSError:
            return

    def read(self) -> list[Exited] | None:
        """What the launcher reports, once its socket is readable; None once it is gone."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except OSError:
            return None
        if not data:
            return None
        self._frames.feed(data)
        exits = []
        while (message := self._frames.next()) is not None:
            exits.append(message)
        return exits

    def dismiss(self) -> None:
        """Let the launcher end, and kill every environment first. It closes its socket when it has."""
        self.socket.shutdown(socket.SHUT_WR)

    def reap(self) -> None:
        """Collect the launcher's process, by force where it has not ended by itself."""
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.socket.close()


@dataclass(slots=True, eq=False)
class EnvironmentProcess:
    """One execution environment, as the pool sees it."""

    number: int
    key: tuple[ProcessWorker, int]
    """The worker and the memory size that it is for, all its life."""
    invocation: Invocation
    """What it works on, or worked on last."""
    control: socket.socket
    log_fd: int
    done: Done | None = None
    """Set while it works on an invocation."""
    ready: bool = False
    retired: bool = False
    """It is being killed and is given nothing more."""
    last: bool = False
    """It ends with the invocation that it works on."""
    log_stream: str = ""
    started: float = 0.0
    deadline: float = math.inf
    """When its invocation is overdue, on the monotonic clock (seconds)."""
    init_ms: float | None = None
    max_memory_mb: int = 0
    calls: set[int] = field(default_factory=set)
    """Its AWS calls that are not answered yet."""
    tail: LogTail = field(default_factory=LogTail)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """Ends the tasks that read from it."""
    outgoing: bytearray = field(default_factory=bytearray)
    """What its socket had no room for."""
    blocked: anyio.Event = field(default_factory=anyio.Event)
    """Set once there is something in `outgoing`."""
    _frames: FrameReader[FromEnvironment] = field(
        default_factory=lambda: FrameReader(msgspec.msgpack.Decoder(FromEnvironment))
    )

    def send(self, frame: bytes) -> None:
        """Send a frame, or as much of it as there is room for; the rest waits in `outgoing`."""
        written = 0 if self.outgoing else self._write(frame)
        if written < len(frame):
            self.outgoing += frame[written:]
            self.blocked.set()

    def flush(self) -> None:
        """Send more of `outgoing`, once the socket is writable."""
        with memoryview(self.outgoing) as rest, rest[:_WRITE_BYTES] as part:
            written = self._write(part)
        del self.outgoing[:written]

    def _write(self, data: bytes | memoryview) -> int:
        try:
            return self.control.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            # It has died, which the launcher reports.
            return len(data)

    def read(self) -> bool:
        """Take in what has come; False at the end of the stream."""
        try:
            data = self.control.recv(_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._frames.feed(data)
        return bool(data)

    def read_rest(self) -> None:
        """Take in all that a process which has ended still left in the socket."""
        try:
            while data := self.control.recv(_READ_BYTES):
                self._frames.feed(data)
        except OSError:
            return

    def next_message(self) -> FromEnvironment | None:
        """The next whole message of what has come."""
        return self._frames.next()

    def drain_log(self) -> bool:
        """Take in all that the log pipe holds; False at its end."""
        try:
            while data := os.read(self.log_fd, _READ_BYTES):
                self.tail.write(data)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        """Close the pool's ends."""
        self.control.close()
        os.close(self.log_fd)


def open_environment(
    launcher: LauncherProcess, number: int, key: tuple[ProcessWorker, int], invocation: Invocation, setup: Setup
) -> EnvironmentProcess:
    """Have an environment started and told what to be. Raises OSError where the launcher is gone."""
    control, theirs = socket.socketpair()
    log_fd, log_write = os.pipe()
    control.setblocking(False)
    os.set_blocking(log_fd, False)
    environment = EnvironmentProcess(number, key, invocation, control, log_fd)
    try:
        with theirs:
            launcher.start(number, [theirs.fileno(), log_write])
    except OSError:
        environment.close()
        raise
    finally:
        os.close(log_write)
    environment.send(encode_frame(setup))
    return environment
