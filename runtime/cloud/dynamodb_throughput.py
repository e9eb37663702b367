"""The throughput of one table or global index: what it may take in all, on top of what each of its partitions may.

*Provisioned*: so many units a second. What is not used is kept for up to five minutes, and a hot partition may take all
of it at once, up to its own limit (burst and adaptive capacity; burst-adaptive-capacity.html in DynamoDB's guide).
There are as many partitions as it takes, each for 1,000 writes or 3,000 reads.

*On demand*: a new table serves 4,000 writes and 12,000 reads, from four partitions, and from then on twice its previous
peak; who passes that within 30 minutes may be throttled (on-demand-capacity-mode.html). So a peak counts when it is 30
minutes old; it is that of whole minutes. The account's quota for each table is above all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil

from stepsim.runtime.cloud.dynamodb_partitions import READ, WRITE, Key, Partition, Partitions
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket

PEAK_COUNTS_AFTER_MS = 30 * 60_000
_MINUTE_MS = 60_000
_KINDS = ("wcu", "rcu")

KEY_RANGE = "KeyRangeThroughputExceeded"
PROVISIONED = "ProvisionedThroughputExceeded"
ACCOUNT_LIMIT = "AccountLimitExceeded"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Units a second that are paid for, used or not."""

    wcu: float
    rcu: float


def is_modelled(quotas: Quotas) -> bool:
    """Returns whether anything limits tables: any quota of DynamoDB's."""
    return any(quota is not None for name, quota in quotas.items() if name.startswith("dynamodb_"))


def first_partitions(provisioned: Provisioned | None, quotas: Quotas) -> int:
    """Returns how many partitions a table or index begins with; where a quota is off, by AWS's own."""
    known = {name: AWS_QUOTAS[name] if quota is None else quota for name, quota in quotas.items()}
    partition_wcu, partition_rcu = (known[f"dynamodb_partition_{kind}"] or 1 for kind in _KINDS)
    if provisioned is not None:
        return max(1, ceil(provisioned.wcu / partition_wcu + provisioned.rcu / partition_rcu))
    wcu, rcu = (known[f"dynamodb_initial_{kind}"] or 1 for kind in _KINDS)
    return max(1, ceil(wcu / partition_wcu), ceil(rcu / partition_rcu))


class PreviousPeak:
    """The traffic that counts as reached before: the busiest minute, once it is half an hour ago."""

    __slots__ = ("_coming", "_highest", "_minute", "rate", "units")

    def __init__(self) -> None:
        self.rate = 0.0
        """Units a second."""
        self.units = 0.0
        """Of the present minute."""
        self._minute = 0
        self._highest = 0.0
        self._coming: deque[tuple[int, float]] = deque()

    def turn(self, minute: int) -> None:
        """Begin another minute."""
        rate = self.units / 60
        if rate > self._highest:
            self._highest = rate
            self._coming.append(((self._minute + 1) * _MINUTE_MS + PEAK_COUNTS_AFTER_MS, rate))
        self.units = 0.0
        self._minute = minute
        while self._coming and self._coming[0][0] <= minute * _MINUTE_MS:
            self.rate = self._coming.popleft()[1]


class Throughput:
    """One table's, or one global index's. Ask with `short`, then `charge`; units are known late and may be owed."""

    def __init__(self, provisioned: Provisioned | None, quotas: Quotas, now_ms: int, *, divides: bool) -> None:
        self._quotas = quotas
        self._limits = quotas["dynamodb_partition_wcu"], quotas["dynamodb_partition_rcu"]
        self.partitions = Partitions(
            first_partitions(provisioned, quotas),
            self._limits,
            split_after_ms=quotas["dynamodb_split_after"],
            divides=divides,
            now_ms=now_ms,
        )
        self.provisioned = provisioned
        self._peaks = PreviousPeak(), PreviousPeak()
        self._minute_ends_ms = (now_ms // _MINUTE_MS + 1) * _MINUTE_MS
        self._pools: list[TokenBucket | None] = [None, None]
        """What may be taken in all, besides what partitions may."""
        self._reasons = [KEY_RANGE, KEY_RANGE]
        for kind in (WRITE, READ):
            self._fill(kind, now_ms)

    def follow(self, provisioned: Provisioned | None, now_ms: int) -> None:
        """Learn what UpdateTable has changed. Partitions stay, and come to be more where that takes more."""
        if provisioned == self.provisioned:
            return
        self.provisioned = provisioned
        self.partitions.grow(first_partitions(provisioned, self._quotas), now_ms)
        for kind in (WRITE, READ):
            self._fill(kind, now_ms)

    def _fill(self, kind: int, now_ms: int) -> None:
        """Set what may be taken in all, as it is from now on; what is held or owed stays."""
        size, rate, self._reasons[kind] = self._pool(kind)
        if rate is None:
            self._pools[kind] = None
            return
        pool = self._pools[kind]
        if pool is None:
            self._pools[kind] = TokenBucket(size, rate, now_ms)
            return
        pool.tokens(now_ms)
        pool.size, pool.per_second = size, rate

    def _pool(self, kind: int) -> tuple[float, float | None, str]:
        """Returns how much may be kept, units a second, and what a lack of it is called."""
        word = _KINDS[kind]
        if self.provisioned is not None:
            rate = self.provisioned.wcu if kind == WRITE else self.provisioned.rcu
            seconds = max(1.0, (self._quotas["dynamodb_burst"] or 0) / 1000)
            return rate * seconds, rate, PROVISIONED
        account, initial = self._quotas[f"dynamodb_table_{word}"], self._quotas[f"dynamodb_initial_{word}"]
        by_partitions = (self._limits[kind] or 0) * len(self.partitions)
        served = None if initial is None else max(initial, 2 * self._peaks[kind].rate, by_partitions)
        if account is not None and (served is None or account <= served):
            return account, account, ACCOUNT_LIMIT
        if served is None or served == by_partitions:
            # The partitions themselves see to it.
            return 0, None, KEY_RANGE
        return served, served, KEY_RANGE

    def short(self, kind: int, partition: Partition, key: Key, units: float, now_ms: int) -> str | None:
        """Returns what keeps a key from getting any units now, by AWS's name for it; None where it can have them.

        One that finds anything left gets all it asks for, and later ones wait for what it owes.
        """
        if now_ms >= self._minute_ends_ms:
            self._turn(now_ms)
        bucket = partition.buckets[kind]
        if bucket is not None and bucket.tokens(now_ms) <= 0:
            partitions = self.partitions
            count = len(partitions)
            partitions.throttled(partition, key, units / bucket.size if bucket.size else 0, now_ms)
            if len(partitions) != count:
                for each in (WRITE, READ):
                    self._fill(each, now_ms)
            return KEY_RANGE
        pool = self._pools[kind]
        if pool is not None and pool.tokens(now_ms) <= 0:
            return self._reasons[kind]
        return None

    def take(self, kind: int, key: Key, units: float, now_ms: int) -> str | None:
        """Ask, and take the units if nothing keeps the key from getting them."""
        partition = self.partitions.of(key)
        if now_ms < self._minute_ends_ms and partition.hot_since_ms is None and self._pools[kind] is None:
            # What nearly every call comes to, without further ones.
            bucket = partition.buckets[kind]
            if bucket is None or bucket.spend(now_ms, units):
                self._peaks[kind].units += units
                return None
        reason = self.short(kind, partition, key, units, now_ms)
        if reason is None:
            self.charge(kind, partition, key, units)
        return reason

    def charge(self, kind: int, partition: Partition, key: Key, units: float) -> None:
        """Take units, at the time that `short` was asked."""
        bucket = partition.buckets[kind]
        if bucket is not None:
            bucket.owe(units)
            if partition.hot_since_ms is not None:
                self.partitions.taken(partition, key, units / bucket.size)
        pool = self._pools[kind]
        if pool is not None:
            pool.owe(units)
        self._peaks[kind].units += units

    def _turn(self, now_ms: int) -> None:
        minute = now_ms // _MINUTE_MS
        self._minute_ends_ms = (minute + 1) * _MINUTE_MS
        wanted = 0
        for kind, peak in enumerate(self._peaks):
            peak.turn(minute)
            limit = self._limits[kind]
            if limit:
                wanted = max(wanted, ceil(2 * peak.rate / limit))
        if self.provisioned is None:
            self.partitions.grow(wanted, now_ms)
            for kind in (WRITE, READ):
                self._fill(kind, now_ms)
