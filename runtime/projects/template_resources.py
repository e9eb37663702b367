"""Resources of a template, each by the row of its type: functions, stores, queues, and what starts something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from stepsim.asl.parse import is_hole
from stepsim.runtime.projects import template_events as events
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.code_places import code_of, layer_folder
from stepsim.runtime.projects.findings import INVALID_VALUE
from stepsim.runtime.projects.host import mapping
from stepsim.runtime.projects.project import ProjectApi, ProjectFunction
from stepsim.runtime.projects.resource import Resource
from stepsim.runtime.projects.stores import bucket_name, queue_spec, simple_table_spec, table_spec
from stepsim.runtime.projects.template_machines import add_machine


def _function(builder: ProjectBuilder, resource: Resource) -> None:
    dead_letters = resource.mapping("DeadLetterQueue") or resource.mapping("DeadLetterConfig")
    property_name = "DeadLetterQueue" if "DeadLetterQueue" in resource.properties else "DeadLetterConfig"
    with resource.resolver.collecting() as unknown:
        runtime, handler = resource.text("Runtime") or "", resource.text("Handler") or ""
        target = resource.resolver.text(dead_letters.get("TargetArn"), (*resource.steps(property_name), "TargetArn"))
        code = code_of(resource)
        layers = _layers(resource)
        memory_mb, timeout_s = resource.integer("MemorySize", 128), resource.integer("Timeout", 3)
        reserved = resource.integer("ReservedConcurrentExecutions", -1)
        env = _environment(resource)
    builder.findings += [finding.as_warning() for finding in unknown]
    builder.add_function(
        ProjectFunction(
            resource.id,
            resource.name,
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


def _environment(resource: Resource) -> dict[str, str]:
    variables = mapping(resource.mapping("Environment").get("Variables"))
    steps = (*resource.steps("Environment"), "Variables")
    values = {name: resource.resolver.text(value, (*steps, name)) for name, value in variables.items()}
    return {name: value for name, value in values.items() if value is not None and not is_hole(value)}


def _layers(resource: Resource) -> tuple[Path, ...]:
    layers = resource.resolver.resolve(resource.properties.get("Layers", []), resource.steps("Layers"))
    folders = []
    for layer in layers if isinstance(layers, list) else ():
        name = str(layer).split(":layer:")[-1].partition(":")[0]
        for other in resource.siblings.values():
            if "LayerVersion" in other.type and other.name == name:
                folder = layer_folder(other)
                folders += [] if folder is None else [folder]
    return tuple(folders)


def _table(builder: ProjectBuilder, resource: Resource) -> None:
    spec = simple_table_spec(resource) if resource.type == "AWS::Serverless::SimpleTable" else table_spec(resource)
    if spec is None:
        builder.findings.append(resource.site.warning(INVALID_VALUE, "is a table without a partition key"))
    else:
        builder.tables[resource.name] = spec


def _queue(builder: ProjectBuilder, resource: Resource) -> None:
    builder.queues[resource.name] = queue_spec(resource)


def _bucket(builder: ProjectBuilder, resource: Resource) -> None:
    """Add a bucket, and what it notifies."""
    builder.buckets[bucket_name(resource.name)] = None
    events.of_bucket(builder, resource)


def _activity(builder: ProjectBuilder, resource: Resource) -> None:
    builder.activities[resource.name] = None


def _topic(builder: ProjectBuilder, resource: Resource) -> None:
    builder.topics[resource.name] = None


def _event_bus(builder: ProjectBuilder, resource: Resource) -> None:
    builder.event_buses[resource.name] = None


def _api(builder: ProjectBuilder, resource: Resource) -> None:
    """Note an API: nobody calls it in a run."""
    builder.apis.append(ProjectApi(resource.id, resource.site, resource.type))


READERS: Mapping[str, Callable[[ProjectBuilder, Resource], None]] = {
    "AWS::StepFunctions::StateMachine": add_machine,
    "AWS::Serverless::StateMachine": add_machine,
    "AWS::Lambda::Function": _function,
    "AWS::Serverless::Function": _function,
    "AWS::DynamoDB::Table": _table,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::Serverless::SimpleTable": _table,
    "AWS::SQS::Queue": _queue,
    "AWS::S3::Bucket": _bucket,
    "AWS::StepFunctions::Activity": _activity,
    "AWS::SNS::Topic": _topic,
    "AWS::Events::EventBus": _event_bus,
    "AWS::Serverless::Api": _api,
    "AWS::Serverless::HttpApi": _api,
    "AWS::ApiGateway::RestApi": _api,
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::Events::Rule": events.of_rule,
    "AWS::Scheduler::Schedule": events.of_schedule,
    "AWS::Pipes::Pipe": events.of_pipe,
    "AWS::Lambda::EventSourceMapping": events.of_mapping,
}
