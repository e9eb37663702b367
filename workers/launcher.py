"""The launcher: a process beside the pool that starts, reaps and kills environments.

It has boto3 in memory and one thread, so an environment is a fork of a few milliseconds; where a fork is not safe
(macOS) it starts fresh interpreters. It ends, and every environment with it, once the pool's end of its socket closes,
however the pool's process ended.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections import deque
from collections.abc import Callable
from typing import NoReturn

import msgspec

from stepsim.workers.frames import Exited, FrameReader, Kill, Start, ToLauncher, encode_frame

_READ_BYTES = 65_536
_FDS_MAX = 64
_PR_SET_PDEATHSIG = 1

Begin = Callable[[socket.socket, int], NoReturn]
"""What a forked process does with its control socket and the write end of its log pipe."""


def die_with_parent(number: int) -> None:
    """On Linux: have this process sent that signal when its parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Launcher:
    """Serves one pool over its socket. With `begin` environments are forks; without, fresh interpreters."""

    def __init__(self, pool: socket.socket, begin: Begin | None) -> None:
        self._pool = pool
        self._begin = begin
        self._frames: FrameReader[ToLauncher] = FrameReader(msgspec.msgpack.Decoder(ToLauncher))
        self._fds: deque[int] = deque()
        self._pids: dict[int, int] = {}
        """Of each live environment."""

    def run(self) -> NoReturn:
        """Serve until the pool is gone; then kill every environment and end."""
        try:
            self._serve()
        except SystemExit:
            pass
        except BaseException:
            traceback.print_exc()
        self._kill_all()
        os._exit(0)

    def _serve(self) -> None:
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        while True:
            readable, _, _ = select.select([self._pool.fileno(), woken], [], [])
            if woken in readable:
                os.read(woken, _READ_BYTES)
                self._reap()
            if self._pool.fileno() in readable and not self._read():
                return

    def _read(self) -> bool:
        """Do what the pool asks for; False once it is gone."""
        try:
            data, fds, _, _ = socket.recv_fds(self._pool, _READ_BYTES, _FDS_MAX)
        except ConnectionResetError:
            # It was killed with something of ours unread.
            return False
        self._fds.extend(fds)
        if not data:
            return False
        self._frames.feed(data)
        while (message := self._frames.next()) is not None:
            match message:
                case Start(environment):
                    self._start(environment, self._fds.popleft(), self._fds.popleft())
                case Kill(environment):
                    if environment in self._pids:
                        _kill(self._pids[environment])
        return True

    def _start(self, environment: int, control_fd: int, log_fd: int) -> None:
        try:
            self._pids[environment] = (
                self._fork(self._begin, control_fd, log_fd) if self._begin else _spawn(control_fd, log_fd)
            )
        except OSError:
            traceback.print_exc()
            self._tell(environment, -signal.SIGKILL)
        finally:
            os.close(control_fd)
            os.close(log_fd)

    def _fork(self, begin: Begin, control_fd: int, log_fd: int) -> int:
        launcher = os.getpid()
        pid = os.fork()
        if pid:
            # Both sides do it: whichever comes first, the group exists before anybody kills it.
            _make_group(pid)
            return pid
        try:
            _make_group(0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            die_with_parent(signal.SIGKILL)
            if os.getppid() != launcher:
                os._exit(1)
            self._pool.close()
            begin(socket.socket(fileno=control_fd), log_fd)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _reap(self) -> None:
        while self._pids:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            # What the environment started dies with it: on AWS the whole sandbox is gone.
            _kill_group(pid)
            for environment, its_pid in self._pids.items():
                if its_pid == pid:
                    del self._pids[environment]
                    self._tell(environment, os.waitstatus_to_exitcode(status))
                    break

    def _tell(self, environment: int, status: int) -> None:
        try:
            self._pool.sendall(encode_frame(Exited(environment, status)))
        except OSError:
            sys.exit()

    def _kill_all(self) -> None:
        for pid in self._pids.values():
            _kill(pid)
        for pid in self._pids.values():
            os.waitpid(pid, 0)


def _spawn(control_fd: int, log_fd: int) -> int:
    """Start an environment in a fresh interpreter."""
    os.set_inheritable(control_fd, True)
    os.set_inheritable(log_fd, True)
    arguments = [sys.executable, "-P", "-m", "stepsim.workers.bootstrap", "environment", str(control_fd), str(log_fd)]
    return os.posix_spawn(sys.executable, arguments, os.environ, setpgroup=0)


def _make_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)
    except OSError:
        # The other side was first, or the process is gone already.
        return


def _kill(pid: int) -> None:
    """Kill a process that isn't reaped yet, whatever group it has moved to, and its own group."""
    os.kill(pid, signal.SIGKILL)
    _kill_group(pid)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        # Every process of the group is gone already.
        return


def _pipe() -> tuple[int, int]:
    """A pipe whose ends do not block, where the system cannot make one at once."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends
