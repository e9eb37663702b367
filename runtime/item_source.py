"""Where a distributed map's items come from: the state's data, a bucket's listing or an object, read through the gate.

Reading takes time in the account, and nothing here waits: a source says from when on what it has yielded was there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from stepsim.asl.machine import ItemReader
from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import Answer, CallSite
from stepsim.runtime.items import Item, items_of_data, items_of_file, items_of_listing, reader_config
from stepsim.runtime.items_config import reader_failed

_BUFFER_BYTES = 1 << 20


class PerformCall(Protocol):
    """The gate, as map runs use it."""

    def __call__(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer: ...


class ItemSource:
    """The items of one map run, read as they are asked for."""

    __slots__ = ("items", "length", "ready_ms")

    def __init__(self, items: Iterator[Item], length: int | None = None) -> None:
        self.items = items
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

    def call(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer = perform("s3", operation, parameters, site=site)
        # Pages and files are read one after another, beside the children that run already.
        source.ready_ms = max(source.ready_ms, now_ms()) + answer.latency_ms
        if answer.error is not None:
            raise reader_failed(f"{answer.error.message} (Service: S3; Status Code: {answer.error.status}; "
                                f"Error Code: {answer.error.code})")  # fmt: skip
        return answer.response or {}

    bucket = arguments.get("Bucket")
    if not isinstance(bucket, str):
        raise reader_failed("The ItemReader's Bucket is required and must be a string.")
    if reader.resource.action == "listObjectsV2":
        contents = _listing(call, arguments)
        source.items = items_of_listing(contents, bucket, config.max_items, whole_seconds=reader.whole_seconds)
    else:
        key = arguments.get("Key")
        if not isinstance(key, str):
            raise reader_failed("The ItemReader's Key is required and must be a string.")
        source.items = items_of_file(_body(call, arguments), bucket, key, config)
    return source


def _listing(call: Callable[[str, dict[str, Any]], dict[str, Any]], arguments: JSON) -> Iterator[dict[str, Any]]:
    page = call("ListObjectsV2", dict(arguments))
    return _pages(call, dict(arguments), page)


def _pages(
    call: Callable[[str, dict[str, Any]], dict[str, Any]], arguments: dict[str, Any], page: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    while True:
        yield from page.get("Contents", ())
        if not page.get("IsTruncated"):
            return
        page = call("ListObjectsV2", {**arguments, "ContinuationToken": page["NextContinuationToken"]})


def _body(call: Callable[[str, dict[str, Any]], dict[str, Any]], arguments: JSON) -> BinaryIO:
    return io.BufferedReader(_Stream(call("GetObject", dict(arguments))["Body"]), _BUFFER_BYTES)


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
