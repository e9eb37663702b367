"""Functions of jlens that take time by the square of what they are given, and do not look at the clock meanwhile.

In front of an expression that mentions one stands a definition of the same name, which hands what is large to one of
ours and everything else to jlens. A variable of that name stays what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from stepsim.asl.payload import JSON

_MANY = 64
"""Results up to which jlens is as fast."""

_DEFINITIONS = {
    "distinct": "function($stepsim_a)<x:x>{($stepsim_r := $stepsim_many_distinct($stepsim_a); "
    "$exists($stepsim_r) ? $stepsim_r : $stepsim_distinct($stepsim_a))}",
    "keys": 'function($stepsim_o)<x-:x>{$type($stepsim_o) = "object" ? $each($stepsim_o, function($v, $k){$k}) : '
    "($stepsim_r := $stepsim_many_keys($stepsim_o); $exists($stepsim_r) ? $stepsim_r : $stepsim_keys($stepsim_o))}",
}
_MENTIONED = re.compile(rf"\$({'|'.join(_DEFINITIONS)})\b")


def in_linear_time(text: str) -> str:
    """The expression with definitions in front of it for the functions that it mentions; itself where it has none."""
    names = sorted(set(_MENTIONED.findall(text)))
    front = "".join(
        f'$stepsim_{name} := ${name}; ${name} := $type(${name}) = "function" ? {_DEFINITIONS[name]} : ${name}; '
        for name in names
    )
    return f"({front}\n{text}\n)" if front else text


def _many_distinct(array: JSON = None) -> JSON:
    """What is distinct in an array, if that is much; nothing otherwise."""
    if not isinstance(array, list) or len(array) <= _MANY:
        return None
    known: dict[str, JSON] = {}
    try:
        for item in array:
            known.setdefault(json.dumps(item, sort_keys=True), item)
    except TypeError:
        return None  # A function is no JSON.
    return list(known.values()) if len(known) > _MANY else None


def _many_keys(objects: JSON = None) -> JSON:
    """The names in an array of objects, if they are many; nothing otherwise."""
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        return None
    names = dict.fromkeys(name for item in objects for name in item)
    return list(names) if len(names) > _MANY else None


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "stepsim_many_distinct": _many_distinct,
    "stepsim_many_keys": _many_keys,
}
"""What the definitions call."""
