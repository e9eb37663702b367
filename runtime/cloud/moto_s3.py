"""Puts `BucketStore` under moto's S3: every bucket of the account keeps its objects in one, whoever asks.

Nothing of moto's is copied: its own methods run, on a container that gives them what they need and no more.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

from moto.moto_api._internal import mock_random
from moto.s3 import models, notifications
from moto.s3.exceptions import InvalidContinuationToken, MethodNotAllowed
from moto.s3.utils import _VersionedKeyStore

from stepsim.runtime.cloud.bucket_store import PAGE, BucketStore
from stepsim.runtime.cloud.call import ACCOUNT_ID
from stepsim.runtime.cloud.stored import ObjectSummary, Stored, checksum_text, to_the_second


class ShownKey(models.FakeKey):
    """A compact object as moto's own code sees it. It becomes the bucket's entry once that code changes it."""

    def __new__(cls, *_args: Any, **_named: Any) -> ShownKey:
        """Without moto's list of all keys ever made, which would keep it alive."""
        return object.__new__(cls)

    def __init__(self, name: str, stored: Stored, bucket: Any, store: BucketStore) -> None:
        self.__dict__["_store"] = None
        super().__init__(
            name=name,
            value=stored.body,
            account_id=bucket.account_id,
            region_name=bucket.partition,
            etag=stored.digest.hex(),
            version_id="null",
            bucket_name=bucket.name,
            checksum_value=checksum_text(stored.body) if stored.checksummed else None,
        )
        self.checksum_algorithm = "CRC32" if stored.checksummed else None
        self.acl = store.acl
        self.last_modified = stored.modified.replace(tzinfo=None)
        if stored.content_type:
            self._metadata["Content-Type"] = stored.content_type
        for key, value in (stored.metadata or {}).items():
            self._metadata[f"x-amz-meta-{key}"] = value
        self.__dict__["_store"] = store

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "_tick":
            self._keep()

    def set_metadata(self, metadata: Any, replace: bool = False) -> None:
        """As moto's; the metadata are changed in place."""
        super().set_metadata(metadata, replace)
        self._keep()

    def _keep(self) -> None:
        store = self.__dict__["_store"]
        if store is not None:
            self.__dict__["_store"] = None
            store.put(self.name, [self])

    def __deepcopy__(self, _memo: dict[int, Any]) -> ShownKey:
        twin = object.__new__(ShownKey)
        twin.__dict__["_store"] = None
        twin.__setstate__({**self.__getstate__(), "_store": None})
        return twin

    def dispose(self, garbage: bool = False) -> None:  # noqa: ARG002 - moto's own warning about what it forgot
        """Close the file; that is no change to keep, and garbage is no mistake here."""
        self.__dict__["_store"] = None
        super().dispose()

    def __del__(self) -> None:
        self.dispose()


class ListedKey(models.FakeKey):
    """A line of a listing, with what moto writes into its answer; the body is there if it is asked for."""

    def __new__(cls, *_args: Any) -> ListedKey:
        """Without moto's list of all keys ever made."""
        return object.__new__(cls)

    def __init__(self, summary: ObjectSummary, bucket: Any) -> None:
        self.name = summary.key
        self.contentsize = summary.size
        self.last_modified = summary.last_modified.replace(tzinfo=None)
        self.checksum_algorithm = summary.checksum_algorithm
        self._etag = summary.etag.strip('"')
        self._storage_class = summary.storage_class
        self._bucket = bucket

    @property
    def value(self) -> Any:
        """The object's body."""
        return self._bucket.keys[self.name].value

    def __del__(self) -> None:
        """There is no file to close."""


@cache
def backend() -> Any:
    """moto's S3 of the account, for as long as the account is there: buckets belong to all regions."""
    return models.s3_backends[ACCOUNT_ID]["aws"]


def token_after(name: str) -> str:
    """The continuation token of a listing that goes on after `name`."""
    return urlsafe_b64encode(name.encode("utf-8", "surrogatepass")).decode()


def name_of(token: str) -> str:
    """The name a continuation token stands for; ValueError for what is no token."""
    return b64decode(token.encode("ascii"), b"-_", validate=True).decode("utf-8", "surrogatepass")


@contextmanager
def scaled_buckets() -> Iterator[None]:
    """While it lasts, buckets keep their objects in `BucketStore`, and moto lists from there."""
    with ExitStack() as stack:
        for name, replacement in (
            ("list_objects", _list_objects),
            ("list_objects_v2", _list_objects_v2),
            ("list_object_versions", _list_object_versions),
        ):
            stack.enter_context(patch.object(models.S3Backend, name, replacement))
        stack.enter_context(patch.object(models.FakeBucket, "__init__", _new_bucket))
        stack.enter_context(patch.object(models.FakeMultipart, "__init__", _new_multipart))
        stack.enter_context(patch.object(notifications, "send_event", _send_event))
        stack.enter_context(patch.object(models, "tempfile", SimpleNamespace(SpooledTemporaryFile=_buffer)))
        stack.enter_context(patch.object(models.FakeKey, "__del__", lambda key: key.dispose()))
        keys, uploads = _Alive(), _Alive()
        stack.enter_context(patch.object(models.FakeKey, "instances_tracked", keys))
        stack.enter_context(patch.object(models.FakeMultipart, "instances_tracked", uploads))
        backend.cache_clear()
        try:
            yield
        finally:
            backend.cache_clear()
            for made in (*keys, *uploads):
                made.dispose()


class _Alive(WeakSet[Any]):
    """moto remembers every key and upload it ever made, bodies and all; here it forgets what nobody holds."""

    append = WeakSet.add


def _buffer(_max_size: int = 0, **_named: int) -> BytesIO:
    """A body's file. In memory: nothing has to be closed, in whatever order garbage is collected."""
    return BytesIO()


def empty_buckets() -> None:
    """Drop all objects and close their files, before moto would make each of them to do so."""
    for account in list(models.s3_backends.values()):
        for backend in account.values():
            for bucket in backend.buckets.values():
                if isinstance(bucket.keys, BucketStore):
                    bucket.keys.clear()


_moto_new_bucket = models.FakeBucket.__init__
_moto_new_multipart = models.FakeMultipart.__init__
_moto_list_object_versions = models.S3Backend.list_object_versions
_moto_send_event = notifications.send_event

_CREATED_BY = {
    notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT: "PutObject",
    notifications.S3NotificationEvent.OBJECT_CREATED_POST_EVENT: "POST Object",
    notifications.S3NotificationEvent.OBJECT_CREATED_COPY_EVENT: "CopyObject",
    notifications.S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT: "CompleteMultipartUpload",
}


def _send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
    """moto's own notifications, and whoever else wants to know of objects."""
    if event_name == notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT and key.multipart is not None:
        # moto puts what it puts together; S3 tells once of it, as of what it is.
        return
    operation, created = _CREATED_BY.get(event_name), getattr(bucket.keys, "created", None)
    if operation is not None and created is not None:
        created(key.name, key.size, key.etag.strip('"'), operation)
    _moto_send_event(account_id, event_name, bucket, key)


def _new_bucket(bucket: Any, *args: Any, **named: Any) -> None:
    _moto_new_bucket(bucket, *args, **named)
    bucket.keys = BucketStore(lambda key, stored, store: ShownKey(key, stored, bucket, store), _compact, bucket.acl)


_PLAIN = {
    "_storage_class": "STANDARD",
    "_version_id": "null",
    "_expiry": None,
    "website_redirect_location": None,
    "multipart": None,
    "encryption": None,
    "lock_mode": None,
    "lock_legal_status": None,
    "lock_until": None,
    "checksum_type": None,
    "disposed": False,
}
"""What moto's keys have where nobody asked for anything special."""

_META = "x-amz-meta-"

_PASSING = frozenset({"content-type", "x-amz-content-sha256", "x-amz-sdk-checksum-algorithm"})
"""Headers of the request that moto takes for metadata of the object."""


def _compact(versions: list[Any], store: BucketStore) -> Stored | None:
    """The object that moto keeps, as ours; None for several versions, delete markers, and whatever is special."""
    if len(versions) != 1 or not isinstance(versions[0], models.FakeKey):
        return None
    key = versions[0]
    special = any(getattr(key, name) != value for name, value in _PLAIN.items())
    if special or key.acl is not store.acl or key.checksum_algorithm not in (None, "", "CRC32"):
        return None
    metadata = {name.lower(): value for name, value in key.metadata.items()}
    if not all(name in _PASSING or name.startswith(_META) for name in metadata):
        return None
    body, etag = key.value, key.etag.strip('"')
    checksummed = key.checksum_algorithm == "CRC32"
    if len(etag) != 32 or (checksummed and key.checksum_value != checksum_text(body)):
        return None
    content_type = metadata["content-type"]
    return Stored(
        body,
        bytes.fromhex(etag),
        to_the_second(key.last_modified),
        None if content_type == "binary/octet-stream" else content_type,
        {name[len(_META) :]: value for name, value in metadata.items() if name.startswith(_META)} or None,
        checksummed,
    )


def _new_multipart(multipart: Any, *args: Any, **named: Any) -> None:
    """moto draws upload ids from the operating system; here they come from its own seeded source."""
    _moto_new_multipart(multipart, *args, **named)
    multipart.id = mock_random.get_random_string(64)


def _list_objects(
    _backend: Any, bucket: Any, prefix: str | None, delimiter: str | None, marker: str | None, max_keys: int | None
) -> tuple[list[ListedKey], list[str], bool, str | None]:
    if isinstance(bucket, models.FakeTableStorageBucket):
        raise MethodNotAllowed
    limit = len(bucket.keys) if max_keys is None else min(max_keys, PAGE)
    objects, folders, after = bucket.keys.page(prefix or "", delimiter or "", marker or "", limit)
    return [ListedKey(summary, bucket) for summary in objects], folders, after is not None, after


def _list_objects_v2(
    backend: Any,
    bucket: Any,
    prefix: str | None,
    delimiter: str | None,
    continuation_token: str | None,
    start_after: str | None,
    max_keys: int,
) -> tuple[list[ListedKey | str], bool, str | None]:
    try:
        after = name_of(continuation_token) if continuation_token else start_after
    except ValueError:
        raise InvalidContinuationToken from None
    keys, folders, truncated, last = _list_objects(backend, bucket, prefix, delimiter, after, max_keys)
    return [*keys, *folders], truncated, token_after(last) if last is not None else None


def _list_object_versions(
    backend: Any,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    max_keys: int | None = PAGE,
    prefix: str = "",
    version_id_marker: str | None = None,
) -> Any:
    """moto's own listing of versions, on as many keys as the page needs: it copies and sorts all that it is given."""
    bucket = backend.get_bucket(bucket_name)
    store: BucketStore = bucket.keys
    window = _VersionedKeyStore()
    limit = min(max_keys if max_keys is not None else PAGE, PAGE)
    if key_marker and key_marker in store:
        window.setlist(key_marker, store.getlist(key_marker))
        limit += len(store.getlist(key_marker))
    for key, versions in store.window(prefix or "", delimiter or "", key_marker or "", limit):
        window.setlist(key, versions)
    bucket.keys = window
    try:
        return _moto_list_object_versions(
            backend,
            bucket_name,
            delimiter=delimiter,
            key_marker=key_marker,
            max_keys=limit if max_keys is None else max_keys,
            prefix=prefix or "",
            version_id_marker=version_id_marker,
        )
    finally:
        bucket.keys = store
