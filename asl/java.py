"""What shows through of the Java that AWS evaluates expressions with: texts, equality, rounding, random numbers."""

from __future__ import annotations

import math

from stepsim.asl.payload import JSON, Double, encode

_CLASSES = {
    bool: "java.lang.Boolean",
    float: "java.lang.Double",
    Double: "java.lang.Double",
    int: "java.lang.Integer",
    list: "net.minidev.json.JSONArray",
    str: "java.lang.String",
    type(None): "null",
}
_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1


def java_class(value: JSON) -> str:
    """The class that a value which is no object has there."""
    if type(value) is int and not -(2**31) <= value < 2**31:
        return "java.lang.Long" if -(2**63) <= value < 2**63 else "java.math.BigInteger"
    return _CLASSES[type(value)]


def java_text(value: JSON) -> str:
    """A value as Java prints it: strings bare, objects as ``{a=1, b=[2]}`` (recorded), arrays as JSON."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if type(value) is dict:
        return "{" + ", ".join(f"{name}={java_text(item)}" for name, item in value.items()) + "}"
    return encode(value)


def java_equal(left: JSON, right: JSON) -> bool:
    """Deep equality: 1, 1.0 and true all differ, the order of an object's members does not count."""
    if type(left) is not type(right):
        return False
    if type(left) is dict:
        return left.keys() == right.keys() and all(java_equal(value, right[name]) for name, value in left.items())
    if type(left) is list:
        return len(left) == len(right) and all(map(java_equal, left, right))
    return bool(left == right)


def java_round(number: float) -> int:
    """``Math.round``: to the nearest integer, halves towards positive infinity."""
    return number if isinstance(number, int) else math.floor(number + 0.5)


def java_next_double(seed: int) -> float:
    """``new java.util.Random(seed).nextDouble()``: a 48-bit linear congruential generator, 26 and 27 bits of it."""
    state = _advance((seed ^ _MULTIPLIER) & _MASK)
    high = state >> 22
    low = _advance(state) >> 21
    return ((high << 27) + low) / (1 << 53)


def _advance(state: int) -> int:
    return (state * _MULTIPLIER + 0xB) & _MASK
