"""Writes in two steps: *plan* checks a call against the table and says what would change, *commit* changes it.

One call plans and commits at once; a batch or a transaction plans all of its writes before it commits the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepsim.runtime.cloud.call import ApiError, FallThrough
from stepsim.runtime.cloud.dynamodb_capacity import Consumption, write_units
from stepsim.runtime.cloud.dynamodb_conditions import compile_condition
from stepsim.runtime.cloud.dynamodb_index import IndexShape
from stepsim.runtime.cloud.dynamodb_requests import (
    check_condition,
    check_used,
    checked_item_key,
    checked_key,
    condition_failed,
    placeholders,
    writable,
)
from stepsim.runtime.cloud.dynamodb_store import Store
from stepsim.runtime.cloud.dynamodb_syntax import Names
from stepsim.runtime.cloud.dynamodb_throttling import IndexWrite, Throttled
from stepsim.runtime.cloud.dynamodb_updates import CompiledUpdate, compile_update
from stepsim.runtime.cloud.dynamodb_values import (
    ITEM_SIZE_MAX_BYTES,
    Attributes,
    RawKey,
    decode_record,
    encode_record,
    invalid,
    item_size,
)


@dataclass(slots=True)
class Change:
    """What a write would do to one item; `record` is None where it removes it, or only checks it."""

    store: Store
    key: tuple[RawKey, RawKey]
    old: Attributes | None
    old_size: int
    new: Attributes | None
    record: bytes | None
    size: int
    update: CompiledUpdate | None = None


def _held(store: Store, key: tuple[RawKey, RawKey]) -> tuple[int, Attributes | None]:
    record = store.get(key)
    return (0, None) if record is None else decode_record(record)


def plan_put(params: Mapping[str, Any], region: str) -> Change:
    """Returns the change that a PutItem (or a transaction's Put) makes; raises what AWS answers where it can't."""
    store = writable(params, region)
    item = params.get("Item")
    if item is None:
        raise FallThrough
    size = item_size(item)
    key = checked_item_key(store, item)
    if store.index_keys:
        _check_index_keys(store, item)
    if size > ITEM_SIZE_MAX_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    record = encode_record(item, size)
    old_size, old = _held(store, key)
    try:
        check_condition(params, old)
    except ApiError as error:
        raise _paid(error, store, key, old_size) from None
    return Change(store, key, old, old_size, item, record, size)


def _paid(error: ApiError, store: Store, key: tuple[RawKey, RawKey], size: int) -> ApiError:
    """Charges a write whose condition was false, and returns its error: it costs the units of the item that is there.

    (WorkingWithItems.html in DynamoDB's guide, "Capacity units consumed by conditional writes".) Raises `Throttled`
    instead where there is nothing left.
    """
    if error.code == "ConditionalCheckFailedException":
        units = write_units(size)
        if store.limits is not None:
            store.limits.write(key, units)
        store.meter.wrote(key[0], units)
    return error


def _check_index_keys(store: Store, item: Attributes) -> None:
    for name, (kind, index_name) in store.index_keys.items():
        value = item.get(name)
        if value is None:
            continue
        if kind not in value:
            raise invalid(
                f"One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {kind} "
                f"Actual: {next(iter(value))} IndexName: {index_name}"
            )
        if not value[kind]:
            raise invalid(
                "One or more parameter values are not valid. A value specified for a secondary index key is not "
                "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
                f"IndexName: {index_name}, IndexKey: {name}"
            )


def plan_delete(params: Mapping[str, Any], region: str) -> Change:
    """Returns the change that a DeleteItem (or a transaction's Delete) makes."""
    store = writable(params, region)
    key = checked_key(store, params.get("Key"))
    old_size, old = _held(store, key)
    try:
        check_condition(params, old)
    except ApiError as error:
        raise _paid(error, store, key, old_size) from None
    return Change(store, key, old, old_size, None, None, 0)


def plan_check(params: Mapping[str, Any], region: str) -> Change:
    """Returns the change of a transaction's ConditionCheck: none, but its condition holds."""
    change = plan_delete(params, region)
    change.new, change.size = change.old, change.old_size
    return change


def plan_update(params: Mapping[str, Any], region: str) -> Change:
    """Returns the change that an UpdateItem (or a transaction's Update) makes."""
    store = writable(params, region)
    raw = checked_key(store, params.get("Key"))
    names, values = placeholders(params)
    text, condition_text = params.get("UpdateExpression"), params.get("ConditionExpression")
    used: list[tuple[str, Names]] = []
    update = None if text is None else compile_update(text, names)
    if update is not None:
        used.append(("UpdateExpression", update.used))
    condition = None if condition_text is None else compile_condition(condition_text, names, "ConditionExpression")
    if condition is not None:
        used.append(("ConditionExpression", condition.used))
    check_used(names, values, *used)
    if update is not None:
        _refuse_key_update(store, update)
    old_size, old = _held(store, raw)
    if condition is not None and not condition.test(old or {}, values):
        raise _paid(condition_failed(params, old), store, raw, old_size)
    new = dict(old or params["Key"])
    if update is not None:
        new = update.apply(new, values)
        _check_updated_index_keys(store, new, update)
    size = item_size(new)
    if size > ITEM_SIZE_MAX_BYTES:
        raise invalid("Item size to update has exceeded the maximum allowed size")
    return Change(store, raw, old, old_size, new, encode_record(new, size), size, update)


def _refuse_key_update(store: Store, update: CompiledUpdate) -> None:
    for name in (store.shape.hash_attr, store.shape.range_attr):
        if name in update.attributes:
            raise invalid(
                f"One or more parameter values were invalid: Cannot update attribute {name}. "
                "This attribute is part of the key"
            )


def _check_updated_index_keys(store: Store, new: Attributes, update: CompiledUpdate) -> None:
    for name, (kind, _) in store.index_keys.items():
        value = new.get(name)
        if value is None or name not in update.attributes:
            continue
        if kind not in value:
            raise invalid("The update expression attempted to update the secondary index key to unsupported type")
        if not value[kind]:
            raise invalid(
                "One or more parameter values are not valid. The update expression attempted to update a secondary "
                "index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an "
                "empty string value."
            )


PLANS: dict[str, Callable[[Mapping[str, Any], str], Change]] = {
    "Put": plan_put,
    "Update": plan_update,
    "Delete": plan_delete,
    "ConditionCheck": plan_check,
}


@dataclass(slots=True)
class Cost:
    """What a change costs: units of the table (its local indexes' apart), and writes to its indexes."""

    table: float
    local: dict[str, float]
    writes: list[IndexWrite]
    """To global indexes: one to add, change or remove an item, two to move it."""


def cost_of(change: Change, *, transaction: bool = False) -> Cost:
    """Returns what a planned change costs; twice as much in a transaction."""
    factor = 2 if transaction else 1
    cost = Cost(write_units(max(change.size, change.old_size)) * factor, {}, [])
    for index in change.store.index_shapes.values():
        old = index.project(change.old) if change.old is not None and index.holds(change.old) else None
        new = index.project(change.new) if change.new is not None and index.holds(change.new) else None
        if old == new:
            continue
        writes = _index_writes(index, old, new, factor)
        if index.is_global:
            cost.writes += writes
        else:
            cost.local[index.name] = sum(units for _, _, units in writes)
    return cost


def _index_writes(index: IndexShape, old: Attributes | None, new: Attributes | None, factor: int) -> list[IndexWrite]:
    held = [
        (index.key_of(attributes), write_units(item_size(attributes)) * factor)
        for attributes in (old, new)
        if attributes is not None
    ]
    if len(held) == 2 and held[0][0] == held[1][0]:
        held = [(held[0][0], max(units for _, units in held))]
    return [(index.name, key, units) for key, units in held]


def refusal_of(change: Change, *, transaction: bool = False) -> Throttled | None:
    """Returns what AWS answers to a change that the table or an index is too short for; None where it can be made."""
    limits = change.store.limits
    if limits is None:
        return None
    cost = cost_of(change, transaction=transaction)
    return limits.refusal(change.key, cost.table + sum(cost.local.values()), cost.writes)


def commit(
    change: Change, consumed: Consumption | None = None, *, transaction: bool = False, admitted: bool = False
) -> None:
    """Makes a planned change, and counts what it consumes: in `consumed` too, if given.

    Raises `Throttled`, before anything is changed, unless it was admitted: `refusal_of` gave None.
    """
    store = change.store
    size = max(change.size, change.old_size)
    units: float = write_units(size) * (2 if transaction else 1)
    cost = cost_of(change, transaction=transaction) if store.index_shapes else None
    at_table = units if cost is None else units + sum(cost.local.values())
    limits = store.limits
    if limits is not None and not admitted and cost is None:
        limits.write(change.key, at_table)
    elif limits is not None:
        writes = () if cost is None else cost.writes
        refused = None if admitted else limits.refusal(change.key, at_table, writes)
        if refused is not None:
            raise refused
        limits.charge(change.key, at_table, writes)
    if change.record is not None and change.new is not None:
        store.put(change.key, change.record, change.new, change.old)
    elif change.new is None and change.old is not None:
        store.delete(change.key, change.old)
    if consumed is not None:
        consumed.table += units
    if cost is not None:
        _count_indexes(store, cost, consumed)
        at_table += sum(index_units for _, _, index_units in cost.writes)
    store.meter.wrote(change.key[0], at_table)


def _count_indexes(store: Store, cost: Cost, consumed: Consumption | None) -> None:
    for name, _, units in cost.writes:
        store.meter.index(name).consumed_wcu += units
        if consumed is not None:
            consumed.add_index(name, units, is_global=True)
    if consumed is not None:
        for name, units in cost.local.items():
            consumed.add_index(name, units, is_global=False)
