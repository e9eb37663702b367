"""What an Invoke can ask Step Functions itself for, and what is answered when somebody else has done something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepsim.runtime.activities import HandedOut
from stepsim.runtime.cloud.call import CallSite

Cancel: TypeAlias = Callable[[], None]
"""Calls off what was asked for: whoever asked has gone, and nothing is to be kept or taken for him."""


def nothing_to_cancel() -> None:
    """Calls off what is done already."""


@dataclass(frozen=True, slots=True)
class AwaitWorker:
    """Wait until a worker takes an activity's task; answered with his name, or None."""

    activity: str
    """The activity's ARN."""
    task: HandedOut


@dataclass(frozen=True, slots=True)
class AwaitTokenUntil:
    """Wait until a moment, or until a task token is used; answered with None, or with the output's `Payload`."""

    token: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class AwaitExecution:
    """Wait until an execution has ended; answered with DescribeExecution's response."""

    arn: str
    token: str | None = None
    """A task token that ends the wait early; the answer is then the output's `Payload`."""


class CallWaiting:
    """Call an operation of Step Functions that answers when it can; answered with a `cloud.call.Answer`."""

    __slots__ = ("cancel", "operation", "parameters", "site")

    def __init__(self, operation: str, parameters: dict[str, Any], site: CallSite) -> None:
        self.operation = operation
        self.parameters = parameters
        self.site = site
        self.cancel: Cancel = nothing_to_cancel
        """Set when the call was made."""
