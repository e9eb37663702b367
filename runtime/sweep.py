"""A sweep: one scenario with every combination of some values, and which of them are the best trade-offs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from stepsim.asl.payload import JSON
from stepsim.runtime.comparison import FIGURES, best, figures_of, spread
from stepsim.runtime.simulations import Simulation, simulate_each

SIMULATIONS_MAX = 10_000


class SweepError(Exception):
    """What is to be varied cannot be; the message says why."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A value of the scenario that is varied."""

    path: str
    """Its key path, as ``--set`` takes it."""
    values: tuple[JSON, ...]


def parse_axis(text: str) -> Axis:
    """Read ``key.path=a,b,c``; the values are YAML's. Raises SweepError."""
    from stepsim.asl.yaml_reader import YamlError, read  # most commands read no YAML

    path, equals, values = text.partition("=")
    if not (path.strip() and equals and values.strip()):
        raise SweepError(f"{text!r} is not of the form key.path=a,b,c.")
    try:
        read_values: Sequence[JSON] = read(f"[{values}]")[0]
    except YamlError as error:
        raise SweepError(f"The values of {path} cannot be read: {error}.") from None
    told = [json.dumps(value, sort_keys=True) for value in read_values]
    twice = next((value for index, value in enumerate(told) if value in told[:index]), None)
    if twice is not None:
        raise SweepError(f"{path} has the value {twice} twice.")
    return Axis(path.strip(), tuple(read_values))


def combinations(axes: Sequence[Axis], seeds: int = 1) -> list[dict[str, JSON]]:
    """Every combination of the axes' values, by key path; the last axis moves first. Raises SweepError."""
    paths = [axis.path for axis in axes]
    twice = next((path for index, path in enumerate(paths) if path in paths[:index]), None)
    if twice is not None:
        raise SweepError(f"{twice} is varied twice.")
    made = [dict(zip(paths, values, strict=True)) for values in product(*(axis.values for axis in axes))]
    if len(made) * seeds > SIMULATIONS_MAX:
        raise SweepError(f"{len(made) * seeds:,} simulations are too many: {SIMULATIONS_MAX:,} at the most.")
    return made


def sets_of(combination: dict[str, JSON]) -> tuple[str, ...]:
    """A combination as ``--set`` overrides."""
    return tuple(f"{path}={json.dumps(value)}" for path, value in combination.items())


def sweep(
    file: Path,
    sets: tuple[str, ...],
    varied: Sequence[dict[str, JSON]],
    seeds: Sequence[int],
    jobs: int,
    progress: Callable[[], None],
) -> dict[str, Any]:
    """Simulate every combination with every seed; returns what ``--json`` writes.

    `progress` is called after each simulation. Raises SimulationError. Ctrl-C ends it with the combinations of which
    some seed is done; where none is, KeyboardInterrupt goes on.
    """
    simulations = [Simulation(file, (*sets, *sets_of(one)), seed) for one in varied for seed in seeds]
    figures: dict[int, dict[str, Any]] = {}
    name, interrupted = "", False
    try:
        for index, simulated in simulate_each(simulations, jobs):
            name = simulated.report["scenario"]
            figures[index] = figures_of(simulated.report)
            progress()
    except KeyboardInterrupt:
        if not figures:
            raise
        interrupted = True
    runs = []
    for index, combination in enumerate(varied):
        done = [figures[number] for number in range(index * len(seeds), (index + 1) * len(seeds)) if number in figures]
        if done:
            runs.append({"set": combination, **_together(done)})
    _mark_best(runs, len(seeds))
    return {"scenario": name, "seeds": list(seeds), "interrupted": interrupted, "runs": runs}


def _together(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one combination's seeds: how many passed, spreads, and the worst of what should not be."""
    return {
        "passed": sum(one["passed"] for one in figures),
        "best": False,
        **{name: spread([one[name] for one in figures]) for name in FIGURES},
        "throttles": max(one["throttles"] for one in figures),
        "failed_items": max(one["failed_items"] for one in figures),
        "expectations": min((one["expectations"] for one in figures), key=lambda held: held[0]),
    }


def _mark_best(runs: Sequence[dict[str, Any]], seeds: int) -> None:
    """Mark what no other combination beats in makespan and cost (their medians), among those whose seeds all pass."""
    passing = [run for run in runs if run["passed"] == seeds]
    points = [tuple(run[name]["p50"] or 0.0 for name in FIGURES) for run in passing]
    for run, is_best in zip(passing, best(points), strict=True):
        run["best"] = is_best
