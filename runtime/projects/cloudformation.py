"""CloudFormation templates, SAM's among them, as a project: resources with SAM's Globals, nested stacks, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from stepsim.asl.parse import Path as Steps
from stepsim.asl.payload import JSON
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.findings import MISSING_FILE, NOT_SUPPORTED, UNKNOWN_NAME, ProjectError
from stepsim.runtime.projects.host import HostFile, mapping, read_host
from stepsim.runtime.projects.intrinsics import FUNCTIONS
from stepsim.runtime.projects.project import Project
from stepsim.runtime.projects.resolver import NO_VALUE, Resolver
from stepsim.runtime.projects.resource import Resource
from stepsim.runtime.projects.template_resources import READERS
from stepsim.runtime.scenario_check import did_you_mean

Exports: TypeAlias = Callable[[str], JSON | None]

_GLOBALS = {
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::StateMachine": "StateMachine",
    "AWS::Serverless::SimpleTable": "SimpleTable",
    "AWS::Serverless::Api": "Api",
    "AWS::Serverless::HttpApi": "HttpApi",
    "AWS::Serverless::LayerVersion": "LayerVersion",
}
_STACKS = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}
_DEPTH_MAX = 8


def no_exports(_: str) -> JSON | None:
    """Nothing is known of other stacks."""
    return None


class TemplateReader:
    """Adds what a template says to a builder."""

    def __init__(
        self,
        builder: ProjectBuilder,
        host: HostFile,
        given: Mapping[str, JSON],
        exports: Exports = no_exports,
        *,
        prefix: str = "",
        stack_name: str | None = None,
    ) -> None:
        self.builder = builder
        self.host = host
        self.resolver = Resolver(host, given, FUNCTIONS, exports, stack_name)
        self._given = given
        self._exports = exports
        self._prefix = prefix
        template = mapping(host.value)
        self._globals = mapping(template.get("Globals"))
        self._outputs = mapping(template.get("Outputs"))
        self.used: set[str] = self.resolver.used
        self.ids: Mapping[str, str] = {}
        """What its owner calls resources, by logical id, where that is something else."""

    def read(self) -> None:
        """Add the template's resources, those of nested stacks first: others refer to their outputs."""
        there: dict[str, Resource] = {}
        for name, value in self.resolver.resources.items():
            resource = self._resource(name, value, there)
            if resource is not None:
                there[name] = resource
        for resource in there.values():
            if resource.type in _STACKS:
                self._nested(resource)
        for resource in there.values():
            read = READERS.get(resource.type)
            if read is not None:
                read(self.builder, resource)
        self.builder.findings += self.resolver.findings

    def outputs(self) -> dict[str, JSON]:
        """What its Outputs are worth, as far as that is known here; by name."""
        found: dict[str, JSON] = {}
        for name, output in self._outputs.items():
            with self.resolver.collecting() as unknown:
                value = self.resolver.resolve(mapping(output).get("Value"), ("Outputs", name, "Value"))
            if not unknown and isinstance(value, str | int | float | list):
                found[name] = value
        return found

    def exported(self) -> dict[str, JSON]:
        """Its outputs that other stacks may import, by the names of the exports."""
        values = self.outputs()
        found: dict[str, JSON] = {}
        for name, output in self._outputs.items():
            export = mapping(mapping(output).get("Export")).get("Name")
            if export is None or name not in values:
                continue
            with self.resolver.collecting():
                found[self.resolver.text(export, ("Outputs", name, "Export", "Name")) or name] = values[name]
        return found

    def _resource(self, logical_id: str, value: JSON, siblings: Mapping[str, Resource]) -> Resource | None:
        steps: Steps = ("Resources", logical_id)
        resource = mapping(value)
        if logical_id.startswith("Fn::"):
            site = self.host.site(steps, logical_id)
            advice = "deploy the template once and name what CloudFormation makes of it, or write the resources out"
            self.builder.findings.append(site.warning(NOT_SUPPORTED, f"{logical_id} is not worked out", advice))
            return None
        if not self.resolver.is_there(resource, steps):
            return None
        kind = str(resource.get("Type", ""))
        properties = mapping(resource.get("Properties"))
        common = mapping(self._globals.get(_GLOBALS.get(kind, "")))
        if common:
            properties = merged(common, properties)
        return Resource(
            self.resolver,
            logical_id,
            f"{self._prefix}{self.ids.get(logical_id, logical_id)}",
            kind,
            properties,
            mapping(resource.get("Metadata")),
            self.host.site(steps, f"{self._prefix}{logical_id}"),
            siblings,
        )

    def _nested(self, resource: Resource) -> None:
        name = _STACKS[resource.type]
        location = resource.properties.get(name)
        file = self.host.path.parent / location if isinstance(location, str) else None
        if file is None or str(location).startswith(("https:", "s3:")) or not file.is_file():
            shown = location if isinstance(location, str) else "an application of a repository"
            message = f"the nested template is not at hand: {shown}"
            self.builder.findings.append(
                resource.site.warning(MISSING_FILE, message, "name the template as it was before it was packaged")
            )
            return
        if self._prefix.count("/") >= _DEPTH_MAX:
            raise ProjectError([resource.site.error(NOT_SUPPORTED, "templates are nested without an end")])
        host = read_host(file)
        passed = self._passed(resource)
        told = self._told(mapping(mapping(host.value).get("Parameters")), resource)
        inner = TemplateReader(
            self.builder, host, {**told, **passed}, self._exports, prefix=f"{resource.id}/", stack_name=resource.id
        )
        inner.read()
        self.resolver.nested[resource.logical_id] = inner.outputs()
        self.used |= inner.used & told.keys()

    def _passed(self, resource: Resource) -> dict[str, JSON]:
        """The parameters of a nested stack, but for those that only AWS knows."""
        passed: dict[str, JSON] = {}
        for name, written in resource.mapping("Parameters").items():
            with self.resolver.collecting() as unknown:
                value = self.resolver.resolve(written, (*resource.steps("Parameters"), name))
            if not unknown and value is not NO_VALUE and not isinstance(value, dict):
                passed[name] = value
        return passed

    def _told(self, declared: Mapping[str, JSON], resource: Resource) -> dict[str, JSON]:
        """The given values that fill what is unknown in a nested stack: its parameters without a value, other names."""
        written = resource.mapping("Parameters")
        return {
            name: value
            for name, value in self._given.items()
            if name not in declared or name in written or "Default" not in mapping(declared[name])
        }


def merged(common: Mapping[str, JSON], own: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """A resource's properties over those of SAM's Globals: mappings are joined, lists added, all else replaced."""
    result = dict(common)
    for name, value in own.items():
        there = result.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            result[name] = merged(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            result[name] = [*there, *value]
        else:
            result[name] = value
    return result


def refuse_unknown(host: HostFile, given: Mapping[str, JSON], used: set[str], declared: Mapping[str, JSON]) -> None:
    """Raise ProjectError for a given parameter that no template declares and nothing asked for."""
    unknown = [name for name in given if name not in declared and name not in used]
    if unknown:
        site = host.site(("Parameters",), "")
        raise ProjectError(
            [
                site.error(UNKNOWN_NAME, f"no parameter {name!r}: nothing asks for it", did_you_mean(name, declared))
                for name in unknown
            ]
        )


def load_template(host: HostFile, given: Mapping[str, JSON]) -> Project:
    """The project of one template. Raises ProjectError for a given value that nothing asks for."""
    builder = ProjectBuilder()
    reader = TemplateReader(builder, host, given)
    reader.read()
    refuse_unknown(host, given, reader.used, reader.resolver.parameters)
    return builder.built(host.path, "cloudformation")
