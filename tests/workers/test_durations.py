"""Durations and times as scenarios write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.workers.durations import parse_duration, parse_time

DRAWS = st.floats(min_value=0, max_value=1, exclude_max=True)
SPECS = [
    "120ms",
    {"constant": "2s"},
    {"uniform": {"min_ms": 10, "max_ms": 20}},
    {"normal": {"mean_ms": 100, "sd_ms": 80}},
    {"lognormal": {"median_ms": 240, "p99_ms": 900}},
    {"exponential": {"mean_ms": 40.5}},
    {"percentiles": {"p50": "200ms", "p90": "500ms", "p99.9": "900ms", "max": "2s"}},
    {"empirical": ["3ms", "1ms", "2ms"]},
    {"linear": {"base": {"uniform": {"min_ms": 1, "max_ms": 5}}, "per_item": "0.25ms"}},
]


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [("120ms", 120), ("40s", 40_000), ("1.5m", 90_000), ("2 min", 120_000), ("2h", 7_200_000), ("1d", 86_400_000),
     ("0.25s", 250), (0, 0)],
)  # fmt: skip
def test_times(text: object, time_ms: int) -> None:
    """A time is a number and its unit."""
    assert parse_time(text) == time_ms
    assert parse_duration(text).constant_ms == time_ms


@pytest.mark.parametrize("text", ["", "40", "s", "-1s", "1 fortnight", None, True, [], "1s2"])
def test_what_is_no_time_is_refused(text: object) -> None:
    """The message says where, what, and which forms there are."""
    with pytest.raises(ValueError, match=r"faults\[0\].from: .* is not a time such as 120ms, 40s"):
        parse_time(text, "faults[0].from")


def test_a_number_alone_is_refused_with_a_suggestion() -> None:
    """5 could be seconds or milliseconds."""
    with pytest.raises(ValueError, match="write 5ms or 5s"):
        parse_time(5)


@pytest.mark.parametrize("spec", SPECS, ids=str)
@given(draws=st.lists(DRAWS, min_size=2, max_size=2))
def test_a_higher_draw_never_takes_less_time(spec: object, draws: list[float]) -> None:
    """Sampling is the inverse of a distribution: it rises, and never below 0."""
    duration = parse_duration(spec)
    low, high = sorted(draws)
    assert 0 <= duration.sample_ms(low) <= duration.sample_ms(high)


@pytest.mark.parametrize(
    ("spec", "draw", "sampled_ms"),
    [
        ({"uniform": {"min_ms": 10, "max_ms": 20}}, 0.5, 15),
        ({"normal": {"mean_ms": 100, "sd_ms": 80}}, 0.5, 100),
        ({"normal": {"mean_ms": 100, "sd_ms": 80}}, 0.0, 0),
        ({"lognormal": {"median_ms": 240, "p99_ms": 900}}, 0.5, 240),
        ({"lognormal": {"median_ms": 240, "p99_ms": 900}}, 0.99, 900),
        ({"lognormal": {"median_ms": 240, "p90_ms": 500}}, 0.9, 500),
        ({"exponential": {"mean_ms": 1000}}, 0.5, 693),
        ({"percentiles": {"p50": "200ms", "p90": "600ms"}}, 0.1, 200),
        ({"percentiles": {"p50": "200ms", "p90": "600ms"}}, 0.7, 400),
        ({"percentiles": {"p50": "200ms", "p90": "600ms"}}, 0.95, 600),
        ({"percentiles": {"min": "100ms", "max": "300ms"}}, 0.5, 200),
        ({"empirical": ["3ms", "1ms", "2ms"]}, 0.5, 2),
        ({"empirical": ["3ms", "1ms", "2ms"]}, 0.99, 3),
    ],
    ids=str,
)
def test_samples(spec: object, draw: float, sampled_ms: int) -> None:
    """The parameters are met where they say."""
    assert parse_duration(spec).sample_ms(draw) == sampled_ms


def test_linear_counts_items() -> None:
    """A linear duration adds a time for each item, rounded once."""
    duration = parse_duration({"linear": {"base": "100ms", "per_item": "0.25ms"}})
    assert (duration.constant_ms, duration.per_item_ms) == (None, 0.25)
    assert [duration.sample_ms(0.5, items) for items in (0, 1, 50)] == [100, 100, 113]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (7, "write 7ms or 7s. A duration is a time such as"),
        ({}, "has one key"),
        ({"gamma": {}}, "'gamma' is not a distribution. A duration is"),
        ({"uniform": {"min_ms": 1}}, r"duration\.uniform: needs exactly min_ms, max_ms"),
        ({"uniform": {"min_ms": 2, "max_ms": 1}}, "max_ms 1 is less than min_ms 2"),
        ({"normal": {"mean_ms": "1s", "sd_ms": 1}}, r"duration\.normal\.mean_ms: '1s' is not a number of milliseconds"),
        ({"lognormal": {"median_ms": 9, "p99_ms": 1}}, "p99_ms not less than it"),
        ({"percentiles": {}}, "needs percentiles"),
        ({"percentiles": {"p101": "1s"}}, "'p101' is not a percentile"),
        ({"percentiles": {"p50": "2s", "p90": "1s"}}, "cannot be shorter"),
        ({"empirical": []}, "needs a list of times"),
        ({"linear": {"base": "1s"}}, "needs exactly base, per_item"),
        ({"linear": {"base": {"linear": {"base": "1s", "per_item": "1s"}}, "per_item": "1s"}}, "cannot be the base"),
    ],
    ids=str,
)
def test_bad_durations_are_refused(spec: object, message: str) -> None:
    """Every mistake is named with the place and what to write."""
    with pytest.raises(ValueError, match=message):
        parse_duration(spec)


@pytest.mark.parametrize(
    ("parameters", "vcpus", "sampled_ms"),
    [
        ({"work": "3s"}, 1.0, 3_000),
        ({"work": "3s"}, 0.5, 6_000),
        ({"work": "3s"}, 4.0, 3_000),
        ({"work": "3s", "threads": 4}, 2.0, 1_500),
        ({"work": "3s", "threads": 2}, 4.0, 1_500),
        ({"work": "3s", "wait": "250ms"}, 0.5, 6_250),
        ({"work": {"uniform": {"min_ms": 100, "max_ms": 300}}, "wait": "50ms"}, 0.5, 450),
        ({"work": {"linear": {"base": 0, "per_item": "10ms"}}, "wait": "50ms"}, 0.5, 110),
    ],
)
def test_computing_takes_as_long_as_there_are_few_vcpus(
    parameters: dict[str, object], vcpus: float, sampled_ms: int
) -> None:
    """A thread computes on one vCPU at the most (Lambda gives 1,769 MB one), and waiting is not sped up."""
    assert parse_duration({"cpu": parameters}, "duration", vcpus).sample_ms(0.5, 3) == sampled_ms


@given(
    draws=st.lists(DRAWS, min_size=2, max_size=2),
    vcpus=st.lists(st.floats(0.07, 6), min_size=2, max_size=2),
    threads=st.integers(1, 6),
)
def test_more_vcpus_never_take_longer(draws: list[float], vcpus: list[float], threads: int) -> None:
    """Nor does a lower draw."""
    cpu = {"work": {"lognormal": {"median_ms": 240, "p99_ms": 900}}, "wait": {"exponential": {"mean_ms": 40}}}
    slow, fast = (parse_duration({"cpu": {**cpu, "threads": threads}}, "d", few) for few in sorted(vcpus))
    low, high = sorted(draws)
    assert fast.sample_ms(low) <= fast.sample_ms(high) <= slow.sample_ms(high)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, r"d\.cpu: needs work"),
        ({"work": "3s", "cores": 2}, r"d\.cpu: needs work and, at the most, wait and threads"),
        ({"work": "3s", "threads": 0}, r"d\.cpu\.threads: 0 is not a whole number, 1 or more"),
        ({"work": 3}, r"d\.cpu\.work: 3 is not a time"),
        ({"work": {"cpu": {"work": "3s"}}}, r"d\.cpu\.work\.cpu: only the memory of a Lambda function"),
    ],
)
def test_what_is_no_computing_is_named(parameters: object, problem: str) -> None:
    """Computing is not made of computing."""
    with pytest.raises(ValueError, match=problem):
        parse_duration({"cpu": parameters}, "d", 1.0)
