"""Shrinking: of the faults that struck a run that fails, the fewest with which it still fails (delta debugging).

A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002: *ddmin*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeAlias, TypeVar

P = TypeVar("P")

FirstFailing: TypeAlias = Callable[[Sequence[Sequence[P]]], int | None]
"""Tries candidates in their order: the index of the first that fails, or None. Raises Exhausted where time is up."""


class Exhausted(Exception):
    """No more may be tried."""


@dataclass(frozen=True, slots=True)
class Shrunk(Generic[P]):
    """What is left."""

    parts: tuple[P, ...]
    minimal: bool
    """Without any one of them it does not fail; False where there was no time to find that out."""


def shrink(parts: Sequence[P], first_failing: FirstFailing[P]) -> Shrunk[P]:
    """The fewest parts that still fail, given that all of them do: none can be left out."""
    left = tuple(parts)
    try:
        if first_failing([()]) is not None:
            return Shrunk((), minimal=True)
        number = 2
        while len(left) > 1:
            chunks = _chunks(left, number)
            # With two chunks, each is the other's rest.
            rests = [_rest(chunks, index) for index in range(len(chunks))] if len(chunks) > 2 else []
            found = first_failing([*chunks, *rests])
            if found is None:
                if number >= len(left):
                    break
                number = min(2 * number, len(left))
            elif found < len(chunks):
                left, number = chunks[found], 2
            else:
                left, number = rests[found - len(chunks)], max(number - 1, 2)
    except Exhausted:
        return Shrunk(left, minimal=False)
    return Shrunk(left, minimal=True)


def _chunks(parts: tuple[P, ...], number: int) -> list[tuple[P, ...]]:
    edges = [len(parts) * index // number for index in range(number + 1)]
    return [parts[start:end] for start, end in pairwise(edges)]


def _rest(chunks: Sequence[tuple[P, ...]], left_out: int) -> tuple[P, ...]:
    return tuple(part for index, chunk in enumerate(chunks) if index != left_out for part in chunk)
