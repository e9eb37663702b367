"""What an Invoke can ask a driver for. The driver answers with what is named here, or with a StatesError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepsim.runtime.cloud.call import CallSite


class InvokeFunction:
    """Call a function; answered with a `workers.worker.InvocationResult`, or `ApiError` where Lambda refuses."""

    __slots__ = ("event", "function", "site", "variables")

    def __init__(self, function: str, event: str, site: CallSite, variables: Mapping[str, str] | None = None) -> None:
        self.function = function
        """A name, a partial ARN or an ARN, as Lambda's FunctionName takes it."""
        self.event = event
        """The event's JSON text."""
        self.site = site
        self.variables = variables or {}
        """Environment variables of this call alone."""


@dataclass(frozen=True, slots=True)
class FindFunction:
    """Ask which of these names is a function's; answered with the first that is, None where none is."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallApi:
    """Call an AWS operation in boto3's terms; answered with a `cloud.call.Answer`."""

    service: str
    operation: str
    parameters: dict[str, Any]
    site: CallSite
    """Who calls, also in which region and account."""


@dataclass(frozen=True, slots=True)
class AwaitToken:
    """Wait until a task token is used; answered with the output's `Payload`."""

    token: str


@dataclass(frozen=True, slots=True)
class Never:
    """Something that never answers (a hanging dependency)."""


@dataclass(frozen=True, slots=True)
class RunModel:
    """A task that the scenario models; answered with the result's `Payload`, or StatesError."""

    name: str
    site: CallSite
