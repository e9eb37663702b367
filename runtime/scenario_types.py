"""A scenario, ready to be run: paths found, durations and times read, names checked. Built by ``scenario.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.athena import QueryModel
from stepsim.runtime.cloud.faults import FaultRule
from stepsim.runtime.cloud.latency import Spread
from stepsim.runtime.cloud.prices import LIST_PRICES, Prices
from stepsim.runtime.cloud.quotas import LOCAL_QUOTAS, Quotas
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.expectations import Check, Expectation
from stepsim.runtime.mocks.answers import MockedCase
from stepsim.runtime.projects.findings import Finding
from stepsim.runtime.scenario_apis import ApiSpec
from stepsim.runtime.triggers.specs import ArrivalSpec, TriggerSpec
from stepsim.workers.durations import NOTHING, Duration
from stepsim.workers.modelled import ModelledError
from stepsim.workers.scripted import Script

if TYPE_CHECKING:
    from stepsim.runtime.definition import Definition

JOB_MS_MAX = 366 * 24 * 3600 * 1000
"""What runs outside Lambda has no time-out of its own: longer than an execution may last."""

MB_OF_VCPU = 1_769
"""The memory with which a Lambda function has one vCPU, and more or less in proportion (configuration-memory.html)."""

DEFAULT_START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: where a virtual clock begins unless the scenario says otherwise."""


@dataclass(frozen=True, slots=True)
class GenerateSpec:
    """Objects made when they are read: `count` of them."""

    count: int
    key: str
    """A format of n: ``bank_files/{n:06d}.csv``."""
    body: str | None
    """``module:function``; see ``generators.body_maker``. None where only the size matters."""
    seed: int
    size: int | None = None
    """In bytes, where there is no body."""

    def object_key(self, n: int) -> str:
        """The key of the n-th object, from 0."""
        return self.key.format(n=n)


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """What a bucket holds when the run starts: generated objects, a folder's files, both or nothing."""

    generate: GenerateSpec | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class KeySpec:
    """A key attribute of a table."""

    name: str
    type: Literal["S", "N", "B"] = "S"


@dataclass(frozen=True, slots=True)
class ProvisionedSpec:
    """Units a second that a table or index is provisioned with."""

    wcu: int
    rcu: int


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """A global secondary index."""

    partition_key: KeySpec
    sort_key: KeySpec | None = None
    provisioned: ProvisionedSpec | None = None


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A DynamoDB table, billed on demand where nothing is provisioned."""

    partition_key: KeySpec
    sort_key: KeySpec | None = None
    gsis: Mapping[str, IndexSpec] = field(default_factory=dict)
    provisioned: ProvisionedSpec | None = None


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """An SQS queue. With `dlq`, what was received `max_receive` times goes there."""

    visibility_s: int = 30
    dlq: str | None = None
    max_receive: int | None = None
    duplicates: float = 0.0
    """How many of its messages come once more after they were deleted: at-least-once."""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A Lambda function: real code where there is a handler, else a model that returns its event or `returns`."""

    handler: str | None = None
    returns: JSON = None
    echo: bool = False
    duration: Duration = NOTHING
    """In simulations only; comes on top of what its AWS calls take."""
    errors: tuple[ModelledError, ...] = ()
    memory_mb: int = 128
    timeout_ms: int = 3_000
    env: Mapping[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    cold_start: Duration | None = None
    """How long a new environment takes to begin, in simulations only; None where nobody says."""
    dlq: str | None = None
    """The queue that gets the events which it could not work off."""
    on_failure: str | None = None
    """The queue that gets the records of them."""
    vcpu: float | None = None
    """Of a container or job; None: the fewest that Fargate gives its memory to."""
    spot_interruption_per_hour: float = 0.0
    """Of a container, on FARGATE_SPOT: how likely it is that it loses its capacity within an hour."""
    code_dir: Path | None = None
    """What its handler is relative to, and its task root; None: as all of the scenario's."""
    search_paths: tuple[Path, ...] = ()
    """Further folders to import from: its layers."""
    script: Script | None = None
    """What a test says of its invocations, in place of everything else that could answer them."""
    defined_at: str = ""
    """Of a function that a template has: the template, its line and column, and the function's id there."""

    def failing(self, reason: str) -> FunctionSpec:
        """The same without code: it fails whenever it is invoked, and says why and where it stands."""
        error = ModelledError("Runtime.ImportModuleError", 1.0, f"{self.defined_at}: {reason}")
        return replace(self, handler=None, errors=(error,))

    @property
    def has_code(self) -> bool:
        """True where real code runs."""
        return bool(self.handler) if self.script is None else self.script.has_code


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A model of a task integration that is not carried out."""

    duration: Duration = NOTHING
    returns: JSON = field(default_factory=dict)
    errors: tuple[ModelledError, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """A state machine that the account has besides the scenario's own."""

    definition: DefinitionSource
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    substitutions: Mapping[str, JSON] = field(default_factory=dict)
    loaded: Definition | None = None
    """The definition, where somebody has loaded it already."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A definition and the world it runs in."""

    name: str
    definition: DefinitionSource
    base_dir: Path
    """What handlers and generators are relative to: the scenario file's folder."""
    substitutions: Mapping[str, JSON] = field(default_factory=dict)
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    input: JSON = field(default_factory=dict)
    seed: int = 0
    start_ms: int = DEFAULT_START_MS
    buckets: Mapping[str, BucketSpec] = field(default_factory=dict)
    tables: Mapping[str, TableSpec] = field(default_factory=dict)
    queues: Mapping[str, QueueSpec] = field(default_factory=dict)
    apis: Mapping[str, ApiSpec] = field(default_factory=dict)
    triggers: tuple[TriggerSpec, ...] = ()
    arrivals: tuple[ArrivalSpec, ...] = ()
    until_ms: int | None = None
    """When arrivals and schedules end; None: schedules with the last arrival."""
    starts_itself: bool = True
    """Its own execution is started with the run; False where triggers start them."""
    functions: Mapping[str, FunctionSpec] = field(default_factory=dict)
    containers: Mapping[str, FunctionSpec] = field(default_factory=dict)
    """What the containers of ECS tasks run, by ``family`` or ``family/container``."""
    batch_jobs: Mapping[str, FunctionSpec] = field(default_factory=dict)
    glue_jobs: Mapping[str, FunctionSpec] = field(default_factory=dict)
    clusters: tuple[str, ...] = ()
    job_queues: tuple[str, ...] = ()
    tasks: Mapping[str, TaskSpec] = field(default_factory=dict)
    """By resource ARN or by the state's name."""
    machines: Mapping[str, MachineSpec] = field(default_factory=dict)
    activities: tuple[str, ...] = ()
    athena: tuple[QueryModel, ...] = ()
    """What is known of Athena's queries; the first that covers one holds."""
    latency: bool = True
    """False: AWS calls take no time."""
    latencies: Mapping[str, Spread] = field(default_factory=dict)
    """What takes another time than the table of ``latency.py`` says, by its names."""
    quotas: Quotas = field(default_factory=lambda: LOCAL_QUOTAS)
    prices: Prices | None = field(default_factory=lambda: LIST_PRICES)
    """None: nothing is priced."""
    keep_children: Literal["all", "failed", "none"] = "none"
    """Which children of map runs can be described, listed and saved."""
    faults: tuple[FaultRule, ...] = ()
    mocks: MockedCase | None = None
    """Of its own machine."""
    expect: tuple[Expectation | Check, ...] = ()
    loaded: Definition | None = None
    """Its definition, where somebody has loaded it already."""
    topics: tuple[str, ...] = ()
    """SNS topics of its template."""
    event_buses: tuple[str, ...] = ()
    """EventBridge's, of its template."""
    findings: tuple[Finding, ...] = ()
    """What its template has that is not run here, or not as it is written."""

    @property
    def is_triggered(self) -> bool:
        """True where anything comes from outside while it runs."""
        return bool(self.triggers or self.arrivals)

    @property
    def jobs(self) -> dict[str, FunctionSpec]:
        """What runs outside Lambda, by the names that the account's functions have for it: ``ecs/family/container``."""
        kinds = (("ecs", self.containers), ("batch", self.batch_jobs), ("glue", self.glue_jobs))
        return {f"{kind}/{name}": spec for kind, specs in kinds for name, spec in specs.items()}

    @property
    def has_code(self) -> bool:
        """True where anything has a handler."""
        return any(spec.has_code for spec in (*self.functions.values(), *self.jobs.values()))
