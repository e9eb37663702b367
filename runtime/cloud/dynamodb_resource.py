"""Calls of a boto3 *resource*: Python values in, Python values out, and conditions as objects.

``boto3.resource("dynamodb").Table(…)`` calls an ordinary client with handlers registered that turn Python values into
attribute values and back, inside ``_make_api_call``. A gate that answers before those handlers run does for such a
client (`is_resource_client`) what they would have done, in the same words as theirs but many times faster::

    sent = serialize(operation, params) if resource else params
    response = OPERATIONS[operation](sent, region)
    return deserialize(operation, response) if resource else response

Where the fast path raises `FallThrough`, the call goes on with its *own* params: boto3's handlers do the work then.
Errors carry attribute values as they are, as boto3's do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import DYNAMODB_CONTEXT, Binary, TypeSerializer

_HANDLER = "dynamodb-attr-value-input"
_DIGITS_MAX = 10**38

_boto_serialize: Callable[[Any], Any] = TypeSerializer().serialize
_decimal = DYNAMODB_CONTEXT.create_decimal

_CONDITIONS = ("ConditionExpression", "FilterExpression", "KeyConditionExpression")
_MAPS = frozenset(["Item", "Key", "ExclusiveStartKey", "ExpressionAttributeValues"])
_MAPS_RETURNED = frozenset(["Item", "Key", "Attributes", "LastEvaluatedKey"])


def is_resource_client(client: Any) -> bool:
    """Returns whether a boto3 resource has put its handlers on this client."""
    events = client.meta.events
    emitter = getattr(events, "_emitter", events)
    return _HANDLER in getattr(emitter, "_unique_id_handlers", ())


# ----------------------------------------------------------------------------------------------------- Python to AWS's


def _serialize_int(value: int) -> dict[str, Any]:
    if -_DIGITS_MAX < value < _DIGITS_MAX:
        return {"N": str(value)}
    return _serialize_other(value)


def _serialize_other(value: Any) -> dict[str, Any]:
    """Leaves a value of a type that isn't in the table to boto3: a set, a subclass, or what it refuses.

    A set's members come sorted: Python's own order of them differs from one process to the next.
    """
    serialized: dict[str, Any] = _boto_serialize(value)
    ((kind, inner),) = serialized.items()
    if kind in ("SS", "NS", "BS"):
        return {kind: sorted(inner, key=Decimal if kind == "NS" else None)}
    return serialized


def _serialize_decimal(value: Decimal) -> dict[str, Any]:
    number = str(_decimal(value))
    if number in ("Infinity", "NaN"):
        raise TypeError("Infinity and NaN not supported")
    return {"N": number}


_SERIALIZERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda value: {"S": value},
    int: _serialize_int,
    bool: lambda value: {"BOOL": value},
    type(None): lambda _: {"NULL": True},
    Decimal: _serialize_decimal,
    bytes: lambda value: {"B": value},
    bytearray: lambda value: {"B": value},
    Binary: lambda value: {"B": value.value},
    list: lambda values: {"L": [serialize_value(value) for value in values]},
    dict: lambda members: {"M": _serialize_map(members)},
}


def serialize_value(value: Any) -> dict[str, Any]:
    """Returns the attribute value of a Python value; raises `TypeError` as boto3 does, for a float for instance."""
    return _SERIALIZERS.get(type(value), _serialize_other)(value)


def _serialize_map(members: Any) -> Any:
    if not isinstance(members, Mapping):
        return members  # botocore's validation will name it
    return {name: serialize_value(value) for name, value in members.items()}


def serialize(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a resource call's parameters as a client's; raises what boto3 raises. The given ones stay as they are."""
    sent = {name: _serialize_map(value) if name in _MAPS else value for name, value in params.items()}
    if "RequestItems" in params and isinstance(params["RequestItems"], Mapping):
        serialize_request = _serialize_writes if operation == "BatchWriteItem" else _serialize_keys
        sent["RequestItems"] = {name: serialize_request(request) for name, request in params["RequestItems"].items()}
    if "TransactItems" in params:
        sent["TransactItems"] = _each_action(params["TransactItems"], serialize)
    if any(isinstance(params.get(name), ConditionBase) for name in _CONDITIONS):
        _build_conditions(sent)
    return sent


def _each_action(entries: Any, change: Callable[[str, Any], Any]) -> Any:
    """Changes each ``{kind: action}`` of a list; what isn't one stays, for botocore's validation to name."""
    if not isinstance(entries, list):
        return entries
    return [
        {kind: change(kind, action) if isinstance(action, Mapping) else action for kind, action in entry.items()}
        if isinstance(entry, Mapping)
        else entry
        for entry in entries
    ]


def _serialize_writes(requests: Any) -> Any:
    return _each_action(requests, serialize)


def _serialize_keys(request: Any) -> Any:
    if not isinstance(request, Mapping) or not isinstance(request.get("Keys"), list | tuple):
        return request
    return {**request, "Keys": [_serialize_map(key) for key in request["Keys"]]}


def _build_conditions(sent: dict[str, Any]) -> None:
    """Turns condition objects into text with placeholders: the same ones as boto3 makes, in the same order."""
    builder = ConditionExpressionBuilder()
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    written = [name for name in sent if name in _CONDITIONS and isinstance(sent[name], ConditionBase)]
    for name in sorted(written, key=lambda name: name == "KeyConditionExpression"):
        built = builder.build_expression(sent[name], is_key_condition=name == "KeyConditionExpression")
        sent[name] = built.condition_expression
        names.update(built.attribute_name_placeholders)
        values.update(built.attribute_value_placeholders)
    if names:
        sent["ExpressionAttributeNames"] = {**sent.get("ExpressionAttributeNames", {}), **names}
    if values:
        sent["ExpressionAttributeValues"] = {
            **sent.get("ExpressionAttributeValues", {}),
            **_serialize_map(values),
        }


# ----------------------------------------------------------------------------------------------------- AWS's to Python

_DESERIALIZERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda inner: inner,
    "N": _decimal,
    "BOOL": lambda inner: inner,
    "NULL": lambda _: None,
    "B": Binary,
    "L": lambda inner: [deserialize_value(value) for value in inner],
    "M": lambda inner: deserialize_map(inner),
    "SS": set,
    "NS": lambda inner: set(map(_decimal, inner)),
    "BS": lambda inner: set(map(Binary, inner)),
}


def deserialize_value(value: dict[str, Any]) -> Any:
    """Returns the Python value of an attribute value: `Decimal` for a number, ``Binary`` for bytes."""
    ((kind, inner),) = value.items()
    return _DESERIALIZERS[kind](inner)


def deserialize_map(attributes: dict[str, Any]) -> dict[str, Any]:
    """Returns an item's attributes as Python values."""
    shown = {}
    for name, value in attributes.items():
        ((kind, inner),) = value.items()
        shown[name] = inner if kind == "S" else _DESERIALIZERS[kind](inner)
    return shown


def deserialize(operation: str, response: dict[str, Any]) -> dict[str, Any]:
    """Returns a client's response as a resource's."""
    shown = {name: deserialize_map(value) if name in _MAPS_RETURNED else value for name, value in response.items()}
    if "Items" in response:
        shown["Items"] = list(map(deserialize_map, response["Items"]))
    if operation == "BatchGetItem":
        shown["Responses"] = {name: list(map(deserialize_map, found)) for name, found in response["Responses"].items()}
        shown["UnprocessedKeys"] = {
            name: {**request, "Keys": list(map(deserialize_map, request["Keys"]))}
            for name, request in response["UnprocessedKeys"].items()
        }
    if operation == "BatchWriteItem":
        shown["UnprocessedItems"] = {
            name: _each_action(writes, deserialize) for name, writes in response["UnprocessedItems"].items()
        }
    if operation == "TransactGetItems":
        shown["Responses"] = [
            {name: deserialize_map(item) for name, item in found.items()} for found in response["Responses"]
        ]
    return shown
