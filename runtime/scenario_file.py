"""A scenario file as it is written: one type for each mapping, from which the editors' JSON Schema is made.

What a type cannot say (exactly one of handler, returns and echo; files that must be there) ``scenario.py`` checks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.prices import LIST_PRICES
from stepsim.runtime.cloud.quotas import QUOTAS
from stepsim.runtime.mocks.written import Mocks
from stepsim.runtime.scenario_apis import Api
from stepsim.runtime.scenario_faults import Fault
from stepsim.runtime.scenario_tables import Table
from stepsim.runtime.triggers.written import Arrival, Trigger
from stepsim.workers.durations import FORMS

Probability = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str | int | float, Meta(description="a text; numbers become texts")]
Count = Annotated[int, Meta(ge=0)]
Time = Annotated[str | int | float, Meta(description="120ms, 40s, 1.5m, 2h, 1d; from the start of the run")]
DurationText = Annotated[
    str | int | float | dict[str, Any],
    Meta(description=f"in simulations only: {FORMS}"),
]


class Generate(Struct, frozen=True, forbid_unknown_fields=True):
    """Objects made when they are read."""

    count: Count
    key: Annotated[str, Meta(description="a pattern of n, from 0: bank_files/{n:06d}.csv")]
    body: Annotated[
        str | None, Meta(description="module:function(n, random) -> bytes, relative to the scenario's folder")
    ] = None
    size: Annotated[Count | None, Meta(description="instead of a body: so many bytes, all alike")] = None
    seed: int | None = None


class Bucket(Struct, frozen=True, forbid_unknown_fields=True):
    """What a bucket holds when the run starts."""

    generate: Generate | None = None
    folder: Annotated[str | None, Meta(description="a local folder, copied into the bucket")] = field(
        default=None, name="from"
    )


class Queue(Struct, frozen=True, forbid_unknown_fields=True):
    """An SQS queue."""

    visibility_s: Annotated[int, Meta(ge=0, le=43_200)] = 30
    dlq: Annotated[str | None, Meta(description="the queue that takes what was received too often")] = None
    max_receive: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    duplicates: Annotated[Probability, Meta(description="how many deleted messages come once more")] = 0.0


class Cloud(Struct, frozen=True, forbid_unknown_fields=True):
    """What the account holds when the run starts."""

    buckets: dict[str, Bucket | None] = {}
    tables: dict[str, Table] = {}
    queues: dict[str, Queue | None] = {}
    apis: Annotated[dict[str, Api], Meta(description="REST APIs of API Gateway, by their ids")] = {}
    triggers: Annotated[list[Trigger], Meta(description="what starts executions and invokes functions")] = []
    clusters: Annotated[list[str], Meta(description="ECS clusters, besides `default`")] = []
    job_queues: Annotated[list[str], Meta(description="AWS Batch job queues")] = []


class ModelledError(Struct, frozen=True, forbid_unknown_fields=True):
    """An error that a modelled function or task answers with, now and then."""

    error: str
    probability: Probability
    cause: str = ""


class OnFailure(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the record goes of an event that a function could not work off."""

    queue: Annotated[str, Meta(description="one of cloud.queues")]


class Function(Struct, frozen=True, forbid_unknown_fields=True):
    """A Lambda function: real code (handler), or a model of one (returns, echo)."""

    handler: Annotated[str | None, Meta(description="path/to/file:function, package.module:function")] = None
    returns: Any | msgspec.UnsetType = msgspec.UNSET
    echo: Annotated[bool, Meta(description="it returns its event")] = False
    duration: DurationText = 0
    errors: list[ModelledError] = []
    memory_mb: Annotated[int, Meta(ge=128, le=10_240)] = 128
    timeout_s: Annotated[int, Meta(ge=1, le=900)] = 3
    env: dict[str, Text] = {}
    reserved_concurrency: Count | None = None
    cold_start: Annotated[
        str | int | float | dict[str, Any] | None,
        Meta(description="how long a new environment takes to begin, in simulations only; a duration; 100 to 400 ms"),
    ] = None
    dlq: Annotated[str | None, Meta(description="the queue that gets events which it could not work off")] = None
    on_failure: OnFailure | None = None


class Job(Struct, frozen=True, forbid_unknown_fields=True):
    """What a container or a job runs: real code (handler), or a model of it that ends with exit_code."""

    handler: Annotated[
        str | None,
        Meta(description="path/to/file:function; an int that it returns, or SystemExit, is the exit code"),
    ] = None
    exit_code: Annotated[int, Meta(ge=0, le=255)] | None = None
    duration: DurationText = 0
    errors: list[ModelledError] = []
    memory_mb: Annotated[int, Meta(ge=128, le=245_760)] = 2_048
    vcpu: Annotated[float, Meta(ge=0.25, le=16, description="what Fargate bills; by its memory, otherwise")] | None = (
        None
    )
    env: dict[str, Text] = {}


class Container(Job, frozen=True, forbid_unknown_fields=True):
    """What a container of an ECS task runs."""

    spot_interruption_per_hour: Annotated[
        Probability,
        Meta(description="on FARGATE_SPOT: how likely it is that its capacity is taken back within an hour"),
    ] = 0.0


class Task(Struct, frozen=True, forbid_unknown_fields=True):
    """A model of a task integration that is not carried out."""

    duration: DurationText = 0
    returns: Any = {}
    errors: list[ModelledError] = []


class AthenaQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A model of some of Athena's queries."""

    query: Annotated[str, Meta(description="a pattern of their text: *bank_files*")] = "*"
    workgroup: str | None = None
    duration: DurationText | None = None
    scanned_bytes: Annotated[Count, Meta(description="what is billed, by the MB and for 10 at least")] = 0


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """Another state machine of the account: the definition, or what runs in it, may start its executions."""

    definition: Annotated[str, Meta(description="the state machine, .json or .yaml, relative to this file")]
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    substitutions: dict[str, Any] = {}


class Run(Struct, frozen=True, forbid_unknown_fields=True):
    """What is different where the scenario is run for real, on the system clock."""

    set: Annotated[dict[str, Any], Meta(description="values by key path: cloud.buckets.NAME.generate.count: 500")] = {}


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    """Python that looks at what the run has left."""

    check: Annotated[str, Meta(description="module:function(outcome), relative to the scenario's folder")]


class TemplateDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    """A state machine of a template, with the functions, tables, queues, buckets and events around it."""

    template: Annotated[
        str, Meta(description="CloudFormation, SAM, cdk.out, serverless.yml, Terraform; relative to this file")
    ]
    resource: Annotated[str | None, Meta(description="its logical id; not needed where there is one")] = None
    parameters: Annotated[
        dict[str, Any], Meta(description="parameters of the template, and what else only AWS knows")
    ] = {}


class ScenarioFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A stepsim scenario."""

    definition: Annotated[
        str | TemplateDefinition, Meta(description="the state machine, .json or .yaml, relative to this file")
    ]
    name: str | None = None
    relative_to: Annotated[str | None, Meta(description="what paths are relative to: this file's folder")] = None
    substitutions: dict[str, Any] = {}
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    input: Any = {}
    seed: int = 0
    start: Annotated[str, Meta(description="where the virtual clock begins: 2026-01-05T02:00:00Z")] = (
        "2026-01-01T00:00:00Z"
    )
    cloud: Cloud = Cloud()
    arrivals: Annotated[list[Arrival], Meta(description="what comes from outside while the run goes on")] = []
    until: Annotated[Time | None, Meta(description="when arrivals and schedules end: 24h")] = None
    functions: dict[str, Function] = {}
    containers: Annotated[
        dict[str, Container | None], Meta(description="of ECS tasks, by FAMILY or FAMILY/CONTAINER")
    ] = {}
    batch_jobs: Annotated[dict[str, Job | None], Meta(description="by the job definition's name")] = {}
    glue_jobs: Annotated[dict[str, Job | None], Meta(description="by the job's name")] = {}
    tasks: Annotated[dict[str, Task], Meta(description="by resource ARN or by the state's name")] = {}
    athena: Annotated[list[AthenaQuery], Meta(description="what its queries take; the first that fits, holds")] = []
    machines: Annotated[dict[str, Machine], Meta(description="other state machines of the account, by name")] = {}
    activities: Annotated[list[str], Meta(description="their workers are other machines, or models under tasks")] = []
    latency: (
        Annotated[
            dict[str, DurationText],
            Meta(description="where not AWS's: by s3.GetObject, s3.*, or a model's own fargate.provisioning"),
        ]
        | Annotated[Literal["aws", "none"], Meta(description="none: AWS calls take no time")]
    ) = "aws"
    quotas: (
        Annotated[
            dict[str, Annotated[float, Meta(ge=0)] | str],
            Meta(
                description="AWS's quotas, where they are not AWS's; a quota of `none` is off",
                extra_json_schema={"propertyNames": {"enum": list(QUOTAS)}},
            ),
        ]
        | Literal["none"]
    ) = {}
    prices: (
        Annotated[
            dict[str, Annotated[float, Meta(ge=0)]],
            Meta(
                description="in USD, where they are not AWS's list prices",
                extra_json_schema={"propertyNames": {"enum": list(LIST_PRICES)}},
            ),
        ]
        | Literal["none"]
    ) = {}
    keep_children: Annotated[
        Literal["all", "failed", "none"],
        Meta(
            description="which children of distributed maps can be described and listed, and saved with their histories"
        ),
    ] = "none"
    faults: list[Fault] = []
    mocks: Annotated[Mocks | None, Meta(description="Tasks that are answered without being carried out")] = None
    run: Run = Run()
    expect: Annotated[
        list[str | Check], Meta(description="status == SUCCEEDED, makespan_s < 1800, or {check: module:function}")
    ] = []


def scenario_schema() -> dict[str, JSON]:
    """The JSON Schema of scenario files, for editors."""
    schema: dict[str, JSON] = msgspec.json.schema(ScenarioFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stepsim scenario",
        **schema,
    }
