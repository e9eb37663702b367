"""The JSON of ``terraform show -json``: a plan, or the state after an apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.host import HostFile, mapping
from stepsim.runtime.projects.project import Project
from stepsim.runtime.projects.terraform_hcl import load_hcl
from stepsim.runtime.projects.terraform_resources import CLOUDFORMATION, TerraformResource, add_resources

_ROOTS: tuple[Steps, ...] = (("planned_values", "root_module"), ("values", "root_module"))


def load_plan(host: HostFile, given: Mapping[str, JSON]) -> Project:
    """The project of a plan or a state.

    A plan does not know what is known after an apply, so definitions that name ARNs are missing in it: where the .tf
    files lie beside it, they are read instead. Raises ProjectError.
    """
    resources: list[TerraformResource] = []
    for root in _ROOTS:
        module = host.value
        for step in root:
            module = mapping(module).get(str(step))
        resources += _resources(host, mapping(module), root)
    unknown = any(one.type == "aws_sfn_state_machine" and "definition" not in one.values for one in resources)
    if unknown and any(host.path.parent.glob("*.tf")):
        return load_hcl(host.path.parent, given)
    builder = ProjectBuilder()
    add_resources(builder, resources)
    return builder.built(host.path, "terraform")


def _resources(host: HostFile, module: Mapping[str, JSON], steps: Steps) -> Iterator[TerraformResource]:
    for index, resource in enumerate(module.get("resources") or []):
        values = {name: value for name, value in mapping(resource.get("values")).items() if value is not None}
        kind, address = str(resource.get("type")), str(resource.get("address"))
        _, named_by = CLOUDFORMATION.get(kind, ("", "name"))
        site = host.site((*steps, "resources", index), address)
        name = str(values.get(named_by) or resource.get("name"))
        yield TerraformResource(kind, address, name, values, site)
    for index, child in enumerate(module.get("child_modules") or []):
        yield from _resources(host, mapping(child), (*steps, "child_modules", index))
