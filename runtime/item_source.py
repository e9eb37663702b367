"""Where a distributed map's items come from: the state's data, a bucket's listing or an object, read through the gate.

Reading takes time in the account, and nothing here waits: a source says from when on what it has yielded was there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO, Protocol

from stepsim.asl.machine import ItemReader
from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import Answer, CallSite
from stepsim.runtime.items import (
    Item,
    inputs_of_file,
    items_of_data,
    items_of_file,
    items_of_files,
    items_of_listing,
    list_items,
    reader_config,
    records_of_file,
)
from stepsim.runtime.items_config import reader_failed, refused_by_s3
from stepsim.runtime.items_manifest import DataFile, read_manifest
from stepsim.runtime.items_packed import unpacked
from stepsim.runtime.services.failures import refused_parameters

_BUFFER_BYTES = 1 << 20


class PerformCall(Protocol):
    """The gate, as map runs use it."""

    def __call__(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer: ...


class ItemSource:
    """The items of one map run, read as they are asked for."""

    __slots__ = ("inputs", "items", "length", "ready_ms", "records")

    def __init__(self, items: Iterator[Item], length: int | None = None) -> None:
        self.items = items
        self.inputs: Iterator[JSON] | None = None
        """The same, as children are given them where nothing is selected; one or the other is read. None is none."""
        self.records: Callable[[], Iterator[object]] | None = None
        """The same, for who only writes them down: whatever is encoded as the inputs are."""
        self.length = length
        """How many there are, where that is known before they are read."""
        self.ready_ms = 0
        """From when on the items yielded so far were there."""


def source_of_data(data: JSON) -> ItemSource:
    """The elements of an array, or the members of an object, from the state's input."""
    return ItemSource(items_of_data(data), len(data))


def source_of_reader(
    reader: ItemReader, arguments: JSON, max_items: int, perform: PerformCall, site: CallSite, now_ms: Callable[[], int]
) -> ItemSource:
    """What an ItemReader reads. Raises States.ItemReaderFailed, now or while items are read."""
    config = reader_config({**reader.config, "MaxItems": max_items})
    source = ItemSource(iter(()))
    bucket = _text(arguments, "Bucket")
    s3 = _S3(perform, site, source, now_ms, arguments.get("ExpectedBucketOwner"))
    if reader.resource.action == "listObjectsV2":
        pages = _listing(s3, arguments)
        if config.flattens:
            found = (DataFile(bucket, entry["Key"]) for page in pages for entry in page if not _is_folder(entry))
            source.items = items_of_files(s3.bodies(found), config)
        else:
            source.inputs = list_items(pages, config.max_items, whole_seconds=reader.whole_seconds)
            source.items = items_of_listing(source.inputs, bucket)
        return source
    key = _text(arguments, "Key")
    if config.input_type == "PARQUET" and "VersionId" in arguments:
        raise reader_failed("The ItemReader's VersionId cannot be used with InputType PARQUET.")
    body = s3.body(dict(arguments))
    if config.manifest_type is None:
        source.items = items_of_file(body, bucket, key, config)
        source.inputs = inputs_of_file(body, key, config)
        if config.input_type == "CSV":
            source.records = partial(records_of_file, body, key, config)
    else:
        manifest = read_manifest(unpacked(body, key), config)
        source.items = items_of_files(s3.bodies(manifest.files), manifest.config)
    return source


def _text(arguments: JSON, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise reader_failed(f"The ItemReader's {name} is required and must be a string.")
    return value


def _is_folder(entry: dict[str, Any]) -> bool:
    """True for what the console makes to show a folder: it holds nothing, in whatever format."""
    return entry["Size"] == 0 and str(entry["Key"]).endswith("/")


class _S3:
    """The calls of one reader. What S3 refuses is States.ItemReaderFailed."""

    __slots__ = ("_now_ms", "_owner", "_perform", "_site", "_source")

    def __init__(
        self, perform: PerformCall, site: CallSite, source: ItemSource, now_ms: Callable[[], int], owner: JSON
    ) -> None:
        self._perform = perform
        self._site = site
        self._source = source
        self._now_ms = now_ms
        self._owner = owner

    def call(self, operation: str, parameters: dict[str, Any], what: str = "") -> dict[str, Any]:
        """The response; the source's items are there when it has come."""
        try:
            answer = self._perform("s3", operation, parameters, site=self._site)
        except Exception as error:
            refusal = refused_parameters(error)
            if refusal is None:
                raise
            raise refused_by_s3(refusal, what) from error
        # Pages and files are read one after another, beside the children that run already.
        self._source.ready_ms = max(self._source.ready_ms, self._now_ms()) + answer.latency_ms
        if answer.error is not None:
            raise refused_by_s3(answer.error, what)
        return answer.response or {}

    def body(self, parameters: dict[str, Any], what: str = "") -> BinaryIO:
        """The body of an object, to be read piece by piece."""
        body = self.call("GetObject", parameters, what)["Body"]
        # The account's own store hands out the stream itself; it need not be copied.
        stream: BinaryIO | None = getattr(body, "stream", None)
        return io.BufferedReader(_Stream(body), _BUFFER_BYTES) if stream is None else stream

    def bodies(self, files: Iterable[DataFile]) -> Iterator[tuple[DataFile, BinaryIO]]:
        """Each file with its body, which is asked for when the one before it was read."""
        for file in files:
            parameters = {"Bucket": file.bucket, "Key": file.key}
            if self._owner is not None:
                parameters["ExpectedBucketOwner"] = self._owner
            yield file, self.body(parameters, f"{file.uri}: ")


def _listing(s3: _S3, arguments: JSON) -> Iterator[list[dict[str, Any]]]:
    """The objects of each page. Raises States.ItemReaderFailed, for the first page at once."""
    # The first page is asked for at once: a bucket that is not there fails before any child is started.
    return _pages(s3, dict(arguments), s3.call("ListObjectsV2", dict(arguments)))


def _pages(s3: _S3, arguments: dict[str, Any], page: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    while True:
        yield page.get("Contents", [])
        if not page.get("IsTruncated"):
            return
        page = s3.call("ListObjectsV2", {**arguments, "ContinuationToken": page["NextContinuationToken"]})


class _Stream(io.RawIOBase):
    """A botocore StreamingBody as a stream that readers can wrap."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
