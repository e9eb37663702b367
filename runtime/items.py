"""The items of a distributed map: where they come from and how ``$$.Map.Item`` names them.

A reader takes a stream and yields items one by one; nothing here keeps more than some of a file. The formats have files
of their own (``items_csv``, ``items_json``, ``items_parquet``), and so have what packs them (``items_packed``),
manifests (``items_manifest``) and batches (``items_batches``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import BinaryIO, NamedTuple, TypeVar

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import JSON, Double
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.items_config import (
    MAX_ITEMS,
    READABLE,
    ReaderConfig,
    reader_config,
    reader_failed,
    refused_by_s3,
)
from stepsim.runtime.items_csv import read_csv, read_csv_records
from stepsim.runtime.items_json import Pair, read_json, read_jsonl
from stepsim.runtime.items_manifest import DataFile
from stepsim.runtime.items_packed import unpacked
from stepsim.runtime.items_parquet import read_parquet

__all__ = [
    "STATE_DATA",
    "Item",
    "Pair",
    "ReaderConfig",
    "inputs_of_file",
    "items_of_data",
    "items_of_file",
    "items_of_files",
    "items_of_listing",
    "list_items",
    "read_csv",
    "read_file",
    "read_json",
    "read_jsonl",
    "reader_config",
    "records_of_file",
]

STATE_DATA = "STATE_DATA"
"""``Map.Item.Source`` of what comes from the state's own input."""

T = TypeVar("T")
Reader = Callable[[BinaryIO, ReaderConfig], Iterator[JSON]]

_READERS: dict[str, Reader] = {"CSV": read_csv, "JSON": read_json, "JSONL": read_jsonl}


class Item(NamedTuple):
    """What ``$$.Map.Item`` shows. `key` is None except for the members of an object."""

    index: int  # type: ignore[assignment]  # hides tuple's own, which nobody asks an Item for
    """From 0, over the whole dataset."""
    key: str | None
    value: JSON
    source: str

    @property
    def input(self) -> JSON:
        """A child's input where there is no ItemSelector: the value; ``{"Key", "Value"}`` for a member of an object.

        AWS's own shape for members is unconfirmed.
        """
        return self.value if self.key is None else _input(Pair(self.key, self.value))


def items_of_data(data: JSON) -> Iterator[Item]:
    """The items of an array, or of an object's members in their order, from the state's input."""
    values = (Pair(key, value) for key, value in data.items()) if isinstance(data, dict) else data
    return _numbered(values, STATE_DATA)


def items_of_file(stream: BinaryIO, bucket: str, key: str, config: ReaderConfig) -> Iterator[Item]:
    """The items of one S3 object. Raises States.ItemReaderFailed, now or while they are read."""
    return _closing(stream, _numbered(read_file(stream, key, config), f"s3://{bucket}/{key}"))


def inputs_of_file(stream: BinaryIO, key: str, config: ReaderConfig) -> Iterator[JSON]:
    """The inputs that `items_of_file`'s items have, without the items: they take as long as a row of CSV."""
    values = read_file(stream, key, config)
    return _closing(stream, map(_input, values) if config.input_type == "JSON" else values)


def records_of_file(stream: BinaryIO, key: str, config: ReaderConfig) -> Iterator[object]:
    """As `inputs_of_file`, of a CSV file, for who only writes them down; see `read_csv_records`."""
    records = read_csv_records(unpacked(_guarded_body(stream), key), config)
    return _closing(stream, islice(records, config.max_items))


def _closing(stream: BinaryIO, items: Iterator[T]) -> Iterator[T]:
    with stream:
        yield from items


def _input(value: JSON | Pair) -> JSON:
    return {"Key": value.key, "Value": value.value} if type(value) is Pair else value


def items_of_files(files: Iterable[tuple[DataFile, BinaryIO]], config: ReaderConfig) -> Iterator[Item]:
    """The items of several S3 objects, one object after the other, numbered throughout; MaxItems counts them all.

    A failure to read one of them names it.
    """
    return islice(_of_files(files, replace(config, max_items=MAX_ITEMS)), config.max_items)


def _of_files(files: Iterable[tuple[DataFile, BinaryIO]], config: ReaderConfig) -> Iterator[Item]:
    first = 0
    for file, stream in files:
        item = None
        try:
            for item in _numbered(read_file(stream, file.key, config), file.uri, first):
                yield item
        except StatesError as error:
            raise reader_failed(f"{file.uri}: {error.cause}") from error
        finally:
            stream.close()
        if item is not None:
            first = item.index + 1


def items_of_listing(values: Iterable[JSON], bucket: str) -> Iterator[Item]:
    """The items of a bucket's listing, of what `list_items` yields."""
    return _numbered(values, f"s3://{bucket}")


def _numbered(values: Iterable[JSON | Pair], source: str, first: int = 0) -> Iterator[Item]:
    for index, value in enumerate(values, first):
        if type(value) is Pair:
            yield Item(index, value.key, value.value, source)
        else:
            yield Item(index, None, value, source)


def read_file(stream: BinaryIO, key: str, config: ReaderConfig) -> Iterator[JSON | Pair]:
    """Yield at most MaxItems items of an S3 object's body, unpacked where its key says that it is compressed."""
    if config.manifest_type is not None:
        raise reader_failed("A manifest names the files to read, and has no items of its own.")
    if config.input_type is None:
        raise reader_failed(f"ReaderConfig.InputType is required; it is one of {', '.join(READABLE)}.")
    if config.input_type == "PARQUET":
        # It seeks.
        return islice(_guarded(read_parquet(unpacked(stream, key), config)), config.max_items)
    return islice(_READERS[config.input_type](unpacked(_guarded_body(stream), key), config), config.max_items)


def _guarded(values: Iterator[T]) -> Iterator[T]:
    """The values; what S3 or the disk refuses in the middle of a body fails the reader."""
    try:
        yield from values
    except ApiError as error:
        raise refused_by_s3(error) from error
    except OSError as error:
        raise reader_failed(f"The object's body cannot be read: {error}.") from error


class _GuardedBody:
    """As `_guarded`, of a body that is only read on: it costs nothing for each value."""

    __slots__ = ("_read",)

    def __init__(self, stream: BinaryIO) -> None:
        self._read = stream.read

    def read(self, size: int = -1) -> bytes:
        try:
            return self._read(size)
        except ApiError as error:
            raise refused_by_s3(error) from error
        except OSError as error:
            raise reader_failed(f"The object's body cannot be read: {error}.") from error


def _guarded_body(stream: BinaryIO) -> BinaryIO:
    return _GuardedBody(stream)  # type: ignore[return-value]  # all that readers do is read


def list_items(
    pages: Iterable[Sequence[Mapping[str, JSON]]], max_items: int = MAX_ITEMS, *, whole_seconds: bool = False
) -> Iterator[JSON]:
    """Yield an item for each object of a listing, from the ``Contents`` of ListObjectsV2's pages as boto3 gives them.

    LastModified is in epoch seconds: a double in a JSONPath machine, which prints as ``1.790204286E9``, an integer in a
    JSONata machine (both measured), which `whole_seconds` asks for.
    """
    number: type[int] | type[Double] = int if whole_seconds else Double
    return islice(chain.from_iterable(_page_items(page, number) for page in pages), max_items)


def _page_items(contents: Sequence[Mapping[str, JSON]], number: type[int] | type[Double]) -> list[JSON]:
    # Objects made together share one date, and it is dear to convert.
    dates = {id(entry["LastModified"]): entry["LastModified"] for entry in contents}
    seconds = {key: number(int(modified.timestamp())) for key, modified in dates.items()}
    return [
        {
            "Etag": entry["ETag"],
            "Key": entry["Key"],
            "LastModified": seconds[id(entry["LastModified"])],
            "Size": entry["Size"],
            "StorageClass": entry.get("StorageClass", "STANDARD"),
        }
        for entry in contents
    ]
