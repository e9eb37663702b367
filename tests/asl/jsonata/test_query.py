"""Expressions of one field: what they see, and how they fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.errors import StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.jsonata.engine import EngineError, engine
from stepsim.asl.jsonata.query import Subject, compile_query, prune
from stepsim.asl.payload import Payload


def evaluate(text: str, raw: Any = None, subject: Any = None, name: Subject = "", **variables: Any) -> Any:
    """What an expression gives for a state's input, its subject and the variables."""
    scope = Scope(lambda: {"Execution": {"Name": "one"}}, variables, lambda purpose: 0.5, Payload(raw))
    return compile_query(text, "Output/v", name)(subject, scope)


def cause(text: str, **given: Any) -> str:
    """How an expression fails."""
    with pytest.raises(StatesError) as caught:
        evaluate(text, **given)
    assert caught.value.error == "States.QueryEvaluationError"
    assert caught.value.location == "Output/v"
    return str(caught.value.cause)


def test_it_reads_input_context_variables_and_its_subject() -> None:
    """All that $states has, and the variables by their names."""
    text = "[$states.input.a, $states.context.Execution.Name, $states.result.b, $v]"
    assert evaluate(text, {"a": 1}, {"b": 2}, "result", v=3) == [1, "one", 2, 3]


def test_a_bare_path_gives_the_value_itself() -> None:
    """A path with nothing else is looked up, not evaluated: numbers stay exact, and nothing is copied."""
    raw = {"a": {"n": 9007199254740993, "list": [1]}}
    assert evaluate("$states.input.a.n", raw) == 9007199254740993
    assert evaluate("$states.input.a", raw) is raw["a"]


leaves = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=3)
names = st.sampled_from(["a", "b", "c"])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


@given(st.dictionaries(names, values), st.lists(names, min_size=1, max_size=3))
def test_a_bare_path_agrees_with_the_engine(raw: dict[str, Any], steps: list[str]) -> None:
    """Looking a path up gives what the engine gives, for every value and depth."""
    path = "$states.input." + ".".join(steps)
    try:
        looked_up = evaluate(path, raw)
    except StatesError as error:
        looked_up = error.cause
    try:
        engine = evaluate(f"({path})", raw)
    except StatesError as error:
        engine = str(error.cause).replace(f"'({path})'", f"'{path}'")
    assert looked_up == engine


def test_nothing_is_a_failure_and_null_is_a_value() -> None:
    """A key is never silently dropped (measured)."""
    assert evaluate("$states.input.a", {"a": None}) is None
    assert evaluate("null") is None
    expected = "The JSONata expression '$nope' specified for the field 'Output/v' returned nothing (undefined)."
    assert cause("$nope") == expected


def test_a_function_is_no_result() -> None:
    """As recorded."""
    assert cause("function($x){$x}").endswith("returned an unsupported result type.")


@pytest.mark.parametrize("call", ["$eval('1')", "$randomSeeded(1)"])
def test_a_function_that_is_not_there(call: str) -> None:
    """JSONata's code and text follow AWS's own words (recorded)."""
    assert cause(call).endswith("threw an error during evaluation. T1006: Attempted to invoke a non-function")


def test_an_expression_that_never_ends_is_ended() -> None:
    """A bound that is reached has AWS's words, and no code: a colon stands before them (measured)."""
    recursion = cause("($f := function($n) { 1 + $f($n + 1) }; $f(0))")
    assert "threw an error during evaluation: Stack overflow error: " in recursion
    assert recursion.endswith("Depth=101 max=100")


def test_chance_comes_from_the_scope() -> None:
    """$random and $uuid draw from the run's dice; a seeded $random is Java's (measured)."""
    assert evaluate("$random()") == 0.5
    assert evaluate("$random(42)") == 0.7275636800328681
    assert evaluate("$uuid() = $uuid()") is True


def test_time_stands_still_while_a_field_is_evaluated() -> None:
    """$millis and $now show the scope's time."""
    assert evaluate("$millis()") == 0
    assert evaluate("$now()") == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("text", ["a ?? b", "$a ?: 1", "($x := 'y' ?? 2)"])
def test_operators_after_2_0_6_are_refused(text: str) -> None:
    """AWS runs JSONata 2.0.6."""
    with pytest.raises(EngineError):
        compile_query(text, "Output")


@pytest.mark.parametrize(
    "text", ["'a ?? b'", "/* a ?: b */ 1", "function($x)<s?:s>{$x}('a')", "$contains('a?:b', /a\\?:/)"]
)
def test_what_only_looks_like_them_is_not(text: str) -> None:
    """Strings, comments, signatures and regular expressions may hold the same characters."""
    compile_query(text, "Output")


def test_only_what_is_read_is_bound() -> None:
    """An engine that converts all that it is given tells what an expression reads."""
    compiled = engine("jlens")("$sum($v.items.price) + $states.input.n")
    assert compiled.variables == {"v": {"items": {"price": True}}, "states": {"input": {"n": True}}}
    assert prune({"items": [1], "other": 2}, compiled.variables["v"]) == {"items": [1]}


def test_an_expression_that_reads_nothing_is_evaluated_once() -> None:
    """Its value is always the same one."""
    constant = compile_query("[1..3]", "Output")
    scope = Scope(lambda: None, {}, None, Payload(None))
    assert constant(None, scope) is constant(None, scope)


def test_a_lone_number_is_written_as_jsonata_does() -> None:
    """1.0 comes out as 1, without an engine too (measured)."""
    assert repr(evaluate("$states.input.f", {"f": 1.0})) == "1"
    assert repr(evaluate("$states.input.f", {"f": 1.5})) == "1.5"


def test_a_variable_may_have_the_name_of_a_function() -> None:
    """It hides the function, which is T1006 where it is called."""
    assert evaluate("$count + 1", count=2) == 3
    assert evaluate("$count([1, 2])") == 2
    assert cause("$count([1, 2])", count=2).endswith("T1006: Attempted to invoke a non-function")
