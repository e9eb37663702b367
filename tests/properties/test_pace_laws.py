"""Children of a map run start at their rate: against a plain reckoning, by fractions, of when each of them may."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.runtime.effects import Fork, NotBefore, Program, Sleep
from stepsim.runtime.map_quotas import paced
from stepsim.runtime.scheduler import Scheduler

RATES = (
    st.just(0)
    | st.sampled_from([3.90625, 7.8125, 62.5])
    | st.integers(1, 4_000)
    | st.floats(0.2, 4_000)
    | st.floats(0.2, 9)
)
TIMES_MS = st.integers(0, 900) | st.sampled_from([0, 0, 0, 1, 5_000, 61_000])
CHILDREN = st.tuples(TIMES_MS, st.none() | st.integers(0, 300) | st.integers(0, 9_000))
"""How long one takes, and when it can be read."""


def plain_starts(rate: float, room: int | None, children: list[tuple[int, int | None]], until_ms: int) -> list[int]:
    """When children start that take so long and perhaps cannot be read before a moment, by the exact rate."""
    starts: list[int] = []
    ends: list[int] = []
    due = Fraction(0)
    for takes_ms, ready_ms in children:
        if not rate:
            break
        at_ms = starts[-1] if starts else 0
        if room is not None and len(ends) >= room:
            # All but so many have to have ended.
            at_ms = max(at_ms, sorted(ends)[-room])
        at_ms = max(at_ms, int(due), ready_ms or 0)
        due = (due if at_ms == int(due) else at_ms) + 1000 / Fraction(rate)
        starts.append(at_ms)
        ends.append(at_ms + takes_ms)
    return [at_ms for at_ms in starts if at_ms <= until_ms]


@settings(max_examples=250)
@given(
    RATES,
    st.none() | st.integers(1, 5),
    st.lists(CHILDREN, max_size=3) | st.lists(CHILDREN, min_size=8, max_size=40),
    st.sampled_from([10_000_000, 10_000_000, 3_000]),
)
def test_children_of_a_map_run_start_one_by_one(
    rate: float, room: int | None, children: list[tuple[int, int | None]], until_ms: int
) -> None:
    """All of them, in order, as soon as rate, room and data let them; what was missed is not made up for."""
    scheduler = Scheduler(lambda _ticket, _request: None)
    started: list[tuple[int, int]] = []

    def child(index: int, takes_ms: int) -> Program:
        started.append((index, scheduler.now_ms))
        yield Sleep(scheduler.now_ms + takes_ms)

    def read() -> Iterator[Program | NotBefore]:
        for index, (takes_ms, ready_ms) in enumerate(children):
            if ready_ms is not None and ready_ms > scheduler.now_ms:
                yield NotBefore(ready_ms)
            yield child(index, takes_ms)

    def run() -> Program:
        yield Fork(paced(read(), rate, scheduler), room)

    scheduler.spawn(run())
    while (due_ms := scheduler.next_deadline()) is not None and due_ms <= until_ms:
        scheduler.advance(due_ms)
    assert started == [*enumerate(plain_starts(rate, room, children, until_ms))]
    for first, (_, begins_ms) in enumerate(started):
        for last, (_, ends_ms) in enumerate(started[first:]):
            assert last * 1000 < (ends_ms - begins_ms + 1) * Fraction(rate), "more than its rate, and one, in this time"
