"""RFC 3339 timestamps as the language has them: upper-case ``T``, ``Z`` or an offset, any number of fraction digits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):?(\d\d))", flags=re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_NS = 1_000_000_000


def parse_timestamp(text: str) -> int | None:
    """Nanoseconds since 1970-01-01T00:00Z, exact; None where the text is no timestamp."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, offset_h, offset_min = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if sign:
        offset_s = int(offset_h) * 3600 + int(offset_min) * 60
        seconds += offset_s if sign == "-" else -offset_s
    return seconds * _SECOND_NS + int((fraction or "0")[:9].ljust(9, "0"))


def format_timestamp(epoch_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds: ``2026-01-05T02:00:00.000Z``, as the context object has it."""
    moment = _EPOCH + timedelta(milliseconds=epoch_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"
