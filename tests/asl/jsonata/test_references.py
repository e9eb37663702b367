"""What an engine knows of an expression that it has not evaluated."""

from __future__ import annotations

import pytest

from stepsim.asl.jsonata.engine import EngineError, engine


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("total", ["total"]),
        ("order.total", ["order"]),
        ("$states.input.total", []),
        ("$x[total > 10].items^(price).name", []),
        ("$x ~> |items|{'price': price * 2}|", []),
        ("$x{name: price}", []),
        ("$map($x, function($v){ total })", ["total"]),
        ("$sum([a, b])", ["a", "b"]),
        ("$$.a", ["$"]),
        ("($x := a; $x)", ["a"]),
        ("a ? b : c", ["a", "b", "c"]),
    ],
)
def test_names_at_the_top_level(text: str, names: list[str], engine_name: str) -> None:
    """Names within predicates, later steps, sort terms and groupings are fine (measured)."""
    found = engine(engine_name)(text).context
    assert sorted(found) == names or (names == ["$"] and found)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$x + $y.z", ["x", "y"]),
        ("($x := 1; $x + $y)", ["y"]),
        ("function($a){ $a + $b }(1)", ["b"]),
        ("$sum($x)", ["x"]),
        ("$x@$i.($i.a = $y)", ["x", "y"]),
    ],
)
def test_variables(text: str, names: list[str], engine_name: str) -> None:
    """What an expression binds itself, and the built-in functions, are none."""
    assert sorted(engine(engine_name)(text).variables) == names


def test_what_does_not_parse(engine_name: str) -> None:
    """The parser's code and text, when the expression is compiled."""
    with pytest.raises(EngineError) as caught:
        engine(engine_name)("[1, 2)")
    assert (caught.value.code, caught.value.message) == ("S0202", 'Expected "]", got ")"')
