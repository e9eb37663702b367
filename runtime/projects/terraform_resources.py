"""Terraform's resources as a project: the same for a plan and for what stands in ``.tf`` files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.definition_source import EmbeddedDefinition, Place
from stepsim.runtime.projects import template_events as events
from stepsim.runtime.projects.builder import ProjectBuilder
from stepsim.runtime.projects.code_places import folder_of
from stepsim.runtime.projects.findings import UNRESOLVED, Finding, Site
from stepsim.runtime.projects.host import mapping
from stepsim.runtime.projects.project import Code, NoCode, ProjectApi, ProjectFunction, ProjectMachine
from stepsim.runtime.projects.stores import bucket_name, queue_of, table_of_properties

CLOUDFORMATION: Mapping[str, tuple[str, str]] = {
    "aws_sfn_state_machine": ("AWS::StepFunctions::StateMachine", "name"),
    "aws_sfn_activity": ("AWS::StepFunctions::Activity", "name"),
    "aws_lambda_function": ("AWS::Lambda::Function", "function_name"),
    "aws_lambda_layer_version": ("AWS::Lambda::LayerVersion", "layer_name"),
    "aws_dynamodb_table": ("AWS::DynamoDB::Table", "name"),
    "aws_sqs_queue": ("AWS::SQS::Queue", "name"),
    "aws_s3_bucket": ("AWS::S3::Bucket", "bucket"),
    "aws_sns_topic": ("AWS::SNS::Topic", "name"),
    "aws_cloudwatch_event_bus": ("AWS::Events::EventBus", "name"),
    "aws_cloudwatch_event_rule": ("AWS::Events::Rule", "name"),
    "aws_iam_role": ("AWS::IAM::Role", "name"),
    "aws_iam_policy": ("AWS::IAM::ManagedPolicy", "name"),
    "aws_ecs_cluster": ("AWS::ECS::Cluster", "name"),
    "aws_ecs_task_definition": ("AWS::ECS::TaskDefinition", "family"),
    "aws_batch_job_queue": ("AWS::Batch::JobQueue", "name"),
    "aws_batch_job_definition": ("AWS::Batch::JobDefinition", "name"),
    "aws_glue_job": ("AWS::Glue::Job", "name"),
    "aws_glue_crawler": ("AWS::Glue::Crawler", "name"),
    "aws_glue_catalog_database": ("AWS::Glue::Database", "name"),
    "aws_athena_workgroup": ("AWS::Athena::WorkGroup", "name"),
    "aws_secretsmanager_secret": ("AWS::SecretsManager::Secret", "name"),
    "aws_ssm_parameter": ("AWS::SSM::Parameter", "name"),
    "aws_kms_key": ("AWS::KMS::Key", ""),
    "aws_cloudwatch_log_group": ("AWS::Logs::LogGroup", "name"),
    "aws_kinesis_stream": ("AWS::Kinesis::Stream", "name"),
    "aws_codebuild_project": ("AWS::CodeBuild::Project", "name"),
    "aws_ecr_repository": ("AWS::ECR::Repository", "name"),
}
"""Of a type: what CloudFormation calls it, and the attribute that names it."""


@dataclass(frozen=True, slots=True)
class TerraformResource:
    """A resource with everything in it worked out; its blocks are lists of mappings, as in a plan."""

    type: str
    address: str
    name: str
    """In the account."""
    values: Mapping[str, JSON]
    site: Site
    code: Path | None = None
    """The folder that a function's archive is made of."""
    shift: Callable[[int, int], Place] | None = None
    """Of a machine whose definition stands in the file as it is."""
    holes: tuple[Finding, ...] = ()
    """What in it only AWS knows."""


@dataclass(frozen=True, slots=True)
class _At:
    """Everything stands at one place."""

    place: Place

    def position(self, _: Sequence[str | int], /) -> Place:
        return self.place


def add_resources(builder: ProjectBuilder, resources: Sequence[TerraformResource]) -> None:
    """Add them to a builder, each by the row of its type."""
    rules = {one.name: one for one in resources if one.type == "aws_cloudwatch_event_rule"}
    for resource in resources:
        add = _READERS.get(resource.type)
        if add is not None:
            add(builder, resource)
        elif resource.type == "aws_cloudwatch_event_target":
            rule = rules.get(str(resource.values.get("rule")))
            if rule is not None:
                _event_target(builder, rule, resource)


def _machine(builder: ProjectBuilder, resource: TerraformResource) -> None:
    values, site = resource.values, resource.site
    text = values.get("definition")
    definition = None
    findings = list(resource.holes)
    if isinstance(text, str):
        positions = _At((site.line, site.column))
        definition = EmbeddedDefinition(site.file, text, positions, resource.shift)
    else:
        advice = "name the folder of the .tf files, or the JSON of `terraform show -json` after an apply"
        findings.append(site.error(UNRESOLVED, "the plan does not know the definition before it is applied", advice))
    kind = "EXPRESS" if values.get("type") == "EXPRESS" else "STANDARD"
    builder.add_machine(
        ProjectMachine(resource.address, resource.name, site, definition, kind, {}, tuple(findings))  # type: ignore[arg-type]
    )


def _function(builder: ProjectBuilder, resource: TerraformResource) -> None:
    values = resource.values
    env = mapping(_first(values, "environment").get("variables"))
    dead_letters = str(_first(values, "dead_letter_config").get("target_arn", ""))
    builder.findings += [hole.as_warning() for hole in resource.holes]
    builder.add_function(
        ProjectFunction(
            resource.address,
            resource.name,
            resource.site,
            str(values.get("runtime") or ""),
            str(values.get("handler") or ""),
            _code(resource),
            _integer(values.get("memory_size"), 128),
            _integer(values.get("timeout"), 3),
            {name: str(value) for name, value in env.items() if value is not None and "${" not in str(value)},
            reserved if (reserved := _integer(values.get("reserved_concurrent_executions"), -1)) >= 0 else None,
            (),
            dead_letters.rpartition(":")[2] if ":sqs:" in dead_letters else None,
        )
    )


def _code(resource: TerraformResource) -> Code:
    values = resource.values
    if resource.code is not None:
        return folder_of(resource.code)
    if values.get("package_type") == "Image" or values.get("image_uri"):
        return NoCode("it is a container image; model it: returns, echo")
    filename = values.get("filename")
    if isinstance(filename, str):
        return folder_of(resource.site.file.parent / filename)
    return NoCode("its code does not lie beside the .tf files; name Python code, or model it: returns, echo")


def _table(builder: ProjectBuilder, resource: TerraformResource) -> None:
    values = resource.values
    types = [
        {"AttributeName": one.get("name"), "AttributeType": one.get("type")}
        for one in map(mapping, _list(values.get("attribute")))
    ]
    properties: dict[str, JSON] = {
        "AttributeDefinitions": types,
        "KeySchema": _schema(values),
        "BillingMode": values.get("billing_mode"),
        "ProvisionedThroughput": _units(values),
        "GlobalSecondaryIndexes": [
            {"IndexName": one.get("name"), "KeySchema": _schema(one), "ProvisionedThroughput": _units(one)}
            for one in map(mapping, _list(values.get("global_secondary_index")))
        ],
    }
    spec = table_of_properties(properties)
    if spec is not None:
        builder.tables[resource.name] = spec


def _schema(values: Mapping[str, JSON]) -> list[JSON]:
    keys = (("hash_key", "HASH"), ("range_key", "RANGE"))
    return [{"AttributeName": values[name], "KeyType": kind} for name, kind in keys if values.get(name)]


def _units(values: Mapping[str, JSON]) -> JSON:
    return {"ReadCapacityUnits": values.get("read_capacity"), "WriteCapacityUnits": values.get("write_capacity")}


def _queue(builder: ProjectBuilder, resource: TerraformResource) -> None:
    redrive = resource.values.get("redrive_policy")
    try:
        policy = decode(redrive) if isinstance(redrive, str) else {}
    except ValueError:
        policy = {}
    builder.queues[resource.name] = queue_of(
        _integer(resource.values.get("visibility_timeout_seconds"), 30), mapping(policy)
    )


def _bucket(builder: ProjectBuilder, resource: TerraformResource) -> None:
    builder.buckets[bucket_name(resource.name)] = None


def _activity(builder: ProjectBuilder, resource: TerraformResource) -> None:
    builder.activities[resource.name] = None


def _topic(builder: ProjectBuilder, resource: TerraformResource) -> None:
    builder.topics[resource.name] = None


def _event_bus(builder: ProjectBuilder, resource: TerraformResource) -> None:
    builder.event_buses[resource.name] = None


def _api(builder: ProjectBuilder, resource: TerraformResource) -> None:
    builder.apis.append(ProjectApi(resource.address, resource.site, resource.type))


def _mapping(builder: ProjectBuilder, resource: TerraformResource) -> None:
    values = resource.values
    properties = {
        "BatchSize": values.get("batch_size"),
        "MaximumBatchingWindowInSeconds": values.get("maximum_batching_window_in_seconds"),
        "FunctionResponseTypes": values.get("function_response_types"),
        "Queue": values.get("event_source_arn"),
    }
    function = str(values.get("function_name", "")).rpartition(":function:")[2].partition(":")[0]
    events.EVENTS["SQS"](builder, resource.site, properties, {"invoke": function})


def _notification(builder: ProjectBuilder, resource: TerraformResource) -> None:
    bucket = resource.values.get("bucket")
    for one in map(mapping, _list(resource.values.get("lambda_function"))):
        target = events.arn_target(one.get("lambda_function_arn"))
        rules = [
            {"Name": name, "Value": one[f"filter_{name}"]} for name in ("prefix", "suffix") if one.get(f"filter_{name}")
        ]
        properties = {"Bucket": bucket, "Events": one.get("events"), "Filter": {"S3Key": {"Rules": rules}}}
        if target is not None:
            events.EVENTS["S3"](builder, resource.site, properties, target)


def _event_target(builder: ProjectBuilder, rule: TerraformResource, resource: TerraformResource) -> None:
    values = resource.values
    target = events.arn_target(values.get("arn"))
    if target is None or rule.values.get("state") == "DISABLED":
        return
    given = {"Input": values["input"]} if values.get("input") is not None else {}
    schedule, pattern = rule.values.get("schedule_expression"), rule.values.get("event_pattern")
    if isinstance(schedule, str):
        events.EVENTS["Schedule"](builder, resource.site, {"Schedule": schedule, **given}, target)
    elif pattern is not None:
        events.EVENTS["EventBridgeRule"](builder, resource.site, {"Pattern": pattern, **given}, target)


def _schedule(builder: ProjectBuilder, resource: TerraformResource) -> None:
    given = _first(resource.values, "target")
    target = events.arn_target(given.get("arn"))
    if target is not None and resource.values.get("state") != "DISABLED":
        properties = {"Schedule": resource.values.get("schedule_expression")}
        constant = {"Input": given["input"]} if given.get("input") is not None else {}
        events.EVENTS["Schedule"](builder, resource.site, {**properties, **constant}, target)


_READERS: Mapping[str, Callable[[ProjectBuilder, TerraformResource], None]] = {
    "aws_sfn_state_machine": _machine,
    "aws_sfn_activity": _activity,
    "aws_lambda_function": _function,
    "aws_dynamodb_table": _table,
    "aws_sqs_queue": _queue,
    "aws_s3_bucket": _bucket,
    "aws_scheduler_schedule": _schedule,
    "aws_sns_topic": _topic,
    "aws_cloudwatch_event_bus": _event_bus,
    "aws_api_gateway_rest_api": _api,
    "aws_apigatewayv2_api": _api,
    "aws_lambda_event_source_mapping": _mapping,
    "aws_s3_bucket_notification": _notification,
}


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _first(values: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    """The only block of a type."""
    blocks = _list(values.get(name))
    return mapping(blocks[0]) if blocks else {}


def _integer(value: JSON, default: int) -> int:
    return int(str(value)) if str(value).isdigit() else default
