"""A fault as a scenario says it: what it aims at, what it does there, and which of that go together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from stepsim.asl.payload import JSON

STATUSES = {
    "AccessDenied": 403,
    "InternalError": 500,
    "InternalException": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServerException": 500,
    "InternalServiceError": 500,
    "InternalServiceException": 500,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "RequestThrottled": 403,
    "ServerException": 500,
    "ServiceException": 500,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
}
"""The statuses of errors that don't come with the usual one."""

STATUS = 400

OUTAGES = {
    "athena": ("InternalServerException", "Internal server error"),
    "batch": ("ServerException", "Internal server error"),
    "dynamodb": ("InternalServerError", "Internal server error"),
    "ecs": ("ServerException", "Service Unavailable. Please try again later."),
    "events": ("InternalException", "Internal server error"),
    "glue": ("InternalServiceException", "Internal service error"),
    "lambda": ("ServiceException", "The Lambda service encountered an internal error."),
    "s3": ("ServiceUnavailable", "Service is unable to handle request."),
    "secretsmanager": ("InternalServiceError", "An error occurred on the server side."),
    "sns": ("InternalError", "Internal server error"),
    "sqs": ("ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
}
"""What a service answers while it is down: an error of its own model that every SDK retries."""

_OUTAGE = ("ServiceUnavailable", "The request has failed due to a temporary failure of the server.")

PARTIAL_CALLS = (
    "dynamodb.BatchGetItem",
    "dynamodb.BatchWriteItem",
    "events.PutEvents",
    "kinesis.PutRecords",
    "s3.DeleteObjects",
    "sns.PublishBatch",
    "sqs.ChangeMessageVisibilityBatch",
    "sqs.DeleteMessageBatch",
    "sqs.SendMessageBatch",
)
"""The calls that can fail for some of their entries."""

STALE_CALLS = ("dynamodb.GetItem", "dynamodb.Query", "dynamodb.Scan", "s3.GetObject", "s3.HeadObject")
"""The reads that can come too early to see the last write."""

CORRUPT_CALLS = ("s3.GetObject",)

DELIVERIES = ("events.delivery", "s3.notification", "scheduler.delivery")
"""What services do by themselves: hand over a trigger's event. A fault's call may be one, and an outage stops it."""

_OF_ONE_CALL = (("partial", PARTIAL_CALLS), ("stale", STALE_CALLS), ("corrupt", CORRUPT_CALLS))

_OF_WHAT = {
    "crash": ("call", "service", "function"),
    "duplicate": ("call", "function"),
    "status": ("call", "service"),
    "key": ("call", "service"),
    "call_number": ("call", "service"),
}
"""What only some kinds of subject can have."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault of a scenario. It strikes calls, else invocations of a function, else attempts of a state's task.

    Raises ValueError for what does not go together.
    """

    call: str | None = None
    """An API call, as the report spells it: ``s3.GetObject``."""
    service: str | None = None
    """In place of `call`: every call of a service, by boto3's name for it; of ``lambda``, every invocation, too."""
    state: str | None = None
    """The state whose task is struck; with one of the others: only what is done for that state."""
    function: str | None = None
    """The function that is struck; with a call: only the calls that its code makes."""
    key: str | None = None
    """With a call: a glob that the call's ``Key`` matches (for DynamoDB: one of the key's attribute values)."""
    item: int | None = None
    """The index of the map item; of a batch, where the map has an ItemBatcher."""
    batch: int | None = None
    """The index of the batch."""
    attempt: int | None = None
    """The attempt of the state, as people count: 1 is the first try, 2 the first retry."""
    execution: str | None = None
    """A glob of the execution's name; of a child's, the place in its map run."""
    place: str | None = None
    """Which visit of the state, in which branches and iterations: as a strike is logged."""
    call_number: int | None = None
    """Of the calls that one attempt makes, in the order in which it makes them: 1 is the first. A retry counts."""
    probability: float = 1.0
    error: str | None = None
    status: int | None = None
    """The HTTP status of a call's refusal; None becomes what AWS sends with that error."""
    cause: str = ""
    hang: bool = False
    crash: Literal["before", "after"] | None = None
    """The process (the connection, of a call) ends before, or after, the work is done."""
    duplicate: bool = False
    """It is done twice."""
    partial: float | None = None
    """This share of a batch's entries fails."""
    stale: bool = False
    """The read does not see the last write."""
    corrupt: bool = False
    """The object's content is damaged."""
    delay_ms: int = 0
    from_ms: int = 0
    """Strikes from this moment of the run on."""
    to_ms: int | None = None
    """Strikes before this moment of the run."""
    line: int = field(default=0, compare=False)
    """Where it stands in its scenario; 0: nowhere."""

    def __post_init__(self) -> None:
        self._check_subject()
        if self.service is not None and not self._effects:
            error, cause = OUTAGES.get(self.service, _OUTAGE)
            object.__setattr__(self, "error", error)
            object.__setattr__(self, "cause", self.cause or cause)
        self._check_effects()
        if self.status is None and self.error is not None and self.kind in _OF_WHAT["status"]:
            object.__setattr__(self, "status", STATUSES.get(self.error, STATUS))

    def _check_subject(self) -> None:
        subjects = (self.call, self.service, self.state, self.function)
        if all(subject is None for subject in subjects):
            raise ValueError("A fault strikes a call, a service, a function or a state: name one.")
        for name in ("call", "service", "state", "function", "key", "execution", "place", "error"):
            if getattr(self, name) == "":
                raise ValueError(f"A fault's {name} is empty: nothing is called so.")
        if self.call is not None and self.service is not None:
            raise ValueError("A fault strikes a call or a whole service, not both.")
        if self.call is not None and not re.fullmatch(r"[\w-]+\.\w+", self.call):
            raise ValueError(f"A fault's call is written service.Operation, as in s3.GetObject: {self.call!r}")
        for name, kinds in _OF_WHAT.items():
            if getattr(self, name) not in (None, False) and self.kind not in kinds:
                raise ValueError(f"A fault's {name} goes with {' or '.join(kinds)}, not with a {self.kind}.")

    @property
    def _effects(self) -> list[str]:
        return [name for name in _EFFECTS if getattr(self, name) not in (None, False)]

    def _check_effects(self) -> None:
        effects = self._effects
        if len(effects) > 1:
            raise ValueError(f"A fault does one thing, not {' and '.join(effects)} at once; write two faults.")
        if self.error is None and (self.cause or self.status is not None):
            raise ValueError("A fault's cause and status go with an error.")
        if not effects and not self.delay_ms:
            raise ValueError("A fault needs an error, a delay, hang, crash, duplicate, partial, stale or corrupt.")
        for name, calls in _OF_ONE_CALL:
            if name in effects and self.call not in calls:
                raise ValueError(f"A fault's {name} goes with call: {', '.join(calls)}.")
        if self.duplicate and self.call in DELIVERIES:
            raise ValueError(f"Which events {self.call} hands over twice, a trigger's duplicates tell.")

    @property
    def kind(self) -> Literal["call", "service", "function", "state"]:
        """What kind of thing it strikes."""
        if self.call is not None:
            return "call"
        if self.service is not None:
            return "service"
        return "function" if self.function is not None else "state"

    @property
    def subject(self) -> str:
        """What it strikes, with its kind; the dice are named after it."""
        return f"{self.kind}:{getattr(self, self.kind)}"

    @property
    def effect(self) -> str:
        """What it does, in a word: the error's name, or the effect's. The dice are named after it, too."""
        effects = self._effects
        return str(self.error) if not effects or effects in (["error"], ["hang"]) else effects[0]


_EFFECTS = ("error", "hang", "crash", "duplicate", "partial", "stale", "corrupt")

_TIMES = {"from_ms": "from", "to_ms": "to", "delay_ms": "delay"}


def written(rule: FaultRule) -> dict[str, JSON]:
    """A fault as a scenario has it: what isn't as it would be anyhow, under the keys of a scenario file."""
    members: dict[str, JSON] = {}
    for each in fields(rule):
        value: Any = getattr(rule, each.name)
        if value == each.default or each.name == "line" or (each.name == "status" and not _own_status(rule)):
            continue
        members[_TIMES.get(each.name, each.name)] = _time(value) if each.name in _TIMES else value
    return members


def _own_status(rule: FaultRule) -> bool:
    return rule.error is not None and rule.status is not None and rule.status != STATUSES.get(rule.error, STATUS)


def _time(ms: int) -> str:
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"


def fault_text(rule: FaultRule) -> str:
    """A fault in one line, for people: ``{call: s3.GetObject, key: a/*, error: SlowDown}``."""
    return f"{{{', '.join(f'{name}: {_word(value)}' for name, value in written(rule).items())}}}"


def _word(value: JSON) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
