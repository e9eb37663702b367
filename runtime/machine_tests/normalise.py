"""What differs from run to run and means nothing: ids, the run's own times, task tokens. Here it becomes the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

from stepsim.asl.payload import JSON, decode
from stepsim.asl.timestamp import parse_timestamp

UUID, TIME, TOKEN, ARN = "<uuid>", "<time>", "<token>", "<arn>"

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_TOKEN = re.compile(r"c3RlcHNpbS10YXNrLXRva2Vu[A-Za-z0-9+/=]+|[A-Za-z0-9+/=_-]{100,}")
"""Task tokens: ours, which begin with their name, and AWS's, which are long."""
_ARN = re.compile(r"arn:aws[a-z-]*:(?:states|iam):[^\s\"',\]}]+")
_OF_THE_MOMENT = frozenset(
    {"stackTrace", "requestId", "x-amzn-RequestId", "X-Amzn-Trace-Id", "RequestId", "MD5OfMessageBody"}
)
"""Members of results and causes that are of the moment, or of the code's lines."""


class Normaliser:
    """Makes values comparable. Times are replaced where they fall into the run: others are the test's own data."""

    def __init__(self, start_ms: int, stop_ms: int | None, *, arns: bool = False) -> None:
        """With `arns`, those of executions, machines and roles become the same, too."""
        self._arns = arns
        self._start_ms = start_ms
        self._stop_ms = start_ms if stop_ms is None else stop_ms

    def value(self, value: JSON) -> JSON:
        """A value; texts that are JSON objects or arrays are read."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {name: self.value(member) for name, member in value.items() if name not in _OF_THE_MOMENT}
        if isinstance(value, list):
            return [self.value(element) for element in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self._is_now(value):
            return TIME
        return value

    def _text(self, text: str) -> JSON:
        if text[:1] in ("{", "["):
            try:
                return self.value(decode(text))
            except ValueError:
                pass
        if len(text) < _SHORTEST:
            return text
        if _TOKEN.fullmatch(text):
            return TOKEN
        if self._arns:
            text = _ARN.sub(ARN, text)
        text = _UUID.sub(UUID, text)
        text = self._times(_TIME, text, lambda found: (parse_timestamp(found) or 0) // 1_000_000)
        return self._times(_HTTP_DATE, text, lambda found: _ms(parsedate_to_datetime(found)))

    def _times(self, pattern: re.Pattern[str], text: str, moment_ms: Callable[[str], int]) -> str:
        return pattern.sub(lambda found: TIME if self._within(moment_ms(found[0])) else found[0], text)

    def _is_now(self, number: float) -> bool:
        return self._within(int(number)) or self._within(int(number * 1000))

    def _within(self, moment_ms: int) -> bool:
        """True of a moment of the run; texts may name it in whole seconds."""
        return self._start_ms - self._start_ms % 1000 <= moment_ms <= self._stop_ms


_SHORTEST = 20
"""No shorter text has anything in it that is replaced."""


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
