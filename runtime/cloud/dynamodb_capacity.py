"""Capacity units: what a call consumes, as AWS counts it, and what each table has consumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

_WRITE_UNIT_BYTES = 1024
_READ_UNIT_BYTES = 4096
_KEYS_COUNTED_MAX = 65536


def write_units(size: int) -> int:
    """Returns the write units of an item of `size` bytes: one for each KB, at least one."""
    return max(1, -(-size // _WRITE_UNIT_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    """Returns the read units of `size` bytes: one for each 4 KB, at least one; half of that where not consistent."""
    units = max(1, -(-size // _READ_UNIT_BYTES))
    return units if consistent else units / 2


def _lighter(by_key: dict[Any, float]) -> dict[Any, float]:
    """Returns the heavier half of what is counted by key, where it has become too much to keep."""
    if len(by_key) <= _KEYS_COUNTED_MAX:
        return by_key
    return dict(sorted(by_key.items(), key=lambda pair: -pair[1])[: _KEYS_COUNTED_MAX // 2])


@dataclass(slots=True)
class Meter:
    """What a table with its indexes, or one global index, has consumed and what was throttled."""

    consumed_wcu: float = 0
    consumed_rcu: float = 0
    throttled_writes: int = 0
    throttled_reads: int = 0


@dataclass(slots=True)
class TableMeter(Meter):
    """What one table has consumed: the report's ``tables``.

    Writes are counted for each partition key as well. Above 65,536 keys the smaller half is forgotten, which leaves the
    hottest key's share right wherever it matters.
    """

    by_key: dict[Any, float] = field(default_factory=dict)
    throttled_by_key: dict[Any, float] = field(default_factory=dict)
    throttles: dict[str, int] = field(default_factory=dict)
    """How often AWS's reasons were given; a call may have several."""
    indexes: dict[str, Meter] = field(default_factory=dict)
    """Global indexes by name."""

    def wrote(self, hash_key: Any, units: float) -> None:
        """Counts the write units of one item of this partition key."""
        self.consumed_wcu += units
        by_key = self.by_key
        by_key[hash_key] = by_key.get(hash_key, 0) + units
        if len(by_key) > _KEYS_COUNTED_MAX:
            self.by_key = _lighter(by_key)

    def read(self, units: float) -> None:
        """Counts the read units of a call."""
        self.consumed_rcu += units

    def index(self, name: str) -> Meter:
        """Returns the meter of a global index, made when first asked for."""
        return self.indexes.setdefault(name, Meter())

    def throttled(self, kind: Literal["Write", "Read"], hash_key: Any, reasons: Iterable[tuple[str, str]]) -> None:
        """Counts the item or page that was throttled: once for the table, and for each reason and its index, if any."""
        meters: dict[str, Meter] = {"": self}
        for reason, index in reasons:
            self.throttles[reason] = self.throttles.get(reason, 0) + 1
            if index:
                meters[index] = self.index(index)
        for meter in meters.values():
            if kind == "Write":
                meter.throttled_writes += 1
            else:
                meter.throttled_reads += 1
        self.throttled_by_key[hash_key] = self.throttled_by_key.get(hash_key, 0) + 1
        self.throttled_by_key = _lighter(self.throttled_by_key)

    @property
    def hottest_share(self) -> float:
        """The share of the write units that went to the hottest partition key; 0 where nothing was written."""
        return max(self.by_key.values(), default=0) / self.consumed_wcu if self.consumed_wcu else 0.0


@dataclass(slots=True)
class Consumption:
    """The units that one call consumed of one table and of its indexes."""

    table: float = 0
    global_indexes: dict[str, float] = field(default_factory=dict)
    local_indexes: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """All of them."""
        return self.table + sum(self.global_indexes.values()) + sum(self.local_indexes.values())

    def add_index(self, name: str, units: float, *, is_global: bool) -> None:
        """Counts units of a secondary index."""
        indexes = self.global_indexes if is_global else self.local_indexes
        indexes[name] = indexes.get(name, 0) + units

    def describe(self, table_name: str, detail: str, kind: str | None = None) -> dict[str, Any]:
        """Returns the response's ``ConsumedCapacity`` for this table.

        `detail` is ``TOTAL`` or ``INDEXES``; `kind` (``Read`` or ``Write``) adds the units of a transaction's own kind.
        """

        def units(consumed: float) -> dict[str, float]:
            named = {"CapacityUnits": float(consumed)}
            return {f"{kind}CapacityUnits": float(consumed), **named} if kind else named

        described: dict[str, Any] = {"TableName": table_name, **units(self.total)}
        if detail == "INDEXES":
            described["Table"] = units(self.table)
            for member, indexes in (
                ("GlobalSecondaryIndexes", self.global_indexes),
                ("LocalSecondaryIndexes", self.local_indexes),
            ):
                if indexes:
                    described[member] = {name: units(consumed) for name, consumed in indexes.items()}
        return described
