"""How a table and its secondary indexes are keyed, and a secondary index in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType
from sortedcontainers import SortedList

from stepsim.runtime.cloud.dynamodb_values import Attributes, RawKey, raw_key, to_moto


@dataclass(frozen=True, slots=True)
class KeyShape:
    """A table's primary key."""

    hash_attr: str
    hash_type: str
    range_attr: str | None
    range_type: str | None

    def key_of(self, attributes: Attributes) -> tuple[RawKey, RawKey]:
        """Returns the raw key of an item, or of a key, that is known to be valid."""
        hash_key = raw_key(self.hash_type, attributes[self.hash_attr][self.hash_type])
        if self.range_attr is None or self.range_type is None:
            return hash_key, None
        return hash_key, raw_key(self.range_type, attributes[self.range_attr][self.range_type])

    @staticmethod
    def moto_key(kind: str, raw: RawKey) -> DynamoType:
        """Returns moto's object for a raw key."""
        return to_moto({kind: str(raw) if kind == "N" else raw})


@dataclass(frozen=True, slots=True)
class IndexShape:
    """A secondary index: what it is keyed by and what it holds."""

    name: str
    hash_attr: str
    hash_type: str
    range_attr: str | None
    range_type: str
    projection: str
    projected: frozenset[str]
    """The attributes it holds, where `projection` is not ALL."""
    is_global: bool

    def holds(self, attributes: Attributes) -> bool:
        """Returns whether an item stands in this index: it does where it has all of the index's keys."""
        return self.hash_type in attributes.get(self.hash_attr, ()) and (
            self.range_attr is None or self.range_type in attributes.get(self.range_attr, ())
        )

    def key_of(self, attributes: Attributes) -> tuple[RawKey, RawKey]:
        """Returns the raw key that an item has in this index, which holds it."""
        range_key = None if self.range_attr is None else raw_of(attributes[self.range_attr])
        return raw_of(attributes[self.hash_attr]), range_key

    def project(self, attributes: Attributes) -> Attributes:
        """Returns what the index holds of an item."""
        if self.projection == "ALL":
            return attributes
        return {name: value for name, value in attributes.items() if name in self.projected}


def raw_of(value: dict[str, Any]) -> RawKey:
    """Returns the raw key of a key's attribute value."""
    ((kind, inner),) = value.items()
    return raw_key(kind, inner)


class Index:
    """A secondary index in order, built when it is first read and kept up from then on."""

    __slots__ = ("order", "partitions", "shape")

    def __init__(self, shape: IndexShape) -> None:
        self.shape = shape
        self.partitions: dict[RawKey, Any] = {}
        """The places of each partition, in order. A place ends in the raw key of its item."""
        self.order: Any = None

    def entry(self, attributes: Attributes, key: tuple[RawKey, RawKey]) -> tuple[RawKey, tuple[RawKey, ...]] | None:
        """Returns the partition that an item (or an ExclusiveStartKey) stands in, and its place there."""
        if not self.shape.holds(attributes):
            return None
        first = key[1] if self.shape.range_attr is None else raw_of(attributes[self.shape.range_attr])
        place = (first, *key) if first is not None else key
        return raw_of(attributes[self.shape.hash_attr]), place

    def replace(self, key: tuple[RawKey, RawKey], old: Attributes | None, new: Attributes | None) -> None:
        """Moves an item from where it stood to where it stands now."""
        before = self.entry(old, key) if old is not None else None
        after = self.entry(new, key) if new is not None else None
        if before == after:
            return
        if before is not None:
            places = self.partitions[before[0]]
            places.remove(before[1])
            if not places:
                del self.partitions[before[0]]
                if self.order is not None:
                    self.order.remove(before[0])
        if after is not None:
            places = self.partitions.get(after[0])
            if places is None:
                places = self.partitions[after[0]] = SortedList()
                if self.order is not None:
                    self.order.add(after[0])
            places.add(after[1])

    def in_order(self) -> Any:
        """Returns the partition keys as a `SortedList` that is kept up."""
        if self.order is None:
            self.order = SortedList(self.partitions)
        return self.order
