"""A table's items, kept compactly behind moto's own interface.

`Store` takes the place of a moto table's ``items``: it holds records (`dynamodb_values`) under raw keys, keeps what was
queried once in order, and hands moto's own code `CompactItem` views that look like its items. A view whose attributes
moto has touched is the truth until the next access settles it back into a record.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, cast

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from sortedcontainers import SortedList

from stepsim.runtime.cloud.call import FallThrough
from stepsim.runtime.cloud.dynamodb_capacity import TableMeter
from stepsim.runtime.cloud.dynamodb_index import Index, IndexShape, KeyShape, raw_of
from stepsim.runtime.cloud.dynamodb_values import (
    Attributes,
    RawKey,
    decode_record,
    encode_record,
    from_moto,
    item_size,
    to_moto,
)

if TYPE_CHECKING:
    from stepsim.runtime.cloud.dynamodb_throttling import TableLimits, Throttling

_FEW = 256
"""Below as many sort keys, sorting them for a query is cheaper than keeping them in order."""


class CompactItem(Item):
    """One stored item as moto's code sees it; its attributes become objects when they are first touched.

    With a store behind it, a touched view is remembered there, for moto may change what it holds.
    """

    def __init__(self, store: Store | None, shape: KeyShape, key: tuple[RawKey, RawKey], record: bytes) -> None:
        self.store, self.shape, self.key, self.record = store, shape, key, record
        self._attrs: LimitedSizeDict | None = None

    def __new__(cls, *_: Any) -> CompactItem:
        return object.__new__(cls)  # moto's own would keep every instance for ever

    @property
    def attrs(self) -> LimitedSizeDict:  # type: ignore[override]
        """The attributes as moto's objects."""
        if self._attrs is None:
            attrs = LimitedSizeDict()
            for name, value in decode_record(self.record)[1].items():
                dict.__setitem__(attrs, name, to_moto(value))  # checked when it was written
            self._attrs = attrs
            if self.store is not None:
                self.store.touched[self.key] = self
        return self._attrs

    @property
    def hash_key(self) -> DynamoType:  # type: ignore[override]
        """The partition key's value."""
        return self.shape.moto_key(self.shape.hash_type, self.key[0])

    @property
    def range_key(self) -> DynamoType | None:  # type: ignore[override]
        """The sort key's value; None in a table without one."""
        kind = self.shape.range_type
        return None if kind is None else self.shape.moto_key(kind, self.key[1])

    def settled(self) -> bytes:
        """Returns the record of the attributes as they are now."""
        if self._attrs is not None:
            attributes = {name: from_moto(value) for name, value in self._attrs.items()}
            self.record = encode_record(attributes, item_size(attributes))
        return self.record

    def size(self) -> int:
        """Returns the item's size in bytes."""
        return decode_record(self.settled())[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> CompactItem:
        return CompactItem(None, self.shape, self.key, self.settled())


class Partition(dict[RawKey, bytes]):
    """The items of one partition key: records by sort key, and their order once somebody queried."""

    __slots__ = ("order",)

    def __init__(self) -> None:
        self.order: Any = None

    def in_order(self) -> Any:
        """Returns the sort keys in order: a `SortedList` that is kept up, or a plain list where they are few."""
        if self.order is None:
            if len(self) < _FEW:
                return sorted(self)
            self.order = SortedList(self)
        return self.order


class Store:
    """The items of one table. Fast paths use raw keys; moto's code uses it as its dict of `DynamoType`."""

    observers: ClassVar[list[Callable[[Store, tuple[RawKey, RawKey]], None]]] = []
    """Told of each key that is put or deleted, in any table."""

    throttling: ClassVar[Throttling | None] = None
    """What limits all tables; None: nothing does."""

    def __init__(self, shape: KeyShape) -> None:
        self.shape = shape
        self.rows: dict[RawKey, Any] = {}
        """Records by partition key, or a `Partition` for each where the table has a sort key."""
        self.order: Any = None
        self.index_shapes: dict[str, IndexShape] = {}
        self.index_keys: dict[str, tuple[str, str]] = {}
        """The type of each index key attribute, and the first index that it keys."""
        self.built: dict[str, Index] = {}
        self.touched: dict[tuple[RawKey, RawKey], CompactItem] = {}
        self.meter = TableMeter()
        self.limits: TableLimits | None = None
        self.tokens: dict[str, str] = {}
        """The transactions made here, by their ClientRequestToken."""
        self._indexes_seen: tuple[Any, Any] = (None, None)

    # ------------------------------------------------------------------------------------------- for the fast paths

    def get(self, key: tuple[RawKey, RawKey]) -> bytes | None:
        """Returns the record under a raw key."""
        found = self.rows.get(key[0])
        if found is None or self.shape.range_attr is None:
            return cast("bytes | None", found)
        return cast("bytes | None", found.get(key[1]))

    def put(self, key: tuple[RawKey, RawKey], record: bytes, new: Attributes, old: Attributes | None) -> None:
        """Stores a record. `old` is the item it replaces; only a table with indexes in use looks at either."""
        hash_key, range_key = key
        rows = self.rows
        if self.order is not None and hash_key not in rows:
            self.order.add(hash_key)
        if self.shape.range_attr is None:
            rows[hash_key] = record
        else:
            partition = rows.get(hash_key)
            if partition is None:
                partition = rows[hash_key] = Partition()
            if partition.order is not None and range_key not in partition:
                partition.order.add(range_key)
            partition[range_key] = record
        for observer in self.observers:
            observer(self, key)
        for index in self.built.values():
            index.replace(key, old, new)

    def delete(self, key: tuple[RawKey, RawKey], old: Attributes) -> None:
        """Removes the item under a raw key; `old` is that item."""
        hash_key, range_key = key
        if self.shape.range_attr is None:
            del self.rows[hash_key]
        else:
            partition = self.rows[hash_key]
            del partition[range_key]
            if partition.order is not None:
                partition.order.remove(range_key)
            if not partition:
                del self.rows[hash_key]
        if self.order is not None and hash_key not in self.rows:
            self.order.remove(hash_key)
        for observer in self.observers:
            observer(self, key)
        for index in self.built.values():
            index.replace(key, old, None)

    def in_order(self) -> Any:
        """Returns the partition keys as a `SortedList` that is kept up."""
        if self.order is None:
            self.order = SortedList(self.rows)
        return self.order

    def index(self, name: str) -> Index:
        """Returns a secondary index, built now if nobody has read it before."""
        built = self.built.get(name)
        if built is None:
            built = Index(self.index_shapes[name])
            for key, record in self.records():
                entry = built.entry(decode_record(record)[1], key)
                if entry is not None:
                    built.partitions.setdefault(entry[0], []).append(entry[1])
            for hash_key, places in built.partitions.items():
                built.partitions[hash_key] = SortedList(places)
            self.built[name] = built
        return built

    def records(self) -> Iterator[tuple[tuple[RawKey, RawKey], bytes]]:
        """Yields every raw key and record, as they were first written."""
        for hash_key, found in self.rows.items():
            if self.shape.range_attr is None:
                yield (hash_key, None), found
            else:
                for range_key, record in found.items():
                    yield (hash_key, range_key), record

    def settle(self) -> None:
        """Takes back what moto's code has changed in the views it was given."""
        views, self.touched = self.touched, {}
        for key, view in views.items():
            before = self.get(key)
            view.store = None
            after = view.settled()
            if before is not None and before != after:
                self.put(key, after, decode_record(after)[1], decode_record(before)[1])

    def follow(self, table: Table) -> None:
        """Learns the table's secondary indexes, where they have changed since it last looked."""
        seen = self._indexes_seen
        if seen[0] is table.global_indexes and seen[1] is table.indexes:
            return
        types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
        self.index_shapes, self.index_keys, self.built = {}, {}, {}
        for index in [*table.global_indexes, *table.indexes]:
            hash_attrs = [key["AttributeName"] for key in index.schema if key["KeyType"] == "HASH"]
            range_attrs = [key["AttributeName"] for key in index.schema if key["KeyType"] == "RANGE"]
            keys = [*hash_attrs, *range_attrs]
            if len(hash_attrs) != 1 or len(range_attrs) > 1 or not types.keys() >= set(keys):
                self._indexes_seen = (None, None)
                raise FallThrough  # keys of several attributes, or of none that is defined
            projection = index.projection or {}
            self.index_shapes[index.name] = IndexShape(
                name=index.name,
                hash_attr=hash_attrs[0],
                hash_type=types[hash_attrs[0]],
                range_attr=range_attrs[0] if range_attrs else None,
                range_type=types[range_attrs[0]] if range_attrs else "",
                projection=projection.get("ProjectionType", "ALL"),
                projected=frozenset([*keys, *table.table_key_attrs, *projection.get("NonKeyAttributes", [])]),
                is_global=index in table.global_indexes,
            )
            for name in keys:
                if name not in table.table_key_attrs:
                    self.index_keys.setdefault(name, (types[name], index.name))
        self._indexes_seen = (table.global_indexes, table.indexes)

    # ---------------------------------------------------------------------------------------------- for moto's code

    def raw(self, kind: str, key: DynamoType) -> RawKey:
        """Returns the raw key of moto's key object; a key of another type is under nothing."""
        return raw_of(from_moto(key)) if key.type == kind else (key.type, key.value)

    def view(self, key: tuple[RawKey, RawKey], record: bytes) -> CompactItem:
        """Returns moto's view of an item: the one it has touched, if any."""
        return self.touched.get(key) or CompactItem(self, self.shape, key, record)

    def take(self, key: tuple[RawKey, RawKey], item: Item) -> None:
        """Stores an item that moto's code made."""
        self.touched.pop(key, None)
        attributes = {name: from_moto(value) for name, value in item.attrs.items()}
        before = self.get(key)
        old = decode_record(before)[1] if before is not None and self.built else None
        self.put(key, encode_record(attributes, item_size(attributes)), attributes, old)

    def give_up(self, key: tuple[RawKey, RawKey]) -> CompactItem:
        """Removes an item for moto's code and returns it; raises `KeyError` where there is none."""
        self.settle()
        record = self.get(key)
        if record is None:
            raise KeyError(key)
        self.delete(key, decode_record(record)[1])
        return CompactItem(None, self.shape, key, record)

    def __getitem__(self, hash_key: DynamoType) -> Any:
        raw = self.raw(self.shape.hash_type, hash_key)
        if self.shape.range_attr is not None:
            return PartitionView(self, raw)
        return self.view((raw, None), self.rows[raw])

    def __setitem__(self, hash_key: DynamoType, item: Item) -> None:
        self.take((self.raw(self.shape.hash_type, hash_key), None), item)

    def __contains__(self, hash_key: DynamoType) -> bool:
        return self.raw(self.shape.hash_type, hash_key) in self.rows

    def __len__(self) -> int:
        return len(self.rows)

    def pop(self, hash_key: DynamoType) -> CompactItem:
        """Removes and returns the item of a table without a sort key."""
        return self.give_up((self.raw(self.shape.hash_type, hash_key), None))

    def values(self) -> Iterator[Any]:
        """Yields each partition, or each item of a table without a sort key."""
        for raw, found in self.rows.items():
            yield self.view((raw, None), found) if self.shape.range_attr is None else PartitionView(self, raw)

    def __deepcopy__(self, memo: dict[int, Any]) -> Store:
        self.settle()
        copied = Store(self.shape)
        for key, record in self.records():
            copied.put(key, record, {}, None)
        copied.meter = copy.deepcopy(self.meter, memo)
        copied.tokens = dict(self.tokens)
        return copied


class PartitionView:
    """One partition as moto's code sees it: its items by sort key."""

    __slots__ = ("hash_key", "store")

    def __init__(self, store: Store, hash_key: RawKey) -> None:
        self.store, self.hash_key = store, hash_key

    def _key(self, range_key: DynamoType) -> tuple[RawKey, RawKey]:
        return self.hash_key, self.store.raw(str(self.store.shape.range_type), range_key)

    def __getitem__(self, range_key: DynamoType) -> CompactItem:
        key = self._key(range_key)
        record = self.store.get(key)
        if record is None:
            raise KeyError(range_key)
        return self.store.view(key, record)

    def __setitem__(self, range_key: DynamoType, item: Item) -> None:
        self.store.take(self._key(range_key), item)

    def __len__(self) -> int:
        return len(self.store.rows.get(self.hash_key, ()))

    def pop(self, range_key: DynamoType) -> CompactItem:
        """Removes and returns an item; raises `KeyError` where there is none."""
        return self.store.give_up(self._key(range_key))

    def values(self) -> Iterator[CompactItem]:
        """Yields the items."""
        for range_key, record in self.store.rows.get(self.hash_key, {}).items():
            yield self.store.view((self.hash_key, range_key), record)


def store_of(table: Table) -> Store:
    """Returns the store behind a moto table, put in place of its plain dict if this is the first time.

    Raises `FallThrough` for a table that fast paths do not cover: one whose index has keys of several attributes.
    """
    store = cast(Any, table.items)
    if type(store) is not Store:
        store = _adopt(table)
    if store.touched:
        store.settle()
    store.follow(table)
    throttling = store.throttling
    if throttling is not None:
        throttling.limit(store, table)
    elif store.limits is not None:
        store.limits = None
    return store


def _adopt(table: Table) -> Store:
    shape = KeyShape(table.hash_key_attr, table.hash_key_type, table.range_key_attr, table.range_key_type)
    store = Store(shape)
    for found in table.items.values():
        for item in found.values() if table.range_key_attr else [found]:
            attributes = {name: from_moto(value) for name, value in cast(Item, item).attrs.items()}
            store.put(shape.key_of(attributes), encode_record(attributes, item_size(attributes)), attributes, None)
    table.items = cast(Any, store)
    return store
