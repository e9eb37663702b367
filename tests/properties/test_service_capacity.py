"""The models of what services can take, each against a plain one that reckons everything anew for every request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.api.records import Home, Params
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud import fargate, s3_rates
from stepsim.runtime.cloud.api_throttles import ApiThrottles
from stepsim.runtime.cloud.athena import Queries, QueryModel
from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.gate import Gate, Operation
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.quotas import NO_QUOTAS, changed
from stepsim.runtime.cloud.token_bucket import TokenBucket
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.statistics import Statistics
from stepsim.workers.durations import Duration

SITE = CallSite()
RATES = st.sampled_from([1.953125, 3.90625, 5.859375, 7.8125, 13.671875, 15.625, 62.5])
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


@given(
    st.none() | st.just(0.0) | RATES, st.lists(st.tuples(WAITS_MS, st.sampled_from(["PutEvents"] * 3 + ["PutRule"])))
)
def test_events_are_put_at_their_rate(rate: float | None, requests: list[tuple[int, str]]) -> None:
    """A bucket of a second's worth; of the other operations none is refused, and what was is counted as throttled."""
    now_ms = 0
    operations: dict[str, dict[str, Operation]] = {
        "events": {name: lambda _params, _region: {} for name in ("PutEvents", "PutRule")}
    }
    gate = Gate(
        latency=Latency(Dice(0), off=True),
        faults=None,
        capacity=Capacity(changed(NO_QUOTAS, {"events_put_rate": rate}), lambda: now_ms),
        operations=operations,
        moto=lambda *_: {},
    )
    plain = None if rate is None else PlainBucket(rate, rate)
    refused = 0
    for wait_ms, operation in requests:
        now_ms += wait_ms
        error = gate.perform("events", operation, {"Entries": []}, site=SITE).error
        expected = operation == "PutEvents" and plain is not None and not plain.take(now_ms)
        refused += expected
        assert ("" if error is None else error.code) == ("ThrottlingException" if expected else "")
    assert sum(counts.throttled for counts in gate.calls.values()) == refused
    assert sum(counts.count for counts in gate.calls.values()) == len(requests)


@given(
    st.integers(2, 4),  # A bucket of one would lose what comes between the token and the ms that it is taken in.
    st.sampled_from([5.859375, 13.671875, 62.5, 0.0]),
    st.lists(st.tuples(st.integers(0, 300) | WAITS_MS, st.sampled_from([True, True, False])), min_size=6),
)
def test_who_waits_for_a_token_goes_when_there_is_one(size: int, rate: float, requests: list[tuple[int, bool]]) -> None:
    """In the order of asking, and in the first ms that brings it: invocations of EventBridge's targets, transitions."""
    bucket, plain, now_ms, free_ms = TokenBucket(size, rate), PlainBucket(size, rate), 0, 0
    for wait_ms, waits in requests:
        now_ms += wait_ms
        if not waits:
            # Who does not wait gets nothing while others do.
            assert bucket.take(now_ms) == (free_ms <= now_ms and plain.take(now_ms))
            continue
        at_ms = max(now_ms, free_ms)
        missing = 1 - plain.tokens(at_ms)
        if missing > 0 and not rate:
            assert bucket.wait_ms(now_ms) is None
            continue
        at_ms += max(0, -(-missing * 1000 // Fraction(rate or 1)))
        assert plain.take(at_ms)
        free_ms = at_ms
        assert bucket.wait_ms(now_ms) == at_ms - now_ms


@dataclass
class Started:
    """An execution, as whoever has started it knows it."""

    machine: str
    name: str
    begun_ms: int
    ends_ms: int


class PlainStarts:
    """A list of all that was started."""

    def __init__(self, buckets: dict[str, PlainBucket | None], most: int | None) -> None:
        self.buckets, self.most = buckets, most
        self.begun: list[Started] = []

    def full(self, now_ms: int) -> bool:
        open_ones = [one for one in self.begun if one.machine != "EXPRESS" and one.ends_ms > now_ms]
        return self.most is not None and len(open_ones) >= self.most

    def start(self, machine: str, name: str, now_ms: int) -> str:
        bucket = self.buckets["EXPRESS" if machine == "EXPRESS" else "STANDARD"]
        if bucket is not None and not bucket.take(now_ms):
            return "ThrottlingException"
        known = [one for one in self.begun if (one.machine, one.name) == (machine, name)]
        if known and machine != "EXPRESS":
            return "" if known[-1].ends_ms > now_ms else "ExecutionAlreadyExists"
        if machine != "EXPRESS" and self.full(now_ms):
            return "ExecutionLimitExceeded"
        self.begun.append(Started(machine, name, now_ms, now_ms + RUNS_MS[machine]))
        return ""

    def stop(self, one: Started, now_ms: int) -> str:
        one.ends_ms = min(one.ends_ms, now_ms)
        return ""

    def redrive(self, one: Started, now_ms: int) -> str:
        if one.ends_ms > now_ms or one.ends_ms == one.begun_ms + RUNS_MS[one.machine]:
            return "ExecutionNotRedrivable"
        if self.full(now_ms):
            return "ExecutionLimitExceeded"
        # What waits begins to wait anew.
        one.begun_ms, one.ends_ms = now_ms, now_ms + RUNS_MS[one.machine]
        return ""


WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}
MAPPED = {
    "Type": "Map",
    "Items": [1, 2, 3],
    "QueryLanguage": "JSONata",
    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **WAIT},
    "End": True,
}
MACHINES = {"STANDARD": WAIT, "MAPPED": {"StartAt": "M", "States": {"M": MAPPED}}, "EXPRESS": WAIT}
SHORT_WAITS_MS = st.sampled_from([0, 0, 0, 1, 200, 600, 999])
RUNS_MS = {"STANDARD": 1_000, "MAPPED": 1_000, "EXPRESS": 1_000}
HOME = Home("123456789012", "us-east-1")


class Starter:
    """The service itself."""

    def __init__(self, quotas: dict[str, float | None]) -> None:
        dice, statistics = Dice(0), Statistics()
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=Functions([], dice, statistics),
            call=no_cloud,
            models={},
            start_ms=1_767_578_400_000,
            capacity=Capacity(changed(NO_QUOTAS, quotas), lambda: 0),
        )
        self.service = StepFunctions(self.account, map_runs="listed")
        for name, definition in MACHINES.items():
            kind = "EXPRESS" if name == "EXPRESS" else "STANDARD"
            text = json.dumps(definition)
            self(
                "CreateStateMachine", name=name, definition=text, type=kind, roleArn="arn:aws:iam::123456789012:role/r"
            )

    def __call__(self, operation: str, **params: str) -> str:
        """The code of the error; empty where there is none, or no answer yet."""
        replies: list[Any] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        self.advance(0)
        return replies[0].code if replies and isinstance(replies[0], ApiError) else ""

    def advance(self, ms: int) -> None:
        scheduler = self.account.scheduler
        until_ms = scheduler.now_ms + ms
        while (due_ms := scheduler.next_deadline()) is not None and due_ms <= until_ms:
            scheduler.advance(due_ms)
        scheduler.advance(until_ms)


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(dict.fromkeys(("STANDARD", "EXPRESS"), st.none() | st.tuples(st.integers(0, 12), RATES))),
    st.sampled_from([None, 0, 1, 1, 1, 2, 3]),
    st.lists(
        st.tuples(
            SHORT_WAITS_MS,
            st.sampled_from(["start", "start", "start", "sync", "stop", "stop", "redrive", "redrive"]),
            st.integers(0, 5),
        ),
        min_size=6,
        max_size=60,
    ),
)
@example(
    dict.fromkeys(("STANDARD", "EXPRESS")), 1, [(0, "start", 0), (0, "stop", 0), (0, "start", 1), (0, "redrive", 0)]
)
@example({"STANDARD": (0, 62.5), "EXPRESS": (0, 62.5)}, 0, [(0, "sync", 0)])
@example(
    {"STANDARD": (1, 1.953125), "EXPRESS": None},
    1,
    [(0, "start", 0), (1, "start", 0), (600, "start", 3), (0, "start", 0)],
)
def test_executions_start_as_the_rates_and_the_room_let_them(
    sizes: dict[str, tuple[int, float] | None], most: int | None, steps: list[tuple[int, str, int]]
) -> None:
    """A bucket for each type; Standard ones have to have room. Synchronous ones and children of map runs are free."""
    quotas: dict[str, float | None] = {"open_executions": most}
    for kind, infix in (("STANDARD", ""), ("EXPRESS", "_express")):
        size = sizes[kind]
        if size is not None:
            quotas |= {f"start_execution{infix}_bucket": size[0], f"start_execution{infix}_rate": size[1]}
    service, now_ms = Starter(quotas), 0
    plain = PlainStarts({kind: size and PlainBucket(*size) for kind, size in sizes.items()}, most)
    prefix = "arn:aws:states:us-east-1:123456789012"
    for wait_ms, step, number in steps:
        now_ms += wait_ms
        service.advance(wait_ms)
        machine, name = [*MACHINES][number % 3], f"n{number}"
        if step == "sync":
            assert service("StartSyncExecution", stateMachineArn=f"{prefix}:stateMachine:EXPRESS") == ""
        elif step == "start":
            found = service("StartExecution", stateMachineArn=f"{prefix}:stateMachine:{machine}", name=name)
            assert found == plain.start(machine, name, now_ms)
        elif standard := [one for one in plain.begun if one.machine != "EXPRESS"]:
            one = standard[number % len(standard)]
            operation, expected = (
                ("StopExecution", plain.stop) if step == "stop" else ("RedriveExecution", plain.redrive)
            )
            assert service(operation, executionArn=f"{prefix}:execution:{one.machine}:{one.name}") == expected(
                one, now_ms
            )
