"""Payload templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsim.asl.errors import RUNTIME, StatesError
from stepsim.asl.expression import Scope
from stepsim.asl.payload import JSON
from stepsim.asl.template import compile_template, compile_value

INPUT = {"id": 7, "items": [1, 2], "deep": {"x": "y"}}


def scope() -> Scope:
    return Scope(lambda: {"State": {"Name": "S"}}, {"v": [True]})


def build(template: JSON, subject: JSON = INPUT) -> JSON:
    return compile_template(template, "Parameters")(subject, scope())


def test_keys_with_the_suffix_are_computed() -> None:
    """Paths into the input, the context and variables, and intrinsic calls; at any depth, also inside arrays."""
    template = {
        "id.$": "$.id",
        "all.$": "$",
        "state.$": "$$.State.Name",
        "v.$": "$v[0]",
        "text.$": "States.Format('#{}', $.id)",
        "in": {"list": [{"x.$": "$.deep.x"}, 1], "kept": None},
    }
    assert build(template) == {
        "id": 7,
        "all": INPUT,
        "state": "S",
        "v": True,
        "text": "#7",
        "in": {"list": [{"x": "y"}, 1], "kept": None},
    }


@pytest.mark.parametrize(
    "template",
    [{"a": "$.id", "b": "States.UUID()", "c": "{% 1 %}", "d": ["$.id", "x.$"], "e": {"f": 1}}, {}, "$.id", [1, {}]],
)
def test_what_has_no_computed_part_is_shared(template: JSON) -> None:
    """Strings that look like paths are strings, and a constant is the same object every time."""
    assert build(template) is template


def test_constant_parts_of_a_template_are_shared() -> None:
    """Only the objects on the way to a computed key are made anew."""
    template = {"a.$": "$.id", "big": {"x": [1, 2]}}
    first, second = build(template), build(template)
    assert first == second
    assert first is not second
    assert first["big"] is template["big"]


@pytest.mark.parametrize(
    ("path", "field", "text"),
    [
        (
            "$.nope",
            "x",
            "The JSONPath '$.nope' specified for the field 'x.$' could not be found in the input '{\"a\":1}'",
        ),
        (
            "$$.nope",
            "x",
            "The JSONPath '$$.nope' specified for the field 'x.$' could not be found in the input '{\"a\":1}'",
        ),
        (
            "$.a[0]",
            "y",
            "The JSONPath '$.a[0]' specified for the field 'y.$' could not be found in the input '{\"a\":1}'",
        ),
    ],
)
def test_a_path_that_leads_nowhere_ends_the_execution(path: str, field: str, text: str) -> None:
    """The cause names the path, the field and the input."""
    with pytest.raises(StatesError) as failure:
        build({"outer": {f"{field}.$": path}}, {"a": 1})
    assert (failure.value.error, failure.value.cause, failure.value.by_interpreter) == (RUNTIME, text, True)


def test_an_index_past_the_end_is_null() -> None:
    """Only as the last step of a plain reference."""
    assert build({"x.$": "$.items[5]", "y.$": "$.items[-3]", "z.$": "$.items[1]"}) == {"x": None, "y": None, "z": 2}
    with pytest.raises(StatesError):
        build({"x.$": "$.items[5].y"})
    with pytest.raises(StatesError):
        build({"x.$": "States.Array($.items[5])"})


@pytest.mark.parametrize("path", ["$.items[*].no", "$.no[*]", "$.no.deeper[1:].x", "$.no[?(@.x)]"])
def test_what_may_match_several_places_is_an_empty_array_where_it_matches_none(path: str) -> None:
    """Even where the beginning of the path leads nowhere; as an argument of a function, that is still an error."""
    assert build({"x.$": path}) == {"x": []}
    with pytest.raises(StatesError):
        build({"x.$": "States.Array($.no.deeper[*])"})


@pytest.mark.parametrize("value", [5, None, "id", "States.Nope()", "$.", "States.Format('open)", {"a": 1}])
def test_what_cannot_be_computed_is_refused(value: JSON) -> None:
    """A computed key needs a path or a call; the text is AWS's."""
    with pytest.raises(ValueError, match=r"'x\.\$' must be a valid JSONPath or a valid intrinsic function call"):
        compile_template({"x.$": value}, "Parameters")


def test_keys_that_collide_are_refused() -> None:
    """A key may not stand both computed and plain."""
    with pytest.raises(ValueError, match="twice in Parameters"):
        compile_template({"x": 1, "x.$": "$"}, "Parameters")


def test_a_field_can_be_a_path_or_a_call_itself() -> None:
    """ErrorPath and CausePath take either, and name themselves where the path leads nowhere."""
    assert compile_value("$.deep.x", "ErrorPath")(INPUT, scope()) == "y"
    assert compile_value("States.Format('E{}', $.id)", "CausePath")(INPUT, scope()) == "E7"
    with pytest.raises(StatesError) as failure:
        compile_value("$.no", "ErrorPath")({}, scope())
    assert failure.value.cause == (
        "The JSONPath '$.no' specified for the field 'ErrorPath' could not be found in the input '{}'"
    )


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
        max_leaves=10,
    )
)
def test_a_template_around_the_input_holds_the_input(value: JSON) -> None:
    """Nothing of the input is copied or changed on its way through a template."""
    assert build({"in.$": "$"}, value)["in"] is value
