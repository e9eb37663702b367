"""What functions write, in CloudWatch Logs: one group a function, one stream an environment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from stepsim.runtime.dice import Dice
from stepsim.runtime.lambdas.reference import Home

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENT_BYTES_MAX = 262_118
"""A longer line is cut, as Lambda cuts it."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class FunctionLogs:
    """Writes into moto's log groups."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._streams = 0

    def new_stream(self, now_ms: int, version: str, function: str = "") -> str:
        """The name of an environment's log stream; `function` stands in it where functions share a log group."""
        self._streams += 1
        digits = f"{self._dice.integer('log-stream', self._streams, now_ms):032x}"
        day = (_EPOCH + timedelta(milliseconds=now_ms)).strftime("%Y/%m/%d")
        return f"{day}/{function}[{version}]{digits}"

    def write(self, home: Home, group: str, stream: str, text: str, now_ms: int) -> None:
        """Append a text, an event a line; the group and the stream are made where they aren't there."""
        from moto.logs.models import logs_backends

        if not text:
            return
        account, region = home
        backend = logs_backends[account][region]
        backend.ensure_log_group(group)
        log_group = backend.groups[group]
        if stream not in log_group.streams:
            log_group.create_log_stream(stream)
        events = [{"timestamp": now_ms, "message": line[:_EVENT_BYTES_MAX]} for line in _LINE.findall(text)]
        log_group.streams[stream].put_log_events(events)
