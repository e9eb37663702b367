"""``load_project``: whatever people have, recognised by what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepsim.asl.errors import Problem
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.findings import NOT_SUPPORTED, UNREADABLE, Finding, ProjectError, Site
from stepsim.runtime.projects.host import HostFile, mapping, read_host, read_text
from stepsim.runtime.projects.project import Kind, Project, ProjectMachine

TEMPLATES = ("template.yaml", "template.yml", "template.json", "serverless.yml", "serverless.yaml")
"""What a folder is looked through for, in this order, after the CDK's and Terraform's own."""

_FORMS = (
    "a definition (StartAt, States), a CloudFormation or SAM template (Resources), a cdk.out folder, a serverless.yml, "
    "a folder of .tf files or the JSON of `terraform show -json`"
)


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
    text = read_text(path)
    host = read_host(path, text)
    kind = kind_of(host.value)
    if kind == "definition":
        return _of_definition(host)
    if kind == "cloudformation":
        from stepsim.runtime.projects.cloudformation import load_template

        return load_template(host, given)
    if kind == "cdk":
        return _load_cdk(path.parent, given)
    raise ProjectError(
        [Finding(path, Problem(UNREADABLE, "is none of what stepsim reads", "", 1, 1, suggestion=_FORMS))]
    )


def kind_of(value: JSON) -> Kind | None:
    """What a file is by what is in it; None for what is none of these."""
    top = mapping(value)
    if "StartAt" in top or "States" in top:
        return "definition"
    if "terraform_version" in top or "planned_values" in top:
        return "terraform"
    if "artifacts" in top and "version" in top:
        return "cdk"
    if "Resources" in top or "AWSTemplateFormatVersion" in top or "Transform" in top:
        return "cloudformation"
    if "provider" in top and ("service" in top or "functions" in top or "stepFunctions" in top):
        return "serverless"
    if "stepFunctions" in top:
        return "serverless"
    return None


def is_project(value: JSON) -> bool:
    """True for templates: what is neither a definition nor a scenario and holds some."""
    return kind_of(value) not in (None, "definition")


def _of_definition(host: HostFile) -> Project:
    name = host.path.name.split(".")[0]
    machine = ProjectMachine(name, name, Site(host.path, 1, 1, name), host.path)
    return Project(host.path, "definition", {name: machine})


def _load_folder(folder: Path, given: Mapping[str, JSON]) -> Project:
    for place in (folder, folder / "cdk.out"):
        if (place / "manifest.json").is_file():
            return _load_cdk(place, given)
    for name in TEMPLATES:
        if (folder / name).is_file():
            return load_project(folder / name, given)
    message = "has nothing in it that stepsim reads"
    raise ProjectError([Finding(folder, Problem(NOT_SUPPORTED, message, "", 1, 1, suggestion=_FORMS))])


def _load_cdk(folder: Path, given: Mapping[str, JSON]) -> Project:
    from stepsim.runtime.projects.cdk_out import load_cdk

    return load_cdk(folder, given)
