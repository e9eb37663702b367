"""The error objects that Lambda returns as an invocation's payload, as JSON text.

What the runtime inside an environment reports is spaced as Python's ``json.dumps`` spaces it and holds a request id and
a stack trace; what the service reports about an environment is compact and holds neither.
"""

from __future__ import annotations

import json
import traceback
from types import TracebackType

RESPONSE_BYTES_MAX = 6_291_556
"""Lambda's limit for the payload of a synchronous response: 6 MB and 100 bytes."""


class Fault(Exception):
    """A failure that the Lambda runtime finds itself, by its AWS name (``Runtime.ImportModuleError``, …)."""

    def __init__(self, error_type: str, message: str, stack_trace: list[str] | None = None) -> None:
        self.error_type = error_type
        self.message = message
        self.stack_trace = stack_trace or []
        super().__init__(error_type, message)


def error_payload(message: str, error_type: str, request_id: str, stack_trace: list[str]) -> str:
    """The error object of a handler that raised, or of a fault. Before an invocation the request id is empty."""
    return json.dumps(
        {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": stack_trace},
        ensure_ascii=False,
    )


def stack_trace(trace: TracebackType | None) -> list[str]:
    """The frames of a traceback as Lambda lists them: file, line, function and the source line, without carets."""
    frames = traceback.extract_tb(trace)
    return traceback.format_list([(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames])


def timed_out(request_id: str, timeout_ms: int) -> str:
    """The payload of an invocation that was killed at its function's timeout."""
    return _service_error(
        "Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_ms / 1000:.2f} seconds"
    )


def crashed(request_id: str, status: int) -> str:
    """The payload of an invocation whose environment ended; `status` is minus the signal where one ended it."""
    return _service_error("Runtime.ExitError", f"RequestId: {request_id} Error: {exit_reason(status)}")


def exit_reason(status: int) -> str:
    """How Lambda words the end of a runtime process."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return f"Runtime exited with error: signal: {_SIGNAL_WORDS.get(-status, f'signal {-status}')}"


def response_too_large() -> str:
    """The payload of an invocation whose response is longer than RESPONSE_BYTES_MAX."""
    return _service_error(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).",
    )


def _service_error(error_type: str, message: str) -> str:
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":"))


_SIGNAL_WORDS = {
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    5: "trace/breakpoint trap",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    10: "user defined signal 1",
    11: "segmentation fault",
    12: "user defined signal 2",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
}
"""Linux's signals in the words of Go's runtime, which Lambda's supervisor is written in."""
