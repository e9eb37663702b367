"""`stepsim.runtime.api.variable_references`."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.api.variable_references import variable_references


def names(state: dict[str, Any]) -> list[str]:
    """The variables that a state refers to."""
    return list(variable_references({"StartAt": "A", "States": {"A": state}}).get("A", ()))


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ({"Type": "Pass", "InputPath": "$x"}, ["x"]),
        ({"Type": "Pass", "OutputPath": "$x.y[0]"}, ["x"]),
        ({"Type": "Pass", "Parameters": {"b.$": "$b", "c": [{"a.$": "$a"}]}}, ["a", "b"]),
        ({"Type": "Pass", "Assign": {"y.$": "States.MathAdd($y, States.MathAdd($x, $$.z))"}}, ["x", "y"]),
        ({"Type": "Wait", "SecondsPath": "$x"}, ["x"]),
        ({"Type": "Fail", "ErrorPath": "$e", "CausePath": "States.Format('$no {}', $c)"}, ["c", "e"]),
        ({"Type": "Choice", "Choices": [{"And": [{"Variable": "$x", "IsNull": True}], "Next": "A"}]}, ["x"]),
        ({"Type": "Choice", "Choices": [{"Variable": "$.x", "NumericEqualsPath": "$y", "Next": "A"}]}, ["y"]),
        ({"Type": "Task", "Credentials": {"RoleArn.$": "$role"}, "TimeoutSecondsPath": "$t"}, ["role", "t"]),
        ({"Type": "Task", "Catch": [{"ErrorEquals": ["E"], "Assign": {"x.$": "$y"}, "Next": "A"}]}, ["y"]),
        ({"Type": "Map", "ItemsPath": "$items", "ItemSelector": {"n.$": "$n"}, "ItemProcessor": {"States": {}}}, None),
        ({"Type": "Pass", "Parameters": {"x": "$x", "y.$": "$.y", "z.$": "$$.Execution.Id"}}, []),
        ({"Type": "Pass", "Result": {"x.$": "$x", "InputPath": "$y"}}, []),
    ],
)
def test_references(state: dict[str, Any], found: list[str] | None) -> None:
    """Each path and intrinsic function of a state counts, in any field; names come in alphabetical order."""
    assert names(state) == (["items", "n"] if found is None else found)


def test_states_inside() -> None:
    """States inside Map and Parallel states count for themselves, under their own names."""
    inner = {"Type": "Pass", "Assign": {"x.$": "$y"}, "End": True}
    branch = {"StartAt": "B", "States": {"B": inner}}
    parallel = {"Type": "Parallel", "Branches": [branch], "ResultSelector": {"r.$": "$r"}, "End": True}
    processor = {"StartAt": "P", "States": {"P": parallel}}
    definition = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    assert variable_references(definition) == {"P": ["r"], "B": ["y"]}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("$x.y", ["x"]),
        ("$states.input.x", []),
        ("$sum($b) + $a", ["a", "b"]),
        ("($own := 1; $own + $other)", ["other"]),
        ("$map($list, function($v) {$v + $bias})", ["bias", "list"]),
        ("$parse($uuid())", []),
    ],
)
def test_jsonata(expression: str, found: list[str]) -> None:
    """A JSONata expression refers to the variables that it neither binds itself nor calls."""
    quoted = f"{{% {expression} %}}"
    assert names({"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"z": [quoted, "$text"]}}) == found
