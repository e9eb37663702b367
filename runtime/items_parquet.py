"""Parquet as an ItemReader reads it: a row is an item. pyarrow, which is an extra, is loaded when it is used."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain, repeat
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from stepsim.asl.payload import JSON
from stepsim.runtime.items_config import ReaderConfig, reader_failed

MAX_FOOTER_BYTES = 5 * 1024 * 1024
MAX_ROW_GROUP_BYTES = 256 * 1024 * 1024
_BATCH = 4096


def read_parquet(stream: BinaryIO, config: ReaderConfig) -> Iterator[JSON]:  # noqa: ARG001 - the readers' one signature
    """Yield each row as an object from column to value.

    What JSON has no form for is written as text: dates and times in ISO 8601, decimals, bytes in Base64, NaN and
    infinities by their names; AWS's own forms are unconfirmed. A stream that cannot be sought in goes through a
    temporary file. Raises States.ItemReaderFailed: for what is no Parquet, a footer above 5 MB, a row group above
    256 MB, and, naming the extra to install, where pyarrow is not there.
    """
    return chain.from_iterable(_batches(stream))


def _batches(stream: BinaryIO) -> Iterator[list[JSON]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        hint = "pip install 'stepsim[parquet]'"
        raise reader_failed(f"Reading PARQUET needs pyarrow, which is not installed: {hint}.") from error
    try:
        with _sought(stream) as source:
            yield from _rows(pyarrow, pyarrow.parquet.ParquetFile(source))
    except (pyarrow.ArrowException, ValueError) as error:
        raise reader_failed(f"The Parquet file cannot be read: {' '.join(str(error).split()).rstrip('.')}.") from error


def _rows(pyarrow: Any, file: Any) -> Iterator[list[JSON]]:
    _check_sizes(file.metadata)
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        raise reader_failed("Two columns of the Parquet file have the same name.")
    converters = [_converter(pyarrow, field.type) for field in file.schema_arrow]
    for batch in file.iter_batches(batch_size=_BATCH, use_threads=False):
        columns = [convert(column) for convert, column in zip(converters, batch.columns, strict=True)]
        rows = zip(*columns, strict=True) if columns else repeat((), batch.num_rows)
        yield list(map(dict, map(zip, repeat(names), rows)))


@contextmanager
def _sought(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream, or a temporary file of what it holds where it cannot be sought in."""
    if stream.seekable():
        yield stream
        return
    with TemporaryFile() as file:
        copyfileobj(stream, file, 1 << 20)
        yield file


def _check_sizes(metadata: Any) -> None:
    if metadata.serialized_size > MAX_FOOTER_BYTES:
        raise reader_failed(
            f"The footer of the Parquet file has {metadata.serialized_size} bytes; the maximum is 5 MB."
        )
    for number in range(metadata.num_row_groups):
        size = metadata.row_group(number).total_byte_size
        if size > MAX_ROW_GROUP_BYTES:
            raise reader_failed(f"Row group {number} of the Parquet file has {size} bytes; the maximum is 256 MB.")


def _converter(pyarrow: Any, kind: Any) -> Callable[[Any], list[JSON]]:
    """What makes JSON of a column of that type."""
    types = pyarrow.types
    if types.is_dictionary(kind):
        return _converter(pyarrow, kind.value_type)
    if any(test(kind) for test in (types.is_integer, types.is_string, types.is_large_string, types.is_boolean)):
        return _values
    if types.is_floating(kind):
        return _numbers
    if types.is_timestamp(kind) and kind.unit == "ns":
        # Python's own moments have no nanoseconds.
        return lambda column: [text and text.replace(" ", "T") for text in column.cast(pyarrow.string()).to_pylist()]
    return lambda column: list(map(_as_json, column.to_pylist()))


def _values(column: Any) -> list[JSON]:
    values: list[JSON] = column.to_pylist()
    return values


def _numbers(column: Any) -> list[JSON]:
    values = _values(column)
    if not column.null_count and all(map(math.isfinite, values)):
        return values
    return list(map(_as_json, values))


def _as_json(value: Any) -> JSON:
    if type(value) is float:
        return value if math.isfinite(value) else _UNBOUND.get(value, "NaN")
    write = _WRITERS.get(type(value))
    return value if write is None else write(value)


_UNBOUND = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _moment(value: datetime) -> str:
    # A moment without a zone is a local one, as Parquet has it: it is written without, too.
    return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _list(value: list[Any]) -> JSON:
    if value and type(value[0]) is tuple:
        # A map comes as a list of pairs.
        return {key if type(key) is str else str(_as_json(key)): _as_json(item) for key, item in value}
    return [_as_json(item) for item in value]


_WRITERS: dict[type, Callable[[Any], JSON]] = {
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    Decimal: str,
    bytes: lambda value: b64encode(value).decode(),
    list: _list,
    dict: lambda value: {name: _as_json(item) for name, item in value.items()},
}
