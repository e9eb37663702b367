"""The functions that may end a path."""

from __future__ import annotations

import pytest

from stepsim.asl.errors import PathNotFound
from stepsim.asl.expression import Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.payload import JSON

DOCUMENT = {
    "n": [4, 1, 3],
    "words": ["a", "b", "a"],
    "o": {"x": 1, "y": 2},
    "s": "text",
    "rows": [{"v": 1}, {"v": 2.5}],
}


def read(path: str) -> JSON:
    return compile_path(path)(DOCUMENT, Scope(dict, {}))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.n.length()", 3),
        ("$.o.length()", 2),
        ("$.s.length()", None),
        ("$.n.sum()", 8.0),
        ("$.n.min()", 1.0),
        ("$.n.max()", 4.0),
        ("$.rows[*].v", [1, 2.5]),
        ("$..v.sum()", 3.5),
        ("$.n.sum(2, $.n[0])", 14.0),
        ("$.o.keys()", ["x", "y"]),
        ("$.n.first()", 4),
        ("$.n.last()", 3),
        ("$.n.index(1)", 1),
        ("$.words.distinct()", ["a", "b"]),
        ("$.words.concat()", "aba"),
        ('$.words.concat("!")', "aba!"),
        ("$.n.append(5)", [4, 1, 3, 5]),
        ("$.rows[*].length()", [1, 1]),
    ],
)
def test_a_function_ends_a_path(path: str, value: JSON) -> None:
    """It is applied to what the path before it leads to; what it calculates is a double."""
    found = read(path)
    assert found == value
    assert type(found) is type(value)


def test_mean_and_deviation_are_those_of_the_whole_population() -> None:
    """avg and stddev divide by the number of values."""
    assert read("$.n.avg()") == pytest.approx(8 / 3)
    assert read("$.n.stddev()") == pytest.approx((14 / 9) ** 0.5)


def test_nothing_can_be_calculated_of_no_numbers() -> None:
    """An aggregate of an empty array is an error, with the library's text."""
    with pytest.raises(PathNotFound, match="calculate value using empty array"):
        read("$.words.max()")
