"""UpdateExpression: SET, REMOVE, ADD and DELETE, compiled once to a function from an item to the changed item.

Every operand is read from the item as it was before the update, as AWS does; REMOVE speaks of the list as it was too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, cast

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.dynamodb_conditions import NameItems, Values, projection, undefined_value, value_at
from stepsim.runtime.cloud.dynamodb_syntax import (
    Action,
    Arithmetic,
    Function,
    Names,
    Operand,
    Path,
    PathOperand,
    ValueOperand,
    parse_update,
)
from stepsim.runtime.cloud.dynamodb_values import Attributes, AttributeValue, comparable, copy_value, invalid

_KIND = "UpdateExpression"
_CACHED_EXPRESSIONS = 4096
_ARITHMETIC = Context(prec=38)
_SETS = frozenset(["SS", "NS", "BS"])
_TYPE_WORDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}
Reader = Callable[[Attributes, Values], "AttributeValue | None"]


@dataclass(frozen=True, slots=True)
class CompiledUpdate:
    """An update ready to apply."""

    apply: Callable[[Attributes, Values], Attributes]
    """Returns the changed item; the one it is given stays as it is."""
    updated: Callable[[Attributes], Attributes]
    """Returns the part of an item that the update speaks of: what ``UPDATED_OLD`` and ``UPDATED_NEW`` show."""
    attributes: frozenset[str]
    """The top-level attributes that it changes."""
    used: Names


@lru_cache(maxsize=_CACHED_EXPRESSIONS)
def compile_update(text: str, names: NameItems) -> CompiledUpdate:
    """Returns a compiled UpdateExpression; raises ``ValidationException``."""
    actions, used = parse_update(text, dict(names))
    order = sorted(actions, key=_turn)
    steps = [(action, _reader(action.operand)) for action in order]

    def apply(item: Attributes, values: Values) -> Attributes:
        operands = [read(item, values) for _, read in steps]
        changed = dict(item)
        owned: set[str] = set()
        for (action, _), operand in zip(steps, operands, strict=True):
            name = str(action.path[0])
            if len(action.path) > 1 and name in changed and name not in owned:
                changed[name] = copy_value(changed[name])
                owned.add(name)
            _ACTIONS[action.section](changed, action.path, operand)
        return changed

    paths = tuple(action.path for action in actions)
    return CompiledUpdate(apply, projection(paths), frozenset(str(path[0]) for path in paths), used)


def _turn(action: Action) -> tuple[bool, int]:
    """Returns what puts removals last, and of list members the later ones first."""
    if action.section != "REMOVE":
        return False, 0
    last = action.path[-1]
    return True, -last if isinstance(last, int) else 0


# ------------------------------------------------------------------------------------------------------------ operands


def _reader(operand: Operand | None) -> Reader:
    match operand:
        case None:
            return lambda _item, _values: None
        case ValueOperand(name):
            return lambda _, values: _given(values, name)
        case PathOperand(path):
            return lambda item, _: _existing(item, path)
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, left, right)
        case Function("if_not_exists", (PathOperand(path), default)):
            otherwise = _reader(default)
            return lambda item, values: value_at(item, path) or otherwise(item, values)
        case Function("list_append", (first, second)):
            return _list_append(_reader(first), _reader(second))
    raise invalid(f"Invalid {_KIND}: The function is not allowed in an update expression")


def _given(values: Values, name: str) -> AttributeValue:
    if name not in values:
        raise undefined_value(name, _KIND)
    return values[name]


def _existing(item: Attributes, path: Path) -> AttributeValue:
    value = value_at(item, path)
    if value is None:
        raise invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


def _arithmetic(operator: str, left: Operand, right: Operand) -> Reader:
    readers = [(_reader(operand), isinstance(operand, ValueOperand)) for operand in (left, right)]

    def compute(item: Attributes, values: Values) -> AttributeValue:
        numbers = []
        for read, is_given in readers:
            value = cast(AttributeValue, read(item, values))
            if "N" not in value:
                raise _wrong_type(operator, value) if is_given else _wrong_data()
            numbers.append(value["N"])
        return {"N": _sum(numbers[0], numbers[1], operator)}

    return compute


def _sum(left: str, right: str, operator: str = "+") -> str:
    if left.isdecimal() and right.isdecimal() and len(left) + len(right) < 36:
        return str(int(left) + int(right) if operator == "+" else int(left) - int(right))
    compute = _ARITHMETIC.add if operator == "+" else _ARITHMETIC.subtract
    return format(compute(Decimal(left), Decimal(right)), "f")


def _list_append(first: Reader, second: Reader) -> Reader:
    def append(item: Attributes, values: Values) -> AttributeValue:
        members: list[AttributeValue] = []
        for read in (first, second):
            value = cast(AttributeValue, read(item, values))
            if "L" not in value:
                raise _wrong_type("list_append", value)
            members.extend(value["L"])
        return {"L": members}

    return append


def _wrong_type(function: str, value: AttributeValue) -> ApiError:
    return invalid(
        f"Invalid {_KIND}: Incorrect operand type for operator or function; "
        f"operator or function: {function}, operand type: {next(iter(value))}"
    )


def _wrong_operand(section: str, value: AttributeValue) -> ApiError:
    word = _TYPE_WORDS[next(iter(value))]
    return invalid(
        f"Invalid {_KIND}: Incorrect operand type for operator or function; "
        f"operator: {section}, operand type: {word}, typeSet: ALLOWED_FOR_{section}_OPERAND"
    )


def _wrong_data() -> ApiError:
    return invalid("An operand in the update expression has an incorrect data type")


# ------------------------------------------------------------------------------------------------------------- actions


def _parent(item: Attributes, path: Path) -> Any:
    """Returns the map or list that holds the last step of a path."""
    holder: Any = item
    for depth, step in enumerate(path[1:]):
        value = _member(holder, path[depth])
        kind = "L" if isinstance(step, int) else "M"
        if value is None or kind not in value:
            raise invalid("The document path provided in the update expression is invalid for update")
        holder = value[kind]
    return holder


def _member(holder: Any, step: str | int) -> AttributeValue | None:
    if isinstance(step, int):
        return holder[step] if step < len(holder) else None
    return cast("AttributeValue | None", holder.get(step))


def _set(item: Attributes, path: Path, value: AttributeValue | None) -> None:
    holder, last = _parent(item, path), path[-1]
    if isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def _remove(item: Attributes, path: Path, _: AttributeValue | None) -> None:
    holder, last = _parent(item, path), path[-1]
    if _member(holder, last) is not None:
        del holder[last]


def _add(item: Attributes, path: Path, operand: AttributeValue | None) -> None:
    ((kind, added),) = cast(AttributeValue, operand).items()
    if kind != "N" and kind not in _SETS:
        raise _wrong_operand("ADD", cast(AttributeValue, operand))
    held = _member(_parent(item, path), path[-1])
    if held is None:
        _set(item, path, {kind: added})
        return
    if kind not in held:
        raise _wrong_data()
    if kind == "N":
        _set(item, path, {"N": _sum(held["N"], added)})
        return
    present = {comparable({kind[0]: member}) for member in held[kind]}
    _set(item, path, {kind: [*held[kind], *(one for one in added if comparable({kind[0]: one}) not in present)]})


def _delete(item: Attributes, path: Path, operand: AttributeValue | None) -> None:
    ((kind, removed),) = cast(AttributeValue, operand).items()
    if kind not in _SETS:
        raise _wrong_operand("DELETE", cast(AttributeValue, operand))
    held = _member(_parent(item, path), path[-1])
    if held is None:
        return
    if kind not in held:
        raise _wrong_data()
    gone = {comparable({kind[0]: member}) for member in removed}
    left = [member for member in held[kind] if comparable({kind[0]: member}) not in gone]
    if left:
        _set(item, path, {kind: left})
    else:
        _remove(item, path, None)  # DynamoDB keeps no empty set


_ACTIONS: dict[str, Callable[[Attributes, Path, AttributeValue | None], None]] = {
    "SET": _set,
    "ADD": _add,
    "DELETE": _delete,
    "REMOVE": _remove,
}
