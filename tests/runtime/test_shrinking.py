from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from stepsim.runtime.shrinking import Exhausted, Shrunk, shrink


@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=5), st.sets(st.integers(0, 39), max_size=3))
def test_what_is_left_fails_and_needs_each_of_its_parts(count: int, all_of: set[int], any_of: set[int]) -> None:
    """Whatever it takes to fail (all of some parts, or one of others), none of what is left can be left out."""
    parts = range(count)

    def fails(left: Sequence[int]) -> bool:
        return all_of <= set(left) or bool(any_of & set(left))

    def first_failing(candidates: Sequence[Sequence[int]]) -> int | None:
        return next((index for index, candidate in enumerate(candidates) if fails(candidate)), None)

    if not fails(parts):
        return
    left = shrink(parts, first_failing)
    assert left.minimal
    assert fails(left.parts)
    assert list(left.parts) == sorted(left.parts)
    assert not any(fails([part for part in left.parts if part != out]) for out in left.parts)


def test_where_time_is_up_the_fewest_so_far_are_left() -> None:
    """What is cut off says that it is."""
    tries = 0

    def first_failing(candidates: Sequence[Sequence[int]]) -> int | None:
        nonlocal tries
        tries += 1
        if tries > 3:
            raise Exhausted
        return next((index for index, candidate in enumerate(candidates) if 7 in candidate), None)

    assert shrink(range(64), first_failing) == Shrunk(tuple(range(16)), minimal=False)
