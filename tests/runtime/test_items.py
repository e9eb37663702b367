from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

import pytest

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import encode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.streamed import PieceStream
from stepsim.runtime.items import (
    STATE_DATA,
    Item,
    ReaderConfig,
    items_of_data,
    items_of_file,
    items_of_files,
    items_of_listing,
    list_items,
    read_file,
    reader_config,
)
from stepsim.runtime.items_manifest import DataFile

JSONL = ReaderConfig("JSONL")
LISTED = {
    "Key": "flat/data.jsonl",
    "ETag": '"9a0364b9e99bb480dd25e1f0284c8555"',
    "LastModified": datetime(2026, 9, 23, 22, 58, 6, tzinfo=UTC),
    "Size": 27,
    "StorageClass": "STANDARD",
}


def test_an_array_of_the_state_gives_numbered_items() -> None:
    """Items from the state's input are numbered from 0, have no key and name STATE_DATA as their source."""
    assert list(items_of_data(["a", {"b": 1}])) == [Item(0, None, "a", STATE_DATA), Item(1, None, {"b": 1}, STATE_DATA)]


def test_the_members_of_an_object_are_items_with_keys() -> None:
    """An object is mapped over member by member, in its order."""
    items = list(items_of_data({"b": 1, "a": None}))
    assert items == [Item(0, "b", 1, STATE_DATA), Item(1, "a", None, STATE_DATA)]
    assert [item.input for item in items] == [{"Key": "b", "Value": 1}, {"Key": "a", "Value": None}]


def test_the_source_of_a_file_is_its_address() -> None:
    """An item read from an object has s3://bucket/key as its source, in lower case."""
    assert list(items_of_file(io.BytesIO(b'"x"\n'), "b", "in/x.jsonl", JSONL)) == [
        Item(0, None, "x", "s3://b/in/x.jsonl")
    ]


def test_a_listed_object_has_the_recorded_shape() -> None:
    """A listed object is an item with Etag in quotes and LastModified as a double of epoch seconds."""
    [item] = items_of_listing(list_items([[LISTED]]), "b")
    assert item.source == "s3://b"
    assert item.value == {
        "Etag": '"9a0364b9e99bb480dd25e1f0284c8555"',
        "Key": "flat/data.jsonl",
        "LastModified": 1790204286.0,
        "Size": 27,
        "StorageClass": "STANDARD",
    }
    assert list(item.value) == ["Etag", "Key", "LastModified", "Size", "StorageClass"]
    assert isinstance(item.value["LastModified"], float)
    assert '"LastModified":1.790204286E9,' in encode(item.value)


def test_a_jsonata_machine_sees_whole_seconds() -> None:
    """In a JSONata machine LastModified is an integer."""
    [item] = list_items([[LISTED]], whole_seconds=True)
    assert isinstance(item["LastModified"], int)


def test_a_listing_is_read_no_further_than_max_items() -> None:
    """MaxItems cuts a listing without asking for the page after it."""

    def pages() -> Iterator[list[dict[str, object]]]:
        yield [LISTED, LISTED]
        raise AssertionError("read too far")

    assert len(list(list_items(pages(), 2))) == 2


@pytest.mark.parametrize("max_items", [0, 100_000_001])
def test_no_limit_reads_everything(max_items: int) -> None:
    """A MaxItems of 0 is no limit, and one beyond the cap is accepted (both recorded)."""
    config = reader_config({"InputType": "JSONL", "MaxItems": max_items})
    assert list(read_file(io.BytesIO(b"1\n2\n3"), "k", config)) == [1, 2, 3]


def test_max_items_cuts_a_file_before_its_errors() -> None:
    """What lies behind MaxItems is not read."""
    config = reader_config({"InputType": "JSONL", "MaxItems": 2})
    assert list(read_file(io.BytesIO(b"1\n2\nthree\n"), "k", config)) == [1, 2]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "MaxItems": -1}, "field MaxItems must be positive"),
        (
            {"InputType": "XML"},
            "ReaderConfig.InputType cannot be 'XML'; it is one of CSV, JSON, JSONL, PARQUET, MANIFEST.",
        ),
        (
            {"ManifestType": "OTHER"},
            "ReaderConfig.ManifestType cannot be 'OTHER'; it is one of S3_INVENTORY, ATHENA_DATA.",
        ),
        (
            {"ManifestType": "S3_INVENTORY", "InputType": "JSON"},
            "An S3 inventory has no ReaderConfig.InputType JSON: it says itself what it holds.",
        ),
        (
            {"ManifestType": "ATHENA_DATA", "InputType": "JSON"},
            "ReaderConfig.InputType of ATHENA_DATA is one of CSV, JSONL, PARQUET.",
        ),
        (
            {"Transformation": "LOAD_AND_FLATTEN"},
            "ReaderConfig.InputType of LOAD_AND_FLATTEN is one of CSV, JSON, JSONL, PARQUET.",
        ),
        ({"InputType": "CSV"}, "ReaderConfig.CSVHeaderLocation is required where InputType is CSV."),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"},
            "ReaderConfig.CSVHeaders is required where CSVHeaderLocation is GIVEN.",
        ),
        ({"InputTyp": "CSV"}, "ReaderConfig.InputTyp is not a field that stepsim knows."),
    ],
)
def test_a_config_that_cannot_be_read_by_fails_by_name(fields: dict[str, object], cause: str) -> None:
    """A ReaderConfig outside what is supported is States.ItemReaderFailed and names the field."""
    with pytest.raises(StatesError) as failure:
        reader_config(fields)
    assert (failure.value.error, failure.value.cause) == ("States.ItemReaderFailed", cause)


def test_every_delimiter_has_its_word() -> None:
    """CSVDelimiter's five words stand for their characters."""
    fields = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    words = ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
    assert [reader_config({**fields, "CSVDelimiter": word}).csv_delimiter for word in words] == list(",|; \t")


def test_a_gzip_file_is_unpacked_by_its_name() -> None:
    """A key that ends in .gz is read through gzip."""
    assert list(read_file(io.BytesIO(gzip.compress(b"1\n2\n")), "data.jsonl.gz", JSONL)) == [1, 2]


@pytest.mark.parametrize("body", [b"1\n2\n", gzip.compress(b"1\n" * 1000)[:-12]])
def test_a_file_that_is_not_gzip_fails(body: bytes) -> None:
    """A .gz object that is no whole gzip file is States.ItemReaderFailed."""
    with pytest.raises(StatesError, match=r"cannot be unpacked") as failure:
        list(read_file(io.BytesIO(body), "data.jsonl.gz", JSONL))
    assert failure.value.error == "States.ItemReaderFailed"


def test_several_files_are_one_data_set() -> None:
    """Items are numbered throughout, name their own file, and count together; no file is read in vain."""

    def files() -> Iterator[tuple[DataFile, BinaryIO]]:
        yield DataFile("b", "1"), io.BytesIO(b"1\n2\n")
        yield DataFile("b", "2"), io.BytesIO(b"")
        yield DataFile("b", "3.gz"), io.BytesIO(gzip.compress(b"3\n4\n"))
        raise AssertionError("read too far")

    items = list(items_of_files(files(), ReaderConfig("JSONL", max_items=3)))
    assert items == [Item(0, None, 1, "s3://b/1"), Item(1, None, 2, "s3://b/1"), Item(2, None, 3, "s3://b/3.gz")]


def test_of_several_files_the_one_that_fails_is_named() -> None:
    """What cannot be read is told with its address; what was read before it stays."""
    files: list[tuple[DataFile, BinaryIO]] = [
        (DataFile("b", "1"), io.BytesIO(b"1\n")),
        (DataFile("b", "2"), io.BytesIO(b"{\n")),
    ]
    items = items_of_files(files, JSONL)
    assert next(items).value == 1
    with pytest.raises(StatesError, match=r"s3://b/2: Line 1 of the JSONL file is not valid JSON"):
        next(items)


@pytest.mark.parametrize("error", [ApiError("InternalError", "no more of it", 500), OSError("the disk is gone")])
def test_a_body_that_fails_in_the_middle_fails_the_reader(error: Exception) -> None:
    """What breaks while a body comes is States.ItemReaderFailed, with the reason."""

    def pieces() -> Iterator[bytes]:
        yield b"1\n"
        raise error

    with pytest.raises(StatesError, match=r"no more of it|the disk is gone") as failure:
        list(read_file(PieceStream(pieces()), "k", JSONL))  # type: ignore[arg-type]  # a BinaryIO in all but name
    assert failure.value.error == "States.ItemReaderFailed"


def test_a_manifest_is_no_file_of_items() -> None:
    """Somebody has to read the files that it names."""
    with pytest.raises(StatesError, match="manifest"):
        read_file(io.BytesIO(b""), "k", reader_config({"InputType": "MANIFEST"}))


def test_a_file_without_input_type_is_refused() -> None:
    """getObject needs an InputType."""
    with pytest.raises(StatesError, match="InputType is required"):
        read_file(io.BytesIO(b""), "k", ReaderConfig())
