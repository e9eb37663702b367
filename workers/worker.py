"""The seam between the account and whatever runs a function's code.

An invocation goes in as JSON text and a result comes back as JSON text, as through Lambda's own Invoke call, so that
a handler can never share an object with its caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a function."""

    request_id: str
    function_name: str
    function_arn: str
    event: str
    """The event's JSON text."""
    timeout_ms: int
    memory_mb: int
    names: tuple[str, ...] = ()
    """Names this invocation's dice are drawn from: execution, state, attempt. The same names, the same dice."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of this invocation alone (a container's overrides): they go over the function's own."""
    client_context: str | None = None
    """The JSON text of the caller's client context, if it sent one."""
    site: object = None
    """What the account wants to know again when the code makes an AWS call; of no concern to the worker."""


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """How an invocation ended."""

    payload: str
    """The JSON text of what the handler returned or, where function_error is set, of the error object that Lambda
    returns: ``{"errorMessage", "errorType", "requestId", "stackTrace"}``; without errorType where Lambda gives none."""
    function_error: str | None = None
    """``Unhandled`` where the handler failed, timed out or crashed; else None."""
    duration_ms: int = 0
    log: str = ""
    """What the function wrote to stdout and stderr, as Lambda's log has it."""
    version: str = "$LATEST"
    """The version of the function that ran."""
    log_stream: str = ""
    """The log stream of the environment that it ran in, where the worker knows one."""


Done = Callable[[InvocationResult], None]


class Worker(Protocol):
    """Runs the invocations of one function."""

    def invoke(self, invocation: Invocation, done: Done) -> None:
        """Start an invocation. `done` is called once, later or before this returns, on the scheduler's own thread."""
        ...
