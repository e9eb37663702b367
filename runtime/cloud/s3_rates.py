"""How many requests a second S3 takes: a bucket's partitions, each with a rate of its own.

At least 3,500 PUT, COPY, POST and DELETE and 5,500 GET and HEAD requests a second "per partitioned Amazon S3 prefix",
and 503 SlowDown while S3 scales "gradually" (docs.aws.amazon.com/AmazonS3/latest/userguide, optimizing-performance).
A bucket begins as one partition. One that is throttled for `s3_split_after` on end is split where its traffic
divides, by what was asked for when it was throttled; a single key cannot be divided. A deletion of many keys counts by
its keys (hadoop.apache.org/docs/current/api/org/apache/hadoop/fs/BulkDelete.html).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Any, TypeAlias

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.limits import Limit
from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket

READS = (
    "GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging", "SelectObjectContent", "ListParts",
    "ListObjects", "ListObjectsV2", "ListObjectVersions",
)  # fmt: skip
WRITES = (
    "PutObject", "CopyObject", "DeleteObject", "PutObjectTagging", "DeleteObjectTagging", "RestoreObject",
    "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload",
)  # fmt: skip

COOL_MS = 60_000
"""Who is not throttled for so long is throttled anew afterwards: it was no sustained load. AWS says nothing of it."""

_REMEMBERED = 256
"""How many throttled keys tell where traffic divides."""

SLOW_DOWN = ApiError("SlowDown", "Please reduce your request rate.", 503)

_Rates: TypeAlias = tuple[float | None, float | None]
"""Reads and writes a second; None: no limit."""


class _Partition:
    """A range of keys: what it serves, and since when it is asked for more."""

    __slots__ = ("_buckets", "_hot_since_ms", "_keys", "_throttled_ms")

    def __init__(self, rates: _Rates, now_ms: int) -> None:
        self._buckets = tuple(None if rate is None else TokenBucket(rate, rate, now_ms) for rate in rates)
        self._keys: deque[str] = deque(maxlen=_REMEMBERED)
        self._hot_since_ms = self._throttled_ms = -COOL_MS - 1

    def take(self, kind: int, now_ms: int) -> bool:
        """Serve one read (0) or write (1); whether it does."""
        bucket = self._buckets[kind]
        return bucket is None or bucket.take(now_ms)

    def serves(self, kind: int, now_ms: int) -> bool:
        """Whether it serves a request of many keys: there is anything left."""
        bucket = self._buckets[kind]
        return bucket is None or bucket.tokens(now_ms) > 0

    def spend(self, kind: int, now_ms: int, keys: int) -> None:
        """Serve a request of so many keys; what is not left is owed."""
        bucket = self._buckets[kind]
        if bucket is not None:
            bucket.spend(now_ms, keys)

    def throttled(self, key: str, now_ms: int) -> int:
        """Note a request that was too many; for how long, in ms, there have been such."""
        if now_ms - self._throttled_ms > COOL_MS:
            self._hot_since_ms = now_ms
            self._keys.clear()
        self._throttled_ms = now_ms
        self._keys.append(key)
        return now_ms - self._hot_since_ms

    def middle(self) -> str | None:
        """The key from which on half of the traffic lies; None where all of it is one key's."""
        keys = sorted(self._keys)
        middle = keys[len(keys) // 2]
        return middle if middle > keys[0] else next((key for key in keys if key > middle), None)


class _Bucket:
    """A bucket's partitions, in the order of their keys."""

    __slots__ = ("_partitions", "_rates", "_split_after_ms", "_starts")

    def __init__(self, rates: _Rates, split_after_ms: float | None, now_ms: int) -> None:
        self._rates = rates
        self._split_after_ms = split_after_ms
        self._starts: list[str] = []
        """The first key of each partition but the first."""
        self._partitions = [_Partition(rates, now_ms)]

    def admit(self, key: str, kind: int, now_ms: int) -> bool:
        """Whether a request for one key is served."""
        index = bisect_right(self._starts, key) if self._starts else 0
        if self._partitions[index].take(kind, now_ms):
            return True
        self._throttle(index, key, now_ms)
        return False

    def admit_many(self, keys: list[str], kind: int, now_ms: int) -> bool:
        """Whether a request for many keys is served: all of it or nothing."""
        counts: dict[int, int] = {}
        for key in keys:
            index = bisect_right(self._starts, key)
            counts[index] = counts.get(index, 0) + 1
        full = next((index for index in counts if not self._partitions[index].serves(kind, now_ms)), None)
        if full is not None:
            self._throttle(full, next(key for key in keys if bisect_right(self._starts, key) == full), now_ms)
            return False
        for index, count in counts.items():
            self._partitions[index].spend(kind, now_ms, count)
        return True

    def _throttle(self, index: int, key: str, now_ms: int) -> None:
        partition = self._partitions[index]
        hot_ms = partition.throttled(key, now_ms)
        if self._split_after_ms is None or hot_ms < self._split_after_ms:
            return
        middle = partition.middle()
        if middle is not None:
            self._partitions[index : index + 1] = [_Partition(self._rates, now_ms) for _ in range(2)]
            self._starts.insert(index, middle)


def limits(quotas: Quotas) -> dict[str, Limit]:
    """What the gate asks before S3 is asked for an object, or for a page of keys."""
    rates = quotas["s3_prefix_read_rate"], quotas["s3_prefix_write_rate"]
    split_after_ms = quotas["s3_split_after"]
    buckets: dict[object, _Bucket] = {}

    def bucket_of(params: dict[str, Any], now_ms: int) -> _Bucket:
        name = params.get("Bucket")
        # Names that are no names are refused later, by who looks for the bucket.
        name = name if type(name) is str else ""
        found = buckets.get(name)
        if found is None:
            found = buckets[name] = _Bucket(rates, split_after_ms, now_ms)
        return found

    def limit(kind: int) -> Limit:
        def one(_operation: str, params: dict[str, Any], _site: CallSite, now_ms: int) -> ApiError | None:
            key = params.get("Key")
            if key is None:
                key = params.get("Prefix")
            return None if bucket_of(params, now_ms).admit(str(key or ""), kind, now_ms) else SLOW_DOWN

        return one

    def delete_many(_operation: str, params: dict[str, Any], _site: CallSite, now_ms: int) -> ApiError | None:
        keys = _keys_of(params)
        return None if not keys or bucket_of(params, now_ms).admit_many(keys, 1, now_ms) else SLOW_DOWN

    made: dict[str, Limit] = {}
    if rates[0] is not None:
        made |= dict.fromkeys((f"s3.{name}" for name in READS), limit(0))
    if rates[1] is not None:
        made |= dict.fromkeys((f"s3.{name}" for name in WRITES), limit(1)) | {"s3.DeleteObjects": delete_many}
    return made


def _keys_of(params: dict[str, Any]) -> list[str]:
    delete = params.get("Delete")
    objects = delete.get("Objects") if isinstance(delete, dict) else None
    return [str(one.get("Key")) for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
