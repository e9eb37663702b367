from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.runtime.cloud.dynamodb_partitions import CALM_MS, HASHES, READ, WRITE, Key, hash_of
from stepsim.runtime.cloud.dynamodb_throughput import (
    ACCOUNT_LIMIT,
    KEY_RANGE,
    PROVISIONED,
    Provisioned,
    Throughput,
    first_partitions,
    is_modelled,
)
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, LOCAL_QUOTAS, NO_QUOTAS, Quotas, changed

HALF_HOUR_MS = 30 * 60_000


def throughput(provisioned: Provisioned | None = None, *, divides: bool = True, **quotas: float | None) -> Throughput:
    """AWS's own, with some of the quotas set anew."""
    return Throughput(provisioned, changed(AWS_QUOTAS, quotas), 0, divides=divides)


def taken(found: Throughput, key: Key, seconds: int, per_second: int, kind: int = WRITE, start_s: int = 0) -> int:
    """How many of so many units a second, evenly spread up to the last millisecond, a key was given."""
    times = (start_s * 1000 + n * 1000 // per_second for n in range(seconds * per_second))
    return sum(found.take(kind, key, 1, now_ms) is None for now_ms in times)


def of_key(text: str) -> Key:
    """A key of a table without a sort key."""
    return text, None


# ----------------------------------------------------------------------------------------------------- one partition


def test_a_key_gets_what_one_partition_takes() -> None:
    """1,000 writes a second and 3,000 reads, after a second's worth that it had; whatever else the table may take."""
    found = throughput(dynamodb_split_after=None)
    assert taken(found, of_key("hot"), 10, 2_000) == 10_999
    assert taken(found, of_key("hot"), 10, 6_000, READ) == 32_997


def test_a_partition_does_not_burst() -> None:
    """However long it was idle: a second's worth is all that a partition has."""
    found = throughput(Provisioned(1_000, 1), dynamodb_split_after=None)
    assert taken(found, of_key("hot"), 1, 5_000, start_s=3_600) == 1_999


def test_an_item_larger_than_what_is_left_is_written_and_owed() -> None:
    """Who finds anything left gets all of it; the next ones wait."""
    found = throughput()
    assert found.take(WRITE, of_key("hot"), 1_400, 0) is None
    assert found.take(WRITE, of_key("hot"), 1, 400) == KEY_RANGE
    assert found.take(WRITE, of_key("hot"), 1, 401) is None


def test_a_number_has_one_place_however_it_is_written() -> None:
    """1 and 1.0 are the same key."""
    assert hash_of(Decimal("1.0")) == hash_of(Decimal(1))
    assert 0 <= hash_of(b"\x00") < HASHES


# ----------------------------------------------------------------------------------------------------- the whole table


def test_a_table_begins_with_the_partitions_that_its_throughput_takes() -> None:
    """Four on demand; one for each 1,000 writes and 3,000 reads that are provisioned."""
    assert first_partitions(None, AWS_QUOTAS) == 4
    assert first_partitions(None, changed(AWS_QUOTAS, {"dynamodb_initial_wcu": 9_500})) == 10
    assert [first_partitions(Provisioned(*units), NO_QUOTAS) for units in ((5, 5), (1_000, 1), (4_000, 9_000))] == [
        1,
        2,
        7,
    ]


def test_provisioned_units_that_are_not_used_are_kept_for_five_minutes() -> None:
    """10 a second are 3,000 after a rest, and 10 a second from then on."""
    found = throughput(Provisioned(10, 10))
    assert taken(found, of_key("a"), 60, 100) == 3_600
    assert found.take(WRITE, of_key("a"), 1, 60_000) == PROVISIONED
    assert taken(found, of_key("a"), 1, 5_000, start_s=10_000) == 1_999


def test_without_burst_there_is_a_second_s_worth() -> None:
    """The quota says how long is kept."""
    assert taken(throughput(Provisioned(10, 10), dynamodb_burst=0), of_key("a"), 10, 100) == 110


def test_a_hot_partition_takes_what_the_others_leave() -> None:
    """Adaptive capacity: one key may take all that is provisioned, up to what its partition can."""
    found = throughput(Provisioned(2_000, 1), dynamodb_burst=0, dynamodb_split_after=None)
    assert len(found.partitions) == 3
    assert taken(found, of_key("hot"), 10, 900) == 9_000
    assert taken(found, of_key("hot"), 10, 5_000, start_s=10) == 10_999


def test_a_new_table_on_demand_serves_four_thousand_writes() -> None:
    """Spread over many keys; a peak that has been reached counts half an hour later, and twice."""
    found = throughput(dynamodb_split_after=None)

    def spread(start_s: int, per_second: int) -> float:
        taken = 0
        for n in range(10 * per_second):
            taken += found.take(WRITE, of_key(f"{n % 4_000}"), 10, start_s * 1000 + n * 1000 // per_second) is None
        return taken

    assert 3_800 < spread(0, 1_000) <= 4_400
    assert len(found.partitions) == 4
    for minute in range(1, 3):
        # 3,000 a second for a minute.
        for n in range(6_000):
            found.take(WRITE, of_key(f"{n}"), 30, minute * 60_000 + n * 10)
    assert found.take(WRITE, of_key("a"), 1, HALF_HOUR_MS) is None
    assert len(found.partitions) == 4
    assert found.take(WRITE, of_key("a"), 1, HALF_HOUR_MS + 180_000) is None
    assert len(found.partitions) == 6
    assert 5_500 < spread(HALF_HOUR_MS // 1000 + 200, 1_000) <= 6_600


def test_a_table_on_demand_has_the_account_s_quota() -> None:
    """However many partitions it has."""
    found = throughput(dynamodb_initial_wcu=100_000, dynamodb_table_wcu=50)
    assert len(found.partitions) == 100
    refused = [found.take(WRITE, of_key(f"{n}"), 1, 0) for n in range(60)]
    assert refused == [None] * 50 + [ACCOUNT_LIMIT] * 10


def test_quotas_can_be_off() -> None:
    """One at a time, or all of them."""
    assert taken(throughput(dynamodb_partition_wcu=None), of_key("hot"), 1, 10_000) == 7_996
    off = throughput(dynamodb_partition_wcu=None, dynamodb_initial_wcu=None, dynamodb_table_wcu=None)
    assert taken(off, of_key("hot"), 1, 50_000) == 50_000
    assert [is_modelled(quotas) for quotas in (AWS_QUOTAS, LOCAL_QUOTAS, NO_QUOTAS)] == [True, False, False]


def test_what_is_provisioned_may_change() -> None:
    """From then on there is so much, and what was kept stays; partitions become more and never fewer."""
    found = throughput(Provisioned(10, 10), dynamodb_burst=0)
    found.follow(Provisioned(2_500, 10), 0)
    assert len(found.partitions) == 3
    assert [found.take(WRITE, of_key(f"{n}"), 1, 0) for n in range(11)] == [None] * 10 + [PROVISIONED]
    found.follow(None, 1_000)
    assert len(found.partitions) == 4
    found.follow(Provisioned(1, 1), 1_000)
    assert len(found.partitions) == 4


# --------------------------------------------------------------------------------------------------------- splitting


def heated(found: Throughput, keys: list[Key], seconds: int) -> Throughput:
    """Asks for 2,000 units a second, in turn for each key."""
    for n in range(seconds * 2_000):
        found.take(WRITE, keys[n % len(keys)], 1, n // 2)
    return found


def test_a_partition_that_stays_hot_is_split_between_its_keys() -> None:
    """Two keys of one partition, each asking for what it can take, come to have one each."""
    found = throughput(Provisioned(2_000, 1), dynamodb_split_after=5_000)
    keys = [of_key(f"{n}") for n in range(100)]
    first, second = [key for key in keys if found.partitions.of(key) is found.partitions.of(keys[0])][:2]
    heated(found, [first, second], 7)
    assert found.partitions.splits == 1
    assert found.partitions.of(first) is not found.partitions.of(second)
    assert sum(found.take(WRITE, (first, second)[n % 2], 1, 8_000 + n // 2) is None for n in range(4_000)) == 4_000


def test_the_traffic_is_what_is_divided() -> None:
    """A key that has most of it comes to be alone; the others share what they did."""
    found = throughput(Provisioned(900, 1), dynamodb_split_after=1_000, dynamodb_partition_wcu=100)
    keys = sorted((of_key(f"{n}") for n in range(9)), key=lambda key: hash_of(key[0]))
    heated(found, [keys[4] if n % 2 else keys[n // 2] for n in range(18)], 20)
    mine = found.partitions.of(keys[4])
    assert [key for key in keys if found.partitions.of(key) is mine] == [keys[4]]


def test_one_item_stays_what_it_is() -> None:
    """A single item cannot be divided, and neither can the one collection of a table without sort keys."""
    assert heated(throughput(dynamodb_split_after=1_000), [("hot", "item")], 5).partitions.splits == 0
    assert heated(throughput(dynamodb_split_after=1_000), [of_key("hot")], 5).partitions.splits == 0


def test_a_collection_is_divided_between_its_sort_keys() -> None:
    """Unless they only ever grow, or the table has a local index, whose collections stay together."""
    keys: list[Key] = [("hot", f"{n:02d}") for n in range(40)]
    anywhere = [keys[n * 7 % 40] for n in range(40)]
    divided = heated(throughput(dynamodb_split_after=1_000), anywhere, 4).partitions
    assert divided.splits >= 1
    assert divided.of(keys[0]) is not divided.of(keys[-1])
    assert divided.of(("hot", None)) is divided.of(keys[0])
    assert heated(throughput(dynamodb_split_after=1_000, divides=False), anywhere, 4).partitions.splits == 0
    growing: list[Key] = [("hot", f"{n:06d}") for n in range(8_000)]
    assert heated(throughput(dynamodb_split_after=1_000), growing, 4).partitions.splits == 0


def test_a_minute_without_throttling_is_calm() -> None:
    """What was hot before does not count any more."""
    found = throughput(dynamodb_split_after=61_000)
    keys: list[Key] = [("hot", "1"), ("hot", "0"), ("hot", "1")]
    for start_ms in (0, CALM_MS + 1_000):
        for _ in range(1_001):
            for key in keys:
                found.take(WRITE, key, 1, start_ms)
    assert found.partitions.splits == 0


# ------------------------------------------------------------------------------------- against a plain second version

TICK_MS = 125
LIMITS = {WRITE: 64.0, READ: 128.0}
"""Powers of two: then nothing is rounded, and both must agree to the last unit."""
SPLIT_AFTER_MS = 2_000
SMALL: Quotas = changed(
    AWS_QUOTAS,
    {
        "dynamodb_partition_wcu": LIMITS[WRITE],
        "dynamodb_partition_rcu": LIMITS[READ],
        "dynamodb_initial_wcu": 2 * LIMITS[WRITE],
        "dynamodb_initial_rcu": 2 * LIMITS[READ],
        "dynamodb_split_after": SPLIT_AFTER_MS,
        "dynamodb_burst": 3_000,
    },
)


@dataclass
class Asked:
    """One line of the log."""

    at_ms: int
    kind: int
    key: Key
    units: int
    partition: int
    refused: str | None = None


@dataclass
class Plain:
    """The model as its rules are written: it keeps a log, and works everything out of it whenever it is asked."""

    provisioned: Provisioned | None
    divides: bool
    log: list[Asked] = field(default_factory=list)
    lows: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    parents: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Of which partition one was split, and how long the log was then."""
    fresh: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    """How long the log was when a partition's heat was forgotten, and since when it is hot again."""

    def __post_init__(self) -> None:
        count = first_partitions(self.provisioned, SMALL)
        self.lows = [(number * HASHES // count,) for number in range(count)]
        self.numbers = list(range(count))

    def ask(self, kind: int, key: Key, units: int, at_ms: int) -> str | None:
        asked = Asked(at_ms, kind, key, units, self.partition(key))
        if self.left(LIMITS[kind], LIMITS[kind], self.lineage(asked.partition, kind), at_ms) <= 0:
            asked.refused = KEY_RANGE
        elif self.provisioned is not None:
            rate = self.provisioned.wcu if kind == WRITE else self.provisioned.rcu
            everywhere = [one for one in self.log if one.kind == kind and one.refused is None]
            if self.left(3 * rate, rate, everywhere, at_ms) <= 0:
                asked.refused = PROVISIONED
        self.log.append(asked)
        if asked.refused == KEY_RANGE:
            self.split(asked.partition, at_ms)
        return asked.refused

    def partition(self, key: Key) -> int:
        position = (hash_of(key[0]),) if key[1] is None else (hash_of(key[0]), key[1])
        return [number for low, number in zip(self.lows, self.numbers, strict=True) if low <= position][-1]

    def lineage(self, partition: int, kind: int) -> list[Asked]:
        """What was taken of a partition, and of those that it was split from, until then."""
        found: list[Asked] = []
        until = len(self.log)
        while True:
            mine = [one for one in self.log[:until] if one.partition == partition]
            found = [one for one in mine if one.kind == kind and one.refused is None] + found
            if partition not in self.parents:
                return found
            partition, split_at = self.parents[partition]
            until = min(until, split_at)

    @staticmethod
    def left(size: float, rate: float, taken: list[Asked], at_ms: int) -> float:
        """What is left of a bucket, tick by tick."""
        spent: dict[int, int] = {}
        for one in taken:
            spent[one.at_ms // TICK_MS] = spent.get(one.at_ms // TICK_MS, 0) + one.units
        tokens = size
        for tick in range(at_ms // TICK_MS + 1):
            if tick:
                tokens = min(size, tokens + rate * TICK_MS / 1000)
            tokens -= spent.get(tick, 0)
        return tokens

    def split(self, partition: int, at_ms: int) -> None:
        begin, since_ms = self.fresh.get(partition, (0, None))
        heat: list[Asked] = []
        throttled_ms = since_ms
        for one in self.log[begin:]:
            if one.partition != partition or one.refused == PROVISIONED:
                continue
            if one.refused == KEY_RANGE:
                if since_ms is None or throttled_ms is None or one.at_ms - throttled_ms > CALM_MS:
                    since_ms, heat = one.at_ms, []
                throttled_ms = one.at_ms
            if since_ms is not None:
                heat.append(one)
        assert since_ms is not None
        if at_ms - since_ms < SPLIT_AFTER_MS:
            return
        low = self.lows[self.numbers.index(partition)]
        places = sorted({self.place(one.key, heat) for one in heat})
        uneven = []
        for place in places[1:]:
            sides = [0.0, 0.0]
            for one in heat:
                sides[self.place(one.key, heat) >= place] += one.units / LIMITS[one.kind]
            if place > low:
                uneven.append((abs(sides[1] - sides[0]), place))
        if not uneven:
            self.fresh[partition] = len(self.log), at_ms
            return
        _, place = min(uneven)
        new = len(self.numbers)
        index = self.numbers.index(partition) + 1
        self.numbers.insert(index, new)
        self.lows.insert(index, place)
        self.parents[new] = partition, len(self.log)
        self.fresh[partition] = self.fresh[new] = len(self.log), None

    def place(self, key: Key, heat: list[Asked]) -> tuple[Any, ...]:
        """Where a key's traffic stands: with its collection's, unless that may be divided and does not only grow."""
        asked = [one.key[1] for one in heat if one.key[0] == key[0]]
        grows = all(before <= after for before, after in pairwise(asked))
        return (hash_of(key[0]),) if not self.divides or grows else (hash_of(key[0]), key[1])


KEYS = st.tuples(st.sampled_from("aaaab"), st.sampled_from("12345"))
CALLS = st.tuples(
    st.sampled_from([1, 1, 2, 4, 0, 8 * 70]),
    st.sampled_from([WRITE, WRITE, WRITE, READ]),
    st.lists(KEYS, min_size=1, max_size=4),
    st.sampled_from([100, 64, 16, 1]),
)


@settings(max_examples=100, deadline=None)
@given(
    calls=st.lists(CALLS, min_size=10, max_size=40),
    provisioned=st.sampled_from([None, Provisioned(64, 64), Provisioned(256, 8)]),
    divides=st.booleans(),
)
def test_the_model_agrees_with_a_plain_one(
    calls: list[tuple[int, int, list[Key], int]], provisioned: Provisioned | None, divides: bool
) -> None:
    """It gives and refuses the same, for the same reasons, and splits the same partitions at the same places."""
    fast, plain = Throughput(provisioned, SMALL, 0, divides=divides), Plain(provisioned, divides)
    now_ms = 0
    for ticks, kind, keys, units in calls:
        now_ms += ticks * TICK_MS
        for key in keys:
            assert fast.take(kind, key, units, now_ms) == plain.ask(kind, key, units, now_ms)
    assert [partition.low for partition in fast.partitions.in_order()] == plain.lows
