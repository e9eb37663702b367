"""What runs in the process for expressions that take long: ``python -m stepsim.asl.jsonata.aside_worker``.

Requests and answers are pickles on its standard streams. An alarm of the system ends it where an engine does not end an
expression; where its memory ends, it does so, too.
"""

from __future__ import annotations

import pickle
import resource
import signal
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from stepsim.asl.jsonata.engine import Compiled, EngineError, Function, engine
from stepsim.asl.jsonata.limits import ALARM_MS, ASIDE_MB, LAST, TOO_LARGE


def main() -> None:
    """Serve until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, ALARM_MS / 1000)
        answer = _evaluate(*request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(answer)


def _evaluate(
    source: tuple[str, str, tuple[str, ...]], bindings: dict[str, Any], callbacks: Iterable[str], now_ms: int
) -> tuple[Any, ...]:
    given = {**bindings, **{name: _callback(name) for name in callbacks}}
    try:
        return "value", _compiled(*source).evaluate(given, now_ms, LAST)
    except EngineError as error:
        return "error", error.code, error.message
    except MemoryError:
        return "error", "", TOO_LARGE


@lru_cache(maxsize=512)
def _compiled(name: str, text: str, functions: tuple[str, ...]) -> Compiled:
    return engine(name)(text, functions)


def _callback(name: str) -> Function:
    def call(*arguments: Any) -> Any:
        _send(("call", name, arguments))
        kind, *said = pickle.load(sys.stdin.buffer)
        if kind == "error":
            raise EngineError(*said)
        return said[0]

    return call


def _send(message: object) -> None:
    pickle.dump(message, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
    sys.stdout.buffer.flush()


def _limit_memory() -> None:
    """Linux counts what a process may write to privately; elsewhere the time is all that bounds it."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = pages * resource.getpagesize() + (ASIDE_MB << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    main()
