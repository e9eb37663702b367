"""How long things take: durations as a scenario writes them, constant or drawn from a distribution.

A draw is the inverse of the distribution at one uniform number, so that whoever owns the dice decides what it is drawn
from. Durations are whole milliseconds, at least 0.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

FORMS = (
    "a time such as 120ms, 40s, 1.5m or 2h; {uniform: {min_ms, max_ms}}; {normal: {mean_ms, sd_ms}}; "
    "{lognormal: {median_ms, p99_ms}} (or p90_ms, p95_ms); {exponential: {mean_ms}}; "
    "{percentiles: {p50: 200ms, p99: 900ms, …}}; {empirical: [200ms, 240ms, …]}; "
    "{linear: {base: DURATION, per_item: 3ms}}; "
    "of functions, containers and Batch jobs {cpu: {work: DURATION, wait: DURATION, threads: 1}}"
)
"""What a duration can be, in the words of the error messages."""

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_TIME = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|min|m|h|d)")
_LEAST = 2.0**-54
"""Stands for a draw of 0, whose inverse would be infinite."""

_standard = NormalDist()


class Duration:
    """How long something takes. Sampling takes one uniform draw, and none where `constant_ms` is set."""

    __slots__ = ("_inverse", "constant_ms", "per_item_ms")

    def __init__(
        self, inverse: Callable[[float], float], constant_ms: int | None = None, per_item_ms: float = 0
    ) -> None:
        self._inverse = inverse
        self.constant_ms = constant_ms
        """The duration where it is always the same, else None."""
        self.per_item_ms = per_item_ms
        """What each item of the event's ``Items`` adds; 0 where the event does not matter."""

    @classmethod
    def constant(cls, duration_ms: int) -> Duration:
        """Always the same."""
        return cls(lambda _draw: duration_ms, duration_ms)

    def sample_ms(self, draw: float, items: int = 0) -> int:
        """The duration at a uniform draw from [0, 1), with so many items in the event."""
        constant_ms = self.constant_ms
        if constant_ms is not None:
            return constant_ms
        sampled_ms = self._inverse(max(_LEAST, draw))
        if self.per_item_ms:
            sampled_ms += items * self.per_item_ms
        return int(sampled_ms + 0.5) if sampled_ms > 0 else 0


NOTHING = Duration.constant(0)
"""No time at all."""


def parse_time(text: object, where: str = "time") -> int:
    """The milliseconds of a time such as ``120ms``, ``40s``, ``1.5m``, ``2h`` or ``1d``; ``0`` needs no unit.

    Raises ValueError, beginning with `where`, for anything else: a number alone does not say its unit.
    """
    if text == 0 and not isinstance(text, bool):
        return 0
    found = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        hint = f"; write {text}ms or {text}s" if type(text) in (int, float) else ""
        raise ValueError(f"{where}: {text!r} is not a time such as 120ms, 40s, 1.5m, 2h or 1d{hint}")
    return round(float(found[1]) * _UNITS_MS[found[2]])


def parse_duration(spec: object, where: str = "duration", vcpus: float | None = None) -> Duration:
    """The duration that a scenario's value means. Raises ValueError naming `where`, what is wrong, and the forms.

    `vcpus` is what there is to compute on; None where nobody can say, so that there is no form `cpu`.
    """
    if not isinstance(spec, Mapping):
        try:
            return Duration.constant(parse_time(spec, where))
        except ValueError as error:
            raise ValueError(f"{error}. A duration is {FORMS}") from None
    if len(spec) != 1:
        raise ValueError(f"{where}: a duration has one key, its distribution, not {len(spec)}. It is {FORMS}")
    [(kind, parameters)] = spec.items()
    if kind == "cpu":
        return _cpu(parameters, f"{where}.cpu", vcpus)
    parse = _DISTRIBUTIONS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        raise ValueError(f"{where}: {kind!r} is not a distribution. A duration is {FORMS}")
    return parse(parameters, f"{where}.{kind}")


def _numbers(parameters: object, names: Sequence[str], where: str) -> list[float]:
    if not isinstance(parameters, Mapping) or set(parameters) != set(names):
        raise ValueError(f"{where}: needs exactly {', '.join(names)}. A duration is {FORMS}")
    for name in names:
        value = parameters[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ValueError(f"{where}.{name}: {value!r} is not a number of milliseconds, 0 or more")
    return [float(parameters[name]) for name in names]


def _constant(parameters: object, where: str) -> Duration:
    return Duration.constant(parse_time(parameters, where))


def _uniform(parameters: object, where: str) -> Duration:
    low, high = _numbers(parameters, ("min_ms", "max_ms"), where)
    if high < low:
        raise ValueError(f"{where}: max_ms {high:g} is less than min_ms {low:g}")
    return Duration(lambda draw: low + (high - low) * draw)


def _normal(parameters: object, where: str) -> Duration:
    mean, deviation = _numbers(parameters, ("mean_ms", "sd_ms"), where)
    inverse = _standard.inv_cdf
    return Duration(lambda draw: mean + deviation * inverse(draw))


def _lognormal(parameters: object, where: str) -> Duration:
    high = next((name for name in _HIGH if isinstance(parameters, Mapping) and name in parameters), "p99_ms")
    median, upper = _numbers(parameters, ("median_ms", high), where)
    if not 0 < median <= upper:
        raise ValueError(f"{where}: median_ms must be more than 0 and {high} not less than it")
    inverse, exp = _standard.inv_cdf, math.exp
    sigma = math.log(upper / median) / inverse(_HIGH[high])
    return Duration(lambda draw: median * exp(sigma * inverse(draw)))


_HIGH = {"p90_ms": 0.90, "p95_ms": 0.95, "p99_ms": 0.99}
"""The upper percentile that gives a lognormal distribution its width."""


def _exponential(parameters: object, where: str) -> Duration:
    [mean] = _numbers(parameters, ("mean_ms",), where)
    log1p = math.log1p
    return Duration(lambda draw: -mean * log1p(-draw))


def _percentiles(parameters: object, where: str) -> Duration:
    """Straight lines between the given percentiles; below the first one its time, above the last one its time."""
    if not isinstance(parameters, Mapping) or not parameters:
        raise ValueError(f"{where}: needs percentiles such as {{p50: 200ms, p99: 900ms, max: 2s}}")
    points = sorted(
        (_percentile(name, where), parse_time(time, f"{where}.{name}")) for name, time in parameters.items()
    )
    shares = [share for share, _ in points]
    times = [time for _, time in points]
    if times != sorted(times):
        raise ValueError(f"{where}: a higher percentile cannot be shorter than a lower one")
    last = len(points) - 1

    def inverse(draw: float) -> float:
        above = bisect_right(shares, draw)
        if above == 0 or above > last:
            return times[min(above, last)]
        start = above - 1
        return times[start] + (times[above] - times[start]) * (draw - shares[start]) / (shares[above] - shares[start])

    return Duration(inverse)


def _percentile(name: object, where: str) -> float:
    if name in ("min", "max"):
        return 0.0 if name == "min" else 1.0
    found = re.fullmatch(r"p(\d+(?:\.\d+)?)", name) if isinstance(name, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError(f"{where}: {name!r} is not a percentile such as p50, p99.9, min or max")
    return float(found[1]) / 100


def _empirical(parameters: object, where: str) -> Duration:
    if not isinstance(parameters, list | tuple) or not parameters:
        raise ValueError(f"{where}: needs a list of times, such as [200ms, 240ms, 900ms]")
    times = sorted(parse_time(time, f"{where}[{index}]") for index, time in enumerate(parameters))
    count = len(times)
    return Duration(lambda draw: times[int(draw * count)])


def _linear(parameters: object, where: str) -> Duration:
    """A base, any duration, and a time for each element of the event's ``Items``."""
    if not isinstance(parameters, Mapping) or set(parameters) != {"base", "per_item"}:
        raise ValueError(f"{where}: needs exactly base, per_item. A duration is {FORMS}")
    base = parse_duration(parameters["base"], f"{where}.base")
    if base.per_item_ms:
        raise ValueError(f"{where}.base: a linear duration cannot be the base of another one")
    return Duration(base._inverse, None, _parse_fraction_ms(parameters["per_item"], f"{where}.per_item"))


def _cpu(parameters: object, where: str, vcpus: float | None) -> Duration:
    """Computing, which takes as long as there are few vCPUs, and waiting, which takes as long as it takes.

    Both are at the same draw: what is slow is slow in either.
    """
    if vcpus is None:
        raise ValueError(f"{where}: only the memory of a Lambda function says how fast it computes")
    if not isinstance(parameters, Mapping) or not {"work"} <= set(parameters) <= {"work", "wait", "threads"}:
        raise ValueError(f"{where}: needs work and, at the most, wait and threads. A duration is {FORMS}")
    threads = parameters.get("threads", 1)
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"{where}.threads: {threads!r} is not a whole number, 1 or more")
    work = parse_duration(parameters["work"], f"{where}.work")
    wait = parse_duration(parameters.get("wait", 0), f"{where}.wait")
    speed = min(vcpus, threads)
    if work.constant_ms is not None and wait.constant_ms is not None:
        return Duration.constant(int(wait.constant_ms + work.constant_ms / speed + 0.5))
    working, waiting = work._inverse, wait._inverse
    per_item_ms = wait.per_item_ms + work.per_item_ms / speed
    return Duration(lambda draw: max(0, waiting(draw)) + max(0, working(draw)) / speed, None, per_item_ms)


def _parse_fraction_ms(text: Any, where: str) -> float:
    # The time of one item may well be a fraction of a millisecond; only the whole duration is rounded.
    parse_time(text, where)
    found = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    return float(found[1]) * _UNITS_MS[found[2]] if found else 0.0


_DISTRIBUTIONS: dict[str, Callable[[object, str], Duration]] = {
    "constant": _constant,
    "uniform": _uniform,
    "normal": _normal,
    "lognormal": _lognormal,
    "exponential": _exponential,
    "percentiles": _percentiles,
    "empirical": _empirical,
    "linear": _linear,
}
