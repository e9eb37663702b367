"""What a definition reads, and where that comes from."""

from __future__ import annotations

import pytest

from stepsim.asl.payload import JSON
from stepsim.runtime.explore.origins import Listed, Made, Surroundings, overlaid, paths_in, select
from stepsim.runtime.explore.places import ABSENT, EACH, INPUT, Place, Sized, at, put
from stepsim.runtime.explore.reading import read_definition

DONE = {"Type": "Succeed"}


def places(*states: tuple[str, dict[str, JSON]], **machine: JSON) -> list[str]:
    """The places that a machine of these states reads, one state after the other."""
    names = [name for name, _ in states]
    written = {}
    for (name, state), following in zip(states, [*names[1:], None], strict=True):
        written[name] = {**state, **({"Next": following} if following else {"End": True})}
    definition = {"StartAt": names[0], "States": written, **machine}
    return sorted(map(str, read_definition(definition).places))


TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F"}


def test_what_a_template_reads_is_in_the_input() -> None:
    """InputPath, Parameters, intrinsic functions and Wait's paths."""
    call = {
        "Type": "Pass",
        "InputPath": "$.order",
        "Parameters": {"x": {"id.$": "$.id", "n.$": "States.MathAdd($.n, 1)"}},
    }
    assert places(("A", call)) == ["the input: $.order", "the input: $.order.id", "the input: $.order.n"]
    assert places(("W", {"Type": "Wait", "SecondsPath": "$.s"})) == ["the input: $.s"]


def test_a_result_is_followed_to_where_it_is_read() -> None:
    """Through ResultSelector and ResultPath, a later state reads the Task that gave it."""
    first = {**TASK, "ResultSelector": {"cents.$": "$.Payload.cents"}, "ResultPath": "$.price"}
    later = {"Type": "Pass", "Parameters": {"a.$": "$.price.cents", "b.$": "$.id"}}
    assert places(("Price", first), ("P", later)) == ["the input: $.id", "the result of Price: $.Payload.cents"]


def test_variables_lead_back_to_what_was_assigned() -> None:
    """Assign, and ``$name`` in a later state."""
    first = {**TASK, "Assign": {"kind.$": "$.k"}}
    assert places(("F", first), ("P", {"Type": "Pass", "Parameters": {"x.$": "$kind.deep"}})) == [
        "the result of F: $.k",
        "the result of F: $.k.deep",
    ]


def test_items_of_a_map_are_elements_of_what_it_reads() -> None:
    """What an iteration reads lies within each item."""
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Parameters": {"s.$": "$.sku"}, "End": True}}}
    found = places(("M", {"Type": "Map", "ItemsPath": "$.lines", "ItemProcessor": inner}))
    assert found == ["the input: $.lines", "the input: $.lines[*].sku"]


def test_a_context_object_leads_to_the_input_and_to_items() -> None:
    """``$$.Execution.Input`` and ``$$.Map.Item.Value``."""
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    selector = {"a.$": "$$.Map.Item.Value.x", "b.$": "$$.Execution.Input.y"}
    found = places(("M", {"Type": "Map", "ItemsPath": "$.l", "ItemSelector": selector, "ItemProcessor": inner}))
    assert found == ["the input: $.l", "the input: $.l[*].x", "the input: $.y"]


def test_jsonata_references_are_followed() -> None:
    """Arguments, Output, Assign and variables."""
    first = {
        **TASK,
        "Arguments": {"n": "{% $states.input.order.n + 1 %}"},
        "Assign": {"v": "{% $states.result.v %}"},
        "Output": "{% $states.result.Payload %}",
    }
    second = {"Type": "Pass", "Output": {"x": "{% $states.input.total %}", "y": "{% $v.deep %}"}}
    assert places(("F", first), ("P", second), QueryLanguage="JSONata") == [
        "the input: $.order.n",
        "the result of F: $.Payload",
        "the result of F: $.Payload.total",
        "the result of F: $.v",
        "the result of F: $.v.deep",
    ]


def test_circles_are_gone_through_once() -> None:
    """A loop of states ends."""
    looping = {
        "StartAt": "A",
        "States": {
            "A": {**TASK, "ResultPath": "$.a", "Next": "C"},
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a.done", "BooleanEquals": True, "Next": "E"}],
                "Default": "A",
            },
            "E": DONE,
        },
    }
    assert Place("A", ("done",)) in read_definition(looping).places


def test_values_are_put_at_places_and_taken_away() -> None:
    """What leads there is made; nothing that was there is changed."""
    before: JSON = {"a": [{"x": 1}, {"x": 2}]}
    assert put(before, ("a", EACH, "y"), 5) == {"a": [{"x": 1, "y": 5}, {"x": 2, "y": 5}]}
    assert put(before, ("a", EACH, "x"), ABSENT) == {"a": [{}, {}]}
    assert put({}, ("a", EACH, "b"), 1) == {"a": [{"b": 1}]}
    assert put(before, ("a",), Sized(3))["a"] == [{"x": 1}] * 3
    assert put({}, ("a", "b"), ABSENT) == {}
    assert before == {"a": [{"x": 1}, {"x": 2}]}
    assert at(before, ("a", EACH, "x")) == 1
    assert at(before, ("b",)) is ABSENT


def test_origins_of_what_a_machine_makes() -> None:
    """An object over another one, and an array of branches."""
    given = Place(INPUT, ())
    over = overlaid(given, ("price", "cents"), Place("T", ("c",)))
    assert select(over, ("price", "cents", "x")) == Place("T", ("c", "x"))
    assert select(over, ("other",)) == Place(INPUT, ("other",))
    assert select(Listed((Place("T", ()),)), (EACH, "x")) == Place("T", ("x",))
    assert select(Made(()), ("x",)) is None
    assert Surroundings(given, {}).of_path("$..x") is None


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("States.Format('{} $.no', $.a, $$.b['c d'])", ["$.a", "$$.b['c d']"]),
        ("States.Array(1, $x.y)", ["$x.y"]),
    ],
)
def test_paths_among_arguments(text: str, paths: list[str]) -> None:
    """Not those within texts."""
    assert paths_in(text) == paths
