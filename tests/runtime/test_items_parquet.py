from __future__ import annotations

import io
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import encode
from stepsim.runtime import items_parquet
from stepsim.runtime.cloud.streamed import PieceStream
from stepsim.runtime.items_config import ReaderConfig
from stepsim.runtime.items_parquet import read_parquet

CONFIG = ReaderConfig("PARQUET")


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, **options)
    return body.getvalue()


def cause(stream: BinaryIO) -> str:
    with pytest.raises(StatesError) as failure:
        list(read_parquet(stream, CONFIG))
    assert failure.value.error == "States.ItemReaderFailed"
    return str(failure.value.cause)


@pytest.mark.parametrize("compression", ["NONE", "SNAPPY", "GZIP", "ZSTD"])
def test_a_row_is_an_item(compression: str) -> None:
    """Rows become objects in their order, over row groups and batches, however they are compressed inside."""
    columns = {"n": list(range(10_000)), "s": [f"é{n}" for n in range(10_000)]}
    body = parquet(columns, row_group_size=3_000, compression=compression)
    assert list(read_parquet(io.BytesIO(body), CONFIG)) == [{"n": n, "s": f"é{n}"} for n in range(10_000)]


def test_values_are_json() -> None:
    """What JSON has no form for is text; null stays null."""
    columns = {
        "int": [1, None],
        "float": [1.5, float("nan")],
        "inf": [float("-inf"), float("inf")],
        "bool": [True, None],
        "decimal": [Decimal("1.10"), None],
        "bytes": [b"x", None],
        "date": [date(2026, 1, 2), None],
        "moment": [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), None],
        "local": [datetime(2026, 1, 2, 3, 4, 5), None],
        "nanos": pa.array([1, None], pa.timestamp("ns")),
        "list": [[1.0, float("nan")], None],
        "struct": [{"d": Decimal(2)}, None],
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "words": pa.array(["u", "u"]).dictionary_encode(),
        "none": pa.nulls(2),
    }
    first, second = read_parquet(io.BytesIO(parquet(columns)), CONFIG)
    assert first == {
        "int": 1,
        "float": 1.5,
        "inf": "-Infinity",
        "bool": True,
        "decimal": "1.10",
        "bytes": "eA==",
        "date": "2026-01-02",
        "moment": "2026-01-02T03:04:05Z",
        "local": "2026-01-02T03:04:05",
        "nanos": "1970-01-01T00:00:00.000000001",
        "list": [1.0, "NaN"],
        "struct": {"d": "2"},
        "map": {"k": 1},
        "words": "u",
        "none": None,
    }
    assert [second[name] for name in ("int", "float", "inf", "nanos", "list", "words")] == [
        None, "NaN", "Infinity", None, None, "u",
    ]  # fmt: skip
    assert encode([first, second])


def test_a_stream_that_cannot_be_sought_in_is_read() -> None:
    """A body that comes in pieces is put into a temporary file first."""
    body = parquet({"n": [1, 2]})
    stream: Any = PieceStream([body[:50], body[50:]])
    assert list(read_parquet(stream, CONFIG)) == [{"n": 1}, {"n": 2}]


def test_a_file_without_rows_has_no_items() -> None:
    """An empty table is an empty data set."""
    assert list(read_parquet(io.BytesIO(parquet({"n": pa.array([], pa.int64())})), CONFIG)) == []


@pytest.mark.parametrize("body", [b"", b"no parquet at all", parquet({"n": [1]})[:-10]])
def test_what_is_no_parquet_fails(body: bytes) -> None:
    """A file that is something else, or is cut off, is States.ItemReaderFailed."""
    assert cause(io.BytesIO(body)).startswith("The Parquet file cannot be read: ")


def test_large_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A footer may have 5 MB, a row group 256 MB."""
    body = parquet({"n": list(range(1000))})
    monkeypatch.setattr(items_parquet, "MAX_ROW_GROUP_BYTES", 1000)
    assert "Row group 0" in cause(io.BytesIO(body))
    monkeypatch.setattr(items_parquet, "MAX_FOOTER_BYTES", 100)
    assert "footer" in cause(io.BytesIO(body))


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the error says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'stepsim[parquet]'" in cause(io.BytesIO(b""))
