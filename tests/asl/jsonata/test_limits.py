"""Expressions that would never end, or fill the memory: each ends, in every engine, and in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.jsonata.engine import EngineError
from stepsim.asl.jsonata.limits import MAX_ELEMENTS, TOO_DEEP, TOO_LARGE, TOO_LONG

DOUBLED = '($f := function($s, $n){ $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f("x", %d)))'
RECURSIVE = "($f := function($n){ $n = 0 ? 0 : 1 + $f($n - 1) }; $f(%d))"


def fault(evaluate: Any, text: str) -> str:
    """How an expression fails."""
    with pytest.raises(EngineError) as caught:
        evaluate(text)
    assert caught.value.code == ""
    return caught.value.message


def test_recursion_without_an_end(evaluate: Any) -> None:
    """AWS names the depth that was reached and the deepest that is allowed (measured)."""
    assert fault(evaluate, "($f := function($n){ 1 + $f($n) }; $f(0))") == TOO_DEEP
    assert TOO_DEEP.endswith("Depth=101 max=100")


def test_a_loop_without_an_end(engine_name: str, evaluate: Any) -> None:
    """A call in the tail takes no depth, and is ended by its steps; jsonata2py takes it for a recursion."""
    expected = TOO_LONG if engine_name == "jlens" else TOO_DEEP
    assert fault(evaluate, "($f := function($n){ $f($n + 1) }; $f(0))") == expected


@pytest.mark.parametrize(("terms", "ends"), [(100, True), (101, False)])
def test_a_hundred_levels(terms: int, ends: bool, evaluate: Any) -> None:
    """A sum of 100 terms is 100 levels deep, and no sum may be deeper (measured)."""
    text = "+".join(["1"] * terms)
    if ends:
        assert evaluate(text) == terms
    else:
        assert fault(evaluate, text) == TOO_DEEP


def test_a_function_that_calls_itself_31_times(engine_name: str, evaluate: Any) -> None:
    """It is 3 n + 5 levels deep (measured); jsonata2py counts its calls only."""
    assert evaluate(RECURSIVE % 31) == 31
    if engine_name == "jlens":
        assert fault(evaluate, RECURSIVE % 32) == TOO_DEEP
    assert fault(evaluate, RECURSIVE % 100) == TOO_DEEP


def test_a_string_doubled_and_doubled(evaluate: Any) -> None:
    """2^22 characters can be built, 2^23 cannot (measured)."""
    assert evaluate(DOUBLED % 22) == 1 << 22
    assert fault(evaluate, DOUBLED % 23) == TOO_LARGE


def test_long_arrays(evaluate: Any) -> None:
    """873,782 elements can be built, and not one more (measured)."""
    assert evaluate(f"$count([1..{MAX_ELEMENTS}])") == MAX_ELEMENTS
    assert fault(evaluate, f"$count([1..{MAX_ELEMENTS + 1}])") == TOO_LARGE


@pytest.mark.parametrize(
    "text",
    [
        '$length($pad("", 1000000000))',
        "$reduce([1..40], function($a, $b){ [$a, $a] }, 1)",
        "$reduce([1..40], function($a, $b){ $append($a, $a) }, [1])",
        "[1..1000].([1..1000])",
        '$reduce([1..21], function($a, $b){ {"a": $a, "b": $a} }, 1)',
    ],
)
def test_much_from_little(text: str, evaluate: Any) -> None:
    """Whatever way is taken to a large value, it is refused before it harms the process."""
    assert fault(evaluate, text) == TOO_LARGE


def test_a_range_beyond_all_bounds(evaluate: Any) -> None:
    """JSONata has a code of its own for more than ten million numbers."""
    with pytest.raises(EngineError) as caught:
        evaluate("[1..1000000000]")
    assert caught.value.code == "D2014"


def test_a_regular_expression_that_backtracks_without_end(evaluate: Any) -> None:
    """No count covers it: it is ended by the clock, after the second that AWS gives an expression."""
    assert fault(evaluate, f'$match("{"a" * 60}!", /(a|aa)+$/)') == TOO_LONG
