"""CloudFormation templates, SAM's among them, as a project: each resource by the row of its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from stepsim.asl.parse import Path as Steps
from stepsim.asl.parse import is_hole, placeholders
from stepsim.asl.payload import JSON
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.projects import template_events as events
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.code_places import code_of, layer_folder
from stepsim.runtime.projects.findings import (
    INVALID_VALUE,
    MISSING_FILE,
    MISSING_SUBSTITUTION,
    NOT_SUPPORTED,
    UNKNOWN_NAME,
    UNUSED_SUBSTITUTION,
    Finding,
    ProjectError,
)
from stepsim.runtime.projects.host import HostFile, mapping, read_host
from stepsim.runtime.projects.intrinsics import FUNCTIONS
from stepsim.runtime.projects.project import Project, ProjectApi, ProjectFunction, ProjectMachine
from stepsim.runtime.projects.resolver import Resolver
from stepsim.runtime.projects.resource import Resource
from stepsim.runtime.projects.stores import bucket_name, queue_spec, simple_table_spec, table_spec
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
        resources = [self._resource(name, value) for name, value in self.resolver.resources.items()]
        there = [one for one in resources if one is not None]
        for resource in there:
            if resource.type in _STACKS:
                self._nested(resource)
        for resource in there:
            read = _READERS.get(resource.type)
            if read is not None:
                read(self, resource)
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

    def _resource(self, logical_id: str, value: JSON) -> Resource | None:
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
        )

    # -- state machines -------------------------------------------------------------------------------------------

    def machine(self, resource: Resource) -> None:
        """Add a state machine."""
        is_sam = resource.type.startswith("AWS::Serverless")
        with self.resolver.collecting() as findings:
            substitutions = self._substitutions(resource)
            kind = resource.text("Type" if is_sam else "StateMachineType")
            definition = self._definition(resource, findings)
        if definition is not None:
            findings += self._checked(resource, definition, substitutions)
        self.builder.add_machine(
            ProjectMachine(
                resource.id,
                self.resolver.name(resource.logical_id),
                resource.site,
                definition,
                "EXPRESS" if kind == "EXPRESS" else "STANDARD",
                substitutions,
                tuple(findings),
            )
        )
        events.of_machine(self.builder, resource)

    def _substitutions(self, resource: Resource) -> dict[str, JSON]:
        written = resource.mapping("DefinitionSubstitutions")
        steps = resource.steps("DefinitionSubstitutions")
        resolved = {name: self.resolver.resolve(value, (*steps, name)) for name, value in written.items()}
        return {name: value for name, value in resolved.items() if isinstance(value, str | int | float | bool)}

    def _definition(self, resource: Resource, findings: list[Finding]) -> DefinitionSource | None:
        for name in ("DefinitionUri", "DefinitionS3Location", "DefinitionString", "Definition"):
            value = resource.properties.get(name)
            if value is None:
                continue
            steps = resource.steps(name)
            if name == "DefinitionString":
                text = self.resolver.resolve(value, steps)
                return self.host.embedded(text, steps, _text_steps(value, steps))
            if name == "Definition":
                return self.host.embedded(self.resolver.resolve(value, steps), steps)
            return self._definition_file(resource, name, findings)
        advice = "write Definition, DefinitionUri or DefinitionString"
        findings.append(resource.site.error(INVALID_VALUE, "has no definition", advice))
        return None

    def _definition_file(self, resource: Resource, name: str, findings: list[Finding]) -> Path | None:
        steps = resource.steps(name)
        value = self.resolver.resolve(resource.properties[name], steps)
        site = self.host.site(steps, resource.id)
        file: Path | None = None
        shown = value
        if isinstance(value, dict):
            file = self._asset_file(str(value.get("Key", "")))
            shown = f"s3://{value.get('Bucket')}/{value.get('Key')}"
        elif isinstance(value, str) and not value.startswith(("s3:", "https:")):
            file = self.host.path.parent / value
        if file is None:
            advice = "name the template as it was before it was packaged"
            findings.append(site.error(NOT_SUPPORTED, f"the definition lies in S3: {shown}", advice))
        elif not file.is_file():
            findings.append(site.error(MISSING_FILE, f"there is no file {file}"))
            file = None
        return file

    def _asset_file(self, key: str) -> Path | None:
        """A file asset of the CDK, which lies beside its template."""
        file = self.host.path.parent / f"asset.{key}"
        return file if file.is_file() else None

    def _checked(
        self, resource: Resource, definition: DefinitionSource, substitutions: Mapping[str, JSON]
    ) -> list[Finding]:
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
                site = self.host.site((*resource.steps("DefinitionSubstitutions"), name), resource.id)
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

    # -- functions ------------------------------------------------------------------------------------------------

    def function(self, resource: Resource) -> None:
        """Add a Lambda function."""
        builder = self.builder
        dead_letters = resource.mapping("DeadLetterQueue") or resource.mapping("DeadLetterConfig")
        property_name = "DeadLetterQueue" if "DeadLetterQueue" in resource.properties else "DeadLetterConfig"
        with self.resolver.collecting() as unknown:
            runtime, handler = resource.text("Runtime") or "", resource.text("Handler") or ""
            target = self.resolver.text(dead_letters.get("TargetArn"), (*resource.steps(property_name), "TargetArn"))
            code = code_of(resource)
            layers = self._layers(resource)
            memory_mb, timeout_s = resource.integer("MemorySize", 128), resource.integer("Timeout", 3)
            reserved = resource.integer("ReservedConcurrentExecutions", -1)
            env = self._environment(resource)
        builder.findings += [finding.as_warning() for finding in unknown]
        builder.add_function(
            ProjectFunction(
                resource.id,
                self.resolver.name(resource.logical_id),
                resource.site,
                runtime,
                handler,
                code,
                memory_mb,
                timeout_s,
                env,
                None if reserved < 0 else reserved,
                layers,
                target.rpartition(":")[2] if target and ":sqs:" in target else None,
            )
        )
        events.of_function(builder, resource)

    def _environment(self, resource: Resource) -> dict[str, str]:
        variables = mapping(resource.mapping("Environment").get("Variables"))
        steps = (*resource.steps("Environment"), "Variables")
        values = {name: self.resolver.text(value, (*steps, name)) for name, value in variables.items()}
        return {name: value for name, value in values.items() if value is not None and not is_hole(value)}

    def _layers(self, resource: Resource) -> tuple[Path, ...]:
        layers = self.resolver.resolve(resource.properties.get("Layers", []), resource.steps("Layers"))
        folders = []
        for layer in layers if isinstance(layers, list) else ():
            name = str(layer).split(":layer:")[-1].partition(":")[0]
            for logical_id, value in self.resolver.resources.items():
                if "LayerVersion" in str(mapping(value).get("Type")) and self.resolver.name(logical_id) == name:
                    folder = layer_folder(self._resource(logical_id, value))
                    folders += [] if folder is None else [folder]
        return tuple(folders)

    # -- the account ----------------------------------------------------------------------------------------------

    def table(self, resource: Resource) -> None:
        """Add a DynamoDB table."""
        spec = simple_table_spec(resource) if resource.type == "AWS::Serverless::SimpleTable" else table_spec(resource)
        if spec is None:
            self.builder.findings.append(resource.site.warning(INVALID_VALUE, "is a table without a partition key"))
        else:
            self.builder.tables[self.resolver.name(resource.logical_id)] = spec

    def queue(self, resource: Resource) -> None:
        """Add an SQS queue."""
        self.builder.queues[self.resolver.name(resource.logical_id)] = queue_spec(resource)

    def bucket(self, resource: Resource) -> None:
        """Add a bucket, and what it notifies."""
        self.builder.buckets[bucket_name(self.resolver.name(resource.logical_id))] = None
        events.of_bucket(self.builder, resource)

    def activity(self, resource: Resource) -> None:
        """Add an activity."""
        self.builder.activities[self.resolver.name(resource.logical_id)] = None

    def topic(self, resource: Resource) -> None:
        """Add an SNS topic."""
        self.builder.topics[self.resolver.name(resource.logical_id)] = None

    def event_bus(self, resource: Resource) -> None:
        """Add an event bus."""
        self.builder.event_buses[self.resolver.name(resource.logical_id)] = None

    def api(self, resource: Resource) -> None:
        """Note an API: nobody calls it in a run."""
        self.builder.apis.append(ProjectApi(resource.id, resource.site, resource.type))

    # -- nested stacks --------------------------------------------------------------------------------------------

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
        with self.resolver.collecting() as unknown:
            written = resource.mapping("Parameters")
            steps = resource.steps("Parameters")
            given = {key: self.resolver.resolve(value, (*steps, key)) for key, value in written.items()}
        holes = {f"${{{finding.problem.message}}}" for finding in unknown}
        known = {key: value for key, value in given.items() if isinstance(value, str) and value not in holes}
        inner = TemplateReader(
            self.builder, read_host(file), known, self._exports, prefix=f"{resource.id}/", stack_name=resource.id
        )
        inner.read()
        self.resolver.nested[resource.logical_id] = inner.outputs()


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


def _text_steps(value: JSON, steps: Steps) -> Steps | None:
    """Where the text itself stands, if it stands in one piece."""
    if isinstance(value, str):
        return steps
    if isinstance(value, dict) and len(value) == 1 and "Fn::Sub" in value:
        inner = value["Fn::Sub"]
        return (*steps, "Fn::Sub") if isinstance(inner, str) else (*steps, "Fn::Sub", 0)
    return None


_READERS: Mapping[str, Callable[[TemplateReader, Resource], None]] = {
    "AWS::StepFunctions::StateMachine": TemplateReader.machine,
    "AWS::Serverless::StateMachine": TemplateReader.machine,
    "AWS::Lambda::Function": TemplateReader.function,
    "AWS::Serverless::Function": TemplateReader.function,
    "AWS::DynamoDB::Table": TemplateReader.table,
    "AWS::DynamoDB::GlobalTable": TemplateReader.table,
    "AWS::Serverless::SimpleTable": TemplateReader.table,
    "AWS::SQS::Queue": TemplateReader.queue,
    "AWS::S3::Bucket": TemplateReader.bucket,
    "AWS::StepFunctions::Activity": TemplateReader.activity,
    "AWS::SNS::Topic": TemplateReader.topic,
    "AWS::Events::EventBus": TemplateReader.event_bus,
    "AWS::Serverless::Api": TemplateReader.api,
    "AWS::Serverless::HttpApi": TemplateReader.api,
    "AWS::ApiGateway::RestApi": TemplateReader.api,
    "AWS::ApiGatewayV2::Api": TemplateReader.api,
    "AWS::Events::Rule": lambda reader, resource: events.of_rule(reader.builder, resource),
    "AWS::Scheduler::Schedule": lambda reader, resource: events.of_schedule(reader.builder, resource),
    "AWS::Pipes::Pipe": lambda reader, resource: events.of_pipe(reader.builder, resource),
    "AWS::Lambda::EventSourceMapping": lambda reader, resource: events.of_mapping(reader.builder, resource),
}


def read_template(
    builder: ProjectBuilder, host: HostFile, given: Mapping[str, JSON], exports: Exports = no_exports
) -> TemplateReader:
    """Add a template to a builder. Raises ProjectError for a parameter that nothing knows."""
    reader = TemplateReader(builder, host, given, exports)
    reader.read()
    return reader


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
    reader = read_template(builder, host, given)
    refuse_unknown(host, given, reader.used, reader.resolver.parameters)
    return builder.built(host.path, "cloudformation")
