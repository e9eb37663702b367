"""Throttling: what a table and its indexes cannot take now, and what AWS answers then.

A write needs capacity in its table and in each global index that it changes: an index that is short keeps the table's
write out (gsi-throttling.html in DynamoDB's guide). Everything is asked for before anything is taken or changed. The
errors name reason and resource as AWS does since 2025 (throttling-diagnosing-workflow.html, API_ThrottlingReason.html);
the messages are those of TransactionCanceledException's reasons in AWS's own model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from moto.dynamodb.models.table import GlobalSecondaryIndex, Table

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.dynamodb_capacity import TableMeter
from stepsim.runtime.cloud.dynamodb_partitions import READ, WRITE, Key, Partition
from stepsim.runtime.cloud.dynamodb_throughput import Provisioned, Throughput
from stepsim.runtime.cloud.quotas import Quotas

if TYPE_CHECKING:
    from stepsim.runtime.cloud.dynamodb_store import Store

IndexWrite: TypeAlias = tuple[str, Key, float]
"""What a write costs a global index: its name, the key there, units."""

_KINDS: tuple[Literal["Write"], Literal["Read"]] = ("Write", "Read")

_PROVISIONED_TABLE = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
_PROVISIONED_INDEX = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the "
    "UpdateTable API"
)
_ON_DEMAND_TABLE = (
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or "
    "index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
)
_ON_DEMAND_INDEX = (
    "Throughput exceeds the current capacity for one or more global secondary indexes. "
    "DynamoDB is automatically scaling your index so please try again shortly."
)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How AWS says no, in one mode: the code, the name of its list of reasons, the code in a transaction, the words."""

    code: str
    reasons: str
    cancellation: str
    of_table: str
    of_index: str


_REFUSALS = {
    True: _Refusal(
        "ProvisionedThroughputExceededException",
        "ThrottlingReasons",
        "ProvisionedThroughputExceeded",
        _PROVISIONED_TABLE,
        _PROVISIONED_INDEX,
    ),
    False: _Refusal("ThrottlingException", "throttlingReasons", "ThrottlingError", _ON_DEMAND_TABLE, _ON_DEMAND_INDEX),
}
"""By whether the throughput is provisioned."""


class Throttled(ApiError):
    """A call, or one item of it, that was throttled. `cancellation` is its code among a transaction's reasons."""

    def __init__(self, provisioned: bool, of_index: bool, reasons: list[dict[str, str]]) -> None:
        refusal = _REFUSALS[provisioned]
        self.cancellation = refusal.cancellation
        message = refusal.of_index if of_index else refusal.of_table
        super().__init__(refusal.code, message, 400, {refusal.reasons: reasons})


def provisioned_of(table: Table, index: GlobalSecondaryIndex | None = None) -> Provisioned | None:
    """Returns what moto has as provisioned for a table or its index; None: it is billed on demand."""
    if table.billing_mode == "PAY_PER_REQUEST":
        return None
    throughput: Any = table.throughput if index is None else index.throughput
    if not throughput.get("WriteCapacityUnits"):
        return None if index is None else provisioned_of(table)
    return Provisioned(throughput["WriteCapacityUnits"], throughput["ReadCapacityUnits"])


class TableLimits:
    """The throughput of one table and of its global indexes."""

    def __init__(self, throttling: Throttling, table: Table, meter: TableMeter) -> None:
        self.throttling = throttling
        self.meter = meter
        self.arn = table.table_arn
        self.table = throttling.throughput(provisioned_of(table), divides=not table.indexes)
        self.indexes: dict[str, Throughput] = {}
        self._clock = throttling.clock
        self._seen: tuple[Any, Any, Any] = (None, None, None)

    def knows(self, table: Table) -> bool:
        """Returns whether nothing has changed of what is provisioned and which indexes there are."""
        seen = self._seen
        return seen[0] is table.throughput and seen[1] is table.global_indexes and seen[2] == table.billing_mode

    def follow(self, table: Table) -> None:
        """Learns what has changed."""
        now_ms = self._clock()
        self.table.follow(provisioned_of(table), now_ms)
        known, self.indexes = self.indexes, {}
        for index in table.global_indexes:
            provisioned = provisioned_of(table, index)
            throughput = known.get(index.name)
            if throughput is None:
                throughput = self.throttling.throughput(provisioned, divides=True)
            throughput.follow(provisioned, now_ms)
            self.indexes[index.name] = throughput
        self._seen = table.throughput, table.global_indexes, table.billing_mode

    def write(self, key: Key, units: float) -> None:
        """Take the units of a write to the table alone; raises `Throttled`."""
        reason = self.table.take(WRITE, key, units, self._clock())
        if reason is not None:
            raise self._throttled(WRITE, key, [(reason, "")])

    def refusal(self, key: Key, units: float, writes: Iterable[IndexWrite] = ()) -> Throttled | None:
        """Returns what AWS answers to a write that something is too short for, and counts it; None where it can be."""
        now_ms = self._clock()
        table = self.table
        reason = table.short(WRITE, table.partitions.of(key), key, units, now_ms)
        short = [] if reason is None else [(reason, "")]
        for name, index_key, index_units in writes:
            index = self.indexes[name]
            reason = index.short(WRITE, index.partitions.of(index_key), index_key, index_units, now_ms)
            if reason is not None and (reason, name) not in short:
                short.append((reason, name))
        return self._throttled(WRITE, key, short) if short else None

    def charge(self, key: Key, units: float, writes: Iterable[IndexWrite] = ()) -> None:
        """Take the units of a write that was not refused."""
        table = self.table
        table.charge(WRITE, table.partitions.of(key), key, units)
        for name, index_key, index_units in writes:
            index = self.indexes[name]
            index.charge(WRITE, index.partitions.of(index_key), index_key, index_units)

    def read(self, key: Key, units: float) -> None:
        """Take the units of reading one item; raises `Throttled`."""
        reason = self.table.take(READ, key, units, self._clock())
        if reason is not None:
            raise self._throttled(READ, key, [(reason, "")])

    def read_refusal(self, key: Key, units: float) -> Throttled | None:
        """Returns what AWS answers to reading an item, and counts it; None where it can be read."""
        table = self.table
        reason = table.short(READ, table.partitions.of(key), key, units, self._clock())
        return None if reason is None else self._throttled(READ, key, [(reason, "")])

    def charge_read(self, key: Key, units: float) -> None:
        """Take the units of reading an item that was not refused."""
        self.table.charge(READ, self.table.partitions.of(key), key, units)

    def read_page(self, index: str | None, sizes: list[tuple[Key, int]], nothing: Key | None, units: float) -> None:
        """Take the units of a page, of each partition by the bytes that were read there; raises `Throttled`.

        `index` is a global one; a page without items is read where `nothing` lies.
        """
        throughput = self.table if index is None else self.indexes[index]
        partitions = throughput.partitions
        by_partition: dict[Partition, tuple[Key, int]] = {}
        if not sizes and nothing is not None:
            sizes = [(nothing, 1)]
        for key, size in sizes:
            partition = partitions.of(key)
            known = by_partition.get(partition)
            by_partition[partition] = (key, size) if known is None else (known[0], known[1] + size)
        total = sum(size for _, size in by_partition.values()) or 1
        now_ms = self._clock()
        for partition, (key, size) in by_partition.items():
            reason = throughput.short(READ, partition, key, units * size / total, now_ms)
            if reason is not None:
                raise self._throttled(READ, key, [(reason, index or "")])
        for partition, (key, size) in by_partition.items():
            throughput.charge(READ, partition, key, units * size / total)

    def _throttled(self, kind: int, key: Key, short: list[tuple[str, str]]) -> Throttled:
        """`short` names each limit with the index that it is about; empty: the table."""
        word = _KINDS[kind]
        reasons = [(f"{'Index' if index else 'Table'}{word}{limit}", index) for limit, index in short]
        self.meter.throttled(word, key[0], reasons)
        first = short[0][1]
        throughput = self.indexes[first] if first else self.table
        return Throttled(
            throughput.provisioned is not None,
            bool(first),
            [
                {"reason": reason, "resource": f"{self.arn}/index/{index}" if index else self.arn}
                for reason, index in reasons
            ],
        )


class Throttling:
    """What limits the tables of an account."""

    def __init__(self, quotas: Quotas, clock: Callable[[], int]) -> None:
        self.quotas = quotas
        self.clock = clock

    def throughput(self, provisioned: Provisioned | None, *, divides: bool) -> Throughput:
        """Returns the throughput of a table or index that is there from now on."""
        return Throughput(provisioned, self.quotas, self.clock(), divides=divides)

    def limit(self, store: Store, table: Table) -> None:
        """Have a table limited as it is now."""
        limits = store.limits
        if limits is None or limits.throttling is not self:
            limits = store.limits = TableLimits(self, table, store.meter)
        if not limits.knows(table):
            limits.follow(table)
