"""An object as a bucket keeps it, and as a listing tells of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO, NamedTuple
from zlib import crc32

from dateutil.tz import tzutc  # type: ignore[import-untyped]

LAST = "\U0010ffff"
"""The greatest character: `prefix + LAST` comes after every key that begins with the prefix."""


UTC_OF_BOTO = tzutc()
"""The time zone that botocore gives the times it reads."""


def to_the_second(moment: datetime) -> datetime:
    """The moment as S3 keeps it: in UTC, without fractions. A moment without a time zone is in UTC already."""
    moment = moment.astimezone(UTC) if moment.tzinfo is not None else moment
    return moment.replace(microsecond=0, tzinfo=UTC_OF_BOTO)


def checksum_text(body: bytes) -> str:
    """The CRC-32 of a body as S3 writes it."""
    return b64encode(crc32(body).to_bytes(4, "big")).decode("ascii")


class Stored:
    """A small object, compactly: some 250 bytes on top of key and body."""

    __slots__ = ("body", "checksummed", "content_type", "digest", "metadata", "modified")

    def __init__(
        self,
        body: bytes,
        digest: bytes,
        modified: datetime,
        content_type: str | None,
        metadata: Mapping[str, str] | None,
        checksummed: bool,
    ) -> None:
        self.body = body
        self.digest = digest
        """Sixteen bytes: the ETag, unquoted, is their hexadecimal form."""
        self.modified = modified
        """In UTC, to the second, as S3 keeps it. Objects of the same second share it."""
        self.content_type = content_type
        self.metadata = metadata
        self.checksummed = checksummed
        """Whether it was put with a CRC-32 of its body, as boto3 does unless told otherwise."""

    @property
    def size(self) -> int:
        """Of the body, in bytes."""
        return len(self.body)

    def open(self) -> BinaryIO:
        """The body as a stream of its own, which shares its bytes."""
        return BytesIO(self.body)

    @property
    def etag(self) -> str:
        """The ETag, in its quotes."""
        return f'"{self.digest.hex()}"'


class ObjectSummary(NamedTuple):
    """What ListObjectsV2 tells of an object."""

    key: str
    size: int
    """In bytes."""
    etag: str
    """In its quotes."""
    last_modified: datetime
    """In UTC, to the second."""
    storage_class: str = "STANDARD"
    checksum_algorithm: str | None = None
