"""What HCL's expressions are and give: values as texts, as numbers, as what a ``for`` goes through; operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from stepsim.asl.payload import JSON, encode


class Scope(Protocol):
    """What an expression is evaluated in."""

    def look_up(self, steps: list[str | int]) -> JSON:
        """What a reference means: ``["var", "stage"]``; a hole where only AWS knows."""
        ...

    def call(self, name: str, arguments: list[JSON]) -> JSON:
        """What a function gives."""
        ...

    def inside(self, names: Mapping[str, JSON]) -> Scope:
        """The same with the names of a ``for``, or of a template."""
        ...


Expr: TypeAlias = Callable[[Scope], JSON]

FAILURES = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What an expression raises that cannot be worked out."""


def as_text(value: JSON) -> str:
    """A value within a text."""
    return value if isinstance(value, str) else encode(value)


def pairs(value: JSON, names: int) -> list[tuple[JSON, ...]]:
    """What a ``for`` goes through: values, or keys and values."""
    if isinstance(value, dict):
        return [(key, one) if names == 2 else (one,) for key, one in value.items()]
    items = value if isinstance(value, list) else []
    return [(index, one) if names == 2 else (one,) for index, one in enumerate(items)]


def member(value: JSON, name: JSON) -> JSON:
    """A member or an element; a hole where there is none."""
    if isinstance(value, dict) and as_text(name) in value:
        return value[as_text(name)]
    if isinstance(value, list) and as_text(name).isdigit() and int(as_text(name)) < len(value):
        return value[int(as_text(name))]
    if isinstance(value, str) and value.startswith("${"):
        return f"{value[:-1]}.{as_text(name)}}}"
    raise LookupError(as_text(name))


def number(value: JSON) -> int | float:
    """A number, of a text too. Raises ValueError."""
    if isinstance(value, int | float):
        return value
    text = str(value)
    return _plain(float(text)) if not {".", "e", "E"}.isdisjoint(text) else int(text)


def _plain(value: float) -> int | float:
    """A number as Terraform writes it: 6 / 2 is 3."""
    return int(value) if value.is_integer() else value


def is_true(value: JSON) -> bool:
    """Whether a condition holds; Terraform converts texts, too."""
    return value is True or value == "true"


OPERATIONS: Mapping[str, Callable[[JSON, JSON], JSON]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "&&": lambda left, right: is_true(left) and is_true(right),
    "||": lambda left, right: is_true(left) or is_true(right),
    "<": lambda left, right: number(left) < number(right),
    ">": lambda left, right: number(left) > number(right),
    "<=": lambda left, right: number(left) <= number(right),
    ">=": lambda left, right: number(left) >= number(right),
    "+": lambda left, right: number(left) + number(right),
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "/": lambda left, right: _plain(number(left) / number(right)),
    "%": lambda left, right: number(left) % number(right),
}
