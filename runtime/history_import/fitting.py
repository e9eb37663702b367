"""Durations as a scenario writes them, fitted to samples: the more there are, the shorter they are told.

=================  ==========================================================================================
samples            form
=================  ==========================================================================================
all alike          the time itself
up to 30           ``empirical``: all of them
more               ``lognormal`` where that is what they look like, else ``percentiles``, else ``empirical`` with
                   the means of 100 parts of equal size
=================  ==========================================================================================

Whatever the form, its mean is within 2 % of the samples' own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, pstdev

from stepsim.asl.payload import JSON

FEW = 30
_PARTS = 100
_MEAN_OFF = 0.02
_LILLIEFORS = 0.886
"""Times 1/√n: how far samples of a normal distribution are from the fitted one, at the most, 19 times of 20."""
_FAR_ENOUGH = 0.02
"""Of many samples, no real ones would pass that test: so far may they always be."""
_TAIL = (0.1, 1.25)
"""The fitted 99th percentile in terms of the longest sample: it may lie somewhat above it, and far below."""
_PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)

_standard = NormalDist()


@dataclass(frozen=True, slots=True)
class Fit:
    """A duration, and what it is."""

    duration: JSON
    """As a scenario has it."""
    form: str
    """For a comment: ``lognormal``, ``12 samples``."""


def fit(samples_ms: Sequence[int]) -> Fit:
    """The duration that describes samples in ms. Raises ValueError for none."""
    if not samples_ms:
        raise ValueError("there are no samples")
    samples = sorted(samples_ms)
    if samples[0] == samples[-1]:
        return Fit(_time(samples[0]), "1 sample" if len(samples) == 1 else f"{len(samples):,} samples, all alike")
    if len(samples) <= FEW:
        return Fit({"empirical": [_time(sample) for sample in samples]}, f"all of {len(samples)} samples")
    number = f"{len(samples):,} samples"
    fitted = _lognormal(samples)
    if fitted is not None:
        return Fit({"lognormal": fitted}, f"lognormal, fitted to {number}")
    points = _percentiles(samples)
    if _is_near(_mean_between(points), fmean(samples)):
        return Fit({"percentiles": {name: _time(ms) for _, name, ms in points}}, f"percentiles of {number}")
    return Fit({"empirical": _part_means(samples)}, f"means of {_PARTS} parts of {number}")


def percentile(ordered: Sequence[int], share: float) -> float:
    """The value below which this share of ordered samples lies, between two of them on a straight line."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _time(ms: float) -> str:
    return f"{round(ms)}ms"


def _is_near(mean: float, wanted: float) -> bool:
    return abs(mean - wanted) <= max(_MEAN_OFF * wanted, 0.5)


def _lognormal(samples: Sequence[int]) -> dict[str, JSON] | None:
    """Median and 99th percentile of the lognormal distribution of samples; None where they have another one."""
    if samples[0] <= 0:
        return None
    logs = [math.log(sample) for sample in samples]
    mu, sigma = fmean(logs), pstdev(logs)
    if not _is_near(math.exp(mu + sigma * sigma / 2), fmean(samples)):
        return None
    fitted, count = NormalDist(mu, sigma), len(logs)
    farthest = 0.0
    for index, log in enumerate(logs):
        expected = fitted.cdf(log)
        # Whole milliseconds come in steps: of samples that are alike, the last one counts.
        farthest = max(farthest, expected - bisect_right(logs, log) / count, index / count - expected)
    p99 = math.exp(mu + sigma * _standard.inv_cdf(0.99))
    # Of few samples the test lets much pass: what is longest decides how long a run takes.
    if farthest > max(_LILLIEFORS / math.sqrt(count), _FAR_ENOUGH) or not _TAIL[0] <= p99 / samples[-1] <= _TAIL[1]:
        return None
    return {"median_ms": round(math.exp(mu), 1), "p99_ms": round(p99, 1)}


def _percentiles(samples: Sequence[int]) -> list[tuple[float, str, int]]:
    """Percentiles as share, name and whole milliseconds."""
    inner = [(share / 100, f"p{share}", round(percentile(samples, share / 100))) for share in _PERCENTILES]
    if len(samples) >= 1_000:
        inner.append((0.999, "p99.9", round(percentile(samples, 0.999))))
    return [(0.0, "min", samples[0]), *inner, (1.0, "max", samples[-1])]


def _mean_between(points: Sequence[tuple[float, str, int]]) -> float:
    """The mean of what lies on straight lines between percentiles."""
    return sum((right[0] - left[0]) * (left[2] + right[2]) / 2 for left, right in pairwise(points))


def _part_means(samples: Sequence[int]) -> list[JSON]:
    """The means of parts of equal size, whose own mean is that of the samples; fewer parts of fewer samples."""
    parts = min(_PARTS, len(samples))
    bounds = [index * len(samples) // parts for index in range(parts + 1)]
    return [_time(fmean(samples[left:right])) for left, right in pairwise(bounds)]
