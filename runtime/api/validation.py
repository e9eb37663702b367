"""An operation's input against botocore's model of it, refused in AWS's words before the operation is performed.

AWS checks the shape of the whole request first, and names every constraint that fails at once. Unknown members are
ignored, as AWS ignores them; boto3 does not send any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from stepsim.runtime.api.records import Params
from stepsim.runtime.cloud.call import ApiError

_Check: TypeAlias = Callable[[Any, str, list[str]], None]
"""Looks at a value that stands at a place, and adds the constraints that it breaks."""

_Bounds: TypeAlias = Mapping[str, Any]

_ENUM_ORDERS = {
    "ExecutionStatus": ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"),
}
"""Enumerations that AWS was recorded to list in another order than its model."""

_WIRE_NAMES = ((bool, "{}_VALUE"), (str, "STRING_VALUE"), (int, "NUMBER_VALUE"), (float, "DECIMAL_VALUE"))


def check_input(operation: str, params: Params) -> None:
    """Check an operation's parameters, in boto3's terms.

    Raises ApiError ValidationException ("2 validation errors detected: Value …; Value …"), and SerializationException
    where a value is of another type than the model says. The operation must be one of the service's.
    """
    found: list[str] = []
    for check in _checks_of(operation):
        check(params, "", found)
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise ApiError("ValidationException", count + "; ".join(found))


def operation_names() -> frozenset[str]:
    """Every operation of the service, those that we do not have among them."""
    return frozenset(_model().operation_names)


@cache
def _model() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("stepfunctions", "service-2"), "stepfunctions")


@cache
def _checks_of(operation: str) -> tuple[_Check, ...]:
    shape = _model().operation_model(operation).input_shape
    return () if shape is None else (_compile(shape),)


def _compile(shape: Any) -> _Check:
    return _COMPILERS[shape.type_name](shape)


def _structure(shape: Any) -> _Check:
    members = [(name, name in shape.required_members, _compile(member)) for name, member in shape.members.items()]

    def check(value: Any, place: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            raise _not_serializable(f"Unexpected value type in payload: {_wire_name(value)}")
        prefix = f"{place}." if place else ""
        for name, required, check_member in members:
            member = value.get(name)
            if member is not None:
                check_member(member, prefix + name, found)
            elif required:
                found.append(f"Value null at '{prefix}{name}' failed to satisfy constraint: Member must not be null")

    return check


def _list(shape: Any) -> _Check:
    check_item = _compile(shape.member)
    check_length = _within(shape.metadata, "length", len, lambda value: _shown(value, shape))

    def check(value: Any, place: str, found: list[str]) -> None:
        if not isinstance(value, (list, tuple)):
            raise _not_serializable("Unexpected field type" if isinstance(value, dict) else "Expected list or null")
        check_length(value, place, found)
        for number, item in enumerate(value, 1):
            check_item(item, f"{place}.{number}.member", found)

    return check


def _string(shape: Any) -> _Check:
    shown = _value_of(shape)
    checks = [_within(shape.metadata, "length", len, shown)]
    if shape.enum:
        allowed = _ENUM_ORDERS.get(shape.name) or tuple(shape.enum)
        text = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        checks.append(_failing(lambda value: value not in allowed, text, shown))
    if pattern := shape.metadata.get("pattern"):
        matches = re.compile(pattern.replace(r"\p{ASCII}", r"[\x00-\x7f]")).fullmatch
        text = f"Member must satisfy regular expression pattern: {pattern}"
        checks.append(_failing(lambda value: matches(value) is None, text, shown))

    def check(value: Any, place: str, found: list[str]) -> None:
        if not isinstance(value, str):
            raise _not_serializable(_cannot_become(value, "String"))
        for constraint in checks:
            constraint(value, place, found)

    return check


def _number(shape: Any) -> _Check:
    real = shape.type_name == "float"
    check_range = _within(shape.metadata, "value", float if real else int, _value_of(shape))
    name = shape.type_name.capitalize()

    def check(value: Any, place: str, found: list[str]) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _not_serializable(_cannot_become(value, name))
        check_range(value, place, found)

    return check


def _boolean(shape: Any) -> _Check:  # noqa: ARG001 - a truth has no bounds
    def check(value: Any, place: str, found: list[str]) -> None:  # noqa: ARG001
        if not isinstance(value, bool):
            raise _not_serializable(_cannot_become(value, "Boolean"))

    return check


_COMPILERS: dict[str, Callable[[Any], _Check]] = {
    "structure": _structure,
    "list": _list,
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "boolean": _boolean,
}


def _within(bounds: _Bounds, noun: str, size: Callable[[Any], float], shown: Callable[[Any], str]) -> _Check:
    """The check that something's size keeps the model's bounds."""
    least, most = bounds.get("min", float("-inf")), bounds.get("max", float("inf"))

    def check(value: Any, place: str, found: list[str]) -> None:
        measure = size(value)
        if measure > most:
            text = f"Member must have {noun} less than or equal to {most}"
        elif measure < least:
            text = f"Member must have {noun} greater than or equal to {least}"
        else:
            return
        found.append(f"Value{shown(value)} at '{place}' failed to satisfy constraint: {text}")

    return check


def _failing(fails: Callable[[Any], bool], text: str, shown: Callable[[Any], str]) -> _Check:
    def check(value: Any, place: str, found: list[str]) -> None:
        if fails(value):
            found.append(f"Value{shown(value)} at '{place}' failed to satisfy constraint: {text}")

    return check


def _value_of(shape: Any) -> Callable[[Any], str]:
    """How a message shows a value: what is sensitive is left out."""
    if shape.metadata.get("sensitive"):
        return lambda _: ""
    return lambda value: f" '{value}'"


def _shown(value: Any, shape: Any) -> str:
    return f" '{_as_java_prints(value, shape)}'"


def _as_java_prints(value: Any, shape: Any) -> str:
    """Lists and structures as AWS's messages print them: ``[Item(name=one, weight=1)]``."""
    if value is None:
        return "null"
    if shape.type_name == "list":
        return f"[{', '.join(_as_java_prints(item, shape.member) for item in value)}]"
    if shape.type_name == "structure":
        members = (f"{name}={_as_java_prints(value.get(name), member)}" for name, member in shape.members.items())
        return f"{shape.name}({', '.join(members)})"
    return str(value)


def _not_serializable(message: str) -> ApiError:
    return ApiError("SerializationException", message)


def _cannot_become(value: Any, wanted: str) -> str:
    if isinstance(value, (dict, list, tuple)):
        return "Start of structure or map found where not expected."
    return f"{_wire_name(value)} cannot be converted to {wanted}"


def _wire_name(value: Any) -> str:
    """What AWS calls a value of the wrong type."""
    for kind, name in _WIRE_NAMES:
        if isinstance(value, kind):
            return name.format(str(value).upper())
    return type(value).__name__
