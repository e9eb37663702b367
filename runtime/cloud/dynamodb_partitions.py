"""The physical partitions of one table or global index: which key lies where, and how a hot one is split.

A partition is a range of the hashes of partition keys, and takes 1,000 write and 3,000 read units a second, whatever
the table may take (bp-partition-key-design.html in DynamoDB's guide). *Split for heat*: one that has been throttled for
long is divided at the middle of its traffic, down to one item collection, and further between the collection's sort
keys. It does not help, and is not done, where the sort keys asked for only ever grow, nor in a table with a local index
(burst-adaptive-capacity.html; aws.amazon.com/blogs/database, "Scaling DynamoDB", part 3). Nothing is ever merged.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import md5
from itertools import pairwise

from stepsim.runtime.cloud.dynamodb_values import RawKey
from stepsim.runtime.cloud.token_bucket import TokenBucket

Key = tuple[RawKey, RawKey]
"""A partition key, and a sort key or None."""

Position = tuple[RawKey, ...]
"""Where a key stands: the hash of its partition key, and its sort key inside a collection that is divided."""

WRITE, READ = 0, 1
"""The two kinds of throughput, which know nothing of each other."""

CALM_MS = 60_000
"""A partition that was not throttled for a minute is not hot any more. AWS does not say how long it takes."""

HASHES = 1 << 64
_KNOWN_MAX = 65_536


def hash_of(key: RawKey) -> int:
    """Returns where a partition key stands, from 0 to `HASHES`. AWS does not tell its own hash."""
    data = key.encode() if isinstance(key, str) else _bytes(key)
    return int.from_bytes(md5(data, usedforsecurity=False).digest()[:8], "big")


def _bytes(key: RawKey) -> bytes:
    return key if isinstance(key, bytes) else str(key.normalize()).encode()


class Partition:
    """One partition: from `low` to where the next one begins."""

    __slots__ = ("buckets", "fell", "heat", "hot_since_ms", "low", "throttled_ms", "tops")

    def __init__(self, low: Position, buckets: tuple[TokenBucket | None, TokenBucket | None]) -> None:
        self.low = low
        self.buckets = buckets
        """What it may take of writes and of reads: a second's worth, however long it was idle. None: any rate."""
        self.hot_since_ms: int | None = None
        self.throttled_ms = 0
        self.heat: dict[Key, float] = {}
        """While it is hot: the part of its limits that each key has asked for."""
        self.tops: dict[RawKey, RawKey] = {}
        """The highest sort key of each collection that was asked for since."""
        self.fell: set[RawKey] = set()
        """The collections in which a lower one was asked for after a higher one."""

    def warm(self, key: Key, share: float) -> None:
        """Note what a key asks for, as a share of what the partition takes in a second."""
        heat = self.heat
        if key in heat or len(heat) < _KNOWN_MAX:
            heat[key] = heat.get(key, 0) + share
        hash_key, range_key = key
        if range_key is None:
            return
        top = self.tops.get(hash_key)
        if top is None or range_key >= top:
            self.tops[hash_key] = range_key
        else:
            self.fell.add(hash_key)

    def cool(self, since_ms: int | None = None) -> None:
        """Forget the heat; from `since_ms` on it is hot again."""
        self.hot_since_ms = since_ms
        self.heat, self.tops, self.fell = {}, {}, set()


class Partitions:
    """All partitions of a table or index, in order."""

    def __init__(
        self,
        count: int,
        limits: tuple[float | None, float | None],
        *,
        split_after_ms: float | None,
        divides: bool,
        now_ms: int = 0,
    ) -> None:
        """`limits` are the units a second of each, for writes and reads; `divides`: collections may be divided, too."""
        self.limits = limits
        self.divides = divides
        self.splits = 0
        """How many were split for heat."""
        self._split_after_ms = split_after_ms
        self._all = [Partition((number * HASHES // count,), self._buckets(now_ms)) for number in range(count)]
        self._lows: list[Position] = [partition.low for partition in self._all]
        self._known: dict[RawKey, Partition] = {}
        self._divided: dict[int, None] = {}
        """The hashes of collections that lie in several partitions."""
        self._hashes: dict[RawKey, int] = {}
        """Of those collections' keys."""

    def _buckets(self, now_ms: int) -> tuple[TokenBucket | None, TokenBucket | None]:
        write, read = (None if limit is None else TokenBucket(limit, limit, now_ms) for limit in self.limits)
        return write, read

    def __len__(self) -> int:
        return len(self._all)

    def in_order(self) -> list[Partition]:
        """Returns all of them."""
        return list(self._all)

    def of(self, key: Key) -> Partition:
        """Returns the partition that a key lies in; of one without its sort key, the collection's first."""
        known = self._known.get(key[0])
        return known if known is not None else self._find(key)

    def _find(self, key: Key) -> Partition:
        if len(self._all) == 1:
            return self._all[0]
        hash_key, range_key = key
        found = self._hashes.get(hash_key)
        hashed = hash_of(hash_key) if found is None else found
        if hashed in self._divided:
            self._hashes[hash_key] = hashed
            position = (hashed,) if range_key is None else (hashed, range_key)
            return self._all[bisect_right(self._lows, position) - 1]
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        partition = self._known[hash_key] = self._all[bisect_right(self._lows, (hashed,)) - 1]
        return partition

    def throttled(self, partition: Partition, key: Key, share: float, now_ms: int) -> None:
        """Note that a partition could not take what a key asked for, and split it if that has gone on for long."""
        if self._split_after_ms is None:
            return
        if partition.hot_since_ms is None or now_ms - partition.throttled_ms > CALM_MS:
            partition.cool(now_ms)
        partition.throttled_ms = now_ms
        partition.warm(self._warmed(key), share)
        if partition.hot_since_ms is not None and now_ms - partition.hot_since_ms >= self._split_after_ms:
            self._split(partition, now_ms)

    def taken(self, partition: Partition, key: Key, share: float) -> None:
        """Note what a hot partition did take."""
        partition.warm(self._warmed(key), share)

    def _warmed(self, key: Key) -> Key:
        return key if self.divides else (key[0], None)

    def _split(self, partition: Partition, now_ms: int) -> None:
        """Divide a partition where the traffic on both sides is most alike; one item's traffic cannot be divided."""
        heat: dict[Position, float] = {}
        for key, share in partition.heat.items():
            position = self._position(partition, key)
            heat[position] = heat.get(position, 0) + share
        total, below = sum(heat.values()), 0.0
        best: tuple[float, Position] | None = None
        for position, following in pairwise(sorted(heat)):
            below += heat[position]
            uneven = abs(total - 2 * below)
            if following > partition.low and (best is None or uneven < best[0]):
                best = uneven, following
        if best is None:
            partition.cool(now_ms)
            return
        self.splits += 1
        self._divide(partition, best[1], now_ms)

    def _position(self, partition: Partition, key: Key) -> Position:
        hash_key, range_key = key
        if range_key is None or hash_key not in partition.fell:
            return (hash_of(hash_key),)
        return hash_of(hash_key), range_key

    def _divide(self, partition: Partition, at: Position, now_ms: int) -> None:
        """Have another partition begin inside one. Both go on with what the one had left."""
        upper = Partition(at, self._buckets(now_ms))
        for bucket, new in zip(partition.buckets, upper.buckets, strict=True):
            if bucket is not None and new is not None:
                new.owe(new.size - bucket.tokens(now_ms))
        index = bisect_right(self._lows, at)
        self._all.insert(index, upper)
        self._lows.insert(index, at)
        if len(at) > 1:
            self._divided[at[0]] = None
        self._known.clear()
        partition.cool()

    def grow(self, count: int, now_ms: int) -> None:
        """Divide the widest ones in the middle, until there are so many."""
        while len(self._all) < count:
            edges = [*(low[0] for low in self._lows), HASHES]
            widths = [above - below for below, above in pairwise(edges)]
            widest = max(range(len(widths)), key=widths.__getitem__)
            self._divide(self._all[widest], (edges[widest] + widths[widest] // 2,), now_ms)
