"""Conditions, key conditions and projections, compiled once to closures over the client's own attribute values.

A compiled condition takes an item's attributes (empty where there is no item) and the call's
ExpressionAttributeValues. Comparisons follow DynamoDB: values of different types are never equal and never ordered, and
nothing but ``<>`` holds of an attribute that isn't there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.dynamodb_syntax import (
    And,
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Names,
    Not,
    Operand,
    Or,
    Path,
    PathOperand,
    ValueOperand,
    parse_condition,
    parse_projection,
)
from stepsim.runtime.cloud.dynamodb_values import Attributes, AttributeValue, comparable, invalid

Values = Mapping[str, AttributeValue]
Test = Callable[[Attributes, Values], bool]
Getter = Callable[[Attributes, Values], "AttributeValue | None"]
NameItems = tuple[tuple[str, str], ...]
"""ExpressionAttributeNames as something that can key a cache."""

_CACHED_EXPRESSIONS = 4096
_ORDERED = frozenset("SNB")
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TYPES = frozenset(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"])


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A condition ready to test, and the placeholders that it uses."""

    test: Test
    used: Names


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """One condition of a KeyConditionExpression: `operator` is a comparison, ``BETWEEN`` or ``begins_with``."""

    attribute: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledKeyCondition:
    """The conditions of a KeyConditionExpression by attribute, and the placeholders that they use."""

    terms: dict[str, KeyTerm]
    used: Names


@dataclass(frozen=True, slots=True)
class CompiledProjection:
    """A function from an item to what its projection shows, and the placeholders that it uses."""

    project: Callable[[Attributes], Attributes]
    used: Names


@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def compile_condition(text: str, names: NameItems, kind: str) -> CompiledCondition:
    """Returns a compiled ConditionExpression or FilterExpression (`kind`); raises ``ValidationException``."""
    condition, used = parse_condition(text, dict(names), kind)
    return CompiledCondition(_test(condition, kind), used)


def getter(operand: Operand, kind: str) -> Getter:
    """Returns what reads an operand's value: None where the path leads nowhere."""
    match operand:
        case PathOperand((str(name),)):
            return lambda item, _: item.get(name)
        case PathOperand(path):
            return lambda item, _: value_at(item, path)
        case ValueOperand(name):
            return lambda _, values: _value(values, name, kind)
        case Function("size", (argument,)):
            return _size_of(getter(argument, kind))
    raise invalid(f"Invalid {kind}: The function is not allowed in this kind of expression")


def _value(values: Values, name: str, kind: str) -> AttributeValue:
    try:
        return values[name]
    except KeyError:
        raise undefined_value(name, kind) from None


def undefined_value(name: str, kind: str) -> ApiError:
    """Returns the error of an expression that uses a value it was not given."""
    return invalid(
        f"Invalid {kind}: An expression attribute value used in expression is not defined; attribute value: {name}"
    )


def value_at(item: Attributes, path: Path) -> AttributeValue | None:
    """Returns the value at a document path, or None."""
    current = item.get(str(path[0]))
    for step in path[1:]:
        if current is None:
            return None
        if isinstance(step, int):
            members = current.get("L")
            current = members[step] if members is not None and step < len(members) else None
        else:
            current = current.get("M", {}).get(step)
    return current


def _size_of(argument: Getter) -> Getter:
    def size(item: Attributes, values: Values) -> AttributeValue | None:
        value = argument(item, values)
        if value is None:
            return None
        ((type_, inner),) = value.items()
        if type_ in ("N", "BOOL", "NULL"):
            return None
        return {"N": str(len(inner.encode()) if type_ == "S" else len(inner))}

    return size


# ---------------------------------------------------------------------------------------------------------- conditions


def _test(condition: Condition, kind: str) -> Test:
    match condition:
        case And(left, right):
            first, second = _test(left, kind), _test(right, kind)
            return lambda item, values: first(item, values) and second(item, values)
        case Or(left, right):
            first, second = _test(left, kind), _test(right, kind)
            return lambda item, values: first(item, values) or second(item, values)
        case Not(inner):
            negated = _test(inner, kind)
            return lambda item, values: not negated(item, values)
        case Comparison():
            return _comparison(condition, kind)
        case Between(operand, low, high):
            return _between(getter(operand, kind), getter(low, kind), getter(high, kind))
        case In(operand, options):
            subject, choices = getter(operand, kind), [getter(option, kind) for option in options]
            return lambda item, values: any(equal(subject(item, values), choice(item, values)) for choice in choices)
        case Function(name, arguments):
            return _FUNCTIONS[name]([getter(argument, kind) for argument in arguments], kind)


def equal(left: AttributeValue | None, right: AttributeValue | None) -> bool:
    """Returns whether both are there and equal: numbers by value, sets in any order."""
    if left is None or right is None:
        return False
    return left == right or (left.keys() == right.keys() and comparable(left) == comparable(right))


def _ordered(compare: Callable[[Any, Any], bool], left: AttributeValue | None, right: AttributeValue | None) -> bool:
    if left is None or right is None or left.keys() != right.keys():
        return False
    (kind,) = left
    if kind == "N":
        return compare(comparable(left), comparable(right))
    return kind in _ORDERED and compare(left[kind], right[kind])


def _comparison(condition: Comparison, kind: str) -> Test:
    left, right = getter(condition.left, kind), getter(condition.right, kind)
    if condition.operator == "=":
        return lambda item, values: equal(left(item, values), right(item, values))
    if condition.operator == "<>":
        return lambda item, values: not equal(left(item, values), right(item, values))
    compare = _ORDERINGS[condition.operator]
    given = [operand.name for operand in (condition.left, condition.right) if isinstance(operand, ValueOperand)]

    def test(item: Attributes, values: Values) -> bool:
        for name in given:
            (type_,) = _value(values, name, kind)
            if type_ not in _ORDERED:
                raise _wrong_operand(condition.operator, type_, kind)
        return _ordered(compare, left(item, values), right(item, values))

    return test


def _between(subject: Getter, low: Getter, high: Getter) -> Test:
    def test(item: Attributes, values: Values) -> bool:
        value = subject(item, values)
        return _ordered(operator.le, low(item, values), value) and _ordered(operator.le, value, high(item, values))

    return test


def _wrong_operand(function: str, type_: str, kind: str) -> ApiError:
    return invalid(
        f"Invalid {kind}: Incorrect operand type for operator or function; "
        f"operator or function: {function}, operand type: {type_}"
    )


def _attribute_exists(arguments: list[Getter], _: str) -> Test:
    (path,) = arguments
    return lambda item, values: path(item, values) is not None


def _attribute_not_exists(arguments: list[Getter], _: str) -> Test:
    (path,) = arguments
    return lambda item, values: path(item, values) is None


def _attribute_type(arguments: list[Getter], kind: str) -> Test:
    path, type_ = arguments

    def test(item: Attributes, values: Values) -> bool:
        wanted = type_(item, values) or {}
        if wanted.get("S") not in _TYPES:
            raise invalid(
                f"Invalid {kind}: Invalid attribute type name found; type: {wanted.get('S')}, "
                "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
            )
        return wanted["S"] in (path(item, values) or {})

    return test


def _begins_with(arguments: list[Getter], kind: str) -> Test:
    path, start = arguments

    def test(item: Attributes, values: Values) -> bool:
        value, prefix = path(item, values), start(item, values)
        if prefix is not None and not ("S" in prefix or "B" in prefix):
            raise _wrong_operand("begins_with", next(iter(prefix)), kind)
        if value is None or prefix is None or value.keys() != prefix.keys():
            return False
        (type_,) = value
        return bool(value[type_].startswith(prefix[type_]))

    return test


def _contains(arguments: list[Getter], _: str) -> Test:
    path, operand = arguments

    def test(item: Attributes, values: Values) -> bool:
        value, member = path(item, values), operand(item, values)
        if value is None or member is None:
            return False
        ((kind, inner),) = value.items()
        if kind == "L":
            return any(equal(one, member) for one in inner)
        if kind in ("S", "B"):
            return kind in member and member[kind] in inner
        if kind in ("SS", "NS", "BS"):
            return kind[0] in member and any(equal({kind[0]: one}, member) for one in inner)
        return False

    return test


_FUNCTIONS: dict[str, Callable[[list[Getter], str], Test]] = {
    "attribute_exists": _attribute_exists,
    "attribute_not_exists": _attribute_not_exists,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}

# ------------------------------------------------------------------------------------------------------ key conditions

_KEY_KIND = "KeyConditionExpression"


@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def compile_key_condition(text: str, names: NameItems) -> CompiledKeyCondition:
    """Returns a compiled KeyConditionExpression; raises ``ValidationException``."""
    condition, used = parse_condition(text, dict(names), _KEY_KIND)
    terms: dict[str, KeyTerm] = {}
    for part in _conjuncts(condition):
        term = _key_term(part)
        if term.attribute in terms:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        terms[term.attribute] = term
    return CompiledKeyCondition(terms, used)


def _conjuncts(condition: Condition) -> list[Condition]:
    if isinstance(condition, And):
        return [*_conjuncts(condition.left), *_conjuncts(condition.right)]
    return [condition]


def _key_term(condition: Condition) -> KeyTerm:
    match condition:
        case Comparison("<>", _, _):
            raise invalid(f"Unsupported operator on {_KEY_KIND}: operator: <>")
        case Comparison(comparator, PathOperand((str(name),)), ValueOperand(value)):
            return KeyTerm(name, comparator, (value,))
        case Between(PathOperand((str(name),)), ValueOperand(low), ValueOperand(high)):
            return KeyTerm(name, "BETWEEN", (low, high))
        case Function("begins_with", (PathOperand((str(name),)), ValueOperand(value))):
            return KeyTerm(name, "begins_with", (value,))
        case Or():
            raise invalid(f"Invalid operator used in {_KEY_KIND}: OR")
        case Not():
            raise invalid(f"Invalid operator used in {_KEY_KIND}: NOT")
        case In():
            raise invalid(f"Invalid operator used in {_KEY_KIND}: IN")
        case Function(name, _):
            raise invalid(f"Invalid operator used in {_KEY_KIND}: {name}")
    raise invalid("Query key condition not supported")


# --------------------------------------------------------------------------------------------------------- projections


@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def compile_projection(text: str, names: NameItems) -> CompiledProjection:
    """Returns a compiled ProjectionExpression; raises ``ValidationException``."""
    paths, used = parse_projection(text, dict(names))
    return CompiledProjection(projection(paths), used)


def projection(paths: tuple[Path, ...]) -> Callable[[Attributes], Attributes]:
    """Returns a function from an item to what stands at these paths; a list keeps only the chosen members."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
    if all(not branch for branch in tree.values()):
        plain = tuple(tree)
        return lambda item: {name: item[name] for name in plain if name in item}
    return lambda item: _chosen(item, tree)


def _chosen(members: Attributes, tree: dict[Any, Any]) -> Attributes:
    shown = {name: _pruned(members[name], branch) for name, branch in tree.items() if name in members}
    return {name: value for name, value in shown.items() if value is not None}


def _pruned(value: AttributeValue, tree: dict[Any, Any]) -> AttributeValue | None:
    if not tree:
        return value
    if "M" in value:
        members = _chosen(value["M"], tree)
        return {"M": members} if members else None
    if "L" in value:
        held = value["L"]
        indexes = sorted(index for index in tree if isinstance(index, int) and index < len(held))
        shown = [_pruned(held[index], tree[index]) for index in indexes]
        kept = [one for one in shown if one is not None]
        return {"L": kept} if kept else None
    return None
