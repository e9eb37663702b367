"""What all triggers of a run share: its time, its account, and how much is still under way."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from stepsim.asl.errors import StatesError
from stepsim.runtime.cloud.call import DEFAULT_REGION, Answer, ApiError, CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.token_bucket import TokenBucket
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Invoke
from stepsim.runtime.requests import CallApi
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.waits import CallWaiting

REGION = DEFAULT_REGION

_PATIENCE_MS = 60_000
"""How long a service of AWS's waits for another one's answer."""


@dataclass(slots=True)
class TriggerCounts:
    """What became of a trigger's events and messages; the report's ``triggers``."""

    events: int = 0
    """That happened at its source."""
    duplicates: int = 0
    """Of them, those that were delivered twice."""
    delivered: int = 0
    """Deliveries that a queue, a machine or a function has taken."""
    retried: int = 0
    """Attempts at a delivery after the first."""
    dead_lettered: int = 0
    dropped: int = 0
    """Given up, where there is no dead-letter queue."""
    batches: int = 0
    """Received from its queue."""
    started: int = 0
    """Executions."""
    invoked: int = 0
    """Invocations of a function."""
    failed: int = 0
    """Messages that were not taken well, and stay in the queue; each time counts."""


@dataclass(slots=True)
class World:
    """The run that triggers work in."""

    scheduler: Scheduler
    dice: Dice
    cloud: Cloud
    latency: Latency
    start_ms: int
    invocations: TokenBucket | None
    """EventBridge's invocations of targets; None: without a limit."""
    underway: int = 0
    """Arrivals to come, deliveries and batches: while there are any, the run goes on."""
    counts: dict[str, TriggerCounts] = field(default_factory=dict)
    """By the trigger's name."""

    @property
    def now_ms(self) -> int:
        """The run's time."""
        return self.scheduler.now_ms

    @property
    def run_ms(self) -> int:
        """Milliseconds since the run began."""
        return self.scheduler.now_ms - self.start_ms

    def call(
        self, operation: str, params: dict[str, Any], site: CallSite, *, patient: bool = False
    ) -> Generator[Invoke, Answer, dict[str, Any] | ApiError]:
        """Have Step Functions perform an operation; `patient` waits for a synchronous execution's end."""
        if patient:
            answer = yield Invoke(CallWaiting(operation, params, site))
        else:
            request = CallApi("stepfunctions", operation, params, site)
            try:
                answer = yield Invoke(request, deadline_ms=self.now_ms + _PATIENCE_MS)
            except StatesError:
                return ApiError("RequestTimeout", "Nothing was answered.", 500)
        if answer.error is not None:
            return answer.error
        return answer.response or {}
