"""What every DynamoDB call needs: its table, its key checked, its placeholders checked, its capacity told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, FallThrough
from stepsim.runtime.cloud.dynamodb_capacity import Consumption
from stepsim.runtime.cloud.dynamodb_conditions import NameItems, Values, compile_condition, undefined_value
from stepsim.runtime.cloud.dynamodb_store import Store, store_of
from stepsim.runtime.cloud.dynamodb_syntax import Names
from stepsim.runtime.cloud.dynamodb_values import (
    PARTITION_KEY_MAX_BYTES,
    SORT_KEY_MAX_BYTES,
    Attributes,
    RawKey,
    invalid,
    item_size,
    raw_key,
    value_size,
)

_NO_NAMES: NameItems = ()
_NO_VALUES: Values = {}
_CAPACITY_DETAILS = frozenset(["NONE", "TOTAL", "INDEXES"])
_SCHEMA_MISMATCH = "The provided key element does not match the schema"


_PARAMETERS: dict[str, type] = {
    "ClientRequestToken": str,
    "ConditionExpression": str,
    "ConsistentRead": bool,
    "ExclusiveStartKey": dict,
    "ExpressionAttributeNames": dict,
    "ExpressionAttributeValues": dict,
    "FilterExpression": str,
    "IndexName": str,
    "Item": dict,
    "Key": dict,
    "KeyConditionExpression": str,
    "Keys": list,
    "Limit": int,
    "ProjectionExpression": str,
    "RequestItems": dict,
    "ReturnConsumedCapacity": str,
    "ReturnItemCollectionMetrics": str,
    "ReturnValues": str,
    "ReturnValuesOnConditionCheckFailure": str,
    "ScanIndexForward": bool,
    "Segment": int,
    "Select": str,
    "TableName": str,
    "TotalSegments": int,
    "TransactItems": list,
    "UpdateExpression": str,
}


def accept(params: Mapping[str, Any], covered: frozenset[str]) -> None:
    """Raises `FallThrough` for a call with parameters that a fast path does not cover, or botocore would refuse."""
    for name, value in params.items():
        if name not in covered or not isinstance(value, _PARAMETERS[name]):
            raise FallThrough
    if params.get("ReturnItemCollectionMetrics", "NONE") != "NONE":
        raise FallThrough
    if params.get("ReturnConsumedCapacity", "NONE") not in _CAPACITY_DETAILS:
        raise FallThrough


def table_of(name: str, region: str) -> Table:
    """Returns moto's table of this name or ARN; raises ``ResourceNotFoundException``, as AWS does."""
    tables = dynamodb_backends[ACCOUNT_ID][region].tables
    table = tables.get(name)
    if table is None:
        table = next((one for one in tables.values() if one.table_arn == name), None)
        if table is None:
            raise ApiError("ResourceNotFoundException", "Requested resource not found")
    return table


def readable(params: Mapping[str, Any], region: str) -> Store:
    """Returns the store of the call's table."""
    if "TableName" not in params:
        raise FallThrough
    return store_of(table_of(params["TableName"], region))


def writable(params: Mapping[str, Any], region: str) -> Store:
    """Returns the store of the call's table; raises `FallThrough` where the table has a stream to feed."""
    if "TableName" not in params:
        raise FallThrough
    table = table_of(params["TableName"], region)
    if table.stream_shard is not None:
        raise FallThrough
    return store_of(table)


# ---------------------------------------------------------------------------------------------------------------- keys


def checked_key(store: Store, key: Attributes | None) -> tuple[RawKey, RawKey]:
    """Returns the raw key of a call's ``Key``; raises ``ValidationException`` for one that isn't the table's."""
    if key is None:
        raise FallThrough
    item_size(key)  # for its checks
    shape = store.shape
    if len(key) != (1 if shape.range_attr is None else 2):
        raise invalid(_SCHEMA_MISMATCH)
    try:
        return _raw(store, key)
    except KeyError:
        raise invalid(_SCHEMA_MISMATCH) from None


def checked_item_key(store: Store, item: Attributes) -> tuple[RawKey, RawKey]:
    """Returns the raw key of an item to be written; raises ``ValidationException`` where it has none."""
    shape = store.shape
    try:
        return _raw(store, item)
    except KeyError:
        for name, kind in ((shape.hash_attr, shape.hash_type), (shape.range_attr, shape.range_type)):
            if name is None:
                continue
            prefix = "One or more parameter values were invalid:"
            if name not in item:
                raise invalid(f"{prefix} Missing the key {name} in the item") from None
            if kind not in item[name]:
                actual = next(iter(item[name]))
                raise invalid(f"{prefix} Type mismatch for key {name} expected: {kind} actual: {actual}") from None
        raise


def _raw(store: Store, attributes: Attributes) -> tuple[RawKey, RawKey]:
    shape = store.shape
    hash_attr, hash_type = shape.hash_attr, shape.hash_type
    hash_key = attributes[hash_attr][hash_type]
    if shape.range_attr is None or shape.range_type is None:
        range_key = None
    else:
        range_key = attributes[shape.range_attr][shape.range_type]
        if not range_key:
            raise _empty_key(shape.range_attr)
        if len(range_key) * 4 > SORT_KEY_MAX_BYTES and value_size({shape.range_type: range_key}) > SORT_KEY_MAX_BYTES:
            raise invalid(
                "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size "
                f"limit of {SORT_KEY_MAX_BYTES} bytes"
            )
        if shape.range_type != "S":
            range_key = raw_key(shape.range_type, range_key)
    if not hash_key:
        raise _empty_key(hash_attr)
    if len(hash_key) * 4 > PARTITION_KEY_MAX_BYTES and value_size({hash_type: hash_key}) > PARTITION_KEY_MAX_BYTES:
        raise invalid(
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of"
            f"{PARTITION_KEY_MAX_BYTES} bytes"
        )
    return hash_key if hash_type == "S" else raw_key(hash_type, hash_key), range_key


def _empty_key(name: str) -> ApiError:
    return invalid(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
        f"string value. Key: {name}"
    )


# -------------------------------------------------------------------------------------------------------- placeholders


def placeholders(params: Mapping[str, Any]) -> tuple[NameItems, Values]:
    """Returns the call's ExpressionAttributeNames and -Values; raises ``ValidationException`` for malformed ones."""
    names, values = params.get("ExpressionAttributeNames"), params.get("ExpressionAttributeValues")
    items = _NO_NAMES
    if names is not None:
        _check_placeholders("Names", "#", names)
        items = tuple(names.items())
        if not all(isinstance(name, str) for _, name in items):
            raise FallThrough
    if values is None:
        return items, _NO_VALUES
    _check_placeholders("Values", ":", values)
    item_size(values)  # for its checks
    return items, values


def _check_placeholders(word: str, mark: str, given: Mapping[str, Any]) -> None:
    if not given:
        raise invalid(f"ExpressionAttribute{word} must not be empty")
    for name in given:
        if not isinstance(name, str):
            raise FallThrough
        if not name.startswith(mark):
            raise invalid(f'ExpressionAttribute{word} contains invalid key: Syntax error; key: "{name}"')


def check_used(names: NameItems, values: Values, *expressions: tuple[str, Names]) -> None:
    """Checks that the expressions (each with its parameter's name) use all placeholders given and no others."""
    for kind, used in expressions:
        for value in sorted(used.values):
            if value not in values:
                raise undefined_value(value, kind)
    for word, given, needed in (
        ("Names", [name for name, _ in names], [used.names for _, used in expressions]),
        ("Values", values, [used.values for _, used in expressions]),
    ):
        unused = [name for name in given if not any(name in found for found in needed)]
        if not unused:
            continue
        if not expressions:
            raise invalid(f"ExpressionAttribute{word} can only be specified when using expressions")
        keys = ", ".join(unused)
        raise invalid(f"Value provided in ExpressionAttribute{word} unused in expressions: keys: {{{keys}}}")


def check_condition(params: Mapping[str, Any], old: Attributes | None) -> None:
    """Tests the call's ConditionExpression; raises ``ConditionalCheckFailedException``, with ``Item`` if asked."""
    text = params.get("ConditionExpression")
    names, values = placeholders(params)
    if text is None:
        if names or values:
            check_used(names, values)
        return
    condition = compile_condition(text, names, "ConditionExpression")
    if names or values or condition.used.values:
        check_used(names, values, ("ConditionExpression", condition.used))
    if not condition.test(old or {}, values):
        raise condition_failed(params, old)


def condition_failed(params: Mapping[str, Any], old: Attributes | None) -> ApiError:
    """Returns the ``ConditionalCheckFailedException`` of a call, with the item that failed it if the call asks."""
    wants_item = params.get("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
    extra = {"Item": old} if wants_item and old is not None else None
    return ApiError("ConditionalCheckFailedException", "The conditional request failed", 400, extra)


# ------------------------------------------------------------------------------------------------------------ capacity


def capacity_detail(params: Mapping[str, Any]) -> str | None:
    """Returns how much ``ConsumedCapacity`` a call asks for: ``TOTAL``, ``INDEXES`` or None."""
    detail = params.get("ReturnConsumedCapacity", "NONE")
    return None if detail == "NONE" else str(detail)


def add_capacity(response: dict[str, Any], params: Mapping[str, Any], consumed: Consumption | None) -> dict[str, Any]:
    """Returns the response, with ``ConsumedCapacity`` where the call asks for it."""
    detail = capacity_detail(params)
    if detail is not None and consumed is not None:
        response["ConsumedCapacity"] = consumed.describe(params["TableName"], detail)
    return response
