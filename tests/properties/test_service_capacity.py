"""The models of what services can take, each against a plain one that reckons everything anew for every request."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud import fargate, s3_rates
from stepsim.runtime.cloud.api_throttles import ApiThrottles
from stepsim.runtime.cloud.athena import Queries, QueryModel
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.quotas import NO_QUOTAS, changed
from stepsim.runtime.dice import Dice
from stepsim.workers.durations import Duration

SITE = CallSite()
RATES = st.sampled_from([1.953125, 3.90625, 7.8125, 15.625, 62.5])
"""A second; a ms brings a fraction of them that a float holds exactly."""
WAITS_MS = st.integers(0, 900) | st.sampled_from([0, 0, 0, 1, 5_000, 61_000])


class PlainBucket:
    """A token bucket as a list of what was taken."""

    def __init__(self, size: float, rate: float, from_ms: int = 0) -> None:
        self.size, self.rate, self.from_ms = Fraction(size), Fraction(rate), from_ms
        self.taken: list[tuple[int, int]] = []

    def tokens(self, now_ms: int) -> Fraction:
        held, at_ms = self.size, self.from_ms
        for taken_ms, count in [*self.taken, (now_ms, 0)]:
            held = min(self.size, held + (taken_ms - at_ms) * self.rate / 1000) - count
            at_ms = taken_ms
        return held

    def take(self, now_ms: int, count: int = 1) -> bool:
        if self.tokens(now_ms) < count:
            return False
        self.taken.append((now_ms, count))
        return True


class PlainS3:
    """A bucket as a list of key ranges, each with all that it was ever asked for."""

    def __init__(self, rate: float, split_after_ms: int) -> None:
        self.rate, self.split_after_ms = rate, split_after_ms
        self.ranges: list[dict[str, Any]] = [self.new("", None, 0)]

    def new(self, low: str, high: str | None, now_ms: int) -> dict[str, Any]:
        return {"low": low, "high": high, "bucket": PlainBucket(self.rate, self.rate, now_ms), "throttled": []}

    def of(self, key: str) -> dict[str, Any]:
        return next(one for one in self.ranges if one["low"] <= key and (one["high"] is None or key < one["high"]))

    def admit(self, keys: list[str], now_ms: int) -> bool:
        places = [self.of(key) for key in keys]
        for key, place in zip(keys, places, strict=True):
            left = place["bucket"].tokens(now_ms)
            # A request for many needs no more than anything at all.
            if left < 1 if len(keys) == 1 else left <= 0:
                self.throttle(place, key, now_ms)
                return False
        for place in places:
            place["bucket"].taken.append((now_ms, 1))
        return True

    def throttle(self, place: dict[str, Any], key: str, now_ms: int) -> None:
        place["throttled"].append((now_ms, key))
        streak = [place["throttled"][-1]]
        for earlier in reversed(place["throttled"][:-1]):
            if streak[-1][0] - earlier[0] > s3_rates.COOL_MS:
                break
            streak.append(earlier)
        if now_ms - streak[-1][0] < self.split_after_ms:
            return
        keys = sorted(key for _, key in streak[:256])
        middle = keys[len(keys) // 2]
        if middle == keys[0]:
            above = [key for key in keys if key > middle]
            if not above:
                return
            middle = above[0]
        self.ranges.remove(place)
        self.ranges += [self.new(place["low"], middle, now_ms), self.new(middle, place["high"], now_ms)]


@given(RATES, st.integers(0, 3_000), st.lists(st.tuples(WAITS_MS, st.lists(st.sampled_from("abcdef"), min_size=1))))
def test_s3_serves_what_its_partitions_have_left(
    rate: float, split_after_ms: int, requests: list[tuple[int, list[str]]]
) -> None:
    """Whatever is asked for, by one key or by many, before and after any split."""
    quotas = {"s3_prefix_write_rate": rate, "s3_split_after": split_after_ms}
    made = s3_rates.limits(changed(NO_QUOTAS, quotas))
    plain, now_ms = PlainS3(rate, split_after_ms), 0
    for wait_ms, keys in requests:
        now_ms += wait_ms
        if len(keys) == 1:
            error = made["s3.PutObject"]("PutObject", {"Bucket": "b", "Key": keys[0]}, SITE, now_ms)
        else:
            delete = {"Objects": [{"Key": key} for key in keys]}
            error = made["s3.DeleteObjects"]("DeleteObjects", {"Bucket": "b", "Delete": delete}, SITE, now_ms)
        assert (error is None) == plain.admit(keys, now_ms)


@given(RATES, RATES, st.lists(st.tuples(WAITS_MS, st.sampled_from(["EC2", *fargate.PROVIDERS]), st.integers(1, 10))))
def test_fargate_launches_what_its_buckets_hold(
    calls_a_second: float, rate: float, requests: list[tuple[int, str, int]]
) -> None:
    """A call that is refused for its launches has been a call all the same."""
    quotas = {"run_task_rate": calls_a_second, "fargate_launch_bucket": 16, "fargate_launch_rate": rate}
    limit = fargate.limits(changed(NO_QUOTAS, quotas))["ecs.RunTask"]
    calls = PlainBucket(calls_a_second, calls_a_second)
    launches = {name: PlainBucket(16, rate) for name in fargate.PROVIDERS}
    now_ms = 0
    for wait_ms, provider, count in requests:
        now_ms += wait_ms
        params = {"capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}], "count": count}
        launched = calls.take(now_ms) and (provider == "EC2" or launches[provider].take(now_ms, count))
        assert (limit("RunTask", params, SITE, now_ms) is None) == launched


@given(st.integers(0, 8), st.lists(st.tuples(st.booleans(), st.sampled_from([0.25, 0.5, 1, 2, 4])), max_size=40))
def test_fargate_runs_no_more_vcpus_than_it_may(most: int, steps: list[tuple[bool, float]]) -> None:
    """Tasks start, where the sum of those that run leaves room, and stop in any order."""
    account = fargate.Fargate(changed(NO_QUOTAS, {"fargate_vcpus": most}))
    running: list[float] = []
    for starts, vcpus in steps:
        if starts:
            fits = sum(running) + vcpus <= most
            assert account.take(fargate.SPOT, vcpus) == fits
            running += [vcpus] * fits
        elif running:
            account.release(fargate.SPOT, running.pop(len(running) // 2))


@given(
    st.integers(0, 4),
    st.lists(st.tuples(WAITS_MS, st.sampled_from(["start", "start", "stop"]), st.integers(0, 20))),
)
def test_athena_has_room_for_as_many_as_are_not_done(most: int, steps: list[tuple[int, str, int]]) -> None:
    """Queries are counted from their start until they end or are cancelled."""
    now_ms = 0
    dice = Dice(0)
    queries = Queries(changed(NO_QUOTAS, {"athena_active_queries": most}), lambda: now_ms)
    lives: list[list[int]] = []
    for wait_ms, step, number in steps:
        now_ms += wait_ms
        if step == "stop":
            if lives:
                at = number % len(lives)
                queries.stop(f"q{at}")
                lives[at][1] = min(lives[at][1], now_ms)
            continue
        room = sum(begins <= now_ms < ends for begins, ends in lives) < most
        assert queries.has_room() == room
        if room:
            queries.models = (QueryModel(duration=Duration.constant(number * 100)),)
            queries.start(f"q{len(lives)}", "SELECT 1", "primary", Latency(dice, off=True), dice)
            lives.append([now_ms, now_ms + number * 100])


@given(RATES, RATES, st.integers(1, 6), st.lists(st.tuples(WAITS_MS, st.sampled_from("abc"))))
def test_an_api_lets_through_what_both_buckets_hold(
    rate: float, own_rate: float, burst: int, requests: list[tuple[int, str]]
) -> None:
    """The method's, where it has one, and the account's; what the former refuses takes nothing of the latter."""
    throttles = ApiThrottles(changed(NO_QUOTAS, {"apigateway_bucket": 4, "apigateway_rate": rate}))
    settings = {"~1a/GET": {"throttlingBurstLimit": burst, "throttlingRateLimit": own_rate}}
    account, own, now_ms = PlainBucket(4, rate), PlainBucket(burst, own_rate), 0
    for wait_ms, name in requests:
        now_ms += wait_ms
        expected = (name != "a" or own.take(now_ms)) and account.take(now_ms)
        assert throttles.take(("us-east-1", "api", "stage"), f"/{name}", "GET", settings, now_ms) == expected
