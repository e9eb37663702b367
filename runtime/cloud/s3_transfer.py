"""How long the bodies of S3's objects are under way: their size over what one connection carries."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.cloud.latency import Latency

_SENT = frozenset({"PutObject", "UploadPart"})
_RECEIVED = frozenset({"GetObject"})
_MB = 1_000_000


class Transfer:
    """What the size of a body adds to an operation's latency: before S3 has it, or after its first byte has come."""

    __slots__ = ("_ms_per_mb", "_receives", "_sends")

    def __init__(self, operation: str, ms_per_mb: int) -> None:
        self._ms_per_mb = ms_per_mb
        self._sends = operation in _SENT
        self._receives = operation in _RECEIVED

    def sent_ms(self, params: dict[str, Any]) -> int:
        """For the request's body. Parameters may be anything: nobody has checked them yet."""
        return _size(params.get("Body")) * self._ms_per_mb // _MB if self._sends else 0

    def received_ms(self, response: dict[str, Any]) -> int:
        """For the response's body."""
        size: int = response.get("ContentLength", 0) if self._receives else 0
        return size * self._ms_per_mb // _MB


def transfer_of(latency: Latency, service: str, operation: str) -> Transfer | None:
    """The time that an operation's bodies take; None where it has none."""
    if service != "s3" or operation not in _SENT | _RECEIVED:
        return None
    ms_per_mb, _ = latency.bounds("s3", "megabyte")
    return Transfer(operation, ms_per_mb) if ms_per_mb else None


def _size(body: Any) -> int:
    """The bytes of a body: of bytes, of text, or of what is left of an open file."""
    if isinstance(body, bytes | bytearray | str):
        return len(body)
    if not (hasattr(body, "seek") and hasattr(body, "tell")):
        return 0
    start: int = body.tell()
    end: int = body.seek(0, 2) or body.tell()
    body.seek(start)
    return end - start
