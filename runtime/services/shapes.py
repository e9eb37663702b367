"""Between the language's JSON and boto3's parameters: names, blobs, timestamps, as botocore's service models have them.

Step Functions names members as the Java SDK that makes the call does (`spelling`), also nested; keys of maps stay as
they are. String members that carry JSON accept it as a value, which is written compactly.
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
from stepsim.runtime.services.spelling import OPTIMISED, SDK, Manner, pascal_case

_SDK_NAMES = {
    "applicationdiscovery": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costandusagereport": "cur",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directory": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimev2": "lexv2-runtime",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
}
"""Services that the Java SDK calls otherwise than botocore does."""

_JAVA_NAMES = {name: java for java, name in _SDK_NAMES.items()}

_JSON_TEXT = frozenset({"Detail", "Input", "Message", "MessageBody"})
"""Members of optimised integrations that are strings and take any JSON; other strings have to be strings."""

WriteTime: TypeAlias = Callable[[int], JSON]


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def _services() -> dict[str, str]:
    """botocore's service names by their spelling in lower case without hyphens."""
    return {name.replace("-", ""): name for name in _session().get_available_services()}


@functools.cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service, by Step Functions' name for it. Raises ValueError where there is none."""
    if service == "states":
        service = "sfn"
    name = _SDK_NAMES.get(service) or _services().get(service)
    if name is None:
        raise ValueError(f"There is no AWS service {service!r}")
    return _session().get_service_model(name)


def check_sdk_name(service: str) -> None:
    """Raise ValueError for a service that ``aws-sdk:<service>`` has another name for: events is eventbridge there."""
    java = "sfn" if service == "states" else _JAVA_NAMES.get(service)
    if java is not None:
        raise ValueError(f"There is no AWS service {service!r}; aws-sdk calls it {java!r}")


@functools.cache
def operation_model(service: str, action: str) -> OperationModel:
    """botocore's model of an action in camelCase. Raises ValueError where the service has no such action."""
    model = service_model(service)
    wanted = action.lower()
    for name in model.operation_names:
        if name.lower() == wanted:
            if action[0].isupper():
                raise ValueError(f"Actions are in camelCase: {service}:{action[0].lower()}{action[1:]}")
            return model.operation_model(name)
    raise ValueError(f"The service {service!r} has no action {action!r}")


@functools.cache
def error_prefix(service: str) -> str:
    """What the Java SDK v2 calls the service's exceptions: DynamoDb, S3, Sfn, Sqs, SecretsManager, EventBridge."""
    prefix = pascal_case(str(service_model(service).metadata["serviceId"]))
    return prefix.removeprefix("Amazon").removeprefix("Aws").removesuffix("Service")


@functools.lru_cache(maxsize=1024)
def error_name(service: str, code: str) -> str | None:
    """What the service's model calls the error of a code; None where it does not name it."""
    for shape in service_model(service).error_shapes:
        # A query service's code has its own spelling: RDS's DBInstanceNotFound is DBInstanceNotFoundFault.
        if code in (shape.name, shape.metadata.get("error", {}).get("code")):
            return shape.name
    return None


class ParameterError(ValueError):
    """Parameters that the operation does not take."""


class NullMember(Exception):
    """A required member was given as null: the SDK leaves it out, and the service refuses the call."""

    def __init__(self, member: str) -> None:
        self.member = member
        super().__init__(member)


def to_boto(shape: Shape | None, value: JSON, where: str = "", manner: Manner = SDK) -> Any:
    """boto3's parameters for a JSON value.

    Raises ParameterError naming the field that does not fit, and NullMember for a required one that is null.
    """
    if shape is None or value is None:
        return value
    convert = _TO_BOTO.get(shape.type_name)
    return value if convert is None else convert(shape, value, where, manner)


def _structure_to_boto(shape: Any, value: JSON, where: str, manner: Manner) -> Any:
    if shape.is_document_type:
        return value
    if not isinstance(value, dict):
        raise ParameterError(f"The value of the field '{where or 'Parameters'}' has an invalid format")
    members = _members(shape, manner)
    parameters = {}
    for name, element in value.items():
        member = members.get(name)
        if member is None:
            raise ParameterError(_unsupported(shape, name, where, manner))
        if element is not None:
            parameters[member] = to_boto(shape.members[member], element, _join(where, name), manner)
    for member in shape.required_members:
        if member not in parameters:
            if any(members[name] == member for name in value):
                raise NullMember(_join(where, member))
            raise ParameterError(f"The field '{_join(where, manner.spell(member))}' is required but was missing")
    return parameters


def _unsupported(shape: Any, name: str, where: str, manner: Manner) -> str:
    spelled = {member.lower(): manner.spell(member) for member in shape.members}.get(name.lower())
    hint = "" if spelled is None else f'; it is called "{spelled}" here'
    return f'The field "{_join(where, name)}" is not supported by Step Functions{hint}'


@functools.lru_cache(maxsize=4096)
def _member_names(names: tuple[str, ...], manner: Manner, also_plain: bool) -> dict[str, str]:
    plain = {name: name for name in names} if also_plain else {}
    return {manner.spell(name): name for name in names} | plain


def _members(shape: Any, manner: Manner) -> dict[str, str]:
    # DynamoDB's type names are written either way: BOOL is what people copy, Bool what results say.
    return _member_names(tuple(shape.members), manner, shape.name == "AttributeValue")


def _list_to_boto(shape: Any, value: JSON, where: str, manner: Manner) -> Any:
    if not isinstance(value, list):
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return [to_boto(shape.member, element, f"{where}[{index}]", manner) for index, element in enumerate(value)]


def _map_to_boto(shape: Any, value: JSON, where: str, manner: Manner) -> Any:
    if not isinstance(value, dict):
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return {key: to_boto(shape.value, element, _join(where, key), manner) for key, element in value.items()}


def _string_to_boto(shape: Shape, value: JSON, where: str, manner: Manner) -> Any:  # noqa: ARG001
    if isinstance(value, str):
        return value
    name = where.rpartition(".")[2]
    if not manner.any_text and name not in _JSON_TEXT:
        raise ParameterError(f"The value for the field '{name}' must be a STRING")
    return encode(value)


def _blob_to_boto(shape: Shape, value: JSON, where: str, manner: Manner) -> Any:  # noqa: ARG001
    if shape.serialization.get("streaming"):
        # An object's body is the value's JSON text, a string's with its quotes (recorded).
        return encode(value).encode()
    return (value if isinstance(value, str) else encode(value)).encode()


def _timestamp_to_boto(shape: Shape, value: JSON, where: str, manner: Manner) -> Any:  # noqa: ARG001
    nanoseconds = parse_timestamp(value) if isinstance(value, str) else None
    if nanoseconds is None:
        raise ParameterError(f"The value of the field '{where}' is not an ISO-8601 timestamp")
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def _integer_to_boto(shape: Shape, value: JSON, where: str, manner: Manner) -> Any:  # noqa: ARG001
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and re.fullmatch(r"-?\d+", value, re.ASCII):
        return int(value)
    if type(value) is not int:
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return value


def _number_to_boto(shape: Shape, value: JSON, where: str, manner: Manner) -> Any:  # noqa: ARG001
    if type(value) is not int and type(value) is not float:
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return float(value)


def _boolean_to_boto(shape: Shape, value: JSON, where: str, manner: Manner) -> Any:  # noqa: ARG001
    if type(value) is not bool:
        raise ParameterError(f"The value of the field '{where}' has an invalid format")
    return value


_TO_BOTO: dict[str, Callable[[Any, JSON, str, Manner], Any]] = {
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


def from_boto(shape: Shape | None, value: Any, write_time: WriteTime, manner: Manner = OPTIMISED) -> JSON:
    """The JSON of a part of a boto3 response: members by name, as the SDKs write them (recorded)."""
    if shape is None or value is None:
        return value
    match shape.type_name:
        case "structure":
            return _structure_from_boto(shape, value, write_time, manner)
        case "list":
            member = shape.member  # type: ignore[attr-defined]
            return [from_boto(member, element, write_time, manner) for element in value]
        case "map":
            inner = shape.value  # type: ignore[attr-defined]
            return {key: from_boto(inner, element, write_time, manner) for key, element in value.items()}
        case "blob":
            return _text(value)
        case "timestamp":
            return write_time(round(value.timestamp() * 1000))
    return value


def response_json(
    operation: OperationModel, response: dict[str, Any], write_time: WriteTime, manner: Manner = OPTIMISED
) -> dict[str, JSON]:
    """The JSON of an operation's response, without its ResponseMetadata; a streamed body comes last (recorded)."""
    written: dict[str, JSON] = from_boto(operation.output_shape, response, write_time, manner) or {}
    if operation.has_streaming_output and operation.output_shape is not None:
        body = manner.spell(operation.output_shape.serialization["payload"])
        if body in written:
            written[body] = written.pop(body)
    return written


def _structure_from_boto(shape: Any, value: Any, write_time: WriteTime, manner: Manner) -> JSON:
    if shape.is_document_type:
        return value
    members = shape.members
    return {
        manner.spell(name): from_boto(members[name], value[name], write_time, manner)
        for name in (sorted(value) if len(value) > 1 else value)
        if name in members and value[name] is not None
    }


def _text(value: Any) -> str:
    data = value if isinstance(value, bytes) else value.read()
    return str(data.decode("utf-8", "replace"))


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
