"""Everything that is wrong with the machines of a project, by the file that it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.payload import JSON
from stepsim.asl.validate import validate
from stepsim.runtime.definition_source import read_definition
from stepsim.runtime.projects.findings import UNRESOLVED, Finding, ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.project import ProjectMachine
from stepsim.runtime.projects.to_scenario import chosen_machine


def project_problems(
    path: Path, parameters: Mapping[str, JSON], resource: str | None = None, *, advice: bool = False
) -> dict[str, list[Problem]]:
    """The problems of templates and of the definitions that they have or name, by file; of one machine if it is named.

    What only AWS knows is a hole, and told as a warning. A file that was named is always among them.
    """
    found: dict[str, list[Problem]] = {} if path.is_dir() else {str(path): []}
    try:
        project = load_project(path, parameters)
        machines = [*project.machines.values()] if resource is None else [chosen_machine(project, resource)]
    except ProjectError as error:
        _add(found, error.findings)
        return found
    _add(found, project.findings)
    for machine in machines:
        for finding in machine.findings:
            _add(found, [finding.as_warning() if finding.problem.code == UNRESOLVED else finding])
        for file, problems in _of_machine(machine, advice).items():
            found.setdefault(file, []).extend(problems)
    return {file: list(dict.fromkeys(problems)) for file, problems in found.items()} or {str(path): []}


def _add(found: dict[str, list[Problem]], findings: tuple[Finding, ...] | list[Finding]) -> None:
    for finding in findings:
        found.setdefault(str(finding.file), []).append(finding.problem)


def _of_machine(machine: ProjectMachine, advice: bool) -> dict[str, list[Problem]]:
    if machine.definition is None:
        return {}
    try:
        document = read_definition(machine.definition, machine.substitutions)
    except DefinitionError as error:
        return {error.source: [*error.problems]}
    return {document.source: validate(document, machine.type, advice=advice, templates=True)}
