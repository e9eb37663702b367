"""Integers of 64 bits, and numbers without end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.jsonata.engine import chosen_engine, engine

ID = 9_007_199_254_740_993


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$d.id", ID),
        ("[$d.id]", [ID]),
        ('{"id": $d.id, "n": 1}', {"id": ID, "n": 1}),
        ("$merge([$d.more, {'x': 1}])", {"id": ID + 2, "x": 1}),
        ("$d.list.id", [ID, 2]),
        ("$d.list[id = 2].id", 2),
    ],
)
def test_integers_that_pass_through_stay_exact(text: str, value: Any, evaluate: Any) -> None:
    """No double holds 2^53 + 1; AWS keeps it as long as it is not calculated with (measured)."""
    assert evaluate(text, d={"id": ID, "more": {"id": ID + 2}, "list": [{"id": ID}, {"id": 2}]}) == value


@given(st.lists(st.integers(-(1 << 63) + 1, (1 << 63) - 1), min_size=1, max_size=4, unique_by=float))
def test_any_integers_pass_through(numbers: list[int]) -> None:
    """All integers of 64 bits come out as they went in."""
    assert engine(chosen_engine())("{'v': $v}").evaluate({"v": numbers}, 0) == {"v": numbers}


def test_other_numbers_are_doubles(evaluate: Any) -> None:
    """1.0 is written as 1, and what is calculated is a double."""
    assert repr(evaluate("{'v': $v}", v=1.0)) == "{'v': 1}"
    assert evaluate("$v + 1000", v=123456789012345678) == 123456789012346688
    assert evaluate("$string($v)", v=123456789012345678) == "123456789012345680"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$v / 0", "Infinity"),
        ("-$v / 0", "-Infinity"),
        ("[$v, $v/0, [{'a': $v / 0}]]", [5, "Infinity", [{"a": "Infinity"}]]),
        ("$map([1, 0, -1], function($x){ 5 / $x })", [5, "Infinity", -5]),
        ("$v > 9 ? 1 / 0 : 'small'", "small"),
    ],
)
def test_numbers_without_end_are_strings(text: str, value: Any, evaluate: Any) -> None:
    """JSON has no word for them; AWS writes their names, wherever they stand (measured)."""
    compiled = evaluate(text, v=5)
    assert compiled == value
    assert evaluate(text, v=5) == value


def test_an_expression_may_turn_out_finite_again() -> None:
    """One that has met an infinite number before calculates as ever afterwards."""
    compiled = engine(chosen_engine())("[$v / $w, $v + 1]")
    assert compiled.evaluate({"v": 6, "w": 0}, 0) == ["Infinity", 7]
    assert compiled.evaluate({"v": 6, "w": 3}, 0) == [2, 7]
    assert compiled.evaluate({"v": -6, "w": 0}, 0) == ["-Infinity", -5]
