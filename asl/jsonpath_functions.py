"""The functions that may end a JSONPath: ``$.items.length()``, ``$..price.sum()``. A table, as Jayway's library has it.

Numbers come out as doubles, so the sum of ``[1, 2]`` is ``3.0``.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from stepsim.asl.errors import PathNotFound
from stepsim.asl.payload import JSON, encode

Function: TypeAlias = Callable[[JSON, Sequence[JSON]], JSON]
"""(value before the call, arguments) -> result."""

_EMPTY = "Aggregation function attempted to calculate value using empty array"


def _aggregate(calculate: Callable[[list[float]], float]) -> Function:
    def function(value: JSON, arguments: Sequence[JSON]) -> JSON:
        numbers = [float(item) for source in ([value], arguments) for item in _flat(source) if _is_number(item)]
        if not numbers:
            raise PathNotFound(_EMPTY)
        return calculate(numbers)

    return function


def _flat(values: Sequence[JSON]) -> list[JSON]:
    return [item for value in values for item in (value if type(value) is list else [value])]


def _is_number(value: JSON) -> bool:
    return type(value) is int or isinstance(value, float)


def _average(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    mean = _average(numbers)
    return math.sqrt(sum(number * number for number in numbers) / len(numbers) - mean * mean)


def _length(value: JSON, arguments: Sequence[JSON]) -> JSON:
    counted = arguments[0] if arguments and type(arguments[0]) is list else value
    return len(counted) if isinstance(counted, list | dict) else None


def _keys(value: JSON, arguments: Sequence[JSON]) -> JSON:
    return list(value) if type(value) is dict else None


def _concat(value: JSON, arguments: Sequence[JSON]) -> JSON:
    items = _flat([value] if type(value) is list else []) + _flat(arguments)
    return "".join(item for item in items if type(item) is str)


def _append(value: JSON, arguments: Sequence[JSON]) -> JSON:
    return [*value, *arguments] if type(value) is list else value


def _distinct(value: JSON, arguments: Sequence[JSON]) -> JSON:
    if type(value) is not list:
        raise PathNotFound(_EMPTY)
    first_of: dict[str, JSON] = {}
    for item in value:
        first_of.setdefault(encode(item), item)
    return list(first_of.values())


def _item(value: JSON, index: JSON) -> JSON:
    if type(value) is not list or type(index) is not int:
        raise PathNotFound(_EMPTY)
    if not -len(value) <= index < len(value):
        raise PathNotFound(f"Target index:{index} larger than object count:{len(value)}")
    return value[index]


FUNCTIONS: dict[str, Function] = {
    "append": _append,
    "avg": _aggregate(_average),
    "concat": _concat,
    "distinct": _distinct,
    "first": lambda value, arguments: _item(value, 0),
    "index": lambda value, arguments: _item(value, arguments[0] if arguments else None),
    "keys": _keys,
    "last": lambda value, arguments: _item(value, -1),
    "length": _length,
    "max": _aggregate(max),
    "min": _aggregate(min),
    "size": _length,
    "stddev": _aggregate(_deviation),
    "sum": _aggregate(sum),
}
