"""The bill against a plain one, where each call, task and job is rounded by itself and paid for as AWS's pages say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud.athena import LEAST_BILLED_MB
from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.gate import Gate
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.prices import LIST_PRICES, Prices, changed
from stepsim.runtime.cloud.quotas import NO_QUOTAS
from stepsim.runtime.cost import MapItems, Usage, Use, cost
from stepsim.runtime.dice import Dice
from stepsim.runtime.scenario_types import FunctionSpec
from stepsim.runtime.statistics import Billed, Durations, Statistics
from stepsim.runtime.usage import Counters, usage

MILLION = 1_000_000
PUBLISHED: dict[str, tuple[str, int]] = {
    "states.transition": ("0.025", 1_000),
    "states.express_request": ("1.00", MILLION),
    "lambda.request": ("0.20", MILLION),
    "lambda.gb_second": ("0.0000166667", 1),
    "ecs.vcpu_hour": ("0.04048", 1),
    "ecs.gb_hour": ("0.004445", 1),
    "ecs.spot_vcpu_hour": ("0.12144", 10),
    "ecs.spot_gb_hour": ("0.013335", 10),
    "glue.dpu_hour": ("0.44", 1),
    "s3.put_request": ("0.005", 1_000),
    "s3.get_request": ("0.0004", 1_000),
    "dynamodb.write_unit": ("0.625", MILLION),
    "dynamodb.read_unit": ("0.125", MILLION),
    "dynamodb.wcu_hour": ("0.00065", 1),
    "dynamodb.rcu_hour": ("0.00013", 1),
    "sqs.request": ("0.40", MILLION),
    "sns.publish": ("0.50", MILLION),
    "events.event": ("1.00", MILLION),
    "athena.tb": ("5", 1),
}
"""USD, for so many."""
EXPRESS_TIERS = [(1_000, "0.00001667"), (4_000, "0.00000833"), (10**9, "0.00000456")]
"""So many GB-hours, each of their GB-seconds for so much."""
NO_PRICES = ("free_transitions", "memory_mb", "dpus")
SERVICES = ["states", "lambda", "ecs", "batch", "glue", "s3", "dynamodb", "sqs", "sns", "events", "athena"]
DEAR: Prices = changed({entry: LIST_PRICES[entry] * MILLION for entry in LIST_PRICES if not entry.endswith(NO_PRICES)})
"""A million times as dear: of a few requests and seconds, too, every part can be seen."""
STATES = st.sampled_from(["A", "B", ""])


@dataclass
class Line:
    """So much of something, for a state or for none."""

    entry: str
    quantity: Fraction
    service: str
    state: str = ""
    waste: str = ""


def plain_usd(entry: str, quantity: Fraction, free: int) -> Fraction:
    """What it costs in all: what is free and what is dearer comes first."""
    if entry == "states.express_gb_second":
        usd = Fraction(0)
        for hours, price in EXPRESS_TIERS:
            part = min(quantity, Fraction(hours * 3600))
            quantity -= part
            usd += part * Fraction(price)
        return usd
    price, each = PUBLISHED[entry]
    return max(Fraction(0), quantity - (free if entry == "states.transition" else 0)) * Fraction(price) / each


def plain_bill(
    lines: list[Line], maps: Mapping[str, tuple[int, set[str]]], free: int = 0, times: int = 1
) -> dict[str, Any]:
    """The report's `cost`, summed up anew for each of its figures; everything costs so many times its price."""
    whole = {
        one.entry: sum((other.quantity for other in lines if other.entry == one.entry), Fraction(0)) for one in lines
    }
    bills = {entry: plain_usd(entry, quantity, free) * times for entry, quantity in whole.items()}

    def paid(some: Iterable[Line]) -> Fraction:
        return sum(
            (bills[one.entry] * one.quantity / whole[one.entry] for one in some if whole[one.entry]), Fraction(0)
        )

    total = paid(lines)
    wastes = ("retries", "failed_attempts", "failed_children")
    wasted = paid(one for one in lines if one.waste)
    bill: dict[str, Any] = {
        "total_usd": total,
        "by_service": {service: paid(one for one in lines if one.service == service) for service in SERVICES},
        "by_state": {
            state: paid(one for one in lines if one.state == state) for state in {one.state for one in lines} - {""}
        },
        "waste": {
            "total_usd": wasted,
            "share": wasted / total if total else 0,
            **{f"{kind}_usd": paid(one for one in lines if one.waste == kind) for kind in wastes},
        },
        "lines": {entry: {"quantity": whole[entry], "usd": bills[entry]} for entry in whole if whole[entry]},
        "map_runs": {},
    }
    for name, (items, states) in maps.items():
        usd = paid(one for one in lines if one.state in states)
        bill["map_runs"][name] = {
            "total_usd": usd,
            "items": items,
            "per_million_items_usd": usd / items * MILLION if items else 0,
        }
    return bill


def same(ours: Any, plain: Any) -> bool:
    """The same, but for rounding to six decimals."""
    if isinstance(plain, Mapping):
        return set(ours) == set(plain) and all(same(ours[name], value) for name, value in plain.items())
    return bool(abs(Fraction(ours) - plain) <= Fraction(6, 10 * MILLION) + abs(plain) / 10**9)


def check(bill: dict[str, Any], plain: dict[str, Any]) -> None:
    """A bill is the plain one, and has nothing else on it; states that cost nothing may be named."""
    ours = {name: value for name, value in bill.items() if name != "prices"}
    ours["by_state"] = {state: usd for state, usd in ours["by_state"].items() if usd or state in plain["by_state"]}
    for name, expected in plain.items():
        if name == "by_state":
            expected = {state: usd for state, usd in expected.items() if usd or state in ours["by_state"]}
        assert same(ours.pop(name), expected), (name, bill[name], expected)
    assert not ours


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*PUBLISHED, *["states.express_gb_second"] * 5, *["states.transition"] * 3]),
            st.integers(0, 9_000) | st.integers(0, 30 * MILLION) | st.sampled_from([18 * MILLION, 25 * MILLION]),
            STATES,
            st.sampled_from(["", "", "retries", "failed_attempts", "failed_children"]),
        )
    ),
    st.sampled_from([0, 4_000, 20 * MILLION]),
    st.integers(0, 3_000),
)
def test_a_bill_is_what_everything_on_it_costs(uses: list[tuple[str, int, str, str]], free: int, items: int) -> None:
    """At list prices, tiers and free transitions shared by all that is billed so; waste and Maps are parts of it."""
    lines = [Line(entry, Fraction(quantity), entry.partition(".")[0], *rest) for entry, quantity, *rest in uses]
    ours = [Use(one.entry, float(one.quantity), one.service, one.state or None) for one in lines]
    wasted: Any = [(one.waste, use) for one, use in zip(lines, ours, strict=True) if one.waste]
    used = Usage(tuple(ours), tuple(wasted), {"M": MapItems(items, frozenset({"A", "M"}))})
    prices = changed({"states.free_transitions": free})
    check(cost(used, prices), plain_bill(lines, {"M": (items, {"A", "M"})}, free))


# -- AWS calls ----------------------------------------------------------------------------------------------------

ENTRIES = {
    "s3.PutObject": "s3.put_request",
    "s3.CopyObject": "s3.put_request",
    "s3.ListObjectsV2": "s3.put_request",
    "s3.CreateMultipartUpload": "s3.put_request",
    "s3.UploadPart": "s3.put_request",
    "s3.CompleteMultipartUpload": "s3.put_request",
    "s3.GetObject": "s3.get_request",
    "s3.HeadObject": "s3.get_request",
    "s3.SelectObjectContent": "s3.get_request",
    "s3.DeleteObject": None,
    "s3.DeleteObjects": None,
    "s3.AbortMultipartUpload": None,
    "sqs.SendMessage": "sqs.request",
    "sqs.SendMessageBatch": "sqs.request",
    "sqs.ReceiveMessage": "sqs.request",
    "sqs.DeleteMessage": "sqs.request",
    "sns.Publish": "sns.publish",
    "sns.PublishBatch": "sns.publish",
    "sns.Subscribe": None,
    "events.PutEvents": "events.event",
    "events.PutRule": None,
    "athena.StartQueryExecution": "athena.tb",
    "athena.GetQueryExecution": None,
    "dynamodb.PutItem": None,
}
"""What a call is billed by; None: it is free, or its work is billed."""
FREE = ["SlowDown", "ThrottlingException", "InternalError", "ServiceUnavailable"]
"""The service's own errors. What a caller does wrong is paid for."""
KB64 = 65_536


def parameters(call: str, sizes: list[int]) -> tuple[dict[str, Any], int]:
    """What a call with messages of these sizes is made with, and how many units it is."""
    texts = ["x" * size for size in sizes]
    chunks = [max(1, -(-size // KB64)) for size in sizes]
    if call == "sqs.SendMessage":
        return {"MessageBody": texts[0]}, chunks[0]
    if call == "sqs.SendMessageBatch":
        return {"Entries": [{"MessageBody": text} for text in texts]}, max(1, -(-sum(sizes) // KB64))
    if call == "sns.Publish":
        return {"Message": texts[0]}, chunks[0]
    if call == "sns.PublishBatch":
        return {"PublishBatchRequestEntries": [{"Message": text} for text in texts]}, sum(chunks)
    if call == "events.PutEvents":
        return {"Entries": [{"Source": text[:1], "Detail": text[1:]} for text in texts]}, sum(chunks)
    if call == "athena.StartQueryExecution":
        # Statements that only define are free.
        return {"QueryString": "SELECT 1" if sizes[0] else "CREATE DATABASE d"}, LEAST_BILLED_MB * bool(sizes[0])
    return {}, 1


def counters(statistics: Statistics | None = None, **found: Any) -> Any:
    """What usage is read from, where nothing but this was counted in a run of an hour."""
    run: Any = SimpleNamespace(
        stop_ms=3_600_000, me=SimpleNamespace(start_ms=0, express=False), engine=SimpleNamespace()
    )
    run.engine.scheduler = SimpleNamespace(now_ms=3_600_000)
    nothing: dict[str, Any] = {"map_runs": (), "calls": {}, "tables": {}, "specs": {}}
    return Counters(run, statistics or Statistics(), **{**nothing, **found})


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*ENTRIES, *["athena.StartQueryExecution", "events.PutEvents"] * 3]),
            st.lists(st.sampled_from([0, 1, 40_000, KB64, KB64 + 1, KB64 + 1, 2 * KB64]), min_size=1, max_size=3),
            STATES,
            st.sampled_from(["", "", "", "NoSuchKey", "AccessDenied", *FREE]),
        ),
        min_size=5,
        max_size=60,
    )
)
def test_calls_cost_what_each_of_them_does(calls: list[tuple[str, list[int], str, str]]) -> None:
    """By their class and size. What the service could not do is free, and errors are spread over a call's states."""
    codes = iter([code for *_, code in calls])

    def answer(*_: Any) -> dict[str, Any]:
        if code := next(codes):
            raise ApiError(code, "as planned")
        return {}

    latency, capacity = Latency(Dice(0), off=True), Capacity(NO_QUOTAS, lambda: 0)
    gate = Gate(latency=latency, faults=None, capacity=capacity, operations={}, moto=answer)
    lines: list[Line] = []
    for call, sizes, state, _ in calls:
        params, units = parameters(call, sizes)
        service, _, operation = call.partition(".")
        gate.perform(service, operation, params, site=CallSite("e", state))
        outcomes = [code for other, *_, code in calls if other == call]
        entry = ENTRIES[call]
        if entry is None:
            continue
        good = Fraction(outcomes.count(""), len(outcomes))
        failed = Fraction(sum(code not in ("", *FREE) for code in outcomes), len(outcomes))
        quantity = Fraction(units, 1024 * 1024) if entry == "athena.tb" else Fraction(units)
        lines.append(Line(entry, quantity * good, service, state))
        if entry != "athena.tb":
            # A query that was refused has read nothing.
            lines.append(Line(entry, quantity * failed, service, state, "failed_attempts"))
    bill = cost(usage(counters(calls=gate.calls), DEAR), DEAR)
    check(bill, plain_bill(lines, {}, times=MILLION))
    for entry in ("s3.put_request", "s3.get_request"):
        # One by one, whatever was spread.
        paid = sum(ENTRIES[call] == entry and code not in FREE for call, *_, code in calls)
        assert bill["lines"].get(entry, {"quantity": 0})["quantity"] == round(paid, 6)


# -- what runs, and tables ----------------------------------------------------------------------------------------

TAKES_MS = st.integers(0, 200_000) | st.sampled_from([0, 0, 1, 99, 100, 101, 999, 1_000, 59_999, 60_000, 60_001])
FARGATE = {0.25: 2, 0.5: 4, 1: 8, 2: 16, 4: 30, 8: 60, 16: 120}
"""vCPUs, and the most GB that come with them."""
MEMORY_MB = {
    "f": 128,
    "g": 1_769,
    "batch/small": 2_048,
    "batch/odd": 2_049,
    "batch/middle": 6_144,
    "batch/large": 61_440,
    "glue/etl": 128,
}


def billed_s(takes_ms: int) -> int:
    return max(60, -(-takes_ms // 1000))


def run_code(statistics: Statistics, name: str, takes_ms: int, state: str, *, failed: bool) -> list[Line]:
    """Count an invocation or a job; what it costs."""
    found, waste = statistics.function(name), "failed_attempts" if failed else ""
    found.invocations += 1
    (found.failed if failed else found.succeeded).setdefault(state, Durations()).add(takes_ms)
    kind, _, job = name.partition("/")
    gigabytes = Fraction(MEMORY_MB[name], 1024)
    if not job:
        time = Fraction(max(1, takes_ms), 1000) * gigabytes
        return [
            Line("lambda.request", Fraction(1), "lambda", state, waste),
            Line("lambda.gb_second", time, "lambda", state, waste),
        ]
    hours = Fraction(billed_s(takes_ms), 3600)
    if kind == "glue":
        return [Line("glue.dpu_hour", hours * 10, "glue", state, waste)]
    vcpus = min(vcpus for vcpus, most_gb in FARGATE.items() if gigabytes <= most_gb)
    return [
        Line("ecs.vcpu_hour", hours * Fraction(vcpus), "batch", state, waste),
        Line("ecs.gb_hour", hours * gigabytes, "batch", state, waste),
    ]


def run_task(statistics: Statistics, size: tuple[float, int], takes_ms: int, state: str, *, failed: bool) -> list[Line]:
    """Count an ECS task, on Spot where it has 2 vCPUs; what it costs."""
    (vcpus, gigabytes), waste = size, "failed_attempts" if failed else ""
    found, kind = statistics.task("family"), "spot_" if vcpus == 2 else ""
    found.launch()
    found.stop(Billed(vcpus, gigabytes, vcpus == 2, state, failed), takes_ms, interrupted=failed)
    hours = Fraction(billed_s(takes_ms), 3600)
    return [
        Line(f"ecs.{kind}vcpu_hour", hours * Fraction(vcpus), "ecs", state, waste),
        Line(f"ecs.{kind}gb_hour", hours * gigabytes, "ecs", state, waste),
    ]


def run_express(statistics: Statistics, takes_ms: int, memory_mb: int, *, failed: bool) -> list[Line]:
    """Count an Express execution; what it costs."""
    (statistics.failed_express if failed else statistics.express).add(takes_ms)
    steps = max(1, -(-takes_ms // 100)) * -(-memory_mb // 64)
    return [
        Line("states.express_request", Fraction(1), "states"),
        Line("states.express_gb_second", Fraction(steps, 10 * 16), "states"),
    ]


def table(numbers: tuple[int, int], *, provisioned: bool) -> tuple[dict[str, Any], list[Line]]:
    """A table with an index of the same throughput, which stood for an hour; what it costs."""
    units = dict(zip(("wcu", "rcu"), numbers, strict=True)) if provisioned else None
    consumed = {f"consumed_{name}": number for name, number in zip(("wcu", "rcu"), numbers, strict=True)}
    described = {"provisioned": units, **consumed, "indexes": {"i": {"provisioned": units, **consumed}}}
    names, times = (("wcu_hour", "rcu_hour"), 2) if provisioned else (("write_unit", "read_unit"), 1)
    return described, [
        Line(f"dynamodb.{name}", Fraction(number * times), "dynamodb")
        for name, number in zip(names, numbers, strict=True)
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*MEMORY_MB, (0.25, 1), (2, 16), "express", "init", "under way", "transition", "retry"]),
            TAKES_MS,
            STATES,
            st.booleans(),
        ),
        min_size=5,
        max_size=40,
    ),
    st.sampled_from([64, 65, 128, 100]),
    st.lists(st.tuples(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)), st.booleans()), max_size=3),
)
def test_what_runs_costs_what_each_of_it_does(
    runs: list[tuple[Any, int, str, bool]], memory_mb: int, tables: list[tuple[tuple[int, int], bool]]
) -> None:
    """Every duration is rounded by itself, and what runs still is a request and no time yet."""
    statistics = Statistics()
    lines: list[Line] = []
    for what, takes_ms, state, failed in runs:
        if what in MEMORY_MB:
            lines += run_code(statistics, what, takes_ms, state, failed=failed)
        elif what == "express":
            lines += run_express(statistics, takes_ms, memory_mb, failed=failed)
        elif what == "init":
            statistics.function("g").inits.setdefault(state, Durations()).add(takes_ms)
            time = Fraction(max(1, takes_ms), 1000) * Fraction(1_769, 1024)
            lines.append(Line("lambda.gb_second", time, "lambda", state))
        elif what == "under way":
            statistics.function("f").invocations += 1
            lines.append(Line("lambda.request", Fraction(1), "lambda"))
        elif what in ("transition", "retry"):
            # A state without a name is none.
            name, retried = state or "C", what == "retry"
            statistics.state(name).billed += 1
            statistics.state(name).billed_retries += retried
            lines.append(Line("states.transition", Fraction(1), "states", name, "retries" if retried else ""))
        else:
            lines += run_task(statistics, what, takes_ms, state, failed=failed)
    described: dict[str, Any] = {}
    for index, (numbers, provisioned) in enumerate(tables):
        described[f"t{index}"], more = table(numbers, provisioned=provisioned)
        lines += more
    prices: Prices = {**DEAR, "states.express_memory_mb": memory_mb}
    specs = {name: FunctionSpec(memory_mb=memory) for name, memory in MEMORY_MB.items()}
    used = usage(counters(statistics, tables=described, specs=specs), prices)
    check(cost(used, prices), plain_bill(lines, {}, times=MILLION))
