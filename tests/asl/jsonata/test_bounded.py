"""Expressions that hoard: each ends with AWS's words, whatever it holds, and legal ones over much data are not cut."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.jsonata.aside import ASIDE
from stepsim.asl.jsonata.bounded import BoundedExpression, looks_dangerous
from stepsim.asl.jsonata.engine import EngineError
from stepsim.asl.jsonata.functions import PURE
from stepsim.asl.jsonata.limits import FIRST, MAX_ELEMENTS, TOO_LARGE, TOO_LONG

NOW_MS = 1_767_578_400_000

NESTED = '$reduce([1..60], function($a, $b){ {"a": $a, "b": $a} }, 1)'
"""A small value that is 2^60 large once it is looked at."""


@pytest.fixture
def bounded(engine_name: str) -> Any:
    """What a bounded expression gives in the engine, with our functions and the variables."""

    def run(text: str, **variables: Any) -> Any:
        given = {name: function for name, function in PURE.items() if f"${name}" in text}
        return BoundedExpression(text, tuple(given), engine_name).evaluate({**given, **variables}, NOW_MS)

    return run


@pytest.mark.parametrize(
    "text",
    [
        "$string([1..5000000])",
        '$pad("x", 100000000)',
        '[1..9000000].{"a": $}',
        '$map([1..200], function($i){{"x": [1..873782]}})',
        '$count($map([1..20000], function($i){[$pad("", 60000, "a")]}))',
        "$range(1, 100000000, 1)",
        "$count([1..1000].$partition([1..100000], 1))",
        f"($x := {NESTED}; $y := {NESTED}; $x = $y)",
        f"$count(({NESTED}).**)",
        f"$string({NESTED})",
        NESTED,
        '($f := function($n, $l){ $f($n + 1, {"a": $l, "b": [1..1000]}) }; $count($f(0, [])))',
        '$match($pad("", 60, "a") & "!", /(a|aa)+$/)',
    ],
)
def test_expressions_that_hoard(text: str, bounded: Any) -> None:
    """They end by the memory that they take, by their depth, or by the time, with AWS's words for it."""
    with pytest.raises(EngineError) as caught:
        bounded(text)
    assert caught.value.code == ""
    assert "Expression evaluation" in caught.value.message or "Stack overflow" in caught.value.message


def test_the_next_one_is_evaluated(bounded: Any) -> None:
    """Neither an expression that ran out of time nor one that ran out of memory harms those that follow."""
    for text in ('$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /(a|aa)+$/)', NESTED):
        with pytest.raises(EngineError):
            bounded(text)
        assert bounded("$sum([1..10])") == 55
        assert bounded(f"$count([1..{FIRST.elements + 1}])") == FIRST.elements + 1


def test_long_arrays_are_those_of_aws(bounded: Any) -> None:
    """What is too much for this process, and not for AWS, is evaluated in the other one."""
    assert bounded(f"$count([1..{MAX_ELEMENTS}])") == MAX_ELEMENTS
    with pytest.raises(EngineError, match=TOO_LARGE):
        bounded(f"$count([1..{MAX_ELEMENTS + 1}])")


def test_errors_come_back_as_they_are(bounded: Any) -> None:
    """An error of the expression keeps its code on the way from the other process."""
    with pytest.raises(EngineError) as caught:
        bounded('($count([1..100000]); $uppercase("a") + 1)')
    assert caught.value.code == "T2001"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$count($distinct($v))", 60_000),
        ("$count($distinct($v[$ < 20000].{'a': $}))", 20_000),
        ("$count($keys($merge($v.{$string($): $})))", 60_000),
        ("$sum($v[$ % 2 = 0])", 899_970_000),
        ("$count($sort($v, function($l, $r){ $l < $r }))", 60_000),
        ("$length($join($v.$string($), ','))", 348_889),
        ("$count($split($join($v.$string($), ','), ','))", 60_000),
    ],
)
def test_legal_expressions_over_much_data(text: str, expected: int, engine_name: str, bounded: Any) -> None:
    """An input of 256 KiB is no reason to end anything; jsonata2py is given a tenth of it, as it is slower."""
    many = 60_000
    if engine_name == "jlens":
        assert bounded(text, v=list(range(many))) == expected
    else:
        assert bounded(text, v=list(range(many // 10))) > 0


def test_what_was_drawn_is_drawn_once(engine_name: str) -> None:
    """An evaluation that begins anew in the other process has the same chance as if it had stayed."""
    draws = iter(range(1, 100))
    text = "($a := $random(); $b := $count([1..100000]); $c := $random(); [$a, $b, $c])"
    expression = BoundedExpression(text, ("random",), engine_name)
    assert expression.evaluate({"random": lambda *_: next(draws)}, NOW_MS) == [1, 100_000, 2]


@pytest.mark.parametrize("value", [{"keys": [1, 2]}, {"keys": None}])
def test_a_variable_may_be_called_keys(value: dict[str, Any], bounded: Any) -> None:
    """It is no function then."""
    assert bounded("{'v': $keys}", **value) == {"v": value["keys"]}


@pytest.mark.parametrize(
    ("text", "dangerous"),
    [
        ("$sum($states.input.a)", False),
        ("$reduce($v, function($a, $b){ $a + $b })", False),
        ("$map($v, function($i){ {'a': $i.a, 'b': $i.b} })", False),
        (NESTED, True),
        ("($f := function($x){ [$x, $x] }; $f(1))", True),
    ],
)
def test_what_is_never_begun_here(text: str, dangerous: bool) -> None:
    """jlens cannot be stopped where it compares a value that holds itself again and again."""
    assert looks_dangerous("jlens", text) is dangerous


def test_a_function_that_fails_ends_the_conversation(bounded: Any) -> None:
    """Whatever it raises here is raised here, and the next expression has its own answer."""

    def random(*_: Any) -> Any:
        raise RuntimeError("no dice")

    expression = BoundedExpression("($reduce([1, 2], function($a, $b){ [$a, $a, $random()] }))", ("random",), "jlens")
    with pytest.raises(RuntimeError, match="no dice"):
        expression.evaluate({"random": random}, NOW_MS)
    assert bounded("$count([1..100000])") == 100_000


def test_the_process_is_started_anew(bounded: Any) -> None:
    """Whoever ends it loses nothing."""
    assert bounded("$count([1..100000])") == 100_000
    ASIDE.close()
    assert bounded("$count([1..100000])") == 100_000


def test_the_words_are_those_of_aws(bounded: Any) -> None:
    """A time-out says so."""
    with pytest.raises(EngineError, match=TOO_LONG):
        bounded('$match($pad("", 60, "a") & "!", /(a|aa)+$/)')
