"""What the interpreter asks for: the time, chance, counters, tasks done, map runs run. One engine serves a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from stepsim.asl.machine import DistributedMap, MapState, TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.activities import Activities
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Program
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.tokens import TaskTokens
from stepsim.runtime.transitions import Transitions

if TYPE_CHECKING:
    from stepsim.runtime.cloud.capacity import Capacity
    from stepsim.runtime.cloud.latency import Latency
    from stepsim.runtime.frame import Frame, Identity
    from stepsim.runtime.observation import Observer


class PerformTask(Protocol):
    """Runs one attempt of a Task; returns the result `Payload`."""

    def __call__(self, state: TaskState, effective: Payload, frame: Frame, /) -> Program: ...


@dataclass(frozen=True, slots=True)
class Direct:
    """What a Task does that calls a function, and whose fields read nothing but its input."""

    event: Callable[[Payload], str | None]
    """The state's input -> the event; None, or a StatesError, where `perform_task` is to see to it."""
    request: Callable[[Identity, str, int, str], object]
    """Who calls, in which state, at which visit and with what event -> the request of the first attempt."""
    answered: Callable[[Any], Payload]
    """Its answer -> the result; raises StatesError where that is a failure."""
    whole: Callable[[Any, Engine, Identity, str, int], Payload] | None = None
    """The same result with what describes the response, which few Tasks hand on; None where there is nothing else."""
    reads_whole: bool = False
    """The Task may hand it on."""


class FindDirect(Protocol):
    """How a Task with these fields calls its function; None where there is more to it."""

    def __call__(self, state: TaskState, fields: Mapping[str, JSON], /) -> Direct | None: ...


def _never(_state: TaskState, _fields: Mapping[str, JSON]) -> None:
    return None


class RunMap(Protocol):
    """Runs one attempt of a distributed Map; returns the result `Payload`."""

    def __call__(
        self, state: MapState, distributed: DistributedMap, effective: Payload, frame: Frame, /
    ) -> Program: ...


class Engine:
    """The knot: the interpreter knows neither services nor map runs, and they do not know each other."""

    __slots__ = (
        "activities",
        "capacity",
        "dice",
        "direct",
        "inline_concurrency",
        "latency",
        "observer",
        "perform_task",
        "run_map",
        "scheduler",
        "statistics",
        "tokens",
        "transitions",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        dice: Dice,
        statistics: Statistics,
        perform_task: PerformTask,
        run_map: RunMap,
        tokens: TaskTokens,
        activities: Activities | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.dice = dice
        self.statistics = statistics
        self.perform_task = perform_task
        self.direct: FindDirect = _never
        """Asked for what need not be asked of `perform_task`, which knows every way."""
        self.run_map = run_map
        self.tokens = tokens
        self.activities = Activities(scheduler) if activities is None else activities
        self.inline_concurrency: int | None = 40
        """How many iterations of an inline Map run at once where MaxConcurrency is 0, and at the most."""
        self.transitions: Transitions | None = None
        """What state transitions wait for; None where they are not limited."""
        self.observer: Observer | None = None
        """Who watches; children of map runs do not take the straight way where somebody does."""
        self.capacity: Capacity
        """What the account's services can take, as far as it is not asked at the gate."""
        self.latency: Latency
        """How long they take for what is not an answer to a call."""
