"""Choice rules of the JSONPath form: ``{"Variable": "$.n", "NumericGreaterThan": 3}`` -> a test. Operators are a table.

A value of another type than the operator's makes the test false. A Variable that is not there is an error, except for
IsPresent. Booleans are no numbers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TypeAlias

from stepsim.asl.errors import PathNotFound, StatesError, runtime_error
from stepsim.asl.expression import Expression, Scope, Test
from stepsim.asl.jsonpath import Path, compile_path
from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import parse_timestamp

_Convert: TypeAlias = Callable[[JSON], str | int | float | None]
"""A value as its operator family compares it; None where it is of another type."""

_Compare: TypeAlias = Callable[[JSON, JSON], bool]

_STAR = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", flags=re.DOTALL)


def compile_rule(rule: JSON) -> Test:
    """The test of a Choice rule, boolean combinations included. Raises ValueError where it is none.

    Evaluating it raises States.Runtime where a path leads nowhere. And and Or stop at the first rule that decides.
    """
    if "And" in rule:
        return _every([compile_rule(inner) for inner in rule["And"]])
    if "Or" in rule:
        return _some([compile_rule(inner) for inner in rule["Or"]])
    if "Not" in rule:
        return _negated(compile_rule(rule["Not"]))
    names = [name for name in rule if name in OPERATORS]
    if len(names) != 1 or "Variable" not in rule:
        raise ValueError(f"a Choice rule needs a Variable and one operator, and has: {', '.join(rule)}")
    return OPERATORS[names[0]](compile_path(rule["Variable"]), rule[names[0]])


def _every(tests: list[Test]) -> Test:
    def test(subject: JSON, scope: Scope) -> bool:
        for inner in tests:  # noqa: SIM110 - a generator costs as much again
            if not inner(subject, scope):
                return False
        return True

    return test


def _some(tests: list[Test]) -> Test:
    def test(subject: JSON, scope: Scope) -> bool:
        for inner in tests:  # noqa: SIM110 - a generator costs as much again
            if inner(subject, scope):
                return True
        return False

    return test


def _negated(inner: Test) -> Test:
    return lambda subject, scope: not inner(subject, scope)


def _invalid(path: Path) -> StatesError:
    return runtime_error(f"Invalid path '{path.text}': The choice state's condition path references an invalid value.")


def _comparison(convert: _Convert, compare: _Compare) -> Callable[[Path, JSON], Test]:
    """An operator with a constant on its right."""

    def compile_test(variable: Path, constant: JSON) -> Test:
        expected = convert(constant)
        if expected is None:
            raise ValueError(f"{constant!r} is of a type that the operator does not compare")
        read = variable.evaluate

        def test(subject: JSON, scope: Scope) -> bool:
            try:
                value = convert(read(subject, scope))
            except PathNotFound:
                raise _invalid(variable) from None
            return value is not None and compare(value, expected)

        return test

    return compile_test


def _path_comparison(convert: _Convert, compare: _Compare) -> Callable[[Path, JSON], Test]:
    """Its ...Path twin: the value on the right is looked up too."""

    def compile_test(variable: Path, text: JSON) -> Test:
        left = _required(variable)
        right = _required(compile_path(text))

        def test(subject: JSON, scope: Scope) -> bool:
            value, other = convert(left(subject, scope)), convert(right(subject, scope))
            return value is not None and other is not None and compare(value, other)

        return test

    return compile_test


def _required(path: Path) -> Expression:
    return path.failing(lambda subject: _invalid(path))


def _is(convert: Callable[[JSON], bool]) -> Callable[[Path, JSON], Test]:
    """A type test: true or false says which answer is wanted."""

    def compile_test(variable: Path, wanted: JSON) -> Test:
        read = _required(variable)
        return lambda subject, scope: convert(read(subject, scope)) is wanted

    return compile_test


def _is_present(variable: Path, wanted: JSON) -> Test:
    read = variable.evaluate
    name = variable.variable

    def test(subject: JSON, scope: Scope) -> bool:
        if name is not None and name not in scope.variables:
            return wanted is False
        try:
            read(subject, scope)
        except PathNotFound:
            return wanted is False
        return wanted is True

    return test


def _string_matches(variable: Path, pattern: JSON) -> Test:
    matches = re.compile("".join(map(_regexp_part, _STAR.findall(pattern))), flags=re.DOTALL).fullmatch
    read = _required(variable)

    def test(subject: JSON, scope: Scope) -> bool:
        value = read(subject, scope)
        return type(value) is str and matches(value) is not None

    return test


def _regexp_part(part: tuple[str, str, str]) -> str:
    escaped, star, plain = part
    return ".*" if star else re.escape(escaped or plain)


def _string(value: JSON) -> str | None:
    return value if type(value) is str else None


def _number(value: JSON) -> int | float | None:
    return value if type(value) is int or isinstance(value, float) else None


def _boolean(value: JSON) -> bool | None:
    return value if type(value) is bool else None


def _timestamp(value: JSON) -> int | None:
    return parse_timestamp(value) if type(value) is str else None


_COMPARISONS: dict[str, _Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_FAMILIES: dict[str, tuple[_Convert, tuple[str, ...]]] = {
    "String": (_string, tuple(_COMPARISONS)),
    "Numeric": (_number, tuple(_COMPARISONS)),
    "Timestamp": (_timestamp, tuple(_COMPARISONS)),
    "Boolean": (_boolean, ("Equals",)),
}

OPERATORS: dict[str, Callable[[Path, JSON], Test]] = {
    f"{family}{name}{suffix}": compiler(convert, _COMPARISONS[name])
    for family, (convert, names) in _FAMILIES.items()
    for name in names
    for suffix, compiler in (("", _comparison), ("Path", _path_comparison))
} | {
    "StringMatches": _string_matches,
    "IsPresent": _is_present,
    "IsNull": _is(lambda value: value is None),
    "IsNumeric": _is(lambda value: _number(value) is not None),
    "IsString": _is(lambda value: type(value) is str),
    "IsBoolean": _is(lambda value: type(value) is bool),
    "IsTimestamp": _is(lambda value: _timestamp(value) is not None),
}
"""Every operator: (the path of its Variable, its value in the rule) -> the test. Raises ValueError for a bad value."""
