"""What there is to cover in definitions."""

from __future__ import annotations

import json
from typing import Any

from stepsim.asl.parse import parse
from stepsim.runtime.coverage.goals import goals_of

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def ids(*, language: str = "JSONPath", **states: Any) -> list[str]:
    """The ids of the goals of a machine with these states."""
    machine = {"StartAt": next(iter(states)), "QueryLanguage": language, "States": states}
    return [goal.id for goal in goals_of(parse(json.dumps(machine)))]


def test_states_and_the_ways_out_of_them_are_goals() -> None:
    """A state can be entered, and left for its Next or at its End; a Succeed or Fail can only be entered."""
    found = ids(A={"Type": "Pass", "Next": "B"}, B={"Type": "Wait", "Seconds": 1, "End": True}, C={"Type": "Fail"})
    assert found == ["/States/A", "/States/A/Next", "/States/B", "/States/B/End", "/States/C"]


def test_each_choice_rule_can_go_both_ways() -> None:
    """A rule can be true or false, and the Default can be taken."""
    rules = [
        {"Variable": "$.n", "IsNull": True, "Next": "Choose"},
        {"Variable": "$.m", "IsNull": True, "Next": "Choose"},
    ]
    assert ids(Choose={"Type": "Choice", "Choices": rules, "Default": "Choose"}) == [
        "/States/Choose",
        "/States/Choose/Choices[0] true",
        "/States/Choose/Choices[0] false",
        "/States/Choose/Choices[1] true",
        "/States/Choose/Choices[1] false",
        "/States/Choose/Default",
    ]


def test_a_condition_that_is_constant_goes_one_way() -> None:
    """What is written as true is never false, and the other way round."""
    rules = [{"Condition": condition, "Next": "C"} for condition in (False, "{% $states.input.a %}", "{% true %}")]
    assert ids(language="JSONata", C={"Type": "Choice", "Choices": rules}) == [
        "/States/C",
        "/States/C/Choices[0] false",
        "/States/C/Choices[1] true",
        "/States/C/Choices[1] false",
        "/States/C/Choices[2] true",
    ]


def test_every_retrier_catcher_and_time_limit_is_a_goal() -> None:
    """A retrier retries and is exhausted, one without attempts only the latter; a catcher catches; time runs out."""
    retriers = [{"ErrorEquals": ["A"]}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}]
    task = {
        "Type": "Task",
        "Resource": FUNCTION,
        "TimeoutSecondsPath": "$.seconds",
        "HeartbeatSeconds": 5,
        "Retry": retriers,
        "Catch": [{"ErrorEquals": ["A"], "Next": "T"}],
        "End": True,
    }
    assert ids(T=task) == [
        "/States/T",
        "/States/T/TimeoutSecondsPath",
        "/States/T/HeartbeatSeconds",
        "/States/T/Retry[0] retried",
        "/States/T/Retry[0] exhausted",
        "/States/T/Retry[1] exhausted",
        "/States/T/Catch[0]",
        "/States/T/End",
    ]


def test_a_map_can_have_no_one_many_and_failing_items() -> None:
    """A Map's numbers of items are goals, as is all that is within it; so are branches."""
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    found = ids(
        M={"Type": "Map", "Iterator": inner, "Next": "P"}, P={"Type": "Parallel", "Branches": [inner], "End": True}
    )
    assert found == [
        "/States/M",
        *(f"/States/M/Iterator {size}" for size in ("zero items", "one item", "many items", "failing item")),
        "/States/M/Iterator/States/I",
        "/States/M/Iterator/States/I/End",
        "/States/M/Next",
        "/States/P",
        "/States/P/Branches[0]/States/I",
        "/States/P/Branches[0]/States/I/End",
        "/States/P/End",
    ]


def test_items_that_are_written_out_have_one_length() -> None:
    """An array in the definition is as long as it is."""
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    found = ids(language="JSONata", M={"Type": "Map", "Items": [1, 2], "ItemProcessor": inner, "End": True})
    assert found[1:3] == ["/States/M/ItemProcessor many items", "/States/M/ItemProcessor failing item"]


def test_what_has_no_cover_in_its_comment_is_left_out() -> None:
    """A Comment takes a state with all within it, a rule, a retrier or a catcher out of the count."""
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    handlers = {
        "Retry": [{"ErrorEquals": ["A"], "Comment": "no cover: a thousand times"}],
        "Catch": [{"ErrorEquals": ["A"], "Next": "P", "Comment": "No cover"}],
    }
    found = ids(
        M={"Type": "Map", "Comment": "no cover", "ItemProcessor": inner, "Next": "P"},
        P={"Type": "Task", "Resource": FUNCTION, **handlers, "End": True},
    )
    assert found == ["/States/P", "/States/P/End"]


def test_a_machine_can_run_out_of_time() -> None:
    """The TimeoutSeconds of the machine belong to no state."""
    text = '{"StartAt": "A", "TimeoutSeconds": 5, "States": {"A": {"Type": "Succeed"}}}'
    goals = goals_of(parse(text))
    assert [(goal.id, goal.state, goal.column) for goal in goals] == [
        ("/TimeoutSeconds", "", text.index('"TimeoutSeconds') + 1),
        ("/States/A", "A", text.index('"A": ') + 1),
    ]


def test_goals_stand_where_they_are_written_in_yaml_too() -> None:
    """Lines and columns are those of the file."""
    goals = goals_of(parse("StartAt: A\nStates:\n  A:\n    Type: Pass\n    End: true\n", "a.asl.yaml"))
    assert [(goal.id, goal.line, goal.column) for goal in goals] == [("/States/A", 3, 3), ("/States/A/End", 5, 5)]
