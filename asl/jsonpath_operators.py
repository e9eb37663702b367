"""The operators of filters: a table of (left, right, evaluation) -> whether it holds, by Jayway's rules.

Comparisons never fail: what cannot be compared is not equal, and neither less nor greater. A number and a string are
equal where the text of one is the other; their order is undefined. Each counts what it looks at.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from stepsim.asl.jsonpath_evaluation import Evaluation
from stepsim.asl.jsonpath_regex import RegularExpression
from stepsim.asl.payload import JSON, Double

Operator: TypeAlias = Callable[[Any, Any, Evaluation], bool]
"""(left, right, evaluation); an operand is a JSON value, a regular expression, or one of the classes below."""

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")

_FEW = 8
"""Elements that are compared one by one as quickly."""


class _Undefined:
    """What a path that leads nowhere is worth: equal to nothing, not even itself."""


class Literal:
    """An array or object written in the filter. It is equal to a value on its left, never to one on its right."""

    __slots__ = ("value",)

    def __init__(self, value: JSON) -> None:
        self.value = value


class NotComparable(Exception):
    """The operator does not apply to these operands: the item does not pass."""


UNDEFINED = _Undefined()


def _kind(value: Any) -> type:
    """The type that decides how a value is compared."""
    kind = type(value)
    if kind is int or kind is Double:
        return float
    return list if kind is dict or kind is Literal else kind


def _equal(left: Any, right: Any, run: Evaluation) -> bool:
    left_kind, right_kind = _kind(left), _kind(right)
    if left_kind is list and right_kind is list:
        return type(left) is not Literal and _deep_equal(left, _content(right), run)
    if left_kind is str and right_kind is float:
        return bool(left == str(right))
    if left_kind is float and right_kind is str:
        number = _number(right, run)
        return number is not None and bool(left == number)
    if left_kind is str and right_kind is str:
        run.spend(len(left) >> 10)
    return left_kind is right_kind and left_kind is not _Undefined and bool(left == right)


def _deep_equal(left: JSON, right: JSON, run: Evaluation) -> bool:
    """As `java_equal`, and counted."""
    if type(left) is not type(right):
        return False
    if type(left) is dict:
        run.spend(len(left))
        return left.keys() == right.keys() and all(_deep_equal(item, right[name], run) for name, item in left.items())
    if type(left) is list:
        run.spend(min(len(left), len(right)))
        return len(left) == len(right) and all(
            _deep_equal(item, other, run) for item, other in zip(left, right, strict=True)
        )
    if type(left) is str:
        run.spend(len(left) >> 10)
    return bool(left == right)


def _number(text: str, run: Evaluation) -> float | None:
    """The number that a text is; None where it is none."""
    run.spend(len(text) >> 4)
    return float(text) if NUMBER.fullmatch(text) else None


def _type_safe_equal(left: Any, right: Any, run: Evaluation) -> bool:
    return _kind(left) is _kind(right) and _equal(left, right, run)


def _ordered(compare: Callable[[Any, Any], bool]) -> Operator:
    def test(left: Any, right: Any, run: Evaluation) -> bool:
        kind = _kind(left)
        if kind is str and type(right) is str:
            run.spend(len(left) >> 10)
        return (kind is float or kind is str) and kind is _kind(right) and compare(left, right)

    return test


def _content(value: Any) -> Any:
    return value.value if type(value) is Literal else value


def _items(value: Any) -> list[JSON]:
    """The elements of an array operand; what is no array cannot be asked."""
    content = _content(value)
    if type(content) is list:
        return content
    raise NotComparable


def _among(value: Any, items: list[JSON], run: Evaluation) -> bool:
    """Whether a value equals one of the items. An array that is asked again is sorted by what could be equal."""
    if len(items) <= _FEW:
        run.spend(len(items))
        return any(_equal(value, item, run) for item in items)
    known = run.memberships.get(id(items))
    if known is None:
        run.memberships[id(items)] = items
        run.spend(len(items))
        return any(_equal(value, item, run) for item in items)
    if type(known) is list:
        known = run.memberships[id(items)] = _Membership(items, run)
    held: bool = known.holds(value, run)
    return held


class _Membership:
    """The elements of an array, by what `_equal` would find them with."""

    __slots__ = ("_containers", "_items", "_numbers", "_texts", "_words")

    def __init__(self, items: list[JSON], run: Evaluation) -> None:
        run.spend(2 * len(items))
        self._items = items
        """Kept, so that no other array gets its identity."""
        self._numbers: set[float] = set()
        self._texts: set[str] = set()
        self._words: set[JSON] = set()
        self._containers: set[object] = set()
        for item in items:
            kind = _kind(item)
            if kind is float:
                self._numbers.add(item)
                self._texts.add(str(item))
            elif kind is str:
                self._texts.add(item)
                number = _number(item, run)
                if number is not None:
                    self._numbers.add(number)
            elif kind is list:
                self._containers.add(_hashable(item, run))
            else:
                self._words.add(item)

    def holds(self, value: Any, run: Evaluation) -> bool:
        kind = _kind(value)
        if kind is float:
            return value in self._numbers
        if kind is str:
            run.spend(len(value) >> 10)
            return value in self._texts
        if kind is list:
            return type(value) is not Literal and bool(self._containers) and _hashable(value, run) in self._containers
        return (kind is bool or value is None) and value in self._words


def _hashable(value: JSON, run: Evaluation) -> object:
    """What is equal for two values where `_deep_equal` holds, and only there."""
    if type(value) is dict:
        run.spend(4 * len(value))
        return dict, frozenset((name, _hashable(item, run)) for name, item in value.items())
    if type(value) is list:
        run.spend(4 * len(value))
        return list, tuple(_hashable(item, run) for item in value)
    return type(value), value


def _is_in(left: Any, right: Any, run: Evaluation) -> bool:
    return type(_content(right)) is not dict and _among(left, _items(right), run)


def _contains(left: Any, right: Any, run: Evaluation) -> bool:
    left = _content(left)
    if type(left) is str and type(right) is str:
        run.spend(len(left) >> 6)
        return right in left
    return type(left) is list and _among(right, left, run)


def _size(left: Any, right: Any, run: Evaluation) -> bool:
    left = _content(left)
    return _kind(right) is float and isinstance(left, str | list) and len(left) == int(right)


def _empty(left: Any, right: Any, run: Evaluation) -> bool:
    left = _content(left)
    if not isinstance(left, str | list | dict):
        return False
    if type(right) is not bool:
        raise NotComparable
    return (not left) == right


def _subset_of(left: Any, right: Any, run: Evaluation) -> bool:
    allowed = _items(right)
    items = _items(left)
    run.spend(len(items))
    return all(_among(item, allowed, run) for item in items)


def _any_of(left: Any, right: Any, run: Evaluation) -> bool:
    allowed = _items(right)
    items = _items(left)
    run.spend(len(items))
    return any(_among(item, allowed, run) for item in items)


def _matches(left: Any, right: Any, run: Evaluation) -> bool:
    if isinstance(left, RegularExpression) == isinstance(right, RegularExpression):
        return False
    pattern, subject = (left, right) if isinstance(left, RegularExpression) else (right, left)
    subjects = subject if type(subject) is list else [subject]
    return any(pattern.matches(_input(item), run) for item in subjects)


def _input(value: Any) -> str:
    """What a regular expression sees of a value."""
    if type(value) is bool:
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def _never(left: Any, right: Any, run: Evaluation) -> bool:
    """Operators that the library's text form accepts, and that no operand in a text can satisfy."""
    raise NotComparable


def _not(operator: Operator) -> Operator:
    return lambda left, right, run: not operator(left, right, run)


OPERATORS: dict[str, Operator] = {
    "==": _equal,
    "===": _type_safe_equal,
    "!=": _not(_equal),
    "!==": _not(_type_safe_equal),
    "<": _ordered(lambda left, right: bool(left < right)),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    ">": _ordered(lambda left, right: bool(left > right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
    "=~": _matches,
    "IN": _is_in,
    "NIN": _not(_is_in),
    "CONTAINS": _contains,
    "SIZE": _size,
    "EMPTY": _empty,
    "SUBSETOF": _subset_of,
    "ANYOF": _any_of,
    "NONEOF": _not(_any_of),
    "ALL": _never,
    "TYPE": _never,
    "MATCHES": _never,
}
"""By the operator's text in capitals."""
