"""One scenario under many seeds: how often it fails, what is the worst, and the fewest faults that break it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.cloud.fault_rules import FaultRule, fault_text
from stepsim.runtime.comparison import FIGURES, figures_of, spread
from stepsim.runtime.kept_scenario import kept_scenario
from stepsim.runtime.report import holds
from stepsim.runtime.shrinking import Exhausted, shrink
from stepsim.runtime.simulations import STRIKES_MAX, Simulated, Simulation, simulate_each

SHRINK_SIMULATIONS_MAX = 200
SHRINK_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Seeds:
    """What many seeds have come to."""

    summary: dict[str, Any]
    """What ``--json`` writes."""
    kept: str | None
    """The scenario to keep; None where every seed passed, or where there is none."""


def simulate_seeds(
    file: Path, sets: tuple[str, ...], seeds: Sequence[int], jobs: int, folder: Path, progress: Callable[[], None]
) -> Seeds:
    """Simulate a scenario once for each seed; the first that fails is shrunk, for a scenario to be kept in `folder`.

    `progress` is called after each simulation of a seed. Raises SimulationError. Ctrl-C ends it with the seeds that are
    done, and nothing is shrunk; where none is, KeyboardInterrupt goes on.
    """
    simulations = [Simulation(file, sets, seed) for seed in seeds]
    runs: dict[int, dict[str, Any]] = {}
    failing: dict[int, Simulated] = {}
    name, interrupted = "", False
    try:
        for index, simulated in simulate_each(simulations, jobs):
            report = simulated.report
            name = report["scenario"]
            runs[index] = {"seed": report["seed"], **figures_of(report)}
            if not holds(report):
                failing[index] = simulated
                # Only the first is shrunk; nobody needs to hold the others.
                failing = {min(failing): failing[min(failing)]}
            progress()
    except KeyboardInterrupt:
        if not runs:
            raise
        interrupted = True
    summary = _summary(name, [runs[index] for index in sorted(runs)]) | {"interrupted": interrupted}
    if not failing or interrupted:
        return Seeds(summary | {"shrunk": None}, None)
    ((index, simulated),) = failing.items()
    shrunk, rules = _shrink(simulations[index], simulated, jobs)
    kept = None
    if rules is not None:
        about = f"{name} with seed {simulations[index].seed} fails: {why(runs[index])}"
        seed = simulated.report["seed"]
        kept = kept_scenario(file, sets, name, seed, rules, folder, about)
    return Seeds(summary | {"shrunk": {**shrunk, "scenario": kept}}, kept)


def _summary(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    worst = max(runs, key=lambda run: (not run["passed"], run["makespan_s"], run["cost_usd"] or 0.0, -run["seed"]))
    failed = [run["seed"] for run in runs if not run["passed"]]
    return {
        "scenario": name,
        "seeds": len(runs),
        "passed": len(runs) - len(failed),
        "failed": failed,
        "worst": worst["seed"],
        **{figure: spread([run[figure] for run in runs]) for figure in FIGURES},
        "runs": runs,
    }


def why(run: Mapping[str, Any]) -> str:
    """Why a run does not pass: the first expectation that is broken, or how the execution ended."""
    for broken in run["broken"]:
        return f"{broken['text']} ({broken['message'] or 'it is ' + encode(broken['actual'])})"
    return f"the execution is {run['status']}, with {run['error']}"


def _shrink(
    simulation: Simulation, failing: Simulated, jobs: int
) -> tuple[dict[str, JSON], tuple[FaultRule, ...] | None]:
    """What is told of the shrinking, and the faults that are left; None where they could not be made exact."""
    told: dict[str, JSON] = {"seed": failing.report["seed"], "struck": failing.struck, "simulations": 0}
    if failing.struck > STRIKES_MAX:
        message = f"faults struck {failing.struck:,} times, which is more than can be shrunk"
        return {**told, "minimal": False, "faults": None, "message": message}, None
    trials = _Trials(simulation, jobs)
    exact = tuple(strike.exact() for strike in failing.strikes)
    if exact and trials.first_failing([exact]) is None:
        message = "it does not fail when its faults strike the same places alone"
        return {**told, "simulations": trials.made, "minimal": False, "faults": None, "message": message}, None
    shrunk = shrink(exact, trials.first_failing)
    told |= {
        "simulations": trials.made,
        "minimal": shrunk.minimal,
        "faults": [fault_text(rule) for rule in shrunk.parts],
    }
    message = ""
    if not shrunk.parts:
        message = "it fails without any fault"
    elif not shrunk.minimal:
        message = f"shrinking was cut off after {SHRINK_SIMULATIONS_MAX} simulations or {SHRINK_S_MAX:.0f} s"
    return {**told, "message": message or None}, shrunk.parts


class _Trials:
    """Simulations of one seed with fewer faults, within bounds."""

    def __init__(self, simulation: Simulation, jobs: int) -> None:
        self._simulation = simulation
        self._jobs = jobs
        self._until_s = perf_counter() + SHRINK_S_MAX
        self._known: dict[tuple[FaultRule, ...], bool] = {}
        self.made = 0
        """How many simulations it took; what ran beside them for nothing is not counted."""

    def first_failing(self, candidates: Sequence[Sequence[FaultRule]]) -> int | None:
        """See `shrinking.FirstFailing`. As many are tried at a time as there are jobs."""
        for start in range(0, len(candidates), self._jobs):
            block = [tuple(candidate) for candidate in candidates[start : start + self._jobs]]
            unknown = [candidate for candidate in block if candidate not in self._known]
            if unknown and (self.made >= SHRINK_SIMULATIONS_MAX or perf_counter() > self._until_s):
                raise Exhausted
            simulations = [replace(self._simulation, faults=candidate) for candidate in unknown]
            for index, simulated in simulate_each(simulations, self._jobs):
                self._known[unknown[index]] = not holds(simulated.report)
            for number, candidate in enumerate(block):
                self.made += candidate in unknown
                if self._known[candidate]:
                    return start + number
        return None
