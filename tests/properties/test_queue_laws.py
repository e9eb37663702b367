"""Laws of queues: whatever is done to one, every message is somewhere, and counted there."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.cloud.queue_store import Messages

OPERATIONS = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 3)),
    st.tuples(st.just("receive"), st.integers(1, 10)),
    st.tuples(st.just("delete"), st.integers(0, 50)),
    st.tuples(st.just("change"), st.integers(0, 50)),
    st.tuples(st.just("wait"), st.integers(1, 40_000)),
)


class Message:
    """What a queue knows of a message."""

    def __init__(self, number: int, now_ms: int, delay_s: int) -> None:
        self.id = f"m{number}"
        self.body = str(number)
        self.sent_timestamp = now_ms
        self.delayed_until = float(now_ms + delay_s * 1000 if delay_s else 0)
        self.visible_at = 0.0
        self.approximate_receive_count = 0
        self.approximate_first_receive_timestamp: int | None = None
        self.receipt_handle = ""
        self.number = 0
        self.turn = -1
        self.hidden: str | None = None
        self.copied = False


class Stand:
    """A queue and its dead-letter queue, at the mercy of a list of operations."""

    def __init__(self, twice: frozenset[str]) -> None:
        self.now_ms = 0
        self.dead = Messages(lambda: 10**9, lambda: self.now_ms, lambda _: False)
        self.work = Messages(lambda: 100_000, lambda: self.now_ms, lambda message_id: message_id in twice)
        self.handles: list[str] = []
        self.hidden_until: dict[str, int] = {}
        self.sent = 0

    def do(self, operation: str, number: int) -> None:
        if operation == "send":
            self.work.append(Message(self.sent, self.now_ms, number))
            self.sent += 1
        elif operation == "receive":
            received = self.work.receive(number, 30, (2, self.dead.take_over), 5)
            assert not received or self.work.in_flight <= 5
            for message in received:
                assert self.hidden_until.get(message.id, 0) <= self.now_ms, "it was in flight"
                self.hidden_until[message.id] = self.now_ms + 30_000
                self.handles.append(message.receipt_handle)
        elif operation == "wait":
            self.now_ms += number
        elif self.handles:
            handle = self.handles[number % len(self.handles)]
            found: Any = self.work.find(handle)
            if operation == "delete":
                self.work.delete(handle)
                if found is not None:
                    self.hidden_until.pop(found.id, None)
            elif found is not None:
                self.work.change_visibility(found, number)
                self.hidden_until[found.id] = self.now_ms + number * 1000


@given(st.lists(OPERATIONS, max_size=120), st.frozensets(st.integers(0, 20).map("m{}".format)))
def test_every_message_is_somewhere(operations: list[tuple[str, int]], twice: frozenset[str]) -> None:
    """Sent ones and copies are deleted, dead, expired or there; none is in flight twice, nor more than may be."""
    stand = Stand(twice)
    for operation, number in operations:
        stand.do(operation, number)
        work = stand.work
        assert len(work) == work.visible + work.in_flight + work.delayed
    counts, dead = stand.work.settle(), stand.dead.settle()
    assert counts.sent == stand.sent
    assert counts.sent + counts.duplicates == counts.deleted + counts.dead_lettered + counts.expired + len(stand.work)
    assert counts.dead_lettered == dead.taken_over == len(stand.dead)
    assert dead.sent == 0
    assert counts.duplicates <= len(twice)
    assert counts.max_depth <= counts.sent
    assert counts.max_age_ms <= 100_000


@given(
    st.integers(1, 30),
    st.integers(1, 12),
    st.floats(0, 1),
    st.lists(st.integers(0, 29), max_size=10, unique=True),
)
def test_a_queue_is_emptied(count: int, batch: int, share: float, poison: list[int]) -> None:
    """Who deletes what is good and leaves what is bad ends with an empty queue: each is taken or dead."""
    twice = frozenset(f"m{n}" for n in range(int(count * share)))
    stand = Stand(twice)
    for n in range(count):
        stand.work.append(Message(n, 0, 0))
    taken: list[str] = []
    while len(stand.work):
        received = stand.work.receive(batch, 30, (2, stand.dead.take_over), None)
        for message in received:
            if int(message.body) not in poison:
                taken.append(message.id)
                stand.work.delete(message.receipt_handle)
        if not received and len(stand.work):
            due_ms = stand.work.next_visible_ms()
            assert due_ms is not None
            stand.now_ms = due_ms
    bad = {f"m{n}" for n in poison if n < count}
    assert set(taken) == {f"m{n}" for n in range(count)} - bad
    assert len(taken) == len(set(taken)) + len(twice - bad)
    assert {message.id for message in stand.dead} == bad
