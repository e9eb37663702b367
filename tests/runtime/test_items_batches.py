from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import MAX_BYTES, Payload, encode
from stepsim.runtime.items_batches import batches

VALUES = st.lists(st.text(max_size=8) | st.integers() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=3))


def test_batches_of_a_hundred() -> None:
    """1,130 items in batches of 100 are 12 batches (recorded), each knowing its first item."""
    made = list(batches(range(1130), 100))
    assert len(made) == 12
    assert [batch.count for batch in made] == [100] * 11 + [30]
    assert [batch.first_index for batch in made] == list(range(0, 1130, 100))


def test_the_input_of_a_child() -> None:
    """A child's input holds BatchInput, where there is one, before Items."""
    [plain] = batches([1, {"a": "ü"}])
    assert plain.payload.text == '{"Items":[1,{"a":"ü"}]}'
    [batch] = batches([1], 5, batch_input=Payload.of_text('{ "tag": "t" }'))
    assert batch.payload.text == '{"BatchInput":{"tag":"t"},"Items":[1]}'
    assert batch.payload.value == {"BatchInput": {"tag": "t"}, "Items": [1]}


def test_a_byte_limit_counts_the_whole_input() -> None:
    """MaxInputBytesPerBatch bounds the text of the input, its frame included."""
    size = len('{"Items":["ab","cd"]}')
    assert [batch.count for batch in batches(["ab", "cd", "ef"], None, size)] == [2, 1]
    assert [batch.count for batch in batches(["ab", "cd", "ef"], None, size - 1)] == [1, 1, 1]


def test_a_batch_never_exceeds_the_payload_limit() -> None:
    """Without a byte limit a batch is still capped at 262,144 bytes."""
    made = list(batches(["x" * 1000] * 1000, 1000))
    assert len(made) > 1
    assert all(batch.payload.size <= MAX_BYTES for batch in made)


def test_an_item_that_does_not_fit_fails() -> None:
    """An item too large for a batch of its own is States.DataLimitExceeded, after the batches before it."""
    made = batches(["a", "b" * 50], 1, 30)
    assert next(made).count == 1
    with pytest.raises(StatesError, match="item 1 alone has 64 bytes; the maximum is 30") as failure:
        next(made)
    assert failure.value.error == "States.DataLimitExceeded"


def test_batches_are_made_as_they_are_asked_for() -> None:
    """No more items are read than a batch and the one that ends it."""

    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    assert next(batches(endless(), 3)).payload.value == {"Items": [0, 1, 2]}


@given(VALUES, st.none() | st.integers(1, 5), st.none() | st.integers(300, 400), st.none() | st.just(Payload({"t": 1})))
def test_batches_are_the_items(
    items: list[object], max_items: int | None, max_bytes: int | None, batch_input: Payload | None
) -> None:
    """Batches put together are the items in order, each within its limits and its text that of its value."""
    made = list(batches(items, max_items, max_bytes, batch_input))
    assert [value for batch in made for value in batch.payload.value["Items"]] == items
    assert all(0 < batch.count <= (max_items or len(items)) for batch in made)
    assert all(batch.payload.size <= (max_bytes or MAX_BYTES) for batch in made)
    assert all(batch.payload.text == encode(batch.payload.value) for batch in made)
    assert [batch.first_index for batch in made] == [sum(b.count for b in made[:n]) for n in range(len(made))]


@given(VALUES, st.integers(1, 5), st.integers(30, 60))
def test_written_batches_are_the_same_and_are_read_on_demand(values: list[object], most: int, limit: int) -> None:
    """Only the text is kept; the value is what it says."""
    try:
        kept = list(batches(values, most, limit))
    except StatesError:
        return
    written = list(batches(values, most, limit, written=True))
    assert [(one.payload.text, one.count, one.first_index) for one in written] == [
        (one.payload.text, one.count, one.first_index) for one in kept
    ]
    assert [one.payload for one in written] == [one.payload for one in kept]
    assert all(one.payload.value is one.payload.value for one in written)
