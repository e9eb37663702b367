"""The account's buckets, as a scenario fills them and a distributed map reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import md5
from mimetypes import guess_type
from pathlib import Path

from stepsim.runtime.cloud.bucket_store import BucketStore
from stepsim.runtime.cloud.call import DEFAULT_REGION
from stepsim.runtime.cloud.generated import Generated
from stepsim.runtime.cloud.moto_s3 import backend
from stepsim.runtime.cloud.s3 import now
from stepsim.runtime.cloud.stored import ObjectSummary, Stored
from stepsim.runtime.cloud.streamed import of_file

HELD = 16 * 1024 * 1024
"""The largest file of a folder that is copied into memory, in bytes."""


class S3Store:
    """The buckets of the account. Nothing here passes the gate: no faults, no latency, no meter, no event."""

    def __init__(self, region: str = DEFAULT_REGION) -> None:
        self._region = region

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket; moto's BucketAlreadyExists or InvalidBucketName where the name is taken or isn't one."""
        backend().create_bucket(bucket, self._region)

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str | None = None) -> None:
        """Store an object."""
        self._store(bucket).put(key, Stored(body, md5(body).digest(), now(), content_type, None, True))

    def generate(
        self,
        bucket: str,
        count: int,
        key: str,
        body: Callable[[int], bytes | Iterator[bytes]],
        *,
        size: int | Callable[[int], int] | None = None,
        content_type: str | None = None,
    ) -> None:
        """Fill a bucket with `count` objects that are made when they are read: see `Generated`.

        A body that is an iterator of bytes is never held whole.
        `size`, in bytes, of each object or of the n-th, saves a listing from making the bodies to measure them.
        """
        self._store(bucket).generate(Generated(key, count, body, now(), size=size, content_type=content_type))

    def from_folder(self, bucket: str, folder: Path, prefix: str = "") -> int:
        """Store every file below a folder under its relative path; how many there were.

        Large files are read where they lie, each time that somebody asks for them; they should not change meanwhile.
        """
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            key = prefix + path.relative_to(folder).as_posix()
            content_type = guess_type(path.name)[0]
            if path.stat().st_size > HELD:
                self._store(bucket).put(key, of_file(path, now(), content_type))
            else:
                self.put(bucket, key, path.read_bytes(), content_type=content_type)
        return len(files)

    def read(self, bucket: str, key: str) -> bytes | None:
        """The body of an object; None where there is no such object."""
        entry = self._store(bucket).read(key)
        if isinstance(entry, list):
            value: bytes | None = getattr(entry[-1], "value", None)
            return value
        return None if entry is None else entry.body

    def iter_keys(self, bucket: str, prefix: str = "") -> Iterator[ObjectSummary]:
        """All objects below a prefix in the order of their keys, a page at a time: the bucket may change meanwhile."""
        return self._store(bucket).iter_summaries(prefix)

    def stored(self) -> Iterator[tuple[str, str, bytes]]:
        """Bucket, key and body of every object but the generated ones, in order."""
        for bucket in sorted(backend().buckets):
            for key in self._store(bucket).stored_keys():
                body = self.read(bucket, key)
                if body is not None:
                    yield bucket, key, body

    def __contains__(self, bucket: str) -> bool:
        return bucket in backend().buckets

    @staticmethod
    def _store(bucket: str) -> BucketStore:
        if bucket not in backend().buckets:
            raise KeyError(f"There is no bucket {bucket}.")
        store: BucketStore = backend().buckets[bucket].keys
        return store
