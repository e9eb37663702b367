"""Numbers without end: AWS writes them as the strings "Infinity", "-Infinity" and "NaN" (measured).

jlens stops with D1001 at the calculation that gives one, and says where it stands. There it is replaced by a call of
our function, which gives the string; everything else stays as it was.
"""

from __future__ import annotations

import math
from typing import Any

NAME = "stepsim_calculate"
"""What the function is called inside an expression."""

_OPERATORS = frozenset("+-*/")


def rewrite(text: str, error: Any) -> str | None:
    """The text with the calculation of a D1001 replaced; None where the error does not say which one it was."""
    start, end, after, operator = error.start, error.end, error.position, error.token
    if operator not in _OPERATORS or None in (start, end, after):
        return None
    left, right = text[start : after - 1], text[after:end]
    if text[after - 1 : after] != operator or not left.strip() or not right.strip():
        return None
    return f'{text[:start]}${NAME}({left}, "{operator}", {right}){text[end:]}'


def calculate(left: Any, operator: str, right: Any) -> Any:
    """The result of a calculation, its name where it is not finite; nothing where an operand is missing."""
    if left is None or right is None:
        return None
    try:
        value = _result(float(left), operator, float(right))
    except OverflowError:
        value = math.inf
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def _result(left: float, operator: str, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right
