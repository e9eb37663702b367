"""Query and Scan: a page of items, in the order of their keys, from a table or from a secondary index.

A page ends at its Limit or before it passes 1 MB. As in moto, ``LastEvaluatedKey`` is there only if an item follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepsim.runtime.cloud.call import FallThrough
from stepsim.runtime.cloud.dynamodb_capacity import Consumption, read_units
from stepsim.runtime.cloud.dynamodb_conditions import (
    CompiledCondition,
    KeyTerm,
    NameItems,
    Values,
    compile_condition,
    compile_key_condition,
    compile_projection,
)
from stepsim.runtime.cloud.dynamodb_index import IndexShape
from stepsim.runtime.cloud.dynamodb_ranges import Bounds, bounds_of, bounds_of_places
from stepsim.runtime.cloud.dynamodb_requests import accept, add_capacity, check_used, placeholders, readable
from stepsim.runtime.cloud.dynamodb_store import Partition, Store
from stepsim.runtime.cloud.dynamodb_syntax import Names
from stepsim.runtime.cloud.dynamodb_values import Attributes, RawKey, decode_record, invalid, item_size, raw_key

PAGE_MAX_BYTES = 1024 * 1024

_READ = frozenset(
    [
        "TableName",
        "IndexName",
        "Select",
        "Limit",
        "ConsistentRead",
        "ExclusiveStartKey",
        "FilterExpression",
        "ProjectionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnConsumedCapacity",
    ]
)
_QUERY = _READ | {"KeyConditionExpression", "ScanIndexForward"}
_SCAN = _READ | {"Segment", "TotalSegments"}
_SELECTS = frozenset(["COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"])

Place = tuple[RawKey, ...]


@dataclass(slots=True)
class _Reading:
    """A Query or Scan, checked: where it reads, what it keeps of an item."""

    store: Store
    index: IndexShape | None
    limit: int | None
    filter: CompiledCondition | None
    values: Values
    project: Callable[[Attributes], Attributes] | None
    counts_only: bool
    whole_items: bool
    """Whether items are fetched from the table although the index doesn't hold all of them."""


def query(params: dict[str, Any], region: str) -> dict[str, Any]:
    """Query, by KeyConditionExpression."""
    accept(params, _QUERY)
    text = params.get("KeyConditionExpression")
    if text is None:
        raise FallThrough
    store = readable(params, region)
    names, values = placeholders(params)
    condition = compile_key_condition(text, names)
    reading = _reading(store, params, names, values, ("KeyConditionExpression", condition.used))
    shape = store.shape
    index = reading.index
    hash_attr, hash_type = (shape.hash_attr, shape.hash_type) if index is None else (index.hash_attr, index.hash_type)
    range_attr = shape.range_attr if index is None else index.range_attr
    range_type = shape.range_type if index is None else index.range_type
    hash_term, range_term = _key_terms(condition.terms, hash_attr, range_attr)
    (hash_key,) = _key_values(hash_term, hash_type, values)
    forward = params.get("ScanIndexForward", True) is not False
    bounds = Bounds() if range_term is None else bounds_of(range_term, _key_values(range_term, str(range_type), values))
    if index is not None:
        bounds = bounds_of_places(bounds)
    start = _start(reading, params.get("ExclusiveStartKey"))
    if start is not None:
        if start[0] != hash_key:
            raise invalid("The provided starting key is outside query boundaries based on provided conditions")
        bounds.after(start[1] if index is not None or shape.range_attr is None else start[1][-1], forward=forward)
    return _page(reading, _query_keys(reading, hash_key, bounds, start, forward=forward), params, (hash_key, None))


def scan(params: dict[str, Any], region: str) -> dict[str, Any]:
    """Scan."""
    accept(params, _SCAN)
    store = readable(params, region)
    names, values = placeholders(params)
    reading = _reading(store, params, names, values)
    keys = _scan_keys(reading, _start(reading, params.get("ExclusiveStartKey")))
    if "Segment" in params or "TotalSegments" in params:
        keys = _segment(keys, store, params)
    return _page(reading, keys, params, None)


# ---------------------------------------------------------------------------------------------------------- parameters


def _reading(
    store: Store, params: Mapping[str, Any], names: NameItems, values: Values, *used: tuple[str, Names]
) -> _Reading:
    expressions = list(used)
    chosen = params.get("FilterExpression")
    kept = None if chosen is None else compile_condition(chosen, names, "FilterExpression")
    if kept is not None:
        expressions.append(("FilterExpression", kept.used))
    shown = params.get("ProjectionExpression")
    projection = None if shown is None else compile_projection(shown, names)
    if projection is not None:
        expressions.append(("ProjectionExpression", projection.used))
    check_used(names, values, *expressions)
    limit = params.get("Limit")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise FallThrough
    index = _index(store, params)
    select = _select(params, index)
    return _Reading(
        store=store,
        index=index,
        limit=limit,
        filter=kept,
        values=values,
        project=None if projection is None else projection.project,
        counts_only=select == "COUNT",
        whole_items=select == "ALL_ATTRIBUTES" or (index is not None and not index.is_global and shown is not None),
    )


def _index(store: Store, params: Mapping[str, Any]) -> IndexShape | None:
    name = params.get("IndexName")
    if name is None:
        return None
    index = store.index_shapes.get(name)
    if index is None:
        raise invalid(f"The table does not have the specified index: {name}")
    if index.is_global and params.get("ConsistentRead") is True:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return index


def _select(params: Mapping[str, Any], index: IndexShape | None) -> str | None:
    select = params.get("Select")
    if select is None:
        return None
    projects = "ProjectionExpression" in params
    if select not in _SELECTS or projects != (select == "SPECIFIC_ATTRIBUTES"):
        raise FallThrough
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise FallThrough
    if select == "ALL_ATTRIBUTES" and index is not None and index.is_global and index.projection != "ALL":
        raise invalid(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
            f"secondary index {index.name} because its projection type is not ALL"
        )
    return str(select)


def _key_terms(terms: dict[str, KeyTerm], hash_attr: str, range_attr: str | None) -> tuple[KeyTerm, KeyTerm | None]:
    hash_term = terms.get(hash_attr)
    if hash_term is None:
        raise invalid(f"Query condition missed key schema element: {hash_attr}")
    if hash_term.operator != "=":
        raise invalid("Query key condition not supported")
    range_term = terms.get(range_attr) if range_attr is not None else None
    if len(terms) > 1 + (range_term is not None):
        if range_attr is not None and range_term is None:
            raise invalid(f"Query condition missed key schema element: {range_attr}")
        raise invalid("Query key condition not supported")
    return hash_term, range_term


def _key_values(term: KeyTerm, kind: str, values: Values) -> list[RawKey]:
    found = []
    for name in term.values:
        inner = values[name].get(kind)
        if inner is None:
            raise invalid(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
        if not inner:
            raise invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty string value. Key: {term.attribute}"
            )
        found.append(raw_key(kind, inner))
    return found


def _start(reading: _Reading, key: Attributes | None) -> tuple[RawKey, Place] | None:
    """Returns the partition and the place of an ExclusiveStartKey."""
    if key is None:
        return None
    item_size(key)  # for its checks
    store, index = reading.store, reading.index
    expected = {name for name in (store.shape.hash_attr, store.shape.range_attr) if name is not None}
    if index is not None:
        expected |= {name for name in (index.hash_attr, index.range_attr) if name is not None}
    try:
        if key.keys() != expected:
            raise KeyError
        raw = store.shape.key_of(key)
        entry = (raw[0], raw) if index is None else store.index(index.name).entry(key, raw)
    except KeyError:
        entry = None
    if entry is None:
        raise invalid("The provided starting key is invalid")
    return entry


# ---------------------------------------------------------------------------------------------------------------- keys


def _query_keys(
    reading: _Reading, hash_key: RawKey, bounds: Bounds, start: tuple[RawKey, Place] | None, *, forward: bool
) -> Iterator[tuple[RawKey, RawKey]]:
    store, index = reading.store, reading.index
    if index is not None:
        places = store.index(index.name).partitions.get(hash_key)
        if places is not None:
            for place in bounds.of(places, forward=forward):
                yield place[-2], place[-1]
    elif store.shape.range_attr is None:
        if hash_key in store.rows and start is None:
            yield hash_key, None
    else:
        partition: Partition | None = store.rows.get(hash_key)
        if partition is not None:
            for range_key in bounds.of(partition.in_order(), forward=forward):
                yield hash_key, range_key


def _scan_keys(reading: _Reading, start: tuple[RawKey, Place] | None) -> Iterator[tuple[RawKey, RawKey]]:
    store, index = reading.store, reading.index
    source = store if index is None else store.index(index.name)
    for hash_key in source.in_order().irange(None if start is None else start[0]):
        bounds = Bounds()
        resumed = start is not None and start[0] == hash_key
        if start is not None and resumed:
            bounds.after(start[1] if index is not None else start[1][-1], forward=True)
        if index is not None:
            for place in bounds.of(store.index(index.name).partitions[hash_key], forward=True):
                yield place[-2], place[-1]
        elif store.shape.range_attr is None:
            if not resumed:
                yield hash_key, None
        else:
            found: Partition = store.rows[hash_key]
            for range_key in bounds.of(found.in_order() if found.order is not None else sorted(found), forward=True):
                yield hash_key, range_key


def _segment(
    keys: Iterator[tuple[RawKey, RawKey]], store: Store, params: Mapping[str, Any]
) -> Iterator[tuple[RawKey, RawKey]]:
    """Yields the keys of one segment of a parallel scan: by the hash of the partition key, as moto divides them."""
    segment, total = params.get("Segment"), params.get("TotalSegments")
    if type(segment) is not int or type(total) is not int or not 0 <= segment < total:
        raise FallThrough
    if store.shape.hash_type != "S":
        raise FallThrough
    return (key for key in keys if hashlib.md5(key[0].encode(), usedforsecurity=False).digest()[0] % total == segment)


# ---------------------------------------------------------------------------------------------------------------- page


def _page(
    reading: _Reading,
    keys: Iterator[tuple[RawKey, RawKey]],
    params: Mapping[str, Any],
    where: tuple[RawKey, RawKey] | None,
) -> dict[str, Any]:
    """Returns a page. `where` is what is read where there is nothing."""
    store, index, values = reading.store, reading.index, reading.values
    narrowed = index is not None and index.projection != "ALL" and not reading.whole_items
    test = None if reading.filter is None else reading.filter.test
    items: list[Attributes] = []
    count = scanned = total = 0
    last: Attributes | None = None
    following = False
    read: list[tuple[tuple[RawKey, RawKey], int]] | None = None if store.limits is None else []
    for key in keys:
        if scanned == reading.limit:
            following = True
            break
        record = store.get(key)
        assert record is not None  # what stands in order stands in the rows
        size, item = decode_record(record)
        whole = item
        if narrowed and index is not None:
            item = index.project(item)
            size = item_size(item)
        if total + size > PAGE_MAX_BYTES and scanned:
            following = True
            break
        total += size
        scanned += 1
        last = whole
        if read is not None:
            read.append((key if index is None or not index.is_global else index.key_of(whole), size))
        if test is not None and not test(item, values):
            continue
        count += 1
        if not reading.counts_only:
            items.append(item if reading.project is None else reading.project(item))
    response: dict[str, Any] = {"Count": count, "ScannedCount": scanned}
    if not reading.counts_only:
        response = {"Items": items, **response}
    if following and last is not None:
        response["LastEvaluatedKey"] = _last_key(reading, last)
    units = read_units(total, consistent=params.get("ConsistentRead") is True)
    if store.limits is not None and read is not None:
        store.limits.read_page(index.name if index is not None and index.is_global else None, read, where, units)
    return _consume(reading, response, params, units)


def _last_key(reading: _Reading, item: Attributes) -> Attributes:
    names = [reading.store.shape.hash_attr, reading.store.shape.range_attr]
    if reading.index is not None:
        names += [reading.index.hash_attr, reading.index.range_attr]
    return {name: item[name] for name in dict.fromkeys(names) if name is not None}


def _consume(reading: _Reading, response: dict[str, Any], params: Mapping[str, Any], units: float) -> dict[str, Any]:
    consumed = Consumption()
    if reading.index is None:
        consumed.table = units
    else:
        consumed.add_index(reading.index.name, units, is_global=reading.index.is_global)
        if reading.index.is_global:
            reading.store.meter.index(reading.index.name).consumed_rcu += units
    reading.store.meter.read(units)
    return add_capacity(response, params, consumed)
