"""S3's data plane as plain functions on moto's buckets: `OPERATIONS`, what the gate answers calls with.

They cover small objects in ordinary buckets with the parameters that nearly every call has; versioned buckets, bucket
policies, ranges, preconditions, tags and all the rest fall through to moto, which sees the same objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import md5
from time import time
from typing import Any, BinaryIO

from botocore.response import StreamingBody

from stepsim.runtime.cloud.bucket_store import PAGE, BucketStore
from stepsim.runtime.cloud.call import ApiError, FallThrough
from stepsim.runtime.cloud.moto_s3 import backend, name_of, token_after
from stepsim.runtime.cloud.stored import UTC_OF_BOTO, ObjectSummary, Stored, checksum_text
from stepsim.runtime.cloud.streamed import FileBody, Unhashed

_BUCKET_AND_KEY = frozenset({"Bucket", "Key"})
_GET = frozenset({"Bucket", "Key", "IfMatch", "ExpectedBucketOwner"})
_PUT = frozenset({"Bucket", "Key", "Body", "ContentType", "Metadata", "ChecksumAlgorithm"})
_LIST = {
    "Bucket": str,
    "Prefix": str,
    "Delimiter": str,
    "MaxKeys": int,
    "ContinuationToken": str,
    "StartAfter": str,
    "ExpectedBucketOwner": str,
}
_ELSEWHERE = (
    "The bucket you are attempting to access must be addressed using the specified endpoint. "
    "Please send all future requests to this endpoint."
)
_KEY_LENGTH = 256
"""No key of so many characters is longer than S3's 1,024 bytes."""

_KEY_BYTES = 1024


class ObjectBody(StreamingBody):
    """The Body of GetObject. `stream` is what it reads from, for our own readers: nothing is copied on the way."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        super().__init__(stream, size)
        self.stream = stream


def get_object(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """GetObject: all of an object."""
    if len(params) != 2:
        _check_owner(params)
        if not params.keys() <= _GET:
            raise FallThrough
    entry = _entry(params)
    if len(params) != 2 and params.get("IfMatch", entry.etag) != entry.etag:
        raise FallThrough
    response = _description(entry)
    if entry.checksummed:
        response["ChecksumCRC32"] = checksum_text(entry.body)
    response["Body"] = ObjectBody(entry.open(), entry.size)
    return response


def head_object(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """HeadObject."""
    if params.keys() != _BUCKET_AND_KEY:
        raise FallThrough
    return _description(_entry(params))


def put_object(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """PutObject: a body in memory, with a content type and metadata."""
    if not params.keys() <= _PUT or params.get("ChecksumAlgorithm", "CRC32") != "CRC32":
        raise FallThrough
    store: BucketStore = _writable(params).keys
    content_type, metadata = _content_type(params), _metadata(params)
    body = params.get("Body", b"")
    if type(body) is FileBody:
        return _put_file(store, params["Key"], body, content_type)
    if type(body) is not bytes:
        body = _in_memory(body)
    stored = Stored(body, md5(body).digest(), now(), content_type, metadata, True)
    _forget_tags(params["Bucket"], params["Key"])
    store.put(params["Key"], stored)
    if store.created is not None:
        store.created(params["Key"], stored.size, stored.digest.hex(), "PutObject")
    return {"ETag": stored.etag, "ChecksumCRC32": checksum_text(body)}


def _put_file(store: BucketStore, key: str, body: FileBody, content_type: str | None) -> dict[str, Any]:
    """Keep a file of our own where it lies. Its ETag, which takes reading it once more, is not answered."""
    stored = Unhashed(body.again, body.size, now(), content_type)  # type: ignore[arg-type]  # a BinaryIO in all but name
    store.put(key, stored)
    if store.created is not None:
        store.created(key, stored.size, stored.digest.hex(), "PutObject")
    return {}


def delete_object(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """DeleteObject; S3 answers a key that isn't there in the same way."""
    if params.keys() != _BUCKET_AND_KEY:
        raise FallThrough
    _writable(params).keys.delete(params["Key"])
    return {}


def delete_objects(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """DeleteObjects: at most 1,000 keys, without versions."""
    delete = params.get("Delete")
    if params.keys() != {"Bucket", "Delete"} or not isinstance(delete, dict) or delete.keys() - {"Objects", "Quiet"}:
        raise FallThrough
    objects, quiet = delete.get("Objects"), delete.get("Quiet", False)
    if not isinstance(objects, list) or not 0 < len(objects) <= PAGE or not isinstance(quiet, bool):
        raise FallThrough
    if not all(isinstance(each, dict) and each.keys() == {"Key"} and _is_key(each["Key"]) for each in objects):
        raise FallThrough
    store: BucketStore = _writable({"Bucket": params["Bucket"], "Key": "any"}).keys
    for each in objects:
        store.delete(each["Key"])
    return {} if quiet else {"Deleted": [{"Key": each["Key"]} for each in objects]}


def list_objects_v2(params: dict[str, Any], _region: str) -> dict[str, Any]:
    """ListObjectsV2."""
    _check_owner(params)
    for name, value in params.items():
        if type(value) is not _LIST.get(name):
            raise FallThrough
    limit = params.get("MaxKeys", PAGE)
    token, start_after = params.get("ContinuationToken"), params.get("StartAfter", "")
    if not 0 < limit <= PAGE or token == "":
        raise FallThrough
    store: BucketStore = _readable(params).keys
    try:
        after = start_after if token is None else name_of(token)
    except ValueError:
        raise ApiError("InvalidArgument", "The continuation token provided is incorrect") from None
    prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
    objects, folders, last = store.page(prefix, delimiter, after, limit)
    response: dict[str, Any] = {"IsTruncated": last is not None}
    if objects:
        response["Contents"] = [_listed(summary) for summary in objects]
    response |= {"Name": params["Bucket"], "Prefix": prefix}
    if delimiter:
        response["Delimiter"] = delimiter
    response["MaxKeys"] = limit
    if folders:
        response["CommonPrefixes"] = [{"Prefix": folder} for folder in folders]
    response |= {"EncodingType": "url", "KeyCount": len(objects) + len(folders)}
    if last is not None:
        response["NextContinuationToken"] = token_after(last)
    if start_after and token is None:
        response["StartAfter"] = start_after
    return response


OPERATIONS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "GetObject": get_object,
    "HeadObject": head_object,
    "PutObject": put_object,
    "DeleteObject": delete_object,
    "DeleteObjects": delete_objects,
    "ListObjectsV2": list_objects_v2,
}


def check_region(params: Mapping[str, Any], region: str) -> None:
    """Send away who asks for a bucket of another region, as S3 does; boto3 follows, Step Functions doesn't."""
    name = params.get("Bucket")
    bucket = backend().buckets.get(name) if type(name) is str else None
    if bucket is not None and bucket.region_name != region:
        raise ApiError("PermanentRedirect", _ELSEWHERE, 301, {"Bucket": name})


def _check_owner(params: Mapping[str, Any]) -> None:
    """Refuse a caller who expects somebody else's bucket; moto looks at nobody's."""
    owner = params.get("ExpectedBucketOwner")
    if owner is not None:
        bucket = backend().buckets.get(params.get("Bucket"))
        if bucket is not None and bucket.account_id != owner:
            raise ApiError("AccessDenied", "Access Denied", 403)


def now() -> datetime:
    """The present second, the same object for all that happens in it."""
    return _moment(int(time()))


@lru_cache(maxsize=1)
def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC_OF_BOTO)


def _is_key(key: object) -> bool:
    return type(key) is str and 0 < len(key) <= _KEY_LENGTH


def _check_key(key: object) -> None:
    """Raise FallThrough for what is no key, or a long one, and S3's error for one that is too long."""
    if _is_key(key):
        return
    size = len(key.encode("utf-8", "surrogatepass")) if isinstance(key, str) else 0
    if size <= _KEY_BYTES:
        raise FallThrough
    sizes = {"Size": str(size), "MaxSizeAllowed": str(_KEY_BYTES)}
    raise ApiError("KeyTooLongError", "Your key is too long", 400, sizes)


def _readable(params: Mapping[str, Any]) -> Any:
    """The bucket, where all that its settings change about reading is nothing."""
    name = params.get("Bucket")
    bucket = backend().buckets.get(name) if type(name) is str else None
    if bucket is None or bucket.policy is not None or bucket.logging:
        raise FallThrough
    return bucket


def _writable(params: Mapping[str, Any]) -> Any:
    """The bucket, where a write changes one object and nothing else."""
    bucket = _readable(params)
    if (
        bucket.versioning_status is not None
        or bucket.notification_configuration is not None
        or bucket.encryption is not None
        or bucket.object_lock_enabled
        or bucket.acl is not bucket.keys.acl
    ):
        raise FallThrough
    _check_key(params.get("Key"))
    return bucket


def _entry(params: dict[str, Any]) -> Stored:
    bucket = _readable(params)
    key: Any = params.get("Key")
    _check_key(key)
    entry = bucket.keys.read(key)
    if entry is None:
        raise ApiError("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})
    if not isinstance(entry, Stored) or _has_tags(bucket.name, key):
        raise FallThrough
    return entry


def _description(entry: Stored) -> dict[str, Any]:
    return {
        "AcceptRanges": "bytes",
        "LastModified": entry.modified,
        "ContentLength": entry.size,
        "ETag": f'"{entry.digest.hex()}"',
        "ContentType": entry.content_type or "binary/octet-stream",
        "Metadata": dict(entry.metadata) if entry.metadata else {},
    }


def _listed(summary: ObjectSummary) -> dict[str, Any]:
    key, size, etag, modified, storage_class, checksum_algorithm = summary
    if checksum_algorithm is None:
        return {"Key": key, "LastModified": modified, "ETag": etag, "Size": size, "StorageClass": storage_class}
    return {
        "Key": key,
        "LastModified": modified,
        "ETag": etag,
        "ChecksumAlgorithm": [checksum_algorithm],
        "Size": size,
        "StorageClass": storage_class,
    }


def _in_memory(body: Any) -> bytes:
    """The bytes of a body: of text, or of what is left of an open file."""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytearray):
        return bytes(body)
    if not (hasattr(body, "read") and hasattr(body, "seek") and hasattr(body, "tell")):
        raise FallThrough
    start = body.tell()
    data = body.read()
    if type(data) is not bytes:
        body.seek(start)
        raise FallThrough
    return data


def _content_type(params: dict[str, Any]) -> str | None:
    content_type = params.get("ContentType")
    if content_type is None and "ContentType" not in params:
        return None
    if type(content_type) is not str or not _is_header(content_type):
        raise FallThrough
    return content_type


def _metadata(params: dict[str, Any]) -> dict[str, str] | None:
    """The metadata as headers carry them: names in lower case."""
    metadata = params.get("Metadata")
    if not metadata and type(metadata) in (dict, type(None)):
        if "Metadata" in params and metadata is None:
            raise FallThrough
        return None
    if type(metadata) is not dict:
        raise FallThrough
    for name, value in metadata.items():
        if type(name) is not str or type(value) is not str or not (_is_header(name) and _is_header(value)):
            raise FallThrough
    return {name.lower(): value for name, value in metadata.items()}


def _is_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and text == text.strip()


def _arn(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{bucket}/{key}/null"


def _has_tags(bucket: str, key: str) -> bool:
    tags = backend().tagger.tags
    return bool(tags) and _arn(bucket, key) in tags


def _forget_tags(bucket: str, key: str) -> None:
    tags = backend().tagger.tags
    if tags:
        tags.pop(_arn(bucket, key), None)
