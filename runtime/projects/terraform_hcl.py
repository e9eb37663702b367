"""Terraform's ``.tf`` files as a project: what a module and those that it calls make, instance by instance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from stepsim.asl.parse import placeholders
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.findings import INVALID_VALUE, UNKNOWN_NAME, UNRESOLVED, Finding, ProjectError, Site
from stepsim.runtime.projects.hcl_values import FAILURES
from stepsim.runtime.projects.project import Project
from stepsim.runtime.projects.terraform_files import Found, read_blocks
from stepsim.runtime.projects.terraform_module import Module, suffix_of
from stepsim.runtime.projects.terraform_resources import TerraformResource, add_resources
from stepsim.runtime.projects.terraform_scope import Names, values_of
from stepsim.runtime.scenario_check import did_you_mean

_REFERENCE = re.compile(r"[a-z_]\w*(\.[\w-]+)+")


def load_hcl(path: Path, given: Mapping[str, JSON]) -> Project:
    """The project of a folder of .tf files, or of one of them. Raises ProjectError for what is no HCL."""
    folder = path if path.is_dir() else path.parent
    files = sorted(folder.glob("*.tf")) if path.is_dir() else [path]
    module = Module(folder, files, {**_tfvars(folder), **given})
    resources = [*_resources(module)]
    unknown = [name for name in given if name not in module.declared.variables and name not in module.used]
    if unknown:
        site = Site(files[0], 1, 1, "")
        known = module.declared.variables
        raise ProjectError(
            [
                site.error(UNKNOWN_NAME, f"no variable {name!r}: nothing asks for it", did_you_mean(name, known))
                for name in unknown
            ]
        )
    builder = ProjectBuilder()
    add_resources(builder, resources)
    builder.findings += module.findings
    return builder.built(path, "terraform")


def _tfvars(folder: Path) -> dict[str, JSON]:
    """The values that Terraform takes without being told to."""
    values: dict[str, JSON] = {}
    for file in [folder / "terraform.tfvars", *sorted(folder.glob("*.auto.tfvars"))]:
        if file.is_file():
            written = read_blocks(file).block.attributes
            scope = Module(folder, [], {}).scope()
            values |= {name: one.expr(scope) for name, one in written.items()}
    return values


def _resources(module: Module) -> Iterator[TerraformResource]:
    """Everything that is made, instance by instance, with that of the modules that are called."""
    archives = _archives(module)
    for found in module.declared.resources.values():
        for key, names in module.instances(found):
            yield _resource(module, found, key, names, archives)
    for name in module.declared.calls:
        inner = module.child(name)
        if inner is not None:
            yield from _resources(inner)
            module.findings += inner.findings


def _archives(module: Module) -> dict[str, Path]:
    """The folders that archives are made of, by the archive's path."""
    archives: dict[str, Path] = {}
    for (kind, name), found in module.declared.data.items():
        if kind != "archive_file":
            continue
        values = values_of(found.block, module.scope())
        source, file = values.get("source_dir"), values.get("source_file")
        folder = Path(str(source)) if source else Path(str(file)).parent if file else None
        if folder is not None:
            output = values.get("output_path", f"data.archive_file.{name}")
            archives[str(output)] = module.folder / folder
    return archives


def _resource(
    module: Module, found: Found, key: str, names: Mapping[str, JSON], archives: Mapping[str, Path]
) -> TerraformResource:
    address = f"{module.prefix}{found.type}.{found.name}{key}"
    definition = found.block.attributes.get("definition")
    site = found.site(definition.offset if definition else found.block.offset, address)
    scope = module.scope(names)
    values = values_of(found.block, scope)
    filename = values.get("filename")
    shift = None
    if definition is not None and definition.text_offset is not None:
        shift = found.shift(definition.text_offset)
    return TerraformResource(
        found.type,
        address,
        module.name_of(found, scope) + suffix_of(key, found),
        values,
        site,
        archives.get(str(filename)) if filename is not None else None,
        shift,
        _holes(found, module.scope(names), site),
    )


def _holes(found: Found, scope: Names, site: Site) -> tuple[Finding, ...]:
    """What only AWS knows of what is run: a machine's definition, a function's environment."""
    definition = found.block.attributes.get("definition")
    if found.type == "aws_sfn_state_machine" and definition is not None:
        try:
            left = placeholders(definition.expr(scope))
        except FAILURES as error:
            return (site.error(INVALID_VALUE, f"the definition cannot be worked out: {_reason(error)}"),)
        # What a module was given may have holes, too.
        scope.holes += [name for name in left if _REFERENCE.fullmatch(name)]
    elif found.type == "aws_lambda_function":
        for block in found.block.blocks:
            if block.type == "environment":
                values_of(block, scope)
    return tuple(
        site.error(UNRESOLVED, f"{hole} is known to AWS only", f"say what it is: --parameter '{hole}=VALUE'")
        for hole in dict.fromkeys(hole.removeprefix("var.") for hole in scope.holes)
    )


def _reason(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, LookupError) else str(error)
