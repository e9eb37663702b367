"""Many simulations, several at a time, each in a process of its own.

Code that a scenario brings keeps what it likes in its modules; a simulation must not find what another one left there.
The processes are forked from one that has imported what all of them need.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from stepsim.runtime.cloud.fault_rules import FaultRule
from stepsim.runtime.cloud.faults import Strike

_PRELOADED = ["stepsim.runtime.runner", "stepsim.runtime.scenario", "stepsim.runtime.cloud_setup"]

STRIKES_MAX = 5_000
"""As many strikes of one simulation are told; who wants to know of more can do nothing with them."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """One simulation to be made."""

    scenario: Path
    sets: tuple[str, ...]
    """Its ``--set`` overrides."""
    seed: int | None
    """None: the scenario's own."""
    faults: tuple[FaultRule, ...] | None = None
    """In place of the scenario's own; None leaves it those."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation has come to."""

    report: dict[str, Any]
    strikes: list[Strike] = field(default_factory=list)
    """Where faults struck, at most STRIKES_MAX of them."""
    struck: int = 0


class SimulationError(Exception):
    """A simulation cannot be made; the message says why."""


def usable_cpus() -> int:
    """How many simulations run at a time unless somebody says otherwise."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def simulate_each(simulations: Sequence[Simulation], jobs: int) -> Iterator[tuple[int, Simulated]]:
    """Make simulations, `jobs` at a time; yields each one's index and what it has come to, as they end.

    Raises SimulationError for the first that cannot be made; whoever stops asking ends those that run.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    waiting = iter(enumerate(simulations))
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    try:
        while True:
            while len(running) < jobs and (following := next(waiting, None)) is not None:
                index, simulation = following
                connection, process = _start(context, simulation)
                running[connection] = index, process
            if not running:
                return
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                index, process = running[ready]
                outcome = _received(ready, process)
                del running[ready]
                ready.close()
                process.join()
                yield index, outcome
    finally:
        for connection, (_, process) in running.items():
            process.kill()
            process.join()
            connection.close()


def _start(context: ForkServerContext, simulation: Simulation) -> tuple[Connection, BaseProcess]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_simulate, args=(theirs, simulation), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _received(connection: Connection, process: BaseProcess) -> Simulated:
    try:
        outcome = connection.recv()
    except EOFError:
        process.join()
        raise SimulationError(f"A simulation's process ended with {process.exitcode}, without a report.") from None
    if isinstance(outcome, SimulationError):
        raise outcome
    assert isinstance(outcome, Simulated)
    return outcome


def _simulate(connection: Connection, simulation: Simulation) -> None:
    """The life of a process: one simulation."""
    # Ctrl-C reaches the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outcome: Simulated | SimulationError
    try:
        outcome = simulated(simulation)
    except SimulationError as error:
        outcome = error
    with suppress(BrokenPipeError):
        connection.send(outcome)
    connection.close()


def simulated(simulation: Simulation) -> Simulated:
    """Make a simulation in this process. Raises SimulationError where it cannot start."""
    from stepsim.asl.errors import DefinitionError
    from stepsim.runtime.runner import RunError, Watch, simulate
    from stepsim.runtime.scenario import ScenarioError, load_scenario

    strikes: list[Strike] = []
    struck = 0

    def strike(one: Strike) -> None:
        nonlocal struck
        struck += 1
        if struck <= STRIKES_MAX:
            strikes.append(one)

    try:
        scenario = load_scenario(simulation.scenario, simulation.sets, simulation.seed)
        if simulation.faults is not None:
            scenario = replace(scenario, faults=simulation.faults)
        return Simulated(simulate(scenario, Watch(strike=strike)), strikes, struck)
    except (DefinitionError, RunError, ScenarioError) as error:
        raise SimulationError(str(error)) from None
