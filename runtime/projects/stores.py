"""Tables, queues and buckets of a template as a scenario has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.projects.host import mapping
from stepsim.runtime.projects.resource import Resource
from stepsim.runtime.scenario_types import IndexSpec, KeySpec, ProvisionedSpec, QueueSpec, TableSpec

_Type: TypeAlias = Literal["S", "N", "B"]
_SIMPLE: Mapping[str, _Type] = {"String": "S", "Number": "N", "Binary": "B"}


def table_spec(resource: Resource) -> TableSpec | None:
    """An AWS::DynamoDB::Table; None where it has no partition key."""
    properties = mapping(resource.resolver.resolve(dict(resource.properties), resource.steps()))
    return table_of_properties(properties)


def table_of_properties(properties: Mapping[str, JSON]) -> TableSpec | None:
    """A table of CloudFormation's properties, with everything in them worked out."""
    types = {
        str(mapping(one).get("AttributeName")): str(mapping(one).get("AttributeType"))
        for one in _list(properties.get("AttributeDefinitions"))
    }
    keys = _keys(properties.get("KeySchema"), types)
    if not keys:
        return None
    on_demand = properties.get("BillingMode") == "PAY_PER_REQUEST"
    provisioned = None if on_demand else _units(properties.get("ProvisionedThroughput"))
    gsis = {}
    for one in _list(properties.get("GlobalSecondaryIndexes")):
        index = mapping(one)
        index_keys = _keys(index.get("KeySchema"), types)
        if index_keys:
            units = None if on_demand else _units(index.get("ProvisionedThroughput")) or provisioned
            gsis[str(index.get("IndexName"))] = IndexSpec(*_pair(index_keys), units if provisioned else None)
    return TableSpec(*_pair(keys), gsis, provisioned)


def simple_table_spec(resource: Resource) -> TableSpec:
    """An AWS::Serverless::SimpleTable: one key, a string called ``id`` unless it says otherwise."""
    key = mapping(resource.value("PrimaryKey"))
    kind = _SIMPLE.get(str(key.get("Type", "String")), "S")
    return TableSpec(
        KeySpec(str(key.get("Name", "id")), kind), None, {}, _units(resource.value("ProvisionedThroughput"))
    )


def queue_spec(resource: Resource) -> QueueSpec:
    """An AWS::SQS::Queue."""
    redrive = resource.value("RedrivePolicy")
    if isinstance(redrive, str):
        try:
            redrive = decode(redrive)
        except ValueError:
            redrive = None
    return queue_of(resource.integer("VisibilityTimeout", 30), mapping(redrive))


def queue_of(visibility_s: int, redrive: Mapping[str, JSON]) -> QueueSpec:
    """A queue with a RedrivePolicy, which may be empty."""
    target = redrive.get("deadLetterTargetArn")
    if not isinstance(target, str):
        return QueueSpec(visibility_s)
    count = str(redrive.get("maxReceiveCount", "3"))
    return QueueSpec(visibility_s, target.rpartition(":")[2], int(count) if count.isdigit() else 3)


def bucket_name(name: str) -> str:
    """A name that S3 takes: no capitals, no holes."""
    return name.lower()


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _keys(schema: JSON, types: Mapping[str, str]) -> list[KeySpec]:
    """The keys of a schema, the partition key first."""
    keys = sorted(_list(schema), key=lambda one: mapping(one).get("KeyType") != "HASH")
    return [
        KeySpec(name, _type(types.get(name, "S"))) for name in (str(mapping(one).get("AttributeName")) for one in keys)
    ]


def _type(text: str) -> _Type:
    return "N" if text == "N" else "B" if text == "B" else "S"


def _pair(keys: list[KeySpec]) -> tuple[KeySpec, KeySpec | None]:
    return keys[0], keys[1] if len(keys) > 1 else None


def _units(value: JSON) -> ProvisionedSpec | None:
    units = mapping(value)
    read, write = (str(units.get(f"{kind}CapacityUnits", "")) for kind in ("Read", "Write"))
    return ProvisionedSpec(int(write), int(read)) if read.isdigit() and write.isdigit() else None
