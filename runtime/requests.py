"""What an Invoke can ask a driver for. The driver answers with what is named here, or with a StatesError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from stepsim.runtime.cloud.call import CallSite

if TYPE_CHECKING:
    from stepsim.runtime.cloud.outbound_http import HttpCall


@dataclass(frozen=True, slots=True)
class InvokeOptions:
    """What an invocation asks for besides calling the function and waiting for its result."""

    kind: Literal["RequestResponse", "Event", "DryRun"] = "RequestResponse"
    """Lambda's InvocationType."""
    qualifier: str | None = None
    """A version or an alias; None where the reference names it, or for the latest code."""
    client_context: str | None = None
    """The JSON text that the handler finds in its context."""
    request_id: str | None = None
    """The invocation's id where it has one already: the retries of an event share it."""
    queued: bool = False
    """It comes out of Lambda's own queue of events."""


_NO_VARIABLES: Mapping[str, str] = {}


class InvokeFunction:
    """Call a function; answered with a `workers.worker.InvocationResult`, or `ApiError` where Lambda refuses.

    An event that was accepted and a dry run are answered with an empty payload."""

    __slots__ = ("caller", "event", "function", "invoked_arn", "options", "site", "variables")

    def __init__(
        self,
        function: str,
        event: str,
        site: CallSite,
        caller: str = "",
        options: InvokeOptions | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.function = function
        """A name, a partial ARN or an ARN, as Lambda's FunctionName takes it."""
        self.event = event
        """The event's JSON text."""
        self.site = site
        self.caller = caller
        """The ARN of who calls: its account and region complete a reference that names neither."""
        self.options = options
        self.invoked_arn: str | None = None
        """The ARN that the handler is told, once the function was looked up."""
        self.variables = variables or _NO_VARIABLES
        """Environment variables of this call alone: a container's, a job's."""


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
class SendHttp:
    """Send an HTTP request; answered with an `HttpAnswer`, or an `HttpFailure` where nothing came back."""

    call: HttpCall


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
