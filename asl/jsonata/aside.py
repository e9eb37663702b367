"""The process that evaluates what takes long: it can be ended at any time, and its memory has a limit.

It is started when it is first needed, serves one expression after the other, and is started anew after one that it did
not survive. `aside_worker` is what runs in it.
"""

from __future__ import annotations

import atexit
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Any, cast

from stepsim.asl.jsonata.engine import EngineError, Function, Special
from stepsim.asl.jsonata.limits import TOO_LARGE, TOO_LONG
from stepsim.asl.payload import JSON


class Aside:
    """A process of its own, and what is said to it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def evaluate(
        self,
        source: tuple[str, str, tuple[str, ...]],
        bindings: Mapping[str, Any],
        callbacks: Mapping[str, Function],
        now_ms: int,
    ) -> JSON | Special:
        """The value of an expression: its engine's name, its text, and the names of its functions.

        `bindings` can be pickled; `callbacks` are called here. Raises EngineError, also where the process ends over it.
        """
        process = self._running()
        try:
            kind, *said = _converse(process, (source, bindings, tuple(callbacks), now_ms), callbacks)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise EngineError("", self._why_ended(process)) from None
        except BaseException:
            # What it would still say is no answer to the next question.
            self.close()
            raise
        if kind == "error":
            raise EngineError(*said)
        value: JSON | Special = said[0]
        return value

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-m", "stepsim.asl.jsonata.aside_worker"]
            # What it has to say of its end is said by its exit status.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def _why_ended(self, process: subprocess.Popen[bytes]) -> str:
        ended = process.wait()
        self.close()
        return TOO_LONG if ended == -signal.SIGALRM else TOO_LARGE


def _converse(process: subprocess.Popen[bytes], request: object, callbacks: Mapping[str, Function]) -> tuple[Any, ...]:
    stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    _send(stdin, request)
    while True:
        answer: tuple[Any, ...] = pickle.load(stdout)
        if answer[0] != "call":
            return answer
        _send(stdin, _answer(callbacks[answer[1]], answer[2]))


def _send(pipe: IO[bytes], message: object) -> None:
    pickle.dump(message, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _answer(function: Function, arguments: tuple[JSON, ...]) -> tuple[Any, ...]:
    try:
        return "value", function(*arguments)
    except EngineError as error:
        return "error", error.code, error.message


ASIDE = Aside()
"""One for all: one thread runs everything."""

atexit.register(ASIDE.close)
