"""Where a function runs: its execution environments, warm or yet to be made, and what Lambda throttles.

Three things are limited: invocations at a time (of the account, or what a function has reserved), environments that a
function adds, and invocations a second. An environment serves one invocation at a time. Where none is idle, one is
made: a cold start. The one that was used last is taken first, so that the others may expire.

docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html: the scaling rate belongs to each function, comes back
evenly, and is never more than one interval's worth. gettingstarted-limits.html: ten invocations a second for each of
the concurrency; those of queued events are not limited so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket
from stepsim.runtime.lambdas.asynchronous import EventInvoke
from stepsim.runtime.statistics import FunctionStatistics
from stepsim.workers.modelled import Model
from stepsim.workers.worker import InvocationResult

if TYPE_CHECKING:
    from stepsim.runtime.functions import Function

ThrottleReason: TypeAlias = Literal[
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
]
"""Why Lambda throttles, in its API's words. Which of the last three is which limit's is not published."""

IDLE_MS = 600_000
"""How long an environment is kept that nobody uses: AWS says only that it is removed; 5 to 15 minutes were measured."""

UNRESERVED_MIN = 100
"""As much of the account's concurrency stays unreserved (gettingstarted-limits.html)."""

_SCALING_INTERVAL_S = 10
_FOREVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a function's environments come and go; None is no limit."""

    environments: float | None = None
    """How many a function may add in 10 s; as many at once."""
    requests_per_environment: float | None = None
    """Invocations a second, for each of the concurrency."""
    idle_ms: int | None = None
    """How long an idle environment is kept; None: for ever."""

    def rate(self, concurrency: float | None) -> TokenBucket | None:
        """What limits the invocations a second of so much concurrency: a second's worth at once."""
        if self.requests_per_environment is None or concurrency is None:
            return None
        per_second = self.requests_per_environment * max(0.0, concurrency)
        return TokenBucket(per_second, per_second)


NO_SCALING = Scaling()
"""Where nothing but concurrency is limited: on the system clock, with environments of this machine's own."""


def simulated_scaling(quotas: Quotas) -> Scaling:
    """How environments come and go in a simulation, by the account's quotas."""
    return Scaling(quotas["lambda_scaling_rate"], quotas["lambda_requests_per_environment"], IDLE_MS)


class Room:
    """The concurrency of one account in one region, as far as no function has reserved it."""

    __slots__ = ("rate", "running", "unreserved")

    def __init__(self, unreserved: int | None, scaling: Scaling = NO_SCALING) -> None:
        self.unreserved = unreserved
        """None: without a limit."""
        self.running = 0
        self.rate = scaling.rate(unreserved)
        """Of the invocations that share it."""


class Place:
    """A function with its counters and its execution environments."""

    __slots__ = (
        "_idle",
        "_idle_ms",
        "_rate",
        "_reserved",
        "_scaling",
        "counted",
        "event_invoke",
        "function",
        "log",
        "model",
        "room",
        "statistics",
        "worker",
    )

    def __init__(
        self, function: Function, statistics: FunctionStatistics, room: Room, scaling: Scaling = NO_SCALING
    ) -> None:
        self.function = function
        self.room = room
        self.log: Callable[[InvocationResult], None] | None = None
        """Where the log of each invocation goes."""
        self.event_invoke: Callable[[], EventInvoke] = lambda: function.event_invoke
        """What becomes of the events that it is sent."""
        self.statistics = statistics
        self._reserved = function.reserved_concurrency
        self.counted = function.in_lambda and self._reserved is None
        """It takes part in the account's unreserved concurrency."""
        code = function.code
        self.model = code if isinstance(code, Model) else None
        self.worker = None if isinstance(code, Model) else code
        if not function.in_lambda:
            scaling = NO_SCALING
        self._idle: list[int] = []
        """When each idle environment was used last, the latest one last."""
        self._idle_ms = _FOREVER_MS if scaling.idle_ms is None else scaling.idle_ms
        self._rate = room.rate if self.counted else scaling.rate(function.reserved_concurrency)
        self._scaling: TokenBucket | None = None
        if scaling.environments is not None:
            self._scaling = TokenBucket(scaling.environments, scaling.environments / _SCALING_INTERVAL_S)

    def throttle(self, now_ms: int, *, queued: bool = False) -> ThrottleReason | None:
        """Why an invocation is throttled that comes now; None lets it through. `queued` is an event's own attempt."""
        reserved = self._reserved
        if reserved is not None:
            if self.statistics.running >= reserved:
                return "ReservedFunctionConcurrentInvocationLimitExceeded"
        elif self.counted:
            room = self.room
            if room.unreserved is not None and room.running >= room.unreserved:
                return "ConcurrentInvocationLimitExceeded"
        idle = self._idle
        if idle and idle[-1] <= now_ms - self._idle_ms:
            # The one that was used last has expired, and so has every other.
            idle.clear()
        if not idle and self._scaling is not None and self._scaling.tokens(now_ms) < 1:
            return "FunctionInvocationRateLimitExceeded"
        if self._rate is not None and not queued and not self._rate.take(now_ms):
            return "CallerRateLimitExceeded" if reserved is None else "ReservedFunctionInvocationRateLimitExceeded"
        return None

    def begin(self, now_ms: int) -> bool:
        """Begin an invocation that is not throttled; true where an environment is made for it."""
        statistics = self.statistics
        statistics.invocations += 1
        statistics.running += 1
        if statistics.running > statistics.max_concurrency_seen:
            statistics.max_concurrency_seen = statistics.running
        if self.counted:
            self.room.running += 1
        if self._idle:
            self._idle.pop()
            return False
        statistics.cold_starts += 1
        if self._scaling is not None:
            self._scaling.take(now_ms)
        return True

    def end(self, now_ms: int) -> None:
        """An invocation has ended: its environment is idle."""
        self.statistics.running -= 1
        if self.counted:
            self.room.running -= 1
        self._idle.append(now_ms)
