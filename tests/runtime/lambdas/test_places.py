"""runtime/lambdas/places.py: which invocations Lambda lets through, and for which it makes an environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.runtime.cloud.quotas import AWS_QUOTAS
from stepsim.runtime.functions import Function
from stepsim.runtime.lambdas.places import IDLE_MS, NO_SCALING, Place, Room, Scaling, simulated_scaling
from stepsim.runtime.statistics import FunctionStatistics
from stepsim.workers.modelled import Model

AWS = simulated_scaling(AWS_QUOTAS)


def place(scaling: Scaling = AWS, *, concurrency: int | None = 1_000, reserved: int | None = None) -> Place:
    """A function by itself in an account."""
    function = Function("f", Model(returns=1), reserved_concurrency=reserved)
    return Place(function, FunctionStatistics(), Room(concurrency, scaling), scaling)


def asked(of: Place, now_ms: int, times: int = 1, *, queued: bool = False) -> list[str | None]:
    """What so many invocations at one moment come to; those that are let through are begun."""
    outcomes: list[str | None] = []
    for _ in range(times):
        outcome = of.throttle(now_ms, queued=queued)
        if outcome is None:
            of.begin(now_ms)
        outcomes.append(outcome)
    return outcomes


def test_a_cold_function_adds_a_thousand_environments_at_once() -> None:
    """Not one more, however high the account's concurrency (lambda-concurrency.html)."""
    cold = place(concurrency=10_000)
    outcomes = asked(cold, 0, 1_500)
    assert outcomes[:1_000] == [None] * 1_000
    assert set(outcomes[1_000:]) == {"FunctionInvocationRateLimitExceeded"}


def test_environments_come_back_evenly() -> None:
    """100 a second, and after ten seconds and after an hour no more than 1,000."""
    growing = place(concurrency=100_000)
    asked(growing, 0, 1_000)
    assert asked(growing, 1_000, 200).count(None) == 100
    assert asked(growing, 11_000, 2_000).count(None) == 1_000
    assert asked(growing, 3_611_000, 2_000).count(None) == 1_000


def test_warm_environments_need_no_scaling() -> None:
    """Whoever was used serves again: only new environments are limited."""
    warm = place(Scaling(10, None, IDLE_MS), concurrency=None)
    asked(warm, 0, 10)
    for _ in range(10):
        warm.end(50)
    assert asked(warm, 50, 10).count(None) == 10
    assert warm.statistics.cold_starts == 10


def test_idle_environments_expire() -> None:
    """After ten minutes without an invocation the next one is a cold start."""
    used = place()
    asked(used, 0)
    used.end(100)
    asked(used, 100 + IDLE_MS - 1)
    assert used.statistics.cold_starts == 1
    used.end(2 * IDLE_MS)
    asked(used, 3 * IDLE_MS)
    assert used.statistics.cold_starts == 2


def test_the_environment_used_last_is_taken_first() -> None:
    """So the others expire: after a peak, a trickle keeps one environment alive."""
    peak = place()
    asked(peak, 0, 3)
    for _ in range(3):
        peak.end(0)
    for minute in range(1, 11):
        asked(peak, minute * 60_000)
        peak.end(minute * 60_000)
    asked(peak, IDLE_MS, 3)
    assert peak.statistics.cold_starts == 5


def test_ten_invocations_a_second_for_each_of_the_concurrency() -> None:
    """However short they are (gettingstarted-limits.html)."""
    busy = place(concurrency=10)
    outcomes = []
    for _ in range(150):
        outcomes += asked(busy, 0)
        if outcomes[-1] is None:
            busy.end(0)
    assert outcomes == [None] * 100 + ["CallerRateLimitExceeded"] * 50
    assert asked(busy, 10) == [None]


def test_a_reserved_concurrency_has_a_rate_of_its_own() -> None:
    """It is throttled by its own figures, and named so."""
    reserved = place(reserved=1)
    outcomes = []
    for _ in range(11):
        outcomes += asked(reserved, 0)
        if outcomes[-1] is None:
            reserved.end(0)
    assert outcomes[9:] == [None, "ReservedFunctionInvocationRateLimitExceeded"]


def test_queued_events_are_not_limited_in_their_rate() -> None:
    """For asynchronous invocations only concurrency counts (gettingstarted-limits.html)."""
    queued = place(concurrency=1)
    for _ in range(100):
        assert asked(queued, 0, queued=True) == [None]
        queued.end(0)
    asked(queued, 0, queued=True)
    assert asked(queued, 0, queued=True) == ["ConcurrentInvocationLimitExceeded"]


@pytest.mark.parametrize(
    ("reserved", "reason"),
    [(None, "ConcurrentInvocationLimitExceeded"), (2, "ReservedFunctionConcurrentInvocationLimitExceeded")],
)
def test_concurrency_is_named_by_whose_it_is(reserved: int | None, reason: str) -> None:
    """The account's unreserved, or the function's own."""
    assert asked(place(concurrency=2, reserved=reserved), 0, 3) == [None, None, reason]


def test_what_runs_elsewhere_is_not_limited() -> None:
    """Containers and jobs are no environments of Lambda's."""
    function = Function("ecs/a", Model(returns=1), in_lambda=False)
    job = Place(function, FunctionStatistics(), Room(0, AWS), AWS)
    assert asked(job, 0, 5_000) == [None] * 5_000


# -- against a plain version --------------------------------------------------------------------------------------


@dataclass
class Plain:
    """The same, reckoned millisecond by millisecond."""

    concurrency: int
    environments: Fraction
    requests: Fraction
    idle_ms: int
    running: int = 0
    cold_starts: int = 0
    idle: list[int] = field(default_factory=list)
    now_ms: int = 0

    def __post_init__(self) -> None:
        self.growth, self.rate = self.environments, self.requests * self.concurrency

    def wait(self, until_ms: int) -> None:
        while self.now_ms < until_ms:
            self.now_ms += 1
            self.growth = min(self.environments, self.growth + self.environments / 10_000)
            self.rate = min(self.requests * self.concurrency, self.rate + self.requests * self.concurrency / 1_000)
            self.idle = [since_ms for since_ms in self.idle if since_ms + self.idle_ms > self.now_ms]

    def ask(self) -> str | None:
        if self.running >= self.concurrency:
            return "ConcurrentInvocationLimitExceeded"
        if not self.idle and self.growth < 1:
            return "FunctionInvocationRateLimitExceeded"
        if self.rate < 1:
            return "CallerRateLimitExceeded"
        self.rate -= 1
        self.running += 1
        if self.idle:
            self.idle.remove(max(self.idle))
        else:
            self.growth -= 1
            self.cold_starts += 1
        return None

    def end(self) -> None:
        self.running -= 1
        self.idle.append(self.now_ms)


STEPS = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 7, 60, 300]), st.sampled_from(["ask", "ask", "end"])))


@settings(max_examples=200, deadline=None)
@given(
    steps=STEPS,
    concurrency=st.integers(1, 6),
    environments=st.integers(1, 1_600),
    requests=st.integers(1, 64),
    idle_ms=st.integers(1, 400),
)
def test_places_do_what_plain_reckoning_says(
    steps: list[tuple[int, str]], concurrency: int, environments: int, requests: int, idle_ms: int
) -> None:
    """Any sequence of invocations and ends is let through and throttled as a slow version of the rules has it."""
    # Figures whose share of a millisecond floats hold exactly.
    per_interval, per_second = environments * 10_000 / 2**13, requests * 1_000 / 2**12
    fast = place(Scaling(per_interval, per_second, idle_ms), concurrency=concurrency)
    slow = Plain(concurrency, Fraction(per_interval), Fraction(per_second), idle_ms)
    now_ms = 0
    for gap_ms, step in steps:
        now_ms += gap_ms
        slow.wait(now_ms)
        if step == "ask":
            assert asked(fast, now_ms) == [slow.ask()]
        elif slow.running:
            fast.end(now_ms)
            slow.end()
    assert (fast.statistics.running, fast.statistics.cold_starts) == (slow.running, slow.cold_starts)


def test_without_scaling_only_concurrency_counts() -> None:
    """On the system clock environments are this machine's own, and do not expire."""
    local = place(NO_SCALING, concurrency=3)
    asked(local, 0, 3)
    local.end(0)
    assert asked(local, 10**9, 2) == [None, "ConcurrentInvocationLimitExceeded"]
    assert local.statistics.cold_starts == 3
