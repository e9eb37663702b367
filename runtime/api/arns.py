"""ARNs of Step Functions resources, taken apart; refused in AWS's words where they are none.

``stateMachine:N``, ``stateMachine:N:2`` (a version), ``stateMachine:N:PROD`` (an alias), ``stateMachine:N/label``,
``execution:N:one``, ``execution:N/label:child``, ``express:N:one:uuid``, ``express:N/label:child:uuid``,
``activity:N``, ``mapRun:N/label:uuid``.
"""

from __future__ import annotations

from typing import NamedTuple

from stepsim.runtime.api.records import Home
from stepsim.runtime.cloud.call import ApiError

_KINDS = ("stateMachine", "execution", "express", "activity", "mapRun")

_LABELLED = "API_DOES_NOT_SUPPORT_LABELED_ARNS"


class Arn(NamedTuple):
    """The parts of an ARN."""

    text: str
    home: Home
    kind: str
    """``stateMachine``, ``execution``, ``express``, ``activity`` or ``mapRun``."""
    name: str
    """The machine's or the activity's."""
    label: str | None
    """The label of a distributed Map state: of one that is addressed, or whose child or run is."""
    qualifier: str | None
    """What follows the name: a version's number, an alias, an execution's name, a map run's UUID."""

    @property
    def unqualified(self) -> str:
        """The ARN of the machine or activity itself."""
        kind = "activity" if self.kind == "activity" else "stateMachine"
        return self.home.arn(f"{kind}:{self.name}")

    @property
    def version(self) -> int | None:
        """The number that follows a machine's name, if one does."""
        digits = self.kind == "stateMachine" and self.qualifier is not None and self.qualifier.isdecimal()
        return int(self.qualifier or "") if digits else None

    @property
    def alias(self) -> str | None:
        """The alias that follows a machine's name, if one does."""
        return self.qualifier if self.kind == "stateMachine" and self.version is None else None


def parse_arn(text: str, *kinds: str) -> Arn:
    """Take an ARN apart. With `kinds`, only those are taken.

    Raises ApiError InvalidArn.
    """
    parts = text.split(":", 6)
    if parts[0] != "arn":
        raise invalid_arn(f"Invalid ARN prefix: {text}")
    if len(parts) < 7 or parts[2] != "states" or not all(parts[1:]):
        raise invalid_arn(f"Invalid ARN: {text}")
    _, _, _, region, account_id, kind, rest = parts
    if kind not in (kinds or _KINDS):
        raise invalid_arn(f"Resource type not valid in this context: {kind}")
    owner, _, qualifier = rest.partition(":")
    name, _, label = owner.partition("/")
    return Arn(text, Home(account_id, region), kind, name, label or None, qualifier or None)


def parse_machine_arn(text: str) -> Arn:
    """Take the ARN of a machine, a version or an alias apart, for operations that take no Map state's.

    Raises ApiError InvalidArn, and ValidationException (API_DOES_NOT_SUPPORT_LABELED_ARNS) for a labelled one.
    """
    arn = parse_arn(text, "stateMachine")
    if arn.label is not None:
        message = f"This operation does not support the ARN of a Distributed Map state: '{text}'"
        raise ApiError("ValidationException", message, extra={"reason": _LABELLED})
    return arn


def invalid_arn(reason: str) -> ApiError:
    """The InvalidArn of a reason."""
    return ApiError("InvalidArn", f"Invalid Arn: '{reason}'")
