"""What executions leave in the account's buckets and tables, written into the archive beside them.

Only what is changed while `listening` is written, each object and item as it is at the end of the turn; so the account
that a scenario makes anew is what it was, once `restore` has put the rows back. Not written: the state of other
services, such as what waits in queues, objects' tags and older versions, and tables that were made meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from tempfile import TemporaryFile

import msgspec
from moto.dynamodb.models import dynamodb_backends

from stepsim.runtime.cloud.bucket_store import BucketStore
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.dynamodb_store import Store, store_of
from stepsim.runtime.cloud.dynamodb_values import RawKey, decode_record
from stepsim.runtime.cloud.moto_s3 import backend
from stepsim.runtime.cloud.stored import UTC_OF_BOTO, Stored, to_the_second
from stepsim.runtime.cloud.streamed import FileBody, Streamed
from stepsim.runtime.persistence.archive import Archive
from stepsim.runtime.persistence.packing import pack, unpack


class _Facts(msgspec.Struct, omit_defaults=True):
    """What a row holds of an object besides its body."""

    digest: str = ""
    modified_s: int = 0
    content_type: str | None = None
    metadata: dict[str, str] | None = None
    checksummed: bool = False
    size: int | None = None
    """In bytes, of a large object, whose body is written in parts."""


_PART = 16 * 1024 * 1024
"""What is larger is written in parts of as many bytes, and lies in a file when it is restored."""


class AccountRows:
    """The rows of one account. `ask` is called when something is to be written."""

    def __init__(self, archive: Archive, ask: Callable[[], None]) -> None:
        self._archive = archive
        self._ask = ask
        self._objects: dict[tuple[BucketStore, str], None] = {}
        self._items: dict[tuple[Store, tuple[RawKey, RawKey]], None] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note what changes, for as long as it lasts."""
        for table in dynamodb_backends[ACCOUNT_ID][DEFAULT_REGION].tables.values():
            store_of(table)
        BucketStore.observers.append(self._object_changed)
        Store.observers.append(self._item_changed)
        try:
            yield
        finally:
            BucketStore.observers.remove(self._object_changed)
            Store.observers.remove(self._item_changed)

    def _object_changed(self, store: BucketStore, key: str) -> None:
        self._objects[store, key] = None
        self._ask()

    def _item_changed(self, store: Store, key: tuple[RawKey, RawKey]) -> None:
        self._items[store, key] = None
        self._ask()

    # -- writing --------------------------------------------------------------------------------------------------

    @property
    def clean(self) -> bool:
        """True where everything is written."""
        return not (self._objects or self._items)

    def write(self) -> None:
        """Write what has changed."""
        objects, self._objects = self._objects, {}
        buckets = {bucket.keys: name for name, bucket in backend().buckets.items()} if objects else {}
        for store, key in objects:
            if store in buckets:
                self._write_object(buckets[store], store, key)
        items, self._items = self._items, {}
        tables = dynamodb_backends[ACCOUNT_ID][DEFAULT_REGION].tables if items else {}
        # moto declares the dict whose place a store has taken.
        names: dict[object, str] = {table.items: name for name, table in tables.items() if _is_ours(table.items)}
        for rows, raw_key in items:
            if rows in names:
                self._archive.put_item(names[rows], _key_text(raw_key), rows.get(raw_key))

    def _write_object(self, bucket: str, store: BucketStore, key: str) -> None:
        stored = _as_stored(store.read(key))
        if stored is None:
            self._archive.put_object(bucket, key, pack(_Facts()), None)
            return
        facts = _Facts(
            stored.digest.hex(),
            int(stored.modified.timestamp()),
            stored.content_type,
            None if stored.metadata is None else dict(stored.metadata),
            stored.checksummed,
        )
        if stored.size <= _PART:
            self._archive.put_object(bucket, key, pack(facts), stored.body)
            return
        facts.size = stored.size
        with stored.open() as stream:
            parts = iter(lambda: stream.read(_PART), b"")
            self._archive.put_object(bucket, key, pack(facts), b"", parts)

    # -- reading --------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Put everything that was written into an account that is as the scenario makes it."""
        buckets = backend().buckets
        for bucket, key, facts, body in self._archive.objects():
            if bucket not in buckets:
                backend().create_bucket(bucket, DEFAULT_REGION)
            store: BucketStore = buckets[bucket].keys
            if body is None:
                store.delete(key)
            else:
                store.put(key, self._stored(bucket, key, unpack(facts, _Facts), body))
        tables = dynamodb_backends[ACCOUNT_ID][DEFAULT_REGION].tables
        for name, record in self._archive.items():
            if name in tables:
                items = store_of(tables[name])
                attributes = decode_record(record)[1]
                items.put(items.shape.key_of(attributes), record, attributes, None)

    def _stored(self, bucket: str, key: str, facts: _Facts, body: bytes) -> Stored:
        modified, digest = datetime.fromtimestamp(facts.modified_s, UTC_OF_BOTO), bytes.fromhex(facts.digest)
        if facts.size is None:
            return Stored(body, digest, modified, facts.content_type, facts.metadata, facts.checksummed)
        file = TemporaryFile()  # noqa: SIM115 - closed with its last reader
        for part in self._archive.parts(bucket, key):
            file.write(part)
        large = FileBody(file, facts.size)
        stored = Streamed(large.again, facts.size, digest, modified, facts.content_type)  # type: ignore[arg-type]
        stored.metadata, stored.checksummed = facts.metadata, facts.checksummed
        return stored


def _is_ours(items: object) -> bool:
    return isinstance(items, Store)


def _as_stored(entry: Stored | list[object] | None) -> Stored | None:
    """An object as we keep it; of moto's own, with what it has besides, the newest version's body and type."""
    if entry is None or isinstance(entry, Stored):
        return entry
    newest: object = entry[-1]
    body, modified = getattr(newest, "value", None), getattr(newest, "last_modified", None)
    if not isinstance(body, bytes) or not isinstance(modified, datetime):
        # A delete marker.
        return None
    etag = str(getattr(newest, "etag", "")).strip('"').partition("-")[0]
    content_type = dict(getattr(newest, "metadata", {})).get("Content-Type")
    return Stored(body, bytes.fromhex(etag), to_the_second(modified), content_type, None, checksummed=False)


def _key_text(key: tuple[RawKey, RawKey]) -> str:
    """A text that is the same for the same key; numbers are the same however many zeros they end in."""
    return repr(tuple(part.normalize() if isinstance(part, Decimal) else part for part in key))
