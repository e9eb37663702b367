"""workers/capture.py: a log is bounded, and framed as Lambda frames it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepsim.workers.capture import LOG_BYTES_MAX, LogTail, Report, lambda_log


@given(st.lists(st.integers(min_value=0, max_value=LOG_BYTES_MAX), max_size=8))
def test_the_end_of_a_log_is_kept(sizes: list[int]) -> None:
    """At most LOG_BYTES_MAX bytes are kept, they are the last, and what is missing is counted."""
    tail = LogTail()
    written = b"".join(bytes([97 + index]) * size for index, size in enumerate(sizes))
    for index, size in enumerate(sizes):
        tail.write(bytes([97 + index]) * size)
    text = tail.take()
    missing = max(0, len(written) - LOG_BYTES_MAX)
    notice = f"[{missing} bytes of log dropped]\n" if missing else ""
    assert text == notice + written[missing:].decode()
    assert tail.take() == ""


def test_the_report_line() -> None:
    """Billed milliseconds are rounded up; the first invocation tells how long the environment took to start."""
    log = lambda_log("hello", Report("id", 1.25, 128, 200, 99.5))
    assert log == (
        "START RequestId: id Version: $LATEST\nhello\nEND RequestId: id\n"
        "REPORT RequestId: id\tDuration: 1.25 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB"
        "\tMax Memory Used: 128 MB\tInit Duration: 99.50 ms\n"
    )


def test_a_lost_environments_report_line() -> None:
    """The status stands at the end of the line."""
    log = lambda_log("", Report("id", 3000.0, 128, 40, None, "timeout"))
    assert log.endswith("Billed Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tStatus: timeout\n")
