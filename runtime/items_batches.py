"""Batches of items, each the input of one child execution (``ItemBatcher``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, StatesError
from stepsim.asl.payload import JSON, MAX_BYTES, Payload, WrittenPayload, encode_bytes

_END = b"]}"
_PIECE = 64
"""Items that are encoded together: one by one takes three times as long."""


@dataclass(slots=True)
class Batch:
    """The input of one child execution, and the items it stands for."""

    payload: Payload
    """``{"BatchInput": …, "Items": […]}``; BatchInput only where it is configured."""
    count: int
    first_index: int
    """Of its first item, in the whole dataset."""


def batches(
    items: Iterable[Any],
    max_items: int | None = None,
    max_bytes: int | None = None,
    batch_input: Payload | None = None,
    *,
    written: bool = False,
) -> Iterator[Batch]:
    """Yield batches of items in their order, each as full as its limits allow.

    `max_bytes` (MaxInputBytesPerBatch) bounds the whole input's text, and 262,144 bytes bound it in any case. Raises
    States.DataLimitExceeded for an item that does not fit alone; what AWS does then is unconfirmed. Where they are to
    be `written`, items may be anything that is encoded as JSON, and nothing but the text is kept of them.
    """
    limit = min(max_bytes or MAX_BYTES, MAX_BYTES)
    start = b'{"Items":['
    if batch_input is not None:
        start = b'{"BatchInput":%b,"Items":[' % encode_bytes(batch_input.value)
    room = limit - len(start) - len(_END)
    head = {} if batch_input is None else {"BatchInput": batch_input.value}

    def batch(end: int) -> Batch:
        text = b"".join((start, b",".join(texts), _END)).decode()
        payload = WrittenPayload(text) if written else Payload({**head, "Items": values}, text)
        return Batch(payload, len(values), end - len(values))

    values: list[JSON] = []
    texts: list[bytes] = []
    size = index = 0
    source = iter(items)
    while piece := list(islice(source, _PIECE if max_items is None else min(_PIECE, max_items - len(values)))):
        text = encode_bytes(piece)[1:-1]
        if size + len(text) <= room:
            values += piece
            texts.append(text)
            size += len(text) + 1
            index += len(piece)
        else:
            for value in piece:
                text = encode_bytes(value)
                if values and size + len(text) > room:
                    yield batch(index)
                    values, texts, size = [], [], 0
                if len(text) > room:
                    raise _too_large(index, len(text) + limit - room, limit)
                values.append(value)
                texts.append(text)
                size += len(text) + 1
                index += 1
        if len(values) == max_items:
            yield batch(index)
            values, texts, size = [], [], 0
    if values:
        yield batch(index)


def single(items: Iterable[JSON]) -> Iterator[Batch]:
    """Yield each item as a child's input of its own, not wrapped.

    Raises States.DataLimitExceeded for one above 262,144 bytes: a reader may read items of 8 MB, which an ItemSelector
    has to shrink. What AWS does otherwise is unconfirmed.
    """
    for index, value in enumerate(items):
        payload = Payload(value)
        if payload.too_large:
            cause = f"The input of item {index} has {payload.size} bytes; the maximum is {MAX_BYTES}."
            raise StatesError(DATA_LIMIT_EXCEEDED, cause)
        yield Batch(payload, 1, index)


def _too_large(index: int, size: int, limit: int) -> StatesError:
    cause = f"The batch of item {index} alone has {size} bytes; the maximum is {limit}."
    return StatesError(DATA_LIMIT_EXCEEDED, cause)
