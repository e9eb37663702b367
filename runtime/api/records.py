"""What the Step Functions service keeps: machines with their revisions, versions and aliases, and executions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

from stepsim.asl.machine import StateMachine
from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.execution import Execution
from stepsim.runtime.map_run import MapRun

MachineType: TypeAlias = Literal["STANDARD", "EXPRESS"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time_ms: int) -> datetime:
    """A time of ours as boto3 has it."""
    return _EPOCH + timedelta(milliseconds=time_ms)


class Home(NamedTuple):
    """Where things live: an account, and one of its regions."""

    account_id: str
    region: str

    def arn(self, resource: str) -> str:
        """The ARN of a Step Functions resource: ``stateMachine:orders``, ``execution:orders:one``."""
        return f"arn:{self.partition}:states:{self.region}:{self.account_id}:{resource}"

    @property
    def partition(self) -> str:
        """``aws``, or that of China or of the US government."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"


@dataclass(frozen=True, slots=True)
class Revision:
    """A machine as it was between two updates. Executions keep the one that they were started with."""

    id: str | None
    """The revisionId; None for the first one, which AWS calls INITIAL."""
    definition: str
    """The text as it was given."""
    machine: StateMachine
    role_arn: str
    logging: Mapping[str, JSON]
    tracing: Mapping[str, JSON]
    encryption: Mapping[str, JSON] | None
    changed_ms: int
    variable_references: Mapping[str, list[str]]
    """Which states refer to which variables; empty where none does."""


@dataclass(slots=True)
class Version:
    """A published revision."""

    arn: str
    number: int
    revision: Revision
    description: str | None
    creation_ms: int


@dataclass(slots=True)
class Alias:
    """A name for one or two versions and their shares."""

    arn: str
    name: str
    description: str | None
    routing: tuple[tuple[str, int], ...]
    """Version ARNs and weights."""
    creation_ms: int
    update_ms: int


@dataclass(slots=True)
class MachineRecord:
    """A state machine."""

    arn: str
    name: str
    type: MachineType
    creation_ms: int
    revision: Revision
    status: Literal["ACTIVE", "DELETING"] = "ACTIVE"
    versions: dict[int, Version] = field(default_factory=dict)
    last_version: int = 0
    aliases: dict[str, Alias] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    published_with: tuple[bool, str | None] = (False, None)
    """The publish and versionDescription that it was created with: a CreateStateMachine with others is a conflict."""


@dataclass(slots=True)
class ExecutionRecord:
    """An execution, and what it was started with; also a child of a map run."""

    execution: Execution
    record: MachineRecord
    revision: Revision
    version_arn: str | None = None
    alias_arn: str | None = None
    trace_header: str | None = None
    map_run: MapRun | None = None
    """The map run whose child this is."""
    redrives: list[tuple[str, int]] = field(default_factory=list)
    """Client tokens of redrives and their moments, the last ten."""


@dataclass(slots=True)
class ActivityRecord:
    """An activity."""

    arn: str
    name: str
    creation_ms: int
    encryption: Mapping[str, JSON] | None = None
    tags: dict[str, str] = field(default_factory=dict)


Params: TypeAlias = dict[str, Any]
"""An operation's parameters in boto3's terms, checked against botocore's model."""

Response: TypeAlias = dict[str, Any]
"""An operation's response in boto3's terms: timestamps are datetimes."""

Reply: TypeAlias = Callable[[Response | ApiError], None]
"""What an operation that waits calls once, at once or later."""
