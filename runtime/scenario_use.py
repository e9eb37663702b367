"""Models of a scenario held against its definitions: one that no Task comes to would leave what was meant unmodelled.

Functions are no models: a handler, a trigger or another function may call one that no definition names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepsim.runtime.definition import Definition
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.scenario_check import did_you_mean
from stepsim.runtime.scenario_types import Scenario
from stepsim.runtime.watch import RunError

_JOBS = (
    ("containers", "ecs", "starts an ECS task of this family"),
    ("batch_jobs", "batch", "submits this job definition to Batch"),
    ("glue_jobs", "glue", "starts this job of Glue"),
)


def refuse_idle_models(scenario: Scenario, definitions: Sequence[tuple[DefinitionSource, Definition]]) -> None:
    """Raise RunError for the first of `tasks`, `containers`, `batch_jobs`, `glue_jobs` that models nothing."""
    files = " or ".join(dict.fromkeys(source.name for source, _ in definitions))
    machines = [definition for _, definition in definitions]
    tasks = sorted({name for machine in machines for name in machine.tasks})
    for name in scenario.tasks:
        if name not in tasks:
            raise _idle("tasks", name, f"no Task of {files} has this name or Resource", name, tasks)
    for key, service, starts in _JOBS:
        started = {name for machine in machines for name in machine.jobs.get(service, ())}
        if None in started:
            # A name that is computed may be any.
            continue
        there = sorted(name for name in started if name is not None)
        for entry in getattr(scenario, key):
            name = entry.partition("/")[0] if service == "ecs" else entry
            if name not in there:
                raise _idle(key, entry, f"no Task of {files} {starts}", name, there)


def _idle(key: str, entry: str, reason: str, name: str, there: Iterable[str]) -> RunError:
    there = [*there]
    hint = did_you_mean(name, there) or ("there are none" if not there else None)
    return RunError(f"{key}.{entry} models nothing: {reason}" + (f" ({hint})." if hint else "."))
