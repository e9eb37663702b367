"""Between the language's JSON and boto3's parameters: names, blobs, timestamps, as botocore's service models have them.

Step Functions names members as the Java SDK does: the API's names with a capital first letter, also nested; the keys of
maps and DynamoDB's attribute names stay as they are. String members accept JSON, which is written compactly.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape

from stepsim.asl.payload import JSON, encode
from stepsim.asl.timestamp import parse_timestamp

_SDK_NAMES = {
    "applicationdiscoveryservice": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directoryservice": "ds",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearchservice": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntime": "lex-runtime",
    "lexruntimev2": "lexv2-runtime",
    "marketplaceentitlement": "marketplace-entitlement",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
}
"""Services that the Java SDK calls otherwise than botocore does."""

WriteTime: TypeAlias = Callable[[int], JSON]


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def _services() -> dict[str, str]:
    """botocore's service names by their spelling in lower case without hyphens."""
    return {name.replace("-", ""): name for name in _session().get_available_services()}


@functools.cache
def service_model(sdk_name: str) -> ServiceModel:
    """botocore's model of the service that ``aws-sdk:<sdk_name>`` names. Raises ValueError where there is none."""
    name = _SDK_NAMES.get(sdk_name) or _services().get(sdk_name.lower())
    if name is None:
        raise ValueError(f"There is no AWS service {sdk_name!r}")
    return _session().get_service_model(name)


@functools.cache
def operation_model(sdk_name: str, action: str) -> OperationModel:
    """botocore's model of an action in camelCase. Raises ValueError where the service has no such action."""
    model = service_model(sdk_name)
    wanted = action.lower()
    for name in model.operation_names:
        if name.lower() == wanted:
            return model.operation_model(name)
    raise ValueError(f"The service {sdk_name!r} has no action {action!r}")


def error_prefix(sdk_name: str) -> str:
    """What the Java SDK v2 calls the service's exceptions: DynamoDb, S3, Sfn, Sqs, SecretsManager, EventBridge."""
    service_id = str(service_model(sdk_name).metadata["serviceId"])
    return "".join(word if not word.isupper() else word.capitalize() for word in _words(service_id))


def _words(service_id: str) -> list[str]:
    if service_id.upper() == service_id and " " not in service_id:
        return [service_id]
    return [word.replace("DB", "Db") for word in service_id.replace("-", " ").split()]


def error_name(sdk_name: str, code: str) -> str | None:
    """What the service's model calls the error of a code; None where it does not name it."""
    for shape in service_model(sdk_name).error_shapes:
        # A query service's code has its own spelling: RDS's DBInstanceNotFound is DBInstanceNotFoundFault.
        if code in (shape.name, shape.metadata.get("error", {}).get("code")):
            return shape.name
    return None


class ParameterError(ValueError):
    """Parameters that the operation does not take."""


def to_boto(shape: Shape | None, value: JSON, where: str = "") -> Any:
    """boto3's parameters for a JSON value. Raises ParameterError naming the field that does not fit."""
    if shape is None or value is None:
        return value
    convert = _TO_BOTO.get(shape.type_name)
    return value if convert is None else convert(shape, value, where)


def _structure_to_boto(shape: Any, value: JSON, where: str) -> Any:
    if not isinstance(value, dict):
        raise ParameterError(f"The value of the field '{where or 'Parameters'}' has an invalid format")
    members = _members(shape)
    parameters = {}
    for name, element in value.items():
        member = members.get(name) or members.get(name[:1].lower() + name[1:])
        if member is None:
            raise ParameterError(f'The field "{_join(where, name)}" is not supported by Step Functions')
        if element is not None:
            parameters[member] = to_boto(shape.members[member], element, _join(where, name))
    for member in shape.required_members:
        if member not in parameters:
            raise ParameterError(f'The field "{_join(where, _capital(member))}" is required but was missing')
    return parameters


@functools.lru_cache(maxsize=4096)
def _member_names(names: tuple[str, ...]) -> dict[str, str]:
    return {_capital(name): name for name in names} | {name: name for name in names}


def _members(shape: Any) -> dict[str, str]:
    return _member_names(tuple(shape.members))


def _list_to_boto(shape: Any, value: JSON, where: str) -> Any:
    if not isinstance(value, list):
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return [to_boto(shape.member, element, f"{where}[{index}]") for index, element in enumerate(value)]


def _map_to_boto(shape: Any, value: JSON, where: str) -> Any:
    if not isinstance(value, dict):
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return {key: to_boto(shape.value, element, _join(where, key)) for key, element in value.items()}


def _string_to_boto(shape: Shape, value: JSON, where: str) -> Any:  # noqa: ARG001
    return value if isinstance(value, str) else encode(value)


def _blob_to_boto(shape: Shape, value: JSON, where: str) -> Any:  # noqa: ARG001
    if shape.serialization.get("streaming"):
        # An object's body is the value's JSON text, a string's with its quotes (recorded).
        return encode(value).encode()
    return (value if isinstance(value, str) else encode(value)).encode()


def _timestamp_to_boto(shape: Shape, value: JSON, where: str) -> Any:  # noqa: ARG001
    nanoseconds = parse_timestamp(value) if isinstance(value, str) else None
    if nanoseconds is None:
        raise ParameterError(f"The value of the field '{where}' is not an ISO-8601 timestamp")
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def _integer_to_boto(shape: Shape, value: JSON, where: str) -> Any:  # noqa: ARG001
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and re.fullmatch(r"-?\d+", value, re.ASCII):
        return int(value)
    if type(value) is not int:
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return value


def _number_to_boto(shape: Shape, value: JSON, where: str) -> Any:  # noqa: ARG001
    if type(value) is not int and type(value) is not float:
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return float(value)


def _boolean_to_boto(shape: Shape, value: JSON, where: str) -> Any:  # noqa: ARG001
    if type(value) is not bool:
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return value


_TO_BOTO: dict[str, Callable[[Any, JSON, str], Any]] = {
    "structure": _structure_to_boto,
    "list": _list_to_boto,
    "map": _map_to_boto,
    "string": _string_to_boto,
    "blob": _blob_to_boto,
    "timestamp": _timestamp_to_boto,
    "integer": _integer_to_boto,
    "long": _integer_to_boto,
    "float": _number_to_boto,
    "double": _number_to_boto,
    "boolean": _boolean_to_boto,
}


def from_boto(shape: Shape | None, value: Any, write_time: WriteTime) -> JSON:
    """The JSON of a part of a boto3 response: members by name, as the SDKs write them (recorded)."""
    if shape is None or value is None:
        return value
    match shape.type_name:
        case "structure":
            return _structure_from_boto(shape, value, write_time)
        case "list":
            member = shape.member  # type: ignore[attr-defined]
            return [from_boto(member, element, write_time) for element in value]
        case "map":
            inner = shape.value  # type: ignore[attr-defined]
            return {key: from_boto(inner, element, write_time) for key, element in value.items()}
        case "blob":
            return _text(value)
        case "timestamp":
            return write_time(round(value.timestamp() * 1000))
    return value


def response_json(operation: OperationModel, response: dict[str, Any], write_time: WriteTime) -> dict[str, JSON]:
    """The JSON of an operation's response, without its ResponseMetadata; a streamed body comes last (recorded)."""
    written: dict[str, JSON] = from_boto(operation.output_shape, response, write_time) or {}
    if operation.has_streaming_output and operation.output_shape is not None:
        body = operation.output_shape.serialization["payload"]
        if body in written:
            written[body] = written.pop(body)
    return written


def _structure_from_boto(shape: Any, value: dict[str, Any], write_time: WriteTime) -> JSON:
    members = shape.members
    return {
        _capital(name): from_boto(members[name], value[name], write_time)
        for name in (sorted(value) if len(value) > 1 else value)
        if name in members and value[name] is not None
    }


def _text(value: Any) -> str:
    data = value if isinstance(value, bytes) else value.read()
    return str(data.decode("utf-8", "replace"))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
