"""``load_project``: whatever people have, recognised by what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepsim.asl.errors import Problem
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.findings import NOT_SUPPORTED, UNREADABLE, Finding, ProjectError, Site
from stepsim.runtime.projects.host import HostFile, read_host, read_text
from stepsim.runtime.projects.kinds import FORMS, IN_FOLDERS, TEMPLATES, kind_of
from stepsim.runtime.projects.project import Project, ProjectMachine


def load_project(path: str | Path, parameters: Mapping[str, JSON] | None = None) -> Project:
    """What the templates at a path say: machines, functions, the account around them.

    A definition, a CloudFormation or SAM template, a ``cdk.out`` or a folder that has one, a ``serverless.yml``,
    Terraform's files or plan, or a folder with one of these. `parameters` are values by name. Nothing is imported.
    Raises ProjectError where it cannot be read at all; what keeps one machine from being run stands with the machine.
    """
    path = Path(path)
    given = dict(parameters or {})
    if path.is_dir():
        return _load_folder(path, given)
    if path.suffix == ".tf":
        return _load_terraform(path, given)
    text = read_text(path)
    host = read_host(path, text)
    kind = kind_of(host.value)
    if kind == "definition":
        return _of_definition(host)
    if kind == "cloudformation":
        from stepsim.runtime.projects.cloudformation import load_template

        return load_template(host, given)
    if kind == "serverless":
        from stepsim.runtime.projects.serverless_yml import load_serverless

        return load_serverless(host, given)
    if kind == "cdk":
        return _load_cdk(path.parent, given)
    if kind == "terraform":
        from stepsim.runtime.projects.terraform_plan import load_plan

        return load_plan(host, given)
    raise ProjectError(
        [Finding(path, Problem(UNREADABLE, "is none of what stepsim reads", "", 1, 1, suggestion=FORMS))]
    )


def _of_definition(host: HostFile) -> Project:
    name = host.path.name.split(".")[0]
    machine = ProjectMachine(name, name, Site(host.path, 1, 1, name), host.path)
    return Project(host.path, "definition", {name: machine})


def _load_folder(folder: Path, given: Mapping[str, JSON]) -> Project:
    for name in IN_FOLDERS:
        if (folder / name).is_file():
            return _load_cdk((folder / name).parent, given)
    for name in TEMPLATES:
        if (folder / name).is_file():
            return load_project(folder / name, given)
    if any(folder.glob("*.tf")):
        return _load_terraform(folder, given)
    message = "has nothing in it that stepsim reads"
    raise ProjectError([Finding(folder, Problem(NOT_SUPPORTED, message, "", 1, 1, suggestion=FORMS))])


def _load_terraform(path: Path, given: Mapping[str, JSON]) -> Project:
    from stepsim.runtime.projects.terraform_hcl import load_hcl

    return load_hcl(path, given)


def _load_cdk(folder: Path, given: Mapping[str, JSON]) -> Project:
    from stepsim.runtime.projects.cdk_out import load_cdk

    return load_cdk(folder, given)
