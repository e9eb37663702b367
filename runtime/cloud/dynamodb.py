"""DynamoDB's data plane as plain functions on moto's tables: `OPERATIONS`, what the gate answers calls with.

Each takes the parameters of a boto3 *client* and a region, and returns what that client would, without its
``ResponseMetadata``. It raises `ApiError` as AWS would, and `FallThrough`, before it has changed anything, for what it
does not cover: the legacy parameters (Expected, AttributeUpdates, KeyConditions, …), tables with a stream, and
parameters that botocore itself would refuse. Calls of a boto3 *resource* pass through `dynamodb_resource` on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models import dynamodb_backends

from stepsim.runtime.cloud.call import ACCOUNT_ID, FallThrough
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.dynamodb_batches import (
    batch_get_item,
    batch_write_item,
    transact_get_items,
    transact_write_items,
)
from stepsim.runtime.cloud.dynamodb_capacity import Consumption, read_units
from stepsim.runtime.cloud.dynamodb_conditions import compile_projection
from stepsim.runtime.cloud.dynamodb_query import query, scan
from stepsim.runtime.cloud.dynamodb_report import report
from stepsim.runtime.cloud.dynamodb_requests import (
    accept,
    add_capacity,
    check_used,
    checked_key,
    placeholders,
    readable,
    table_of,
)
from stepsim.runtime.cloud.dynamodb_store import Store, store_of
from stepsim.runtime.cloud.dynamodb_throttling import Throttling
from stepsim.runtime.cloud.dynamodb_throughput import is_modelled
from stepsim.runtime.cloud.dynamodb_values import Attributes, decode_record
from stepsim.runtime.cloud.dynamodb_writes import Change, commit, plan_delete, plan_put, plan_update

_WRITE = frozenset(
    [
        "TableName",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValues",
        "ReturnValuesOnConditionCheckFailure",
        "ReturnConsumedCapacity",
        "ReturnItemCollectionMetrics",
    ]
)
_PUT = _WRITE | {"Item"}
_DELETE = _WRITE | {"Key"}
_UPDATE = _WRITE | {"Key", "UpdateExpression"}
_GET = frozenset(
    ["TableName", "Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames", "ReturnConsumedCapacity"]
)
_RETURN_OLD = frozenset(["NONE", "ALL_OLD"])


def put_item(params: dict[str, Any], region: str) -> dict[str, Any]:
    """PutItem."""
    accept(params, _PUT)
    if params.get("ReturnValues", "NONE") not in _RETURN_OLD:
        raise FallThrough
    return _finish(plan_put(params, region), params)


def delete_item(params: dict[str, Any], region: str) -> dict[str, Any]:
    """DeleteItem."""
    accept(params, _DELETE)
    if params.get("ReturnValues", "NONE") not in _RETURN_OLD:
        raise FallThrough
    return _finish(plan_delete(params, region), params)


def update_item(params: dict[str, Any], region: str) -> dict[str, Any]:
    """UpdateItem, by UpdateExpression."""
    accept(params, _UPDATE)
    if params.get("ReturnValues", "NONE") not in _RETURNS:
        raise FallThrough
    return _finish(plan_update(params, region), params)


def _finish(change: Change, params: dict[str, Any]) -> dict[str, Any]:
    consumed = Consumption() if "ReturnConsumedCapacity" in params else None
    commit(change, consumed)
    response: dict[str, Any] = {}
    if "ReturnValues" in params:
        attributes = _RETURNS[params["ReturnValues"]](change)
        if attributes:
            response["Attributes"] = attributes
    return add_capacity(response, params, consumed)


def _new(change: Change) -> dict[str, Any] | None:
    return None if change.record is None else decode_record(change.record)[1]


def _updated(change: Change, attributes: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if change.update is None or attributes is None else change.update.updated(attributes)


_RETURNS: dict[str, Callable[[Change], dict[str, Any] | None]] = {
    "NONE": lambda _: None,
    "ALL_OLD": lambda change: change.old,
    "ALL_NEW": _new,
    "UPDATED_OLD": lambda change: _updated(change, change.old),
    "UPDATED_NEW": lambda change: _updated(change, _new(change)),
}


def get_item(params: dict[str, Any], region: str) -> dict[str, Any]:
    """GetItem."""
    accept(params, _GET)
    store = readable(params, region)
    key = checked_key(store, params.get("Key"))
    record = store.get(key)
    projection = None
    if "ProjectionExpression" in params or "ExpressionAttributeNames" in params:
        names, values = placeholders(params)
        if "ProjectionExpression" in params:
            projection = compile_projection(params["ProjectionExpression"], names)
        check_used(names, values, *([("ProjectionExpression", projection.used)] if projection else []))
    size, item = (0, None) if record is None else decode_record(record)
    units = read_units(size, consistent=params.get("ConsistentRead", False) is True)
    if store.limits is not None:
        store.limits.read(key, units)
    store.meter.consumed_rcu += units
    response: dict[str, Any] = {}
    if item is not None:
        response["Item"] = item if projection is None else projection.project(item)
    return add_capacity(response, params, Consumption(units)) if "ReturnConsumedCapacity" in params else response


def consumed_by_table(region: str) -> dict[str, dict[str, Any]]:
    """Returns the report's ``tables``: what these functions have consumed of each table of a region."""
    tables = dynamodb_backends[ACCOUNT_ID][region].tables
    return {name: report(table, store_of(table)) for name, table in tables.items()}


def items_of(table_name: str, region: str) -> Iterator[Attributes]:
    """Yields all items of a table, which costs nothing."""
    for _, record in store_of(table_of(table_name, region)).records():
        yield decode_record(record)[1]


def limited(capacity: Capacity | None) -> AbstractContextManager[object]:
    """Holds all tables to an account's quotas while it lasts."""
    if capacity is None or not is_modelled(capacity.quotas):
        return nullcontext()
    return patch.object(Store, "throttling", Throttling(capacity.quotas, capacity.clock))


OPERATIONS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "PutItem": put_item,
    "GetItem": get_item,
    "UpdateItem": update_item,
    "DeleteItem": delete_item,
    "Query": query,
    "Scan": scan,
    "BatchWriteItem": batch_write_item,
    "BatchGetItem": batch_get_item,
    "TransactWriteItems": transact_write_items,
    "TransactGetItems": transact_get_items,
}
