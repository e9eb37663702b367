"""Batches that were never started."""

from __future__ import annotations

import tracemalloc

from stepsim.asl.payload import Double, Payload, WrittenPayload
from stepsim.runtime.items_batches import Batch
from stepsim.runtime.pending_batches import PendingBatches


def test_batches_come_back_as_they_were() -> None:
    """However many they are: order, texts, and values with the kinds of their numbers."""
    pending = PendingBatches()
    for n in range(3000):
        pending.append(Batch(Payload({"n": n, "at": Double(n)}, f'{{"n": {n}, "at":"{"x" * 500}"}}'), 2, 2 * n))
    pending.append(Batch(WrittenPayload('{"Items":[1]}'), 1, 6000))
    taken = list(pending.take())
    assert [batch.first_index for batch in taken] == [*range(0, 6000, 2), 6000]
    assert taken[7].payload.text.startswith('{"n": 7, ')
    assert type(taken[7].payload.value["at"]) is Double
    assert (taken[-1].payload.value, taken[-1].count) == ({"Items": [1]}, 1)


def test_memory_does_not_follow_their_number() -> None:
    """Tens of thousands take what is held before it goes to the disk."""

    def held(count: int) -> int:
        tracemalloc.start()
        pending = PendingBatches()
        for n in range(count):
            pending.append(Batch(Payload(n), 1, n))
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert sum(1 for _ in pending.take()) == count
        return taken

    assert held(40_000) < 2_000_000
