"""How much of what is billed one AWS call is: most are one request, some carry messages that count by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Weigh: TypeAlias = Callable[[dict[str, Any]], int]
"""A call's parameters in, billed units out. Parameters may be anything: nobody has checked them yet."""

_CHUNK_BYTES = 65_536
"""Each 64 KB of a message is billed as one (SQS, SNS and EventBridge)."""


def _chunks(*texts: Any) -> int:
    size = sum(len(text.encode()) for text in texts if isinstance(text, str))
    return max(1, -(-size // _CHUNK_BYTES))


def _entries(params: dict[str, Any], member: str) -> list[dict[str, Any]]:
    entries = params.get(member)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _event_chunks(params: dict[str, Any]) -> int:
    entries = _entries(params, "Entries")
    return sum(_chunks(*(entry.get(name) for name in ("Source", "DetailType", "Detail"))) for entry in entries)


WEIGHTS: dict[str, Weigh] = {
    "events.PutEvents": _event_chunks,
    "sns.Publish": lambda params: _chunks(params.get("Message")),
    "sns.PublishBatch": lambda params: sum(
        _chunks(entry.get("Message")) for entry in _entries(params, "PublishBatchRequestEntries")
    ),
    "sqs.SendMessage": lambda params: _chunks(params.get("MessageBody")),
    # A batch is one request, as long as all of it has room in 64 KB.
    "sqs.SendMessageBatch": lambda params: _chunks(
        *(entry.get("MessageBody") for entry in _entries(params, "Entries"))
    ),
}
"""By ``service.Operation``; what is not here is one unit."""
