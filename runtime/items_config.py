"""What a distributed map's ReaderConfig says, once its paths are evaluated, and how a reader fails.

The readers share this file; they live in ``items_csv``, ``items_json`` and ``items``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepsim.asl.errors import ITEM_READER_FAILED, StatesError
from stepsim.asl.payload import JSON

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""``CSVDelimiter``'s words."""

MAX_HEADER_BYTES = 10 * 1024
MAX_ITEM_BYTES = 8 * 1024 * 1024
"""The largest item that may be read; an ItemSelector has to shrink it to what an execution's input may hold."""

MAX_ITEMS = 100_000_000
"""The most items that one map run reads; a larger MaxItems is accepted and not reached."""

READABLE = ("CSV", "JSON", "JSONL")
_UNSUPPORTED = {
    "InputType": ("PARQUET", "MANIFEST"),
    "ManifestType": ("S3_INVENTORY", "ATHENA_DATA"),
    "Transformation": ("LOAD_AND_FLATTEN",),
}
_KEYS = (
    "InputType", "ManifestType", "Transformation", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems",
    "ItemsPointer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """An ItemReader's ReaderConfig. `input_type` is None where objects are listed rather than read."""

    input_type: str | None = None
    csv_header_location: str = "FIRST_ROW"
    csv_headers: tuple[str, ...] = ()
    csv_delimiter: str = ","
    """The character itself."""
    items_pointer: str = ""
    """A JSON Pointer (RFC 6901); empty is the whole document."""
    max_items: int = MAX_ITEMS


def reader_failed(cause: str) -> StatesError:
    """The failure of an ItemReader. A Retry or Catch of the Map state can match it."""
    return StatesError(ITEM_READER_FAILED, cause)


def reader_config(fields: Mapping[str, JSON]) -> ReaderConfig:
    """The ReaderConfig written in these fields, its paths already evaluated (``MaxItems``, never ``MaxItemsPath``).

    A MaxItems of 0 or none is no limit (recorded). Raises States.ItemReaderFailed with AWS's text for a negative
    MaxItems, and with ours, naming the field, for a value that is unknown or that this version cannot read.
    """
    for key, value in fields.items():
        if key not in _KEYS:
            raise reader_failed(f"ReaderConfig.{key} is not a field that stepsim knows.")
        if value in _UNSUPPORTED.get(key, ()):
            raise reader_failed(f"ReaderConfig.{key} {value} is not supported by this version of stepsim yet.")
    input_type = _word(fields, "InputType", READABLE)
    _word(fields, "Transformation", ("NONE",))
    if "ManifestType" in fields:
        raise reader_failed(f"ReaderConfig.ManifestType cannot be {fields['ManifestType']!r}.")
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
    )


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
