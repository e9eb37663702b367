"""An invocation's log: what the function wrote, bounded, between the lines that Lambda adds."""

from __future__ import annotations

from dataclasses import dataclass

LOG_BYTES_MAX = 256 * 1024
"""How much of what an invocation wrote is kept: the end of it."""


class LogTail:
    """The last LOG_BYTES_MAX bytes of what is written to it."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._dropped = 0

    def write(self, data: bytes) -> None:
        """Append bytes. Once twice the bound is held, all but the end is dropped."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > 2 * LOG_BYTES_MAX:
            self._shorten()

    def take(self) -> str:
        """The text written so far, which is then forgotten. It says how much is missing at its beginning."""
        if not self._chunks:
            return ""
        self._shorten()
        text = b"".join(self._chunks).decode("utf-8", "replace")
        if self._dropped:
            text = f"[{self._dropped} bytes of log dropped]\n{text}"
        self._chunks.clear()
        self._size = self._dropped = 0
        return text

    def _shorten(self) -> None:
        if self._size > LOG_BYTES_MAX:
            data = b"".join(self._chunks)
            self._dropped += len(data) - LOG_BYTES_MAX
            self._chunks = [data[-LOG_BYTES_MAX:]]
            self._size = LOG_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Report:
    """What Lambda's REPORT line says of an invocation."""

    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    """How long the environment took to start, for its first invocation."""
    status: str = ""
    """``timeout``, or ``error`` and the error's type, where the environment was lost."""
    version: str = "$LATEST"


def lambda_log(written: str, report: Report) -> str:
    """The whole log of an invocation: START, what it wrote, END and REPORT, in the form Lambda has used since 2024."""
    if written and not written.endswith("\n"):
        written += "\n"
    billed_ms = -int(-report.duration_ms // 1)
    init = f"\tInit Duration: {report.init_ms:.2f} ms" if report.init_ms is not None else ""
    status = f"\tStatus: {report.status}" if report.status else ""
    return (
        f"START RequestId: {report.request_id} Version: {report.version}\n{written}END RequestId: {report.request_id}\n"
        f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms"
        f"\tBilled Duration: {billed_ms} ms\tMemory Size: {report.memory_mb} MB"
        f"\tMax Memory Used: {min(report.max_memory_mb, report.memory_mb)} MB{init}{status}\n"
    )
