"""Fields that read nothing but what they are given are told from those that look further."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.bare import bare_flow, bare_rule, bare_template


@pytest.mark.parametrize(
    "template",
    [
        None,
        {"a": "$$.Execution.Id", "b": [1, {"c.$": "$.c[0]['d']"}]},
        {"a.$": "$", "b.$": "States.Format('{}', States.Array($.a, $, 1))"},
    ],
)
def test_what_reads_its_subject_alone_is_bare(template: Any) -> None:
    """Text that is only text may say anything."""
    assert bare_template(template)


@pytest.mark.parametrize(
    "computed",
    [
        *("$$.Execution.Id", "$seen", "$.a[?(@.b > $.c)]", "States.UUID()", "States.MathRandom(1, 2)"),
        *("States.Array($seen)", "States.Array($$.State.Name)", "States.Format('{}', States.UUID())"),
    ],
)
def test_whoever_looks_beyond_it_is_not(computed: str) -> None:
    """The context object, variables, filters and chance, at any depth."""
    assert not bare_template([{"deep": {"a.$": computed}}])


def test_a_states_way_in_and_out_is_bare_as_a_whole() -> None:
    """One path or template that looks further is enough."""
    assert bare_flow({"InputPath": None, "Parameters": {"a.$": "$"}, "OutputPath": "$.b"})
    assert not bare_flow({"InputPath": "$", "OutputPath": "$$.Execution.Name"})
    assert not bare_flow({"ResultSelector": {"a.$": "$$.State.Name"}})


def test_a_rule_is_bare_where_all_its_parts_are() -> None:
    """Inner rules count; a rule that assigns a variable is not bare."""
    inner = {"Variable": "$.n", "NumericEqualsPath": "$.m"}
    assert bare_rule({"And": [inner, {"Not": inner}], "Next": "A"})
    assert not bare_rule({"Or": [inner, {"Variable": "$seen", "IsPresent": True}], "Next": "A"})
    assert not bare_rule({**inner, "Assign": {"a": 1}, "Next": "A"})
