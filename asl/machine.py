"""The compiled machine: frozen data, with closures where the definition had expressions. Shared by all executions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from stepsim.asl.dataflow import CatchFlow, Dataflow
from stepsim.asl.expression import Expression, Scope, Test
from stepsim.asl.parse import Document
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import TaskResource

Count: TypeAlias = Callable[[JSON, Scope], int]
"""A whole number: a constant, or looked up by a ...Path field."""

Assignment: TypeAlias = Callable[[Payload, Scope], "dict[str, JSON]"]


@dataclass(frozen=True, slots=True)
class Retrier:
    """One element of Retry. `index` numbers its attempt counter."""

    index: int
    error_equals: tuple[str, ...]
    interval_ms: int
    max_attempts: int
    backoff_rate: float
    max_delay_ms: int | None
    full_jitter: bool


@dataclass(frozen=True, slots=True)
class Catcher:
    """One element of Catch."""

    error_equals: tuple[str, ...]
    next: str
    flow: CatchFlow
    assign: Assignment | None


@dataclass(frozen=True, slots=True)
class PassState:
    name: str
    next: str | None
    flow: Dataflow
    assign: Assignment | None
    result: Payload | None
    """The constant Result; None where the effective input is the result."""
    type: Literal["Pass"] = "Pass"


@dataclass(frozen=True, slots=True)
class TaskState:
    name: str
    next: str | None
    flow: Dataflow
    assign: Assignment | None
    resource: TaskResource
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]
    timeout_s: Count | None
    heartbeat_s: Count | None
    credentials: Expression | None
    function: str | None = None
    """The FunctionName of a ``lambda:invoke``, where it is a literal."""
    job: str | None = None
    """What ``ecs:runTask``, ``batch:submitJob`` or ``glue:startJobRun`` starts, where it is a literal."""
    type: Literal["Task"] = "Task"


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    test: Test
    next: str
    assign: Assignment | None
    flow: Dataflow | None = None
    """The rule's own way out, in its state's place (JSONata's Output); None where the state's is taken."""


@dataclass(frozen=True, slots=True)
class ChoiceState:
    name: str
    flow: Dataflow
    assign: Assignment | None
    choices: tuple[ChoiceRule, ...]
    default: str | None
    type: Literal["Choice"] = "Choice"


@dataclass(frozen=True, slots=True)
class WaitState:
    name: str
    next: str | None
    flow: Dataflow
    assign: Assignment | None
    until_ms: Callable[[JSON, Scope, int], int]
    """(effective input, scope, now_ms) -> when the wait is over."""
    type: Literal["Wait"] = "Wait"


@dataclass(frozen=True, slots=True)
class SucceedState:
    name: str
    flow: Dataflow
    next: None = None
    type: Literal["Succeed"] = "Succeed"


@dataclass(frozen=True, slots=True)
class FailState:
    name: str
    error: Expression | None
    cause: Expression | None
    next: None = None
    type: Literal["Fail"] = "Fail"


@dataclass(frozen=True, slots=True)
class ParallelState:
    name: str
    next: str | None
    flow: Dataflow
    assign: Assignment | None
    branches: tuple[StateMachine, ...]
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]
    type: Literal["Parallel"] = "Parallel"


@dataclass(frozen=True, slots=True)
class ItemReader:
    resource: TaskResource
    arguments: Expression
    """The effective input of the state -> Bucket, Key or Prefix, and so on."""
    config: JSON
    """The ReaderConfig as written, without MaxItems and its path."""
    max_items: Count | None
    whole_seconds: bool = False
    """True where the dates of a listing are integers, as in JSONata; doubles otherwise (measured)."""


@dataclass(frozen=True, slots=True)
class ItemBatcher:
    max_items_per_batch: Count | None
    max_input_bytes_per_batch: Count | None
    batch_input: Expression | None


@dataclass(frozen=True, slots=True)
class ResultWriter:
    arguments: Expression | None
    """None where results are only transformed, not exported."""
    transformation: str
    output_type: str


@dataclass(frozen=True, slots=True)
class DistributedMap:
    """What only a Map in DISTRIBUTED mode has."""

    express: bool
    label: str | None
    reader: ItemReader | None
    batcher: ItemBatcher | None
    writer: ResultWriter | None
    tolerated_failure_count: Count | None
    tolerated_failure_percentage: Callable[[JSON, Scope], float] | None


@dataclass(frozen=True, slots=True)
class MapState:
    name: str
    next: str | None
    flow: Dataflow
    assign: Assignment | None
    processor: StateMachine
    items: Expression
    """The effective input -> the array (or, distributed, the object) to iterate over."""
    item_selector: Expression | None
    max_concurrency: Count
    """0 where the definition sets no limit."""
    distributed: DistributedMap | None
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]
    refuses: Callable[[JSON, Scope], bool] | None = None
    """Whether the state cannot even be entered with an input; None where it always can."""
    type: Literal["Map"] = "Map"


State: TypeAlias = PassState | TaskState | ChoiceState | WaitState | SucceedState | FailState | ParallelState | MapState


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A machine, a branch, or the processor of a Map: states and where to begin."""

    start_at: str
    states: Mapping[str, State]
    timeout_s: int | None = None
    comment: str = ""
    definition: JSON = field(default=None, repr=False, compare=False)
    """The JSON it was compiled from."""
    document: Document | None = field(default=None, repr=False, compare=False)
    """Where that stands; None where whoever compiled it had a value only."""
