"""BatchGetItem, BatchWriteItem and the transactions: many items in one call.

A transaction plans all of its writes before it commits the first: it makes all of its changes, or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepsim.runtime.cloud.call import ApiError, FallThrough
from stepsim.runtime.cloud.dynamodb_capacity import Consumption, read_units
from stepsim.runtime.cloud.dynamodb_conditions import compile_projection
from stepsim.runtime.cloud.dynamodb_requests import (
    accept,
    capacity_detail,
    check_used,
    checked_key,
    placeholders,
    readable,
    writable,
)
from stepsim.runtime.cloud.dynamodb_store import Store
from stepsim.runtime.cloud.dynamodb_throttling import Throttled
from stepsim.runtime.cloud.dynamodb_values import Attributes, RawKey, decode_record, invalid
from stepsim.runtime.cloud.dynamodb_writes import PLANS, Change, commit, plan_delete, plan_put, refusal_of

BATCH_WRITES_MAX = 25
BATCH_GETS_MAX = 100
BATCH_GET_MAX_BYTES = 16 * 1024 * 1024
TRANSACTION_ITEMS_MAX = 100
_TOKENS_MAX = 10_000

_BATCH = frozenset(["RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"])
_TRANSACTION = frozenset(
    ["TransactItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ClientRequestToken"]
)
_KEYS = frozenset(
    ["Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"],
)
_GET = frozenset(["TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames"])
_CHECK = frozenset(
    [
        "TableName",
        "Key",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    ]
)
_TRANSACT_WRITES = {
    "Put": (_CHECK - {"Key"}) | {"Item"},
    "Delete": _CHECK,
    "ConditionCheck": _CHECK,
    "Update": _CHECK | {"UpdateExpression"},
}
_DUPLICATES = "Provided list of item keys contains duplicates"


def _describe(consumed: dict[str, Consumption], detail: str | None, kind: str | None = None) -> dict[str, Any]:
    if detail is None:
        return {}
    return {"ConsumedCapacity": [units.describe(name, detail, kind) for name, units in consumed.items()]}


# ------------------------------------------------------------------------------------------------------------- batches


def batch_write_item(params: dict[str, Any], region: str) -> dict[str, Any]:
    """BatchWriteItem: up to 25 puts and deletes. What is throttled comes back as ``UnprocessedItems``.

    Only where nothing could be written does the call itself fail.
    """
    accept(params, _BATCH)
    requests = _requests(params, list)
    if sum(map(len, requests.values())) > BATCH_WRITES_MAX:
        raise invalid("Too many items requested for the BatchWriteItem call")
    planned: list[tuple[str, Any, Change]] = []
    seen: set[tuple[int, tuple[RawKey, RawKey]]] = set()
    for name, writes in requests.items():
        for write in writes:
            change = _plan_write(name, write, region)
            if (id(change.store), change.key) in seen:
                raise invalid(_DUPLICATES)
            seen.add((id(change.store), change.key))
            planned.append((name, write, change))
    consumed = {name: Consumption() for name in requests}
    unprocessed: dict[str, list[Any]] = {}
    for name, write, change in planned:
        try:
            commit(change, consumed[name])
        except Throttled as throttled:
            unprocessed.setdefault(name, []).append(write)
            if sum(map(len, unprocessed.values())) == len(planned):
                raise throttled from None
    return {"UnprocessedItems": unprocessed, **_describe(consumed, capacity_detail(params))}


def _requests(params: Mapping[str, Any], kind: type) -> dict[str, Any]:
    requests = params.get("RequestItems")
    if not isinstance(requests, dict) or not requests:
        raise FallThrough
    if not all(isinstance(request, kind) and request for request in requests.values()):
        raise FallThrough
    return requests


def _plan_write(name: str, write: Any, region: str) -> Change:
    match write:
        case {"PutRequest": {"Item": dict(item)}} if len(write) == 1:
            return plan_put({"TableName": name, "Item": item}, region)
        case {"DeleteRequest": {"Key": dict(key)}} if len(write) == 1:
            return plan_delete({"TableName": name, "Key": key}, region)
    raise FallThrough


def batch_get_item(params: dict[str, Any], region: str) -> dict[str, Any]:
    """BatchGetItem: up to 100 items; what passes 16 MB, or is throttled, comes back as ``UnprocessedKeys``.

    Only where nothing could be read for throttling does the call itself fail.
    """
    accept(params, _BATCH - {"ReturnItemCollectionMetrics"})
    requests = _requests(params, dict)
    for request in requests.values():
        accept(request, _KEYS)
        if not all(isinstance(key, dict) for key in request.get("Keys", [None])):
            raise FallThrough
    if sum(len(request["Keys"]) for request in requests.values()) > BATCH_GETS_MAX:
        raise invalid("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Attributes]] = {}
    unprocessed: dict[str, Any] = {}
    consumed: dict[str, Consumption] = {}
    total = 0
    throttled: list[Throttled] = []
    for name, request in requests.items():
        found, left, units, total = _get_keys(name, request, region, total, throttled)
        responses[name] = found
        consumed[name] = Consumption(units)
        if left:
            unprocessed[name] = {**request, "Keys": left}
    if throttled and len(throttled) == sum(len(request["Keys"]) for request in requests.values()):
        raise throttled[-1]
    return {"Responses": responses, "UnprocessedKeys": unprocessed, **_describe(consumed, capacity_detail(params))}


def _get_keys(
    name: str, request: Mapping[str, Any], region: str, total: int, throttled: list[Throttled]
) -> tuple[list[Attributes], list[Any], float, int]:
    """Returns the items found, the keys left over, the read units, and the bytes read by now; adds to `throttled`."""
    store = readable({"TableName": name}, region)
    names, values = placeholders(request)
    text = request.get("ProjectionExpression")
    projection = None if text is None else compile_projection(text, names)
    check_used(names, values, *([("ProjectionExpression", projection.used)] if projection else []))
    keys = [checked_key(store, key) for key in request["Keys"]]
    if len(set(keys)) < len(keys):
        raise invalid(_DUPLICATES)
    found: list[Attributes] = []
    left = []
    units = 0.0
    for key, given in zip(keys, request["Keys"], strict=True):
        record = store.get(key)
        size, item = (0, None) if record is None else decode_record(record)
        if total + size > BATCH_GET_MAX_BYTES:
            left.append(given)
            continue
        key_units = read_units(size, consistent=request.get("ConsistentRead") is True)
        if store.limits is not None:
            try:
                store.limits.read(key, key_units)
            except Throttled as error:
                throttled.append(error)
                left.append(given)
                continue
        total += size
        units += key_units
        if item is not None:
            found.append(item if projection is None else projection.project(item))
    store.meter.read(units)
    return found, left, units, total


# -------------------------------------------------------------------------------------------------------- transactions


def transact_write_items(params: dict[str, Any], region: str) -> dict[str, Any]:
    """TransactWriteItems: up to 100 writes and checks, all or none.

    A ``ClientRequestToken`` seen before makes no change again, and is an ``IdempotentParameterMismatchException`` with
    other parameters. AWS remembers tokens for ten minutes, this the last ten thousand.
    """
    accept(params, _TRANSACTION)
    actions = [_action(entry) for entry in _entries(params)]
    if len(actions) > TRANSACTION_ITEMS_MAX:
        raise invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length less than or equal to {TRANSACTION_ITEMS_MAX}"
        )
    token = params.get("ClientRequestToken")
    digest = "" if token is None else json.dumps(params["TransactItems"], sort_keys=True, default=repr)
    stores = [] if token is None else [writable(action, region) for _, action in actions]
    if token is not None and _seen(token, digest, stores):
        return {}
    planned = _plan_all(actions, region)
    refused = [refusal_of(change, transaction=True) for change in planned]
    if any(refused):
        raise _cancelled(list(map(_reason, refused)))
    consumed: dict[str, Consumption] = {}
    for (_, action), change in zip(actions, planned, strict=True):
        commit(change, consumed.setdefault(action["TableName"], Consumption()), transaction=True, admitted=True)
    if token is not None:
        _remember(token, digest, stores)
    return _describe(consumed, capacity_detail(params), "Write")


def _entries(params: Mapping[str, Any]) -> list[Any]:
    entries = params.get("TransactItems")
    if not isinstance(entries, list) or not entries:
        raise FallThrough
    return entries


def _action(entry: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(entry, dict) or len(entry) != 1:
        raise FallThrough
    ((kind, action),) = entry.items()
    if kind not in _TRANSACT_WRITES or not isinstance(action, dict):
        raise FallThrough
    accept(action, _TRANSACT_WRITES[kind])
    return kind, action


def _plan_all(actions: list[tuple[str, dict[str, Any]]], region: str) -> list[Change]:
    planned: list[Change] = []
    reasons: list[dict[str, Any]] = []
    seen: set[tuple[int, tuple[RawKey, RawKey]]] = set()
    for kind, action in actions:
        try:
            change = PLANS[kind](action, region)
        except Throttled as throttled:
            reasons.append(_reason(throttled))
            continue
        except ApiError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            reasons.append({"Code": "ConditionalCheckFailed", "Message": error.message, **error.extra})
            continue
        if (id(change.store), change.key) in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add((id(change.store), change.key))
        planned.append(change)
        reasons.append({"Code": "None"})
    if len(planned) < len(actions):
        raise _cancelled(reasons)
    return planned


def _reason(refused: Throttled | None) -> dict[str, Any]:
    return {"Code": "None"} if refused is None else {"Code": refused.cancellation, "Message": refused.message}


def _cancelled(reasons: list[dict[str, Any]]) -> ApiError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ApiError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        400,
        {"CancellationReasons": reasons},
    )


def transact_get_items(params: dict[str, Any], region: str) -> dict[str, Any]:
    """TransactGetItems: up to 100 consistent reads; each costs twice a plain one."""
    accept(params, frozenset(["TransactItems", "ReturnConsumedCapacity"]))
    responses: list[dict[str, Any]] = []
    consumed: dict[str, Consumption] = {}
    reads: list[tuple[Store, tuple[RawKey, RawKey], float]] = []
    entries = _entries(params)
    if len(entries) > TRANSACTION_ITEMS_MAX:
        raise FallThrough
    for entry in entries:
        get = entry.get("Get") if isinstance(entry, dict) else None
        if not isinstance(get, dict):
            raise FallThrough
        accept(get, _GET)
        store = readable(get, region)
        names, values = placeholders(get)
        text = get.get("ProjectionExpression")
        projection = None if text is None else compile_projection(text, names)
        check_used(names, values, *([("ProjectionExpression", projection.used)] if projection else []))
        key = checked_key(store, get.get("Key"))
        record = store.get(key)
        size, item = (0, None) if record is None else decode_record(record)
        units = 2 * read_units(size, consistent=True)
        consumed.setdefault(get["TableName"], Consumption()).table += units
        reads.append((store, key, units))
        if item is None:
            responses.append({})
        else:
            responses.append({"Item": item if projection is None else projection.project(item)})
    _read_all(reads)
    return {"Responses": responses, **_describe(consumed, capacity_detail(params), "Read")}


def _read_all(reads: list[tuple[Store, tuple[RawKey, RawKey], float]]) -> None:
    """Takes what all of a transaction's reads cost, or nothing: raises ``TransactionCanceledException``."""
    refused = [None if store.limits is None else store.limits.read_refusal(key, units) for store, key, units in reads]
    if any(refused):
        raise _cancelled(list(map(_reason, refused)))
    for store, key, units in reads:
        if store.limits is not None:
            store.limits.charge_read(key, units)
        store.meter.read(units)


# -------------------------------------------------------------------------------------------------------------- tokens


def _seen(token: str, digest: str, stores: list[Store]) -> bool:
    """Returns whether a transaction was made under this token; raises where it was another one."""
    for store in stores:
        known = store.tokens.get(token)
        if known is not None and known != digest:
            raise ApiError(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request. "
                "Do not reuse a client token with different requests, unless the requests are identical",
            )
    return all(token in store.tokens for store in stores)


def _remember(token: str, digest: str, stores: list[Store]) -> None:
    for store in stores:
        store.tokens[token] = digest
        if len(store.tokens) > _TOKENS_MAX:
            del store.tokens[next(iter(store.tokens))]
