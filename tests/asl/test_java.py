"""What of Java shows through."""

from __future__ import annotations

import pytest

from stepsim.asl.java import java_equal, java_next_double, java_round, java_text


def test_seeded_random_numbers_are_those_of_java() -> None:
    """The generator is java.util.Random: these are its documented algorithm's first doubles."""
    assert java_next_double(42) == 0.7275636800328681
    assert java_next_double(0) == 0.730967787376657


@pytest.mark.parametrize(
    ("number", "rounded"), [(1.5, 2), (-1.5, -1), (2.5, 3), (-2.5, -2), (-0.5, 0), (0.49, 0), (7, 7)]
)
def test_halves_round_towards_positive_infinity(number: float, rounded: int) -> None:
    """Math.round goes up at a half, also below zero."""
    assert java_round(number) == rounded


def test_texts_are_bare_strings_maps_with_equals_signs_and_json_arrays() -> None:
    """An object prints as a Java map, an array as JSON."""
    assert java_text({"a": 1, "b": ["x", None], "c": {"d": True}}) == '{a=1, b=["x",null], c={d=true}}'


def test_equality_knows_types_but_no_order_of_members() -> None:
    """1, 1.0 and true are three values; {a, b} and {b, a} are one."""
    assert not java_equal(1, 1.0)
    assert not java_equal(1, True)
    assert java_equal({"a": [1], "b": {}}, {"b": {}, "a": [1]})
    assert not java_equal([1, 2], [2, 1])
