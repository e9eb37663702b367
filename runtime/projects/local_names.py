"""What resources of a template are called in the local account: their names, ARNs and URLs.

CloudFormation makes up names that nobody can foresee (``stack-Work-1X2Y3Z``); here a resource without a name of its own
is called by its logical id. What Ref and Fn::GetAtt give follows the resource's page of the CloudFormation reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION


@dataclass(frozen=True, slots=True)
class Naming:
    """How a type of resource is named."""

    property: str
    """The property that names it; "" where none does."""
    arn: str
    """Its ARN, of ``{name}``, ``{region}`` and ``{account}``."""
    ref: Literal["name", "arn", "url"] = "name"
    """What Ref gives."""


_SERVERLESS = "AWS::Serverless::"
_MACHINE = Naming("StateMachineName", "arn:aws:states:{region}:{account}:stateMachine:{name}", "arn")
_FUNCTION = Naming("FunctionName", "arn:aws:lambda:{region}:{account}:function:{name}")
_LAYER = Naming("LayerName", "arn:aws:lambda:{region}:{account}:layer:{name}:1", "arn")
_TABLE = Naming("TableName", "arn:aws:dynamodb:{region}:{account}:table/{name}")

NAMINGS: Mapping[str, Naming] = {
    "AWS::StepFunctions::StateMachine": _MACHINE,
    "AWS::StepFunctions::Activity": Naming("Name", "arn:aws:states:{region}:{account}:activity:{name}", "arn"),
    f"{_SERVERLESS}StateMachine": Naming("Name", _MACHINE.arn, "arn"),
    "AWS::Lambda::Function": _FUNCTION,
    f"{_SERVERLESS}Function": _FUNCTION,
    "AWS::Lambda::LayerVersion": _LAYER,
    f"{_SERVERLESS}LayerVersion": _LAYER,
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::DynamoDB::GlobalTable": _TABLE,
    f"{_SERVERLESS}SimpleTable": _TABLE,
    "AWS::S3::Bucket": Naming("BucketName", "arn:aws:s3:::{name}"),
    "AWS::SQS::Queue": Naming("QueueName", "arn:aws:sqs:{region}:{account}:{name}", "url"),
    "AWS::SNS::Topic": Naming("TopicName", "arn:aws:sns:{region}:{account}:{name}", "arn"),
    "AWS::Events::EventBus": Naming("Name", "arn:aws:events:{region}:{account}:event-bus/{name}"),
    "AWS::Events::Rule": Naming("Name", "arn:aws:events:{region}:{account}:rule/{name}"),
    "AWS::Events::Connection": Naming("Name", "arn:aws:events:{region}:{account}:connection/{name}/0"),
    "AWS::IAM::Role": Naming("RoleName", "arn:aws:iam::{account}:role/{name}"),
    "AWS::IAM::ManagedPolicy": Naming("ManagedPolicyName", "arn:aws:iam::{account}:policy/{name}", "arn"),
    "AWS::ECS::Cluster": Naming("ClusterName", "arn:aws:ecs:{region}:{account}:cluster/{name}"),
    "AWS::ECS::TaskDefinition": Naming("Family", "arn:aws:ecs:{region}:{account}:task-definition/{name}:1", "arn"),
    "AWS::Batch::JobQueue": Naming("JobQueueName", "arn:aws:batch:{region}:{account}:job-queue/{name}", "arn"),
    "AWS::Batch::JobDefinition": Naming(
        "JobDefinitionName", "arn:aws:batch:{region}:{account}:job-definition/{name}:1", "arn"
    ),
    "AWS::Batch::ComputeEnvironment": Naming(
        "ComputeEnvironmentName", "arn:aws:batch:{region}:{account}:compute-environment/{name}", "arn"
    ),
    "AWS::Glue::Job": Naming("Name", "arn:aws:glue:{region}:{account}:job/{name}"),
    "AWS::Glue::Database": Naming("", "arn:aws:glue:{region}:{account}:database/{name}"),
    "AWS::Glue::Crawler": Naming("Name", "arn:aws:glue:{region}:{account}:crawler/{name}"),
    "AWS::Athena::WorkGroup": Naming("Name", "arn:aws:athena:{region}:{account}:workgroup/{name}"),
    "AWS::SecretsManager::Secret": Naming("Name", "arn:aws:secretsmanager:{region}:{account}:secret:{name}", "arn"),
    "AWS::SSM::Parameter": Naming("Name", "arn:aws:ssm:{region}:{account}:parameter/{name}"),
    "AWS::KMS::Key": Naming("", "arn:aws:kms:{region}:{account}:key/{name}"),
    "AWS::KMS::Alias": Naming("AliasName", "arn:aws:kms:{region}:{account}:alias/{name}"),
    "AWS::Logs::LogGroup": Naming("LogGroupName", "arn:aws:logs:{region}:{account}:log-group:{name}:*"),
    "AWS::Kinesis::Stream": Naming("Name", "arn:aws:kinesis:{region}:{account}:stream/{name}"),
    "AWS::KinesisFirehose::DeliveryStream": Naming(
        "DeliveryStreamName", "arn:aws:firehose:{region}:{account}:deliverystream/{name}"
    ),
    "AWS::CodeBuild::Project": Naming("Name", "arn:aws:codebuild:{region}:{account}:project/{name}"),
    "AWS::ECR::Repository": Naming("RepositoryName", "arn:aws:ecr:{region}:{account}:repository/{name}"),
}
_OF_BUCKETS = {
    "DomainName": "{name}.s3.amazonaws.com",
    "RegionalDomainName": "{name}.s3.{region}.amazonaws.com",
    "WebsiteURL": "http://{name}.s3-website-{region}.amazonaws.com",
}
_NAME_ATTRIBUTES = frozenset(
    {
        "Name",
        "QueueName",
        "TopicName",
        "BucketName",
        "TableName",
        "FunctionName",
        "LogGroupName",
        "RoleId",
        "KeyId",
        "Id",
    }
)
_ARN_ATTRIBUTES = frozenset(
    {"Arn", "TopicArn", "StateMachineArn", "LoadBalancerArn", "LayerVersionArn", "TaskDefinitionArn"}
)


def filled(text: str, name: str) -> str:
    """An ARN or a URL of something with this name in the local account."""
    return text.format(name=name, region=DEFAULT_REGION, account=ACCOUNT_ID)


def queue_url(name: str) -> str:
    """What moto calls a queue."""
    return filled("https://sqs.{region}.amazonaws.com/{account}/{name}", name)


def default_name(type_name: str, logical_id: str) -> str:
    """What a resource without a name is called: its logical id, as far as AWS takes it for a name."""
    if type_name in ("AWS::S3::Bucket", "AWS::Glue::Database"):
        return logical_id.lower()
    if type_name == "AWS::Logs::LogGroup":
        return f"/{logical_id}"
    return logical_id


def naming_of(type_name: str) -> Naming:
    """How a type is named; a type without a row by its service and its logical id."""
    known = NAMINGS.get(type_name)
    if known is not None:
        return known
    service = type_name.partition("::")[2].partition("::")[0].lower() or "custom"
    kind = type_name.rpartition("::")[2].lower()
    return Naming("", f"arn:aws:{service}:{{region}}:{{account}}:{kind}/{{name}}")


def ref(type_name: str, name: str) -> str:
    """What Ref gives of a resource."""
    naming = naming_of(type_name)
    if naming.ref == "url":
        return queue_url(name)
    return filled(naming.arn, name) if naming.ref == "arn" else name


def attribute(type_name: str, name: str, wanted: str) -> str | None:
    """What Fn::GetAtt gives; None where only AWS knows."""
    if wanted in _ARN_ATTRIBUTES or (wanted == "Ref"):
        return filled(naming_of(type_name).arn, name)
    of_type: Mapping[str, Callable[[], str]] = {
        "QueueUrl": lambda: queue_url(name),
        "StreamArn": lambda: filled(naming_of(type_name).arn, name) + "/stream/2026-01-01T00:00:00.000",
        "StateMachineRevisionId": lambda: "INITIAL",
        "RootResourceId": lambda: f"{name}root",
    }
    if wanted in of_type:
        return of_type[wanted]()
    if type_name == "AWS::S3::Bucket" and wanted in _OF_BUCKETS:
        return filled(_OF_BUCKETS[wanted], name)
    return name if wanted in _NAME_ATTRIBUTES else None
