"""What the first state of a Map's processor may expect of items that are listed from S3."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepsim.asl.parse import Path
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_suggestions import did_you_mean
from stepsim.asl.validate_transitions import processor_of

LISTED = ("Etag", "Key", "LastModified", "Size", "StorageClass")
"""The fields of an item of s3:listObjectsV2 (recorded)."""

_BATCHED = ("Items", "BatchInput")
_FIRST_FIELD = re.compile(r"\$\.([A-Za-z_]\w*)")
_LISTING_WORDS = ("Prefix", "Prefix.$")


def check_listed_items(state: dict[str, JSON], around: dict[str, JSON], path: Path, findings: Findings) -> None:
    """Warn where the first state of a processor reads a field that no listed item, or no batch of them, has.

    ``around`` are the states beside the Map: a processor without States of its own may start with one of those.
    """
    reader = state.get("ItemReader")
    if type(reader) is not dict or not _lists(reader) or "ItemSelector" in state or "Parameters" in state:
        return
    fields = _BATCHED if "ItemBatcher" in state else LISTED
    field, processor = processor_of(state)
    if type(processor) is not dict:
        return
    start, inside = processor.get("StartAt"), processor.get("States")
    if type(start) is not str:
        return
    if type(inside) is dict:
        place, first = (*path, field, "States", start), inside.get(start)
    else:
        place, first = (*path[:-1], start), around.get(start)
    if type(first) is not dict or first.get("QueryLanguage", "JSONPath") != "JSONPath" or "InputPath" in first:
        return
    for where, name, text in _reads(first.get("Parameters"), (*place, "Parameters")):
        if name not in fields:
            _warn(name, text, fields, where, findings)


def _lists(reader: dict[str, JSON]) -> bool:
    """True for a reader that lists objects, and for one that names nothing but the prefix to list."""
    config = reader.get("ReaderConfig")
    if type(config) is dict and config.get("Transformation", "NONE") != "NONE":
        return False
    resource = reader.get("Resource")
    if resource is not None:
        return type(resource) is str and resource.endswith(":s3:listObjectsV2")
    return any(type(value) is dict and any(word in value for word in _LISTING_WORDS) for value in reader.values())


def _reads(template: JSON, path: Path) -> Iterator[tuple[Path, str, str]]:
    """The first field of each path into the state's input, with its place."""
    waiting: list[tuple[Path, JSON]] = [(path, template)]
    while waiting:
        place, value = waiting.pop()
        if type(value) is dict:
            waiting += [((*place, name), item) for name, item in value.items()]
        elif type(value) is list:
            waiting += [((*place, index), item) for index, item in enumerate(value)]
        elif type(value) is str and str(place[-1]).endswith(".$"):
            match = _FIRST_FIELD.match(value)
            if match is not None:
                yield place, match.group(1), value


def _warn(name: str, text: str, fields: tuple[str, ...], path: Path, findings: Findings) -> None:
    what = "a batch" if fields is _BATCHED else "an item of s3:listObjectsV2"
    hint = "Write '$.Key' for the object's key." if "key" in name.lower() and fields is LISTED else None
    findings.warning(
        "UNKNOWN_ITEM_FIELD",
        f"'{text}' leads nowhere: {what} has {', '.join(fields)}",
        path,
        hint or did_you_mean(name, fields) or f"Read one of {', '.join(fields)}, or shape the items with ItemSelector.",
    )
