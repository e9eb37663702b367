"""What a distributed map's ReaderConfig says, once its paths are evaluated, and how a reader fails.

The readers share this file; they live in ``items_csv``, ``items_json`` and ``items``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepsim.asl.errors import ITEM_READER_FAILED, StatesError
from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.call import ApiError

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""``CSVDelimiter``'s words."""

MAX_HEADER_BYTES = 10 * 1024
MAX_ITEM_BYTES = 8 * 1024 * 1024
"""The largest item that may be read; an ItemSelector has to shrink it to what an execution's input may hold."""

MAX_ITEMS = 100_000_000
"""The most items that one map run reads; a larger MaxItems is accepted and not reached."""

READABLE = ("CSV", "JSON", "JSONL", "PARQUET")
"""The types of one file; a MANIFEST names several."""

_IN_ATHENA_DATA = ("CSV", "JSONL", "PARQUET")
_KEYS = (
    "InputType", "ManifestType", "Transformation", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems",
    "ItemsPointer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """An ItemReader's ReaderConfig. `input_type` is None where objects are listed and not read, and in inventories."""

    input_type: str | None = None
    """CSV, JSON, JSONL or PARQUET."""
    csv_header_location: str = "FIRST_ROW"
    csv_headers: tuple[str, ...] = ()
    csv_delimiter: str = ","
    """The character itself."""
    items_pointer: str = ""
    """A JSON Pointer (RFC 6901); empty is the whole document."""
    max_items: int = MAX_ITEMS
    manifest_type: str | None = None
    """S3_INVENTORY or ATHENA_DATA, where the object that is read names the files to read."""
    flattens: bool = False
    """LOAD_AND_FLATTEN: the objects that are listed are read, too."""


def reader_failed(cause: str) -> StatesError:
    """The failure of an ItemReader. A Retry or Catch of the Map state can match it."""
    return StatesError(ITEM_READER_FAILED, cause)


def refused_by_s3(error: ApiError, what: str = "") -> StatesError:
    """The failure of an ItemReader that S3 refuses something; `what` names it where the definition doesn't."""
    where = f"Service: S3; Status Code: {error.status}; Error Code: {error.code}"
    return reader_failed(f"{what}{error.message} ({where})")


def reader_config(fields: Mapping[str, JSON]) -> ReaderConfig:
    """The ReaderConfig written in these fields, its paths already evaluated (``MaxItems``, never ``MaxItemsPath``).

    A MaxItems of 0 or none is no limit (recorded). Raises States.ItemReaderFailed with AWS's text for a negative
    MaxItems, and with ours, naming the field, for a value that is unknown or that this version cannot read.
    """
    for key in fields:
        if key not in _KEYS:
            raise reader_failed(f"ReaderConfig.{key} is not a field that stepsim knows.")
    input_type = _word(fields, "InputType", (*READABLE, "MANIFEST"))
    manifest_type = _word(fields, "ManifestType", ("S3_INVENTORY", "ATHENA_DATA"))
    flattens = _word(fields, "Transformation", ("NONE", "LOAD_AND_FLATTEN")) == "LOAD_AND_FLATTEN"
    if input_type == "MANIFEST":
        # The only manifests that there were before ManifestType came.
        input_type, manifest_type = None, manifest_type or "S3_INVENTORY"
    _check_together(input_type, manifest_type, flattens)
    location = _word(fields, "CSVHeaderLocation", ("FIRST_ROW", "GIVEN"))
    if input_type == "CSV" and location is None:
        raise reader_failed("ReaderConfig.CSVHeaderLocation is required where InputType is CSV.")
    headers = tuple(fields.get("CSVHeaders", ()))
    if location == "GIVEN" and not headers:
        raise reader_failed("ReaderConfig.CSVHeaders is required where CSVHeaderLocation is GIVEN.")
    return ReaderConfig(
        input_type,
        location or "FIRST_ROW",
        headers,
        DELIMITERS[_word(fields, "CSVDelimiter", DELIMITERS) or "COMMA"],
        fields.get("ItemsPointer", ""),
        _max_items(fields.get("MaxItems", 0)),
        manifest_type,
        flattens,
    )


def _check_together(input_type: str | None, manifest_type: str | None, flattens: bool) -> None:
    if manifest_type == "S3_INVENTORY" and input_type is not None:
        raise reader_failed(
            f"An S3 inventory has no ReaderConfig.InputType {input_type}: it says itself what it holds."
        )
    if manifest_type == "ATHENA_DATA" and input_type not in _IN_ATHENA_DATA:
        raise reader_failed(f"ReaderConfig.InputType of ATHENA_DATA is one of {', '.join(_IN_ATHENA_DATA)}.")
    if flattens and (input_type is None or manifest_type is not None):
        raise reader_failed(f"ReaderConfig.InputType of LOAD_AND_FLATTEN is one of {', '.join(READABLE)}.")


def _word(fields: Mapping[str, JSON], key: str, words: tuple[str, ...] | Mapping[str, str]) -> str | None:
    if key not in fields:
        return None
    word: str = fields[key]
    if word not in words:
        raise reader_failed(f"ReaderConfig.{key} cannot be {word!r}; it is one of {', '.join(words)}.")
    return word


def _max_items(value: int) -> int:
    if value < 0:
        raise reader_failed("field MaxItems must be positive")
    return min(value or MAX_ITEMS, MAX_ITEMS)
