from __future__ import annotations

import os
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from stepsim.workers.room import MORE, SHORT_MS, Room

PROCESSORS = os.cpu_count() or 1


def after(durations_ms: Iterable[float], processes: int | None = None) -> int:
    """How many may run at once when these have ended."""
    room = Room(processes)
    for duration_ms in durations_ms:
        room.took(duration_ms)
    return room.most


def test_at_first_there_is_one_for_each_processor() -> None:
    """Nobody knows yet how long invocations take."""
    assert after([]) == PROCESSORS


def test_short_invocations_get_more() -> None:
    """They leave processors idle while they wait for the pool."""
    assert after([1.0]) == PROCESSORS + MORE


def test_long_invocations_get_no_more_than_processors() -> None:
    """They would share them, and some would be overdue."""
    assert after([SHORT_MS + 1] * 3) == PROCESSORS


def test_one_long_invocation_ends_what_short_ones_were_given() -> None:
    """However many were short before it; and however long it took, a few short ones bring them back."""
    assert after([1.0] * 100 + [1_000]) == PROCESSORS
    assert after([1.0] * 100 + [900_000] + [1.0] * 4) == PROCESSORS + MORE


@given(st.lists(st.floats(0, 900_000)), st.integers(1, 64))
def test_what_was_asked_for_is_kept_to(durations_ms: list[float], processes: int) -> None:
    """A number of processes that somebody has set holds, however short invocations are."""
    assert after(durations_ms, processes) == Room(processes).limit == processes
