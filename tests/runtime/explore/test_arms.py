"""The ways out of a Choice, and what leads to each."""

from __future__ import annotations

import pytest

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import ChoiceState
from stepsim.asl.payload import JSON
from stepsim.runtime.explore.arms import DEFAULT, arms_of
from stepsim.runtime.explore.places import ABSENT, INPUT, Content, Place
from stepsim.runtime.explore.reading import read_definition


def arms(*rules: dict[str, JSON], default: bool = True, **machine: JSON) -> dict[int, list[dict[str, Content]]]:
    """What must be where in the input for each way out."""
    choice: dict[str, JSON] = {"Type": "Choice", "Choices": [{**rule, "Next": "E"} for rule in rules]}
    if default:
        choice["Default"] = "E"
    definition = {"StartAt": "C", "States": {"C": choice, "E": {"Type": "Succeed"}}, **machine}
    state = compile_machine(definition).states["C"]
    assert isinstance(state, ChoiceState)
    found = arms_of(state, choice, read_definition(definition).choices["C"][0])
    return {
        arm: [{".".join(map(str, place.steps)): content for place, content in one} for one in assignments]
        for arm, assignments in found.items()
    }


@pytest.mark.parametrize(
    "rule",
    [
        {"Variable": "$.x", "StringEquals": "a"},
        {"Variable": "$.x", "StringLessThan": "m"},
        {"Variable": "$.x", "StringGreaterThanEquals": "m"},
        {"Variable": "$.x", "StringMatches": "log-*.txt"},
        {"Variable": "$.x", "NumericEquals": 3},
        {"Variable": "$.x", "NumericLessThan": 0},
        {"Variable": "$.x", "NumericGreaterThanEquals": 1.5},
        {"Variable": "$.x", "TimestampLessThan": "2026-03-01T00:00:00Z"},
        {"Variable": "$.x", "TimestampGreaterThan": "2026-03-01T00:00:00Z"},
        {"Variable": "$.x", "BooleanEquals": False},
        {"Variable": "$.x", "IsPresent": True},
        {"Variable": "$.x", "IsPresent": False},
        {"Variable": "$.x", "IsNull": True},
        {"Variable": "$.x", "IsNumeric": False},
        {"Variable": "$.x", "IsString": True},
        {"Variable": "$.x", "IsBoolean": True},
        {"Variable": "$.x", "IsTimestamp": True},
        {"Variable": "$.x", "NumericLessThanPath": "$.y"},
        {"Variable": "$.x", "StringEqualsPath": "$.y"},
        {"Variable": "$.x", "TimestampGreaterThanPath": "$.y"},
        {"Variable": "$.x", "BooleanEqualsPath": "$.y"},
        {"Not": {"Variable": "$.x", "StringEquals": "a"}},
        {"And": [{"Variable": "$.x", "NumericGreaterThan": 3}, {"Variable": "$.x", "NumericLessThan": 5}]},
        {"Or": [{"Variable": "$.x", "StringEquals": "a"}, {"Variable": "$.y.z", "IsPresent": True}]},
    ],
    ids=str,
)
def test_every_comparison_is_made_true_and_false(rule: dict[str, JSON]) -> None:
    """Both ways out are found."""
    assert set(arms(rule)) == {0, DEFAULT}


def test_a_rule_is_reached_past_those_before_it() -> None:
    """The third way needs the first two to be false."""
    rules = [{"Variable": "$.n", "NumericLessThan": bound} for bound in (10, 20, 30)]
    found = arms(*rules)
    assert set(found) == {0, 1, 2, DEFAULT}
    assert all(20 <= one["n"] < 30 for one in found[2])  # type: ignore[operator]


def test_what_must_be_there_is_of_the_type_that_is_compared() -> None:
    """IsPresent beside a comparison does not make a text of a number."""
    found = arms({"And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericGreaterThan": 3}]})
    assert found[0][0] == {"n": 4}
    assert any(one["n"] == 3 for one in found[DEFAULT])


def test_conditions_in_jsonata_are_solved_with_their_literals() -> None:
    """Numbers and texts that stand in them, one more and one less."""
    found = arms(
        {"Condition": "{% $states.input.a.b > 3 and $states.input.k = 'x' %}"},
        {"Condition": "{% $exists($states.input.q) %}"},
        QueryLanguage="JSONata",
    )
    assert set(found) == {0, 1, DEFAULT}
    assert found[0][0] | {"q": 0} == {"a.b": 4, "k": "x", "q": 0}
    assert found[DEFAULT][0]["q"] is ABSENT


def test_a_choice_without_default_has_no_such_way() -> None:
    """Where no rule fits, it fails."""
    assert set(arms({"Variable": "$.x", "StringEquals": "a"}, default=False)) == {0}


def test_many_places_are_tried_in_few_steps() -> None:
    """Of many of them, one or two are changed at a time."""
    rules = [{"Variable": f"$.v{n}", "StringEquals": f"t{n}"} for n in range(30)]
    assert set(arms({"Not": {"And": rules}}, *rules)) >= {0, DEFAULT} - {DEFAULT}
    assert Place(INPUT, ("v0",)).steps == ("v0",)
