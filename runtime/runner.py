"""`simulate` and `run`: a scenario in, its report out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stepsim.asl.payload import JSON
from stepsim.runtime.run_functions import no_code
from stepsim.runtime.scenario_types import FunctionSpec, Scenario
from stepsim.runtime.simulation import drive
from stepsim.runtime.stage import Stage
from stepsim.runtime.watch import NOTHING_WATCHED, Ended, Report, RunError, Watch

if TYPE_CHECKING:
    from stepsim.runtime.kept import KeptRun

__all__ = [
    "NOTHING_WATCHED",
    "Ended",
    "Report",
    "RunError",
    "Watch",
    "redrive",
    "run",
    "scenario_of_definition",
    "simulate",
]


def simulate(scenario: Scenario, watch: Watch = NOTHING_WATCHED) -> Report:
    """Run a scenario in virtual time. Returns the report.

    Raises DefinitionError, ScenarioError or RunError where it cannot start.
    """
    stage = Stage(scenario, "virtual", watch)
    with ExitStack() as open_parts:
        cloud = stage.open_cloud(open_parts)
        if scenario.has_code:
            from stepsim.runtime.inline_functions import InlineFunctions

            inline = InlineFunctions(scenario, stage.dice, cloud)
            account = stage.account(open_parts, cloud, inline.code)
            inline.start(account.scheduler, open_parts)
        else:
            account = stage.account(open_parts, cloud, no_code)
        execution = stage.start(account, cloud)
        drive(account, execution, stage.look(account, execution, cloud), stage.sample(account, cloud))
        return stage.end(account, execution, cloud)


def run(
    scenario: Scenario,
    watch: Watch = NOTHING_WATCHED,
    processes: int | None = None,
    keep: Path | KeptRun | None = None,
) -> Report:
    """Run a scenario on the system clock, handlers in processes of their own. Returns the report.

    With `keep`, an empty folder, the run can be gone on with by `redrive`, whatever ends it.
    Raises DefinitionError, ScenarioError or RunError where it cannot start.
    """
    import anyio

    from stepsim.runtime.kept import KeptError, KeptRun
    from stepsim.runtime.persistence.archive import ArchiveError

    try:
        if isinstance(keep, Path):
            keep = KeptRun.new(keep, scenario.name, scenario.seed)
        return anyio.run(_run, scenario, watch, processes, keep)
    except (KeptError, ArchiveError) as error:
        raise RunError(str(error)) from error


def redrive(scenario: Scenario, folder: Path, watch: Watch = NOTHING_WATCHED, processes: int | None = None) -> Report:
    """Go on with a run that was begun with ``keep=folder`` and did not succeed: RedriveExecution. Returns the report.

    It has the definition that it began with; of the scenario come its functions, as they are now, and its resources.
    What had succeeded is not done again. Raises as `run`, and RunError where there is nothing to be redriven.
    """
    from stepsim.runtime.kept import KeptError, KeptRun

    try:
        kept = KeptRun.of_folder(folder)
    except KeptError as error:
        raise RunError(str(error)) from error
    return run(scenario, watch, processes, kept)


async def _run(scenario: Scenario, watch: Watch, processes: int | None, kept: KeptRun | None) -> Report:
    from stepsim.runtime.realtime import drive as drive_really
    from stepsim.runtime.realtime import now_ms
    from stepsim.runtime.simulation import interruption

    stage = Stage(replace(scenario, start_ms=now_ms()), "real", watch, kept)
    # Ctrl-C is heard from here on, not only while the execution is driven: one that comes while a kept run is being
    # brought back would leave children behind that nobody can write down any more.
    with interruption() as interrupted, ExitStack() as open_parts:
        cloud = stage.open_cloud(open_parts)
        if not scenario.has_code:
            account = stage.account(open_parts, cloud, no_code)
            execution = stage.start(account, cloud)
            await drive_really(account, execution, stage.look(account, execution, cloud), interrupted)
            return stage.end(account, execution, cloud)
        from stepsim.runtime.process_functions import open_pool

        async with open_pool(scenario, cloud, processes) as code:
            account = stage.account(open_parts, cloud, code)
            execution = stage.start(account, cloud)
            await drive_really(account, execution, stage.look(account, execution, cloud), interrupted)
            return stage.end(account, execution, cloud)


def scenario_of_definition(
    path: Path,
    *,
    payload: JSON,
    functions: Mapping[str, str],
    machine_type: Literal["STANDARD", "EXPRESS"],
    base_dir: Path,
) -> Scenario:
    """The scenario of a bare definition: its input, and its functions as ``NAME: module:handler``."""
    specs = {name: FunctionSpec(handler, timeout_ms=900_000) for name, handler in functions.items()}
    return Scenario(path.stem.split(".")[0], path, base_dir, type=machine_type, input=payload, functions=specs)
