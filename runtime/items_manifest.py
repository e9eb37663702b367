"""Manifests: objects that name the files that hold the items. S3 inventories and what Athena's UNLOAD leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.items_config import MAX_ITEM_BYTES, ReaderConfig, reader_failed

_ARN = "arn:aws:s3:::"


class DataFile(NamedTuple):
    """An object to read items from."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """As ``Map.Item.Source`` has it."""
        return f"s3://{self.bucket}/{self.key}"


class Manifest(NamedTuple):
    """What a manifest says: which files, in its order, and how each of them is read."""

    files: Iterator[DataFile]
    config: ReaderConfig


def read_manifest(stream: BinaryIO, config: ReaderConfig) -> Manifest:
    """The manifest of the config's `manifest_type`. Raises States.ItemReaderFailed for a text that is no such."""
    if config.manifest_type == "S3_INVENTORY":
        return _inventory(stream, config)
    return Manifest(_lines(stream), replace(config, manifest_type=None))


def _inventory(stream: BinaryIO, config: ReaderConfig) -> Manifest:
    """An inventory's ``manifest.json``. Its files are CSV without a first row of names; ``fileSchema`` has those."""
    try:
        manifest = decode(stream.read())
    except (ValueError, RecursionError) as error:
        raise reader_failed(f"The manifest of the S3 inventory is not valid JSON: {error}.") from error
    if not isinstance(manifest, dict):
        raise reader_failed("The manifest of the S3 inventory is no JSON object.")
    if (kind := manifest.get("fileFormat")) != "CSV":
        raise reader_failed(f"The S3 inventory's fileFormat is {kind!r}; only CSV can be read.")
    bucket, schema, files = (manifest.get(name) for name in ("destinationBucket", "fileSchema", "files"))
    if not isinstance(bucket, str) or not isinstance(schema, str) or not isinstance(files, list):
        raise reader_failed("The manifest of an S3 inventory has destinationBucket, fileSchema and files.")
    headers = tuple(name.strip() for name in schema.split(","))
    found = [DataFile(bucket.removeprefix(_ARN), _key_of(file)) for file in files]
    given = ReaderConfig("CSV", "GIVEN", headers, max_items=config.max_items)
    return Manifest(iter(found), given)


def _key_of(file: JSON) -> str:
    key = file.get("key") if isinstance(file, dict) else None
    if not isinstance(key, str):
        raise reader_failed("Each file in the manifest of an S3 inventory has a key.")
    return key


def _lines(stream: BinaryIO) -> Iterator[DataFile]:
    """Athena's ``<query>-manifest.csv``: the address of a file in each line."""
    for number, line in enumerate(_split(stream), 1):
        if not line.strip():
            continue
        try:
            address = line.decode().strip().strip('"')
        except UnicodeDecodeError as error:
            raise reader_failed(f"Line {number} of the manifest is not UTF-8.") from error
        bucket, slash, key = address.removeprefix("s3://").partition("/")
        if not address.startswith("s3://") or not slash or not key:
            raise reader_failed(f"Line {number} of the manifest is no address of an S3 object: {address[:200]!r}.")
        yield DataFile(bucket, key)


def _split(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while piece := stream.read(1 << 16):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > MAX_ITEM_BYTES:
            raise reader_failed("A line of the manifest is larger than 8 MB.")
    yield rest
