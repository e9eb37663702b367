"""Durations fitted to samples: which form is chosen, and that its mean is theirs."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest

from stepsim.asl.payload import JSON
from stepsim.runtime.history_import.fitting import FEW, fit, percentile
from stepsim.workers.durations import parse_duration


def mean_of(duration: JSON) -> float:
    """The mean of a duration as a scenario has it, at evenly spread draws."""
    parsed = parse_duration(duration)
    return fmean(parsed.sample_ms((n + 0.5) / 20_000) for n in range(20_000))


def test_samples_that_are_all_alike_are_a_time() -> None:
    """One sample, or many of the same, are a constant."""
    assert fit([120]).duration == "120ms"
    assert fit([5] * 100).duration == "5ms"


def test_few_samples_are_told_one_by_one() -> None:
    """Up to thirty of them stand in the scenario, in their order."""
    assert fit([300, 100, 200]).duration == {"empirical": ["100ms", "200ms", "300ms"]}
    assert "empirical" in fit(range(FEW)).duration


def test_many_lognormal_samples_are_a_lognormal_duration() -> None:
    """Samples of such a distribution give its parameters back."""
    dice = Random(1)
    [(form, parameters)] = fit([round(dice.lognormvariate(6, 0.5)) for _ in range(2_000)]).duration.items()
    assert form == "lognormal"
    assert parameters["median_ms"] == pytest.approx(403, rel=0.05)
    assert parameters["p99_ms"] == pytest.approx(403 * 3.2, rel=0.1)


def test_many_samples_of_another_kind_are_percentiles() -> None:
    """What lies evenly between two times is no lognormal distribution."""
    dice = Random(2)
    duration = fit([round(dice.uniform(1_000, 3_000)) for _ in range(500)]).duration
    assert set(duration["percentiles"]) >= {"min", "p50", "p99", "max"}


@pytest.mark.parametrize("seed", range(6))
def test_the_mean_of_a_fit_is_that_of_the_samples(seed: int) -> None:
    """Whatever the samples look like, runs take as long on average."""
    dice = Random(seed)
    shapes = [
        lambda: dice.lognormvariate(5, 1),
        lambda: dice.uniform(0, 50),
        lambda: dice.expovariate(1 / 800),
        lambda: 10.0 if dice.random() < 0.97 else dice.uniform(20_000, 60_000),
        lambda: dice.choice([3.0, 900.0]),
        lambda: 0.0 if dice.random() < 0.9 else 7.0,
    ]
    samples = [round(shapes[seed]()) for _ in range(400)]
    assert mean_of(fit(samples).duration) == pytest.approx(fmean(samples), rel=0.025, abs=0.6)


def test_there_is_no_fit_without_samples() -> None:
    """Nothing is made up."""
    with pytest.raises(ValueError, match="no samples"):
        fit([])


def test_a_percentile_lies_between_samples() -> None:
    """On a straight line between the two next to it."""
    assert percentile([100, 200], 0.5) == 150
    assert percentile([7], 0.99) == 7
