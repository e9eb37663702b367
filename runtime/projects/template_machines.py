"""State machines of a template: the definition, in the template or in a file, and what it is filled in with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepsim.asl.parse import Path as Steps
from stepsim.asl.parse import placeholders
from stepsim.asl.payload import JSON
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.projects import template_events as events
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.findings import (
    INVALID_VALUE,
    MISSING_FILE,
    MISSING_SUBSTITUTION,
    NOT_SUPPORTED,
    UNUSED_SUBSTITUTION,
    Finding,
)
from stepsim.runtime.projects.project import ProjectMachine
from stepsim.runtime.projects.resource import Resource
from stepsim.runtime.scenario_check import did_you_mean


def add_machine(builder: ProjectBuilder, resource: Resource) -> None:
    """Add a state machine, and what starts it."""
    is_sam = resource.type.startswith("AWS::Serverless")
    with resource.resolver.collecting() as findings:
        substitutions = _substitutions(resource)
        kind = resource.text("Type" if is_sam else "StateMachineType")
        definition = _definition(resource, findings)
    if definition is not None:
        findings += _checked(resource, definition, substitutions)
    builder.add_machine(
        ProjectMachine(
            resource.id,
            resource.name,
            resource.site,
            definition,
            "EXPRESS" if kind == "EXPRESS" else "STANDARD",
            substitutions,
            tuple(findings),
        )
    )
    events.of_machine(builder, resource)


def _substitutions(resource: Resource) -> dict[str, JSON]:
    written = resource.mapping("DefinitionSubstitutions")
    steps = resource.steps("DefinitionSubstitutions")
    resolved = {name: resource.resolver.resolve(value, (*steps, name)) for name, value in written.items()}
    return {name: value for name, value in resolved.items() if isinstance(value, str | int | float | bool)}


def _definition(resource: Resource, findings: list[Finding]) -> DefinitionSource | None:
    for name in ("DefinitionUri", "DefinitionS3Location", "DefinitionString", "Definition"):
        value = resource.properties.get(name)
        if value is None:
            continue
        steps = resource.steps(name)
        if name == "DefinitionString":
            text = resource.resolver.resolve(value, steps)
            return resource.resolver.host.embedded(text, steps, _text_steps(value, steps))
        if name == "Definition":
            return resource.resolver.host.embedded(resource.resolver.resolve(value, steps), steps)
        return _definition_file(resource, name, findings)
    advice = "write Definition, DefinitionUri or DefinitionString"
    findings.append(resource.site.error(INVALID_VALUE, "has no definition", advice))
    return None


def _definition_file(resource: Resource, name: str, findings: list[Finding]) -> Path | None:
    steps = resource.steps(name)
    value = resource.resolver.resolve(resource.properties[name], steps)
    site = resource.resolver.host.site(steps, resource.id)
    file: Path | None = None
    shown = value
    if isinstance(value, dict):
        file = _asset_file(resource, str(value.get("Key", "")))
        shown = f"s3://{value.get('Bucket')}/{value.get('Key')}"
    elif isinstance(value, str) and not value.startswith(("s3:", "https:")):
        file = resource.resolver.host.path.parent / value
    if file is None:
        advice = "name the template as it was before it was packaged"
        findings.append(site.error(NOT_SUPPORTED, f"the definition lies in S3: {shown}", advice))
    elif not file.is_file():
        findings.append(site.error(MISSING_FILE, f"there is no file {file}"))
        file = None
    return file


def _asset_file(resource: Resource, key: str) -> Path | None:
    """A file asset of the CDK, which lies beside its template."""
    file = resource.resolver.host.path.parent / f"asset.{key}"
    return file if file.is_file() else None


def _checked(resource: Resource, definition: DefinitionSource, substitutions: Mapping[str, JSON]) -> list[Finding]:
    """Substitutions that nothing asks for, and those that something asks for in vain."""
    if isinstance(definition, Path):
        try:
            wanted = placeholders(definition.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return []
    else:
        wanted = placeholders(definition.value)
    found = []
    for name in substitutions:
        if name not in wanted:
            site = resource.resolver.host.site((*resource.steps("DefinitionSubstitutions"), name), resource.id)
            hint = did_you_mean(name, wanted) if wanted else "it has none"
            found.append(site.warning(UNUSED_SUBSTITUTION, f"the definition has no placeholder ${{{name}}}", hint))
    # A hole of the template's own has been told of with the reason.
    asked = isinstance(definition, Path) or "DefinitionSubstitutions" in resource.properties
    for name in wanted if asked else ():
        if name not in substitutions:
            hint = did_you_mean(name, substitutions) if substitutions else "add it to DefinitionSubstitutions"
            message = f"the definition's placeholder ${{{name}}} has no substitution"
            found.append(resource.site.warning(MISSING_SUBSTITUTION, message, hint))
    return found


def _text_steps(value: JSON, steps: Steps) -> Steps | None:
    """Where the text itself stands, if it stands in one piece."""
    if isinstance(value, str):
        return steps
    if isinstance(value, dict) and len(value) == 1 and "Fn::Sub" in value:
        inner = value["Fn::Sub"]
        return (*steps, "Fn::Sub") if isinstance(inner, str) else (*steps, "Fn::Sub", 0)
    return None
