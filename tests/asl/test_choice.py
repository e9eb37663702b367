"""Choice rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.choice import OPERATORS, compile_rule
from stepsim.asl.errors import RUNTIME, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.payload import JSON

NOON = "2026-01-05T12:00:00Z"
NOON_IN_PARIS = "2026-01-05T13:00:00.000000000+01:00"
JUST_AFTER = "2026-01-05T12:00:00.000000001Z"


def passes(rule: JSON, subject: JSON) -> bool:
    return compile_rule(rule)(subject, Scope(dict, {"v": 1}))


@pytest.mark.parametrize(
    ("operator", "value", "other", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringLessThan", "B", "a", True),
        ("StringGreaterThan", "a", "a", False),
        ("StringGreaterThanEquals", "a", "a", True),
        ("StringLessThanEquals", "b", "a", False),
        ("NumericEquals", 1, 1.0, True),
        ("NumericLessThan", -1, 0, True),
        ("NumericGreaterThan", 10**20, 10**19, True),
        ("NumericGreaterThanEquals", 2.5, 3, False),
        ("NumericLessThanEquals", 3, 3, True),
        ("BooleanEquals", True, True, True),
        ("BooleanEquals", False, True, False),
        ("TimestampEquals", NOON_IN_PARIS, NOON, True),
        ("TimestampLessThan", NOON, JUST_AFTER, True),
        ("TimestampGreaterThan", NOON, JUST_AFTER, False),
        ("TimestampGreaterThanEquals", JUST_AFTER, NOON, True),
        ("TimestampLessThanEquals", NOON, NOON, True),
        ("StringEquals", 1, "1", False),
        ("NumericEquals", True, 1, False),
        ("NumericEquals", "1", 1, False),
        ("BooleanEquals", 1, True, False),
        ("TimestampEquals", "noon", NOON, False),
        ("StringEquals", None, "None", False),
    ],
)
def test_comparisons_know_their_type(operator: str, value: JSON, other: JSON, expected: bool) -> None:
    """A value of another type makes a rule false; the ...Path twin compares with a value from the input."""
    subject = {"x": value, "y": other}
    assert passes({"Variable": "$.x", operator: other, "Next": "N"}, subject) is expected
    assert passes({"Variable": "$.x", f"{operator}Path": "$.y", "Next": "N"}, subject) is expected


def test_a_twin_of_another_type_is_false() -> None:
    """The right side of a ...Path operator may be of another type too."""
    assert not passes({"Variable": "$.x", "NumericLessThanPath": "$.y"}, {"x": 1, "y": "2"})


@pytest.mark.parametrize(
    ("operator", "true_for", "false_for"),
    [
        ("IsNull", [None], [0, "", []]),
        ("IsString", ["", NOON], [None, 1]),
        ("IsNumeric", [0, 1.5], ["1", True, None]),
        ("IsBoolean", [False], [0, "true"]),
        ("IsTimestamp", [NOON, NOON_IN_PARIS], ["2026-01-05", "x", 5, None]),
        ("IsPresent", [None, 0], []),
    ],
)
def test_type_tests_answer_both_ways(operator: str, true_for: list[JSON], false_for: list[JSON]) -> None:
    """With false they ask for the opposite."""
    for value in true_for:
        assert passes({"Variable": "$.x", operator: True}, {"x": value})
        assert not passes({"Variable": "$.x", operator: False}, {"x": value})
    for value in false_for:
        assert not passes({"Variable": "$.x", operator: True}, {"x": value})
        assert passes({"Variable": "$.x", operator: False}, {"x": value})


@pytest.mark.parametrize("path", ["$.x", "$.x.y", "$nothing", "$$.x"])
def test_only_presence_can_be_asked_of_what_is_not_there(path: str) -> None:
    """IsPresent is false for a missing member, context field or variable."""
    assert not passes({"Variable": path, "IsPresent": True}, {})
    assert passes({"Variable": path, "IsPresent": False}, {})


@pytest.mark.parametrize("operator", [{"StringEquals": "a"}, {"NumericEqualsPath": "$.y"}, {"IsNull": True}])
def test_a_missing_variable_ends_the_execution(operator: dict[str, Any]) -> None:
    """Every operator but IsPresent needs its Variable."""
    with pytest.raises(StatesError) as failure:
        passes({"Variable": "$.x", **operator}, {"y": 1})
    assert failure.value.error == RUNTIME
    assert failure.value.cause == "Invalid path '$.x': The choice state's condition path references an invalid value."


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("log-*.txt", ["log-1.txt", "log-.txt", "log-\n.txt"], ["log.txt", "log-1.txt~"]),
        ("*", ["", "anything"], []),
        (r"a\*b", ["a*b"], ["axb", "a\\*b"]),
        (r"a\\b", ["a\\b"], ["ab"]),
        ("a.c", ["a.c"], ["abc"]),
        ("*a*b*", ["xaxbx", "ab"], ["ba"]),
    ],
)
def test_patterns_match_the_whole_string(pattern: str, matching: list[str], other: list[str]) -> None:
    """A star is any run of characters, unless a backslash stands before it."""
    rule = {"Variable": "$", "StringMatches": pattern}
    assert all(passes(rule, text) for text in matching)
    assert not any(passes(rule, text) for text in [*other, 5])


def test_rules_combine_and_stop_as_soon_as_they_can() -> None:
    """And guards the rules after it, Or is content with the first, Not turns round."""
    guarded = {"And": [{"Variable": "$.x", "IsPresent": True}, {"Variable": "$.x", "NumericGreaterThan": 1}]}
    assert not passes(guarded, {})
    assert passes(guarded, {"x": 2})
    assert passes({"Or": [{"Variable": "$.x", "IsPresent": False}, guarded]}, {})
    assert passes({"Not": guarded}, {"x": 1})


@pytest.mark.parametrize(
    "rule",
    [
        {"Variable": "$.x"},
        {"StringEquals": "a"},
        {"Variable": "$.x", "StringEquals": "a", "IsNull": True},
        {"Variable": "$.x", "NumericEquals": "1"},
        {"Variable": "$.x", "NumericEquals": True},
        {"Variable": "$.x", "TimestampEquals": "noon"},
        {"Variable": "$..", "IsNull": True},
    ],
)
def test_what_is_no_rule_is_refused(rule: JSON) -> None:
    """A rule has a Variable that is a path and one operator with a value of its type."""
    with pytest.raises(ValueError, match=r"."):
        compile_rule(rule)


def test_every_operator_of_the_language_is_there() -> None:
    """Four families with their comparisons and twins, patterns, and six tests: 16 comparisons, twice, and 7."""
    assert len(OPERATORS) == 2 * 16 + 7


@given(
    left=st.integers() | st.floats(allow_nan=False),
    right=st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_numbers_have_one_order(left: float, right: float) -> None:
    """Exactly one of less, equal and greater holds."""
    names = ("NumericLessThan", "NumericEquals", "NumericGreaterThan")
    assert sum(passes({"Variable": "$", name: right}, left) for name in names) == 1
