"""A project as a scenario: one of its machines, and the account around it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.payload import JSON
from stepsim.runtime.definition import load_definition
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.projects.findings import INVALID_VALUE, MISSING_FILE, UNKNOWN_NAME, Finding, ProjectError
from stepsim.runtime.projects.project import (
    InlineCode,
    NoCode,
    Project,
    ProjectFunction,
    ProjectMachine,
)
from stepsim.runtime.scenario_check import Checker, did_you_mean
from stepsim.runtime.scenario_triggers import EventResolver, Known
from stepsim.runtime.scenario_types import BucketSpec, FunctionSpec, MachineSpec, Scenario
from stepsim.runtime.triggers.schedules import is_recurring
from stepsim.workers.handler import HandlerError, HandlerReference

_MODEL = "model it in a scenario's functions (returns, echo), or name Python code: --function {name}=module:handler"
_MEMORY_MB, _TIMEOUT_S = (128, 10_240), (1, 900)


@dataclass(frozen=True, slots=True)
class ProjectScenario:
    """What a project comes to as a scenario."""

    scenario: Scenario
    triggers: tuple[Mapping[str, JSON], ...]
    """All of its triggers as a scenario file has them; schedules that never end are not among the scenario's."""
    findings: tuple[Finding, ...]
    """What its owner should know: all of them warnings."""


def scenario_of_project(
    project: Project,
    resource: str | None = None,
    *,
    functions: Mapping[str, str] | None = None,
    base_dir: Path | None = None,
    replaced: Collection[str] = (),
) -> ProjectScenario:
    """The scenario of one of a project's machines: the named one, else the only one. The others stand beside it.

    `functions` are ``module:handler`` by name and go before the project's own; they are relative to `base_dir`, the
    project's folder unless it is given. `replaced` are the names or ids of functions that somebody else has code or a
    model for. Raises ProjectError: there is no such machine, or what it needs cannot be had.
    """
    machine = chosen_machine(project, resource)
    errors = [finding for finding in machine.findings if finding.problem.severity == "error"]
    if errors or machine.definition is None:
        raise ProjectError(errors)
    findings = [*project.findings, *machine.findings]
    root = project.root if project.root.is_dir() else project.root.parent
    specs = _functions(project, {*replaced, *(functions or ())}, findings)
    specs |= {
        name: FunctionSpec(handler, timeout_ms=900_000, code_dir=base_dir)
        for name, handler in (functions or {}).items()
    }
    scenario = Scenario(
        name=machine.name,
        definition=machine.definition,
        base_dir=root,
        substitutions=machine.substitutions,
        type=machine.type,
        functions=specs,
        tables=project.tables,
        queues=project.queues,
        buckets={name: BucketSpec() for name in project.buckets},
        machines=_others(project, machine, specs, findings),
        activities=project.activities,
        topics=project.topics,
        event_buses=project.event_buses,
    )
    written = tuple(trigger.written for trigger in project.triggers if _can_start(trigger.written, scenario))
    unending = [one for one in written if "schedule" in one and is_recurring(str(one["schedule"]))]
    resolved = _resolved([one for one in written if one not in unending], scenario, root)
    return ProjectScenario(replace(scenario, triggers=resolved, findings=tuple(findings)), written, tuple(findings))


def chosen_machine(project: Project, resource: str | None) -> ProjectMachine:
    """The machine of that id or name, or the only one. Raises ProjectError with the machines that there are."""
    machines = project.machines
    if resource is not None:
        named = [one for one in machines.values() if resource in (one.id, one.name)]
        if named:
            return named[0]
        message = f"there is no state machine {resource!r}"
        names = dict.fromkeys([*machines, *(one.name for one in machines.values())])
        raise ProjectError([_of_project(project, UNKNOWN_NAME, message, did_you_mean(resource, names))])
    if len(machines) == 1:
        return next(iter(machines.values()))
    if not machines:
        raise ProjectError([*project.findings, _of_project(project, UNKNOWN_NAME, "has no state machine", None)])
    listed = ", ".join(machines)
    advice = f"name one: --resource {next(iter(machines))}"
    raise ProjectError([_of_project(project, INVALID_VALUE, f"has several state machines: {listed}", advice)])


def _of_project(project: Project, code: str, message: str, suggestion: str | None) -> Finding:
    return Finding(project.root, Problem(code, message, "", 1, 1, suggestion=suggestion))


def _others(
    project: Project, chosen: ProjectMachine, functions: Collection[str], findings: list[Finding]
) -> dict[str, MachineSpec]:
    """The other machines, as far as they can be run."""
    others: dict[str, MachineSpec] = {}
    for machine in project.machines.values():
        if machine is chosen:
            continue
        errors = [finding for finding in machine.findings if finding.problem.severity == "error"]
        if machine.definition is None or errors:
            reason: str | None = errors[0].problem.message if errors else "it has no definition"
        else:
            reason = _unusable(machine, machine.definition, functions)
        if reason is None and machine.definition is not None:
            others[machine.name] = MachineSpec(machine.definition, machine.type, machine.substitutions)
        else:
            findings.append(machine.site.warning(INVALID_VALUE, f"the state machine is left out: {reason}"))
    return others


def _unusable(machine: ProjectMachine, source: DefinitionSource, functions: Collection[str]) -> str | None:
    """Why a machine beside the chosen one cannot be run; None where it can."""
    try:
        definition = load_definition(source, machine.substitutions, machine.type)
    except DefinitionError as error:
        return str(error.problems[0])
    missing = definition.missing_functions(functions, ())
    return f"it calls functions that are not in the project: {', '.join(missing)}" if missing else None


# -- functions ----------------------------------------------------------------------------------------------------


def _functions(project: Project, replaced: Collection[str], findings: list[Finding]) -> dict[str, FunctionSpec]:
    specs = {}
    for function in project.functions.values():
        spec, reason = _function(function, project)
        if reason is not None and function.name not in replaced and function.id not in replaced:
            advice = _MODEL.format(name=function.name)
            findings.append(function.site.warning(MISSING_FILE, f"the function cannot be run: {reason}", advice))
        specs[function.name] = spec
    return specs


def _function(function: ProjectFunction, project: Project) -> tuple[FunctionSpec, str | None]:
    """A function's spec; of one whose code is not at hand a model that fails, and the reason."""
    reason = None
    folder = Path()
    if function.runtime and not function.runtime.startswith("python"):
        reason = f"its runtime is {function.runtime}, and stepsim runs Python"
    elif isinstance(function.code, NoCode):
        reason = function.code.reason
    elif isinstance(function.code, InlineCode):
        folder = _folder_of(function.code)
    else:
        folder = function.code
    if reason is None:
        reason = _lacking(function.handler, folder)
    spec = FunctionSpec(
        function.handler,
        memory_mb=_within(function.memory_mb, _MEMORY_MB),
        timeout_ms=_within(function.timeout_s, _TIMEOUT_S) * 1_000,
        env=function.env,
        reserved_concurrency=function.reserved_concurrency,
        dlq=function.dlq if function.dlq in project.queues else None,
        code_dir=folder,
        search_paths=function.layers,
        defined_at=str(function.site),
    )
    return (spec, None) if reason is None else (spec.failing(reason), reason)


def _within(value: int, bounds: tuple[int, int]) -> int:
    return min(max(value, bounds[0]), bounds[1])


def _lacking(handler: str, folder: Path) -> str | None:
    """Why a handler cannot be found; None where it can. Nothing is imported."""
    try:
        reference = HandlerReference.parse(handler, folder)
    except HandlerError as error:
        return str(error)
    package = folder.joinpath(*reference.module.split("."))
    if reference.file is None and not package.is_dir():
        return f"there is no file {package.with_suffix('.py')}"
    return None


def _folder_of(code: InlineCode) -> Path:
    """A folder with the code as Lambda has it, ``index.py``; it lives as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="stepsim-inline-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "index.py").write_text(code.text, encoding="utf-8")
    return folder


# -- triggers -----------------------------------------------------------------------------------------------------


def _can_start(written: Mapping[str, JSON], scenario: Scenario) -> bool:
    """Whether what it starts is in the scenario: a machine may have been left out."""
    start = written.get("start")
    return start is None or start == scenario.name or start in scenario.machines


def _resolved(written: Sequence[Mapping[str, JSON]], scenario: Scenario, root: Path) -> tuple[Any, ...]:
    """Triggers as a scenario has them. Raises ProjectError for one that AWS would not take."""
    checker = Checker(lambda _: (1, 1))
    known = Known(scenario.name, scenario.machines, scenario.functions, scenario.buckets, scenario.queues)
    value = {"cloud": {"triggers": list(written)}}
    events = EventResolver(checker, known, _no_code, scenario.seed).events(value)
    if checker.problems:
        raise ProjectError([Finding(root, problem) for problem in checker.problems])
    return events.triggers


def _no_code(text: str, path: KeyPath) -> None:
    raise AssertionError(f"{path}: triggers of templates have no code: {text}")
