from __future__ import annotations

import io
import json

import pytest

from stepsim.asl.errors import StatesError
from stepsim.runtime.items_config import ReaderConfig, reader_config
from stepsim.runtime.items_manifest import DataFile, read_manifest

INVENTORY = reader_config({"InputType": "MANIFEST"})
ATHENA = reader_config({"ManifestType": "ATHENA_DATA", "InputType": "JSONL"})
MANIFEST = {
    "destinationBucket": "arn:aws:s3:::inventories",
    "fileFormat": "CSV",
    "fileSchema": "Bucket, Key, Size",
    "files": [{"key": "data/1.csv.gz", "size": 1, "MD5checksum": "f1"}, {"key": "data/2.csv.gz", "size": 2}],
}


def cause(text: str, config: ReaderConfig) -> str:
    with pytest.raises(StatesError) as failure:
        list(read_manifest(io.BytesIO(text.encode()), config).files)
    assert failure.value.error == "States.ItemReaderFailed"
    return str(failure.value.cause)


@pytest.mark.parametrize("fields", [{"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}])
def test_an_inventory_names_its_files_and_fields(fields: dict[str, str]) -> None:
    """An S3 inventory's files are CSV without names in them; its manifest has the names, and the bucket by its ARN."""
    files, config = read_manifest(io.BytesIO(json.dumps(MANIFEST).encode()), reader_config(fields))
    assert list(files) == [DataFile("inventories", "data/1.csv.gz"), DataFile("inventories", "data/2.csv.gz")]
    assert (config.input_type, config.csv_header_location) == ("CSV", "GIVEN")
    assert config.csv_headers == ("Bucket", "Key", "Size")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "no JSON object"),
        (json.dumps({**MANIFEST, "fileFormat": "ORC"}), "'ORC'; only CSV"),
        (json.dumps({**MANIFEST, "files": None}), "destinationBucket, fileSchema and files"),
        (json.dumps({**MANIFEST, "files": ["x"]}), "has a key"),
    ],
)
def test_what_is_no_inventory_fails(text: str, said: str) -> None:
    """What cannot be an inventory's manifest fails the reader."""
    assert said in cause(text, INVENTORY)


def test_a_manifest_of_athena_has_an_address_a_line() -> None:
    """Each line is the address of a file that is read by the ReaderConfig itself."""
    text = b's3://results/a/1.gz\n\n"s3://results/a/2.gz"\r\ns3://other/b'
    files, config = read_manifest(io.BytesIO(text), ATHENA)
    assert list(files) == [DataFile("results", "a/1.gz"), DataFile("results", "a/2.gz"), DataFile("other", "b")]
    assert config == ReaderConfig("JSONL")


@pytest.mark.parametrize("line", ["results/a", "s3://results", "s3://results/", "https://x/y"])
def test_a_line_that_is_no_address_fails(line: str) -> None:
    """What is no s3:// address is named with its line."""
    assert cause(f"s3://results/a\n{line}\n", ATHENA).startswith("Line 2 of the manifest is no address")


def test_an_address_is_a_source() -> None:
    """A file's address is what Map.Item.Source shows of its items."""
    assert DataFile("b", "k/1").uri == "s3://b/k/1"
