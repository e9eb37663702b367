"""What handlers write: stdout, stderr and logging of each invocation kept apart, though they share one process.

What a ``threading.Thread`` of a handler writes belongs to no invocation and goes to the real streams.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from greenlet import getcurrent

from stepsim.workers.greenlets import Activity, HandlerGreenlet
from stepsim.workers.patching import installed

_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"


def _writing() -> Activity | None:
    current = getcurrent()
    return current.activity if type(current) is HandlerGreenlet else None


class _Output(io.TextIOBase):
    """stdout or stderr: a handler's text goes to its own log, everybody else's to the real stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        activity = _writing()
        if activity is None:
            return self._stream.write(text)
        activity.write(text)
        return len(text)

    def flush(self) -> None:
        if _writing() is None:
            self._stream.flush()

    def close(self) -> None:
        """Nobody owns the stream through this one."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return _writing() is None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Log(logging.Handler):
    """The handler that Lambda puts on the root logger, so that ``logging.basicConfig`` does nothing there."""

    def emit(self, record: logging.LogRecord) -> None:
        activity = _writing()
        if activity is None:
            return
        try:
            activity.write(self.format(record))
        except Exception:
            self.handleError(record)


class _Format(logging.Formatter):
    """Lambda's text format: level, time, request id and message, between tabs."""

    def format(self, record: logging.LogRecord) -> str:
        activity = _writing()
        record.aws_request_id = "" if activity is None else activity.label
        return super().format(record) + "\n"


@contextmanager
def own_output() -> Iterator[None]:
    """Install it. Levels that handlers set on the root logger are put back at the end."""
    log = _Log()
    text = _Format(_FORMAT, "%Y-%m-%dT%H:%M:%S")
    text.converter = time.gmtime
    log.setFormatter(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(log)
    try:
        with installed([(sys, "stdout", _Output(sys.stdout)), (sys, "stderr", _Output(sys.stderr))]):
            yield
    finally:
        root.removeHandler(log)
        root.setLevel(level)
