"""What a Map under test makes of its items, without an iteration: ItemsPath, ItemReader, ItemSelector, ItemBatcher."""

from __future__ import annotations

import io
from collections.abc import Iterator

from stepsim.asl.machine import DistributedMap, ItemReader, MapState
from stepsim.asl.payload import JSON, decode, encode
from stepsim.runtime.branches import select
from stepsim.runtime.frame import Frame
from stepsim.runtime.item_source import ItemSource
from stepsim.runtime.items import Item, Pair, items_of_data, read_file, reader_config
from stepsim.runtime.items_config import ReaderConfig, reader_failed
from stepsim.runtime.map_counts import MapCounts, Tolerance
from stepsim.runtime.map_runs import Batching, child_inputs, tolerance_of


def inspect_map(
    state: MapState, effective: JSON, frame: Frame, reader_data: str | None, notes: dict[str, JSON], *, jsonata: bool
) -> int | None:
    """Evaluate a Map's fields and note what they give, as JSON text.

    Returns how many iterations it would have; None where its ItemReader was given nothing to read. Nothing is read
    from S3. Raises StatesError as the state would.
    """
    distributed = state.distributed
    reader = None if distributed is None else distributed.reader
    items: list[Item] | None
    if reader is None:
        data = state.items(effective, frame)
        if not jsonata:
            notes["afterItemsPath"] = encode(data)
        items = list(items_of_data(data))
    else:
        items = _read(reader, effective, frame, reader_data, notes)
    notes["maxConcurrency"] = state.max_concurrency(effective, frame)
    if distributed is not None:
        _note_tolerance(tolerance_of(distributed, effective, frame), notes)
    if items is None:
        return None
    inputs = _inputs(state, items, effective, frame)
    if state.item_selector is not None:
        notes["afterItemSelector"] = encode(inputs)
    if distributed is None or distributed.batcher is None:
        return len(inputs)
    return _batch(distributed, inputs, effective, frame, notes)


def exceeded(state: MapState, effective: JSON, frame: Frame, failed: int, iterations: int | None) -> bool:
    """True where so many failed iterations are more than the Map tolerates: an inline Map tolerates none."""
    distributed = state.distributed
    tolerance = Tolerance() if distributed is None else tolerance_of(distributed, effective, frame)
    counts = MapCounts(expected=iterations)
    counts.items.failed = failed
    return tolerance.exceeded(counts)


def _note_tolerance(tolerance: Tolerance, notes: dict[str, JSON]) -> None:
    if tolerance.count is not None:
        notes["toleratedFailureCount"] = tolerance.count
    if tolerance.percentage is not None:
        notes["toleratedFailurePercentage"] = tolerance.percentage


def _inputs(state: MapState, items: list[Item], effective: JSON, frame: Frame) -> list[JSON]:
    if state.distributed is not None:
        return list(child_inputs(state, ItemSource(iter(items)), effective, frame))
    selector = state.item_selector
    if selector is None:
        return [item.value for item in items]
    return [select(selector, effective, {"Index": item.index, "Value": item.value}, frame) for item in items]


def _batch(
    distributed: DistributedMap, inputs: list[JSON], effective: JSON, frame: Frame, notes: dict[str, JSON]
) -> int:
    batching = Batching(distributed.batcher, effective, frame)
    batches: list[JSON] = [batch.payload.value for batch in batching.batches(iter(inputs))]
    notes["afterItemBatcher"] = encode(batches)
    return len(batches)


# -- what an ItemReader would read ------------------------------------------------------------------------------------


def _read(
    reader: ItemReader, effective: JSON, frame: Frame, data: str | None, notes: dict[str, JSON]
) -> list[Item] | None:
    arguments = reader.arguments(effective, frame)
    max_items = 0 if reader.max_items is None else reader.max_items(effective, frame)
    config = reader_config({**reader.config, "MaxItems": max_items})
    if data is None:
        return None
    listed = reader.resource.action == "listObjectsV2"
    source = f"s3://{arguments.get('Bucket')}" + ("" if listed else f"/{arguments.get('Key')}")
    # What is flattened are the objects, not their listing.
    plain = listed and not config.flattens
    values = list(_listing(data, config) if plain else read_file(io.BytesIO(data.encode()), "", config))
    if config.items_pointer:
        notes["afterItemsPointer"] = encode(_pointed(values))
    return list(_numbered(values, source))


def _listing(data: str, config: ReaderConfig) -> list[JSON]:
    """The objects of a listing: ListObjectsV2's response, or its Contents alone."""
    try:
        listing = decode(data)
    except ValueError as error:
        raise reader_failed(f"The listing is not JSON: {error}") from None
    contents = listing.get("Contents") if isinstance(listing, dict) else listing
    if not isinstance(contents, list):
        raise reader_failed("The listing is neither an array nor an object with Contents.")
    return contents[: config.max_items]


def _pointed(values: list[JSON | Pair]) -> JSON:
    """The array or object that ItemsPointer leads to."""
    if values and type(values[0]) is Pair:
        return {pair.key: pair.value for pair in values}
    return values


def _numbered(values: list[JSON | Pair], source: str) -> Iterator[Item]:
    for index, value in enumerate(values):
        if type(value) is Pair:
            yield Item(index, value.key, value.value, source)
        else:
            yield Item(index, None, value, source)


def result_is_object(state: MapState) -> bool:
    """True where a Map's result is an object: that of a ResultWriter that exports."""
    writer = None if state.distributed is None else state.distributed.writer
    return writer is not None and writer.arguments is not None
