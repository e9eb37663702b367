"""Stale reads: what buckets and tables held before their last write, put back for as long as one read takes.

For each key that is written while a run lasts, what it holds is remembered, and what it held before that. A read of one
key misses the last write of that key; a Query or a Scan misses the last write of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from stepsim.runtime.cloud.bucket_store import BucketStore
from stepsim.runtime.cloud.call import FallThrough
from stepsim.runtime.cloud.dynamodb_requests import checked_key, readable
from stepsim.runtime.cloud.dynamodb_store import Store
from stepsim.runtime.cloud.dynamodb_values import RawKey, decode_record
from stepsim.runtime.cloud.fault_effects import Serve, StruckCall
from stepsim.runtime.cloud.moto_s3 import backend
from stepsim.runtime.cloud.stored import Stored

K = TypeVar("K")
V = TypeVar("V")


class _Writes(Generic[K, V]):
    """What one store held under each key, and before the last write."""

    def __init__(self) -> None:
        self._now: dict[K, V | None] = {}
        self._before: dict[K, V | None] = {}
        self.last: K | None = None
        """The key of the last write."""

    def start(self, key: K, value: V | None) -> None:
        """Know what is there when the run begins."""
        self._now[key] = value

    def note(self, key: K, value: V | None, original: Callable[[], V | None]) -> None:
        """Take note of a write; `original` tells what was there where nobody has said."""
        self._before[key] = self._now[key] if key in self._now else original()
        self._now[key] = value
        self.last = key

    def older(self, key: K) -> tuple[bool, V | None]:
        """Whether the key was written, and what it held before."""
        return key in self._before, self._before.get(key)


class Versions:
    """The last writes of an account, and reads that do not see them."""

    def __init__(self) -> None:
        self._buckets: dict[BucketStore, _Writes[str, Stored]] = {}
        self._tables: dict[Store, _Writes[tuple[RawKey, RawKey], bytes]] = {}
        self._restoring = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take note of writes while it lasts. What is there already has no older version."""
        for bucket in backend().buckets.values():
            writes = self._writes(self._buckets, bucket.keys)
            for key in bucket.keys.stored_keys():
                writes.start(key, bucket.keys.held(key))
        BucketStore.observers.append(self._object_written)
        Store.observers.append(self._item_written)
        try:
            yield
        finally:
            BucketStore.observers.remove(self._object_written)
            Store.observers.remove(self._item_written)

    @staticmethod
    def _writes(known: dict[Any, _Writes[Any, Any]], store: object) -> _Writes[Any, Any]:
        return known.setdefault(store, _Writes())

    def _object_written(self, store: BucketStore, key: str) -> None:
        if not self._restoring:
            self._writes(self._buckets, store).note(key, store.held(key), lambda: store.generated(key))

    def _item_written(self, store: Store, key: tuple[RawKey, RawKey]) -> None:
        if not self._restoring:
            self._writes(self._tables, store).note(key, store.get(key), lambda: None)

    def read_stale(self, call: StruckCall, serve: Serve) -> dict[str, Any]:
        """The effect: the read is served from what was there before the last write."""
        read = self._of_bucket if call.name.startswith("s3.") else self._of_table
        try:
            with read(call):
                return serve(call.params)
        except FallThrough:
            return serve(call.params)

    @contextmanager
    def _of_bucket(self, call: StruckCall) -> Iterator[None]:
        bucket = backend().buckets.get(call.params["Bucket"])
        store: BucketStore | None = None if bucket is None else bucket.keys
        key = call.params["Key"]
        if store is None:
            yield
            return
        written, before = self._writes(self._buckets, store).older(key)
        now = store.held(key)
        if not written or (now is None and key in store):
            # Nobody has written it, or moto keeps more of it than one version.
            yield
            return

        def put(stored: Stored | None) -> None:
            if stored is not None:
                store.put(key, stored)
            else:
                store.delete(key)

        with self._instead(lambda: put(before), lambda: put(now)):
            yield

    @contextmanager
    def _of_table(self, call: StruckCall) -> Iterator[None]:
        params = call.params
        store = readable(params, call.region)
        store.settle()
        writes = self._writes(self._tables, store)
        key = checked_key(store, params["Key"]) if call.name == "dynamodb.GetItem" else writes.last
        if key is None or params.get("ConsistentRead"):
            yield
            return
        written, before = writes.older(key)
        if not written:
            yield
            return
        now = store.get(key)
        with self._instead(lambda: _replace(store, key, now, before), lambda: _replace(store, key, before, now)):
            yield

    @contextmanager
    def _instead(self, put_back: Callable[[], None], restore: Callable[[], None]) -> Iterator[None]:
        self._restoring = True
        try:
            put_back()
            yield
        finally:
            restore()
            self._restoring = False


def _replace(store: Store, key: tuple[RawKey, RawKey], old: bytes | None, new: bytes | None) -> None:
    was = None if old is None else decode_record(old)[1]
    if new is not None:
        store.put(key, new, decode_record(new)[1], was)
    elif was is not None:
        store.delete(key, was)
