"""Integers beyond 2^53 through an engine that has doubles only: those that pass through come out as they went in.

AWS keeps integers exactly while they fit in 64 bits (measured). A double in a result that an integer among the
variables would have become, is that integer. What an expression calculates with them is a double's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stepsim.asl.payload import JSON, encode_bytes

_EXACT = 1 << 53
_MANY_DIGITS = re.compile(rb"\d{16}")
_LONGEST = 1 << 63


def restore_integers(value: JSON, bindings: dict[str, Any]) -> JSON:
    """The value, its integers beyond 2^53 taken from the variables where they stand there. Changes it in place."""
    kind = type(value)
    if kind is int:
        return _integers(bindings).get(value, value) if _is_large(value) else value
    # Writing a value is the fastest look at all of it.
    if (kind is not dict and kind is not list) or not _MANY_DIGITS.search(encode_bytes(value)):
        return value
    known: dict[int, int] | None = None
    for container in _containers(value):
        pairs = container.items() if type(container) is dict else enumerate(container)
        for place in [place for place, member in pairs if type(member) is int and _is_large(member)]:
            known = _integers(bindings) if known is None else known
            container[place] = known.get(container[place], container[place])
    return value


def _is_large(number: int) -> bool:
    return not -_EXACT < number < _EXACT


def _containers(value: JSON) -> Iterator[Any]:
    """The objects and arrays of a value, itself included."""
    waiting = [value]
    while waiting:
        container = waiting.pop()
        if type(container) is dict:
            waiting += [member for member in container.values() if type(member) is dict or type(member) is list]
        elif type(container) is list:
            waiting += [member for member in container if type(member) is dict or type(member) is list]
        else:
            continue
        yield container


def _integers(bindings: dict[str, Any]) -> dict[int, int]:
    """The integers of 64 bits among the variables that no double holds: as jlens gives them back -> as they are."""
    found: dict[int, int] = {}
    for container in _containers(bindings):
        for member in container.values() if type(container) is dict else container:
            if type(member) is int and _is_large(member) and -_LONGEST <= member < _LONGEST:
                found[int(float(member))] = member
    return found
