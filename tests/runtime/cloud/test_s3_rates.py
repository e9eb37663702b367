"""S3's request rates: partitions that are throttled, and split where their traffic divides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.limits import Limit
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, NO_QUOTAS, changed
from stepsim.runtime.cloud.s3_rates import limits

SITE = CallSite()


def ask(made: dict[str, Limit], operation: str, now_ms: int, **params: Any) -> str | None:
    """The code of S3's refusal; None where it serves."""
    error = made[f"s3.{operation}"](operation, {"Bucket": "bucket", **params}, SITE, now_ms)
    return None if error is None else f"{error.status} {error.code}"


def served(made: dict[str, Limit], operation: str, times: Iterator[int] | range, *keys: str) -> int:
    """How many requests are served, one for each time, for the keys in turn."""
    return sum(ask(made, operation, now, Key=keys[n % len(keys)]) is None for n, now in enumerate(times))


@pytest.mark.parametrize(("operation", "rate"), [("GetObject", 5_500), ("HeadObject", 5_500), ("PutObject", 3_500)])
def test_a_second_serves_its_rate(operation: str, rate: int) -> None:
    """What is beyond is 503 SlowDown; a second later as much is served again."""
    made = limits(AWS_QUOTAS)
    assert served(made, operation, (0 for _ in range(6_000)), "a") == rate
    assert ask(made, operation, 0, Key="b") == "503 SlowDown"
    assert served(made, operation, (1_000 for _ in range(6_000)), "a") == rate


def test_reads_writes_and_buckets_have_rates_of_their_own() -> None:
    """Pages of keys are reads; the bucket next door is not concerned."""
    made = limits(changed(NO_QUOTAS, {"s3_prefix_read_rate": 2, "s3_prefix_write_rate": 1}))
    assert ask(made, "PutObject", 0, Key="a") is None
    assert ask(made, "DeleteObject", 0, Key="a") == "503 SlowDown"
    assert [ask(made, "ListObjectsV2", 0, Prefix="a/") for _ in range(3)] == [None, None, "503 SlowDown"]
    assert ask(made, "GetObject", 0, Bucket="other", Key="a") is None


def test_a_deletion_of_many_counts_by_its_keys() -> None:
    """One is taken while anything is left; what it took too much is owed."""
    made = limits(AWS_QUOTAS)
    thousand = {"Objects": [{"Key": f"k{n}"} for n in range(1_000)]}
    assert [ask(made, "DeleteObjects", 0, Delete=thousand) for _ in range(5)] == [None] * 4 + ["503 SlowDown"]
    assert ask(made, "PutObject", 100, Key="k") == "503 SlowDown"
    assert ask(made, "PutObject", 150, Key="k") is None
    assert ask(made, "DeleteObjects", 150, Delete="nonsense") is None


def test_what_is_throttled_for_long_is_split_where_its_traffic_divides() -> None:
    """Twice as much is served from then on, where the requests lie on both sides."""
    made = limits(changed(NO_QUOTAS, {"s3_prefix_read_rate": 10, "s3_split_after": 5_000}))
    keys = [f"{letter}/{n}" for n in range(10) for letter in "ab"]
    each_ms = range(0, 5_000, 10)
    assert served(made, "GetObject", each_ms, *keys) < 65
    assert served(made, "GetObject", range(5_000, 10_000, 10), *keys) > 105
    # All of it to one side: no better than one partition.
    assert served(made, "GetObject", range(10_000, 14_000, 10), "b/5") < 55


def test_a_single_hot_key_is_never_split() -> None:
    """There is nothing to divide."""
    made = limits(changed(NO_QUOTAS, {"s3_prefix_read_rate": 10, "s3_split_after": 1_000}))
    assert served(made, "GetObject", range(0, 20_000, 10), "hot") < 215


def test_load_that_comes_and_goes_is_not_sustained() -> None:
    """A minute without throttling, and it begins anew."""
    made = limits(changed(NO_QUOTAS, {"s3_prefix_read_rate": 1, "s3_split_after": 70_000}))
    for start_ms in (0, 69_000, 140_000):
        served(made, "GetObject", range(start_ms, start_ms + 100, 10), "a", "b")
    assert [ask(made, "GetObject", 220_000, Key=key) for key in "ab"] == [None, "503 SlowDown"]


def test_a_quota_that_is_off_limits_nothing() -> None:
    """Nor is it looked at."""
    assert limits(NO_QUOTAS) == {}
    assert "s3.GetObject" not in limits(changed(AWS_QUOTAS, {"s3_prefix_read_rate": None}))
