"""Ranges of sort keys: what the second half of a key condition selects, and where a page starts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stepsim.runtime.cloud.dynamodb_conditions import KeyTerm
from stepsim.runtime.cloud.dynamodb_values import RawKey, invalid


class _Top:
    """Greater than every key: what closes a range of an index's places."""

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True


_TOP = _Top()


@dataclass(slots=True)
class Bounds:
    """A range of sort keys (of places, in an index); None is no bound."""

    low: Any = None
    high: Any = None
    low_included: bool = True
    high_included: bool = True

    def after(self, start: Any, *, forward: bool) -> None:
        """Leaves out what comes before `start`, and `start` itself, in the direction of reading."""
        if forward and (self.low is None or start >= self.low):
            self.low, self.low_included = start, False
        if not forward and (self.high is None or start <= self.high):
            self.high, self.high_included = start, False

    def of(self, keys: Any, *, forward: bool) -> Iterator[Any]:
        """Yields the keys of a sorted list that lie within, in the direction of reading."""
        if not isinstance(keys, list):
            included = (self.low_included, self.high_included)
            yield from keys.irange(self.low, self.high, included, reverse=not forward)
            return
        start, stop = 0, len(keys)
        if self.low is not None:
            start = bisect_left(keys, self.low) if self.low_included else bisect_right(keys, self.low)
        if self.high is not None:
            stop = bisect_right(keys, self.high) if self.high_included else bisect_left(keys, self.high)
        chosen = keys[start:stop]
        yield from chosen if forward else reversed(chosen)


def bounds_of(term: KeyTerm, keys: list[RawKey]) -> Bounds:
    """Returns the sort keys that a condition selects; raises ``ValidationException`` for an impossible one."""
    first = keys[0]
    match term.operator:
        case "=":
            return Bounds(first, first)
        case "<" | "<=":
            return Bounds(high=first, high_included=term.operator == "<=")
        case ">" | ">=":
            return Bounds(low=first, low_included=term.operator == ">=")
        case "BETWEEN":
            if keys[1] < first:
                raise invalid(
                    "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or "
                    f"equal to lower bound; lower bound operand: AttributeValue: {first}, "
                    f"upper bound operand: AttributeValue: {keys[1]}"
                )
            return Bounds(first, keys[1])
        case _:
            return _beginning_with(first)


def _beginning_with(prefix: RawKey) -> Bounds:
    """Returns the bounds of the keys that begin with a text or with bytes: up to the prefix's own successor."""
    if not isinstance(prefix, str | bytes):
        raise invalid(
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N"
        )
    units = list(prefix) if isinstance(prefix, bytes) else [ord(character) for character in prefix]
    last = 0xFF if isinstance(prefix, bytes) else 0x10FFFF
    while units and units[-1] == last:
        units.pop()
    if not units:
        return Bounds(low=prefix)
    units[-1] += 1
    successor = bytes(units) if isinstance(prefix, bytes) else "".join(map(chr, units))
    return Bounds(prefix, successor, high_included=False)


def bounds_of_places(bounds: Bounds) -> Bounds:
    """Returns bounds of sort keys as bounds of an index's places, which begin with the sort key."""
    low, high = bounds.low, bounds.high
    return Bounds(
        None if low is None else (low,) if bounds.low_included else (low, _TOP),
        None if high is None else (high, _TOP) if bounds.high_included else (high,),
    )
