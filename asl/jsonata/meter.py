"""What our functions may be given and give back in one evaluation: no engine looks at the clock meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepsim.asl.jsonata.engine import EngineError, Function
from stepsim.asl.jsonata.limits import TOO_LARGE, Limits

_ELEMENT_BYTES = 16
"""What an element counts, whatever it is."""


def metered(bindings: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The variables and functions, the functions together within the limit. One that exceeds it raises EngineError."""
    if limits.host_bytes is None:
        return bindings
    functions = {name: value for name, value in bindings.items() if callable(value)}
    if not functions:
        return bindings
    meter = _Meter(limits.host_bytes)
    return {**bindings, **{name: meter.watch(function) for name, function in functions.items()}}


class _Meter:
    __slots__ = ("_left",)

    def __init__(self, left: int) -> None:
        self._left = left

    def watch(self, function: Function) -> Function:
        def watched(*arguments: Any) -> Any:
            self._count(arguments)
            value = function(*arguments)
            self._count((value,))
            return value

        return watched

    def _count(self, values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, list | dict):
                self._left -= len(value) * _ELEMENT_BYTES
            elif isinstance(value, str):
                self._left -= len(value)
        if self._left < 0:
            raise EngineError("", TOO_LARGE)
