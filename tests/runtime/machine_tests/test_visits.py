"""Histories read as visits, whoever has written them."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.machine_tests.recorded import read_history
from stepsim.runtime.machine_tests.visits import read_visits
from stepsim.runtime.testing import Fails, Returns, run_machine

WORK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:Work"}


def nested(inner: dict[str, Any]) -> dict[str, Any]:
    """A machine whose Map, twice around, has one state."""
    processor = {"StartAt": "Work", "States": {"Work": inner}}
    inside = {"Type": "Map", "ItemProcessor": processor, "End": True}
    outside = {"Type": "Map", "ItemProcessor": {"StartAt": "Inside", "States": {"Inside": inside}}, "End": True}
    return {"StartAt": "Outside", "States": {"Outside": outside}}


def test_each_visit_knows_the_iterations_around_it() -> None:
    """Outermost first."""
    result = run_machine(nested({**WORK, "End": True}), [[1, 2], [3]], mocks={"Work": lambda value: value * 10})
    places = {visit.place: visit.output for visit in result.reading.all_visits() if visit.state == "Work"}
    assert places == {
        (("Outside", 0), ("Inside", 0)): 10,
        (("Outside", 0), ("Inside", 1)): 20,
        (("Outside", 1), ("Inside", 0)): 30,
    }
    assert result.output == [[10, 20], [30]]


def test_a_failure_within_ends_all_around_it() -> None:
    """The Maps have the error of what failed in them."""
    result = run_machine(nested({**WORK, "End": True}), [[1]], mocks={"Work": Fails("Broken", "x")})
    assert [(visit.state, visit.error) for visit in result.reading.all_visits()] == [
        ("Outside", "Broken"),
        ("Inside", "Broken"),
        ("Work", "Broken"),
    ]


def test_a_block_that_is_tried_again_has_attempts() -> None:
    """What was entered in each stands there."""
    machine = {
        "StartAt": "Both",
        "States": {
            "Both": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "Work", "States": {"Work": {**WORK, "End": True}}}],
                "Retry": [{"ErrorEquals": ["Busy"]}],
                "End": True,
            }
        },
    }
    result = run_machine(machine, {}, mocks={"Work": [Fails("Busy"), Returns(1)]})
    (both,) = result.reading.visits
    assert [(attempt.failed, attempt.error, len(attempt.inner)) for attempt in both.attempts] == [
        (True, "Busy", 1),
        (False, None, 1),
    ]
    assert str(result.path).splitlines() == [
        "Both  (tried 2 times: Busy)",
        "  attempt 1",
        "  branch 0",
        "    Work  (failed: Busy)",
        "  attempt 2",
        "  branch 0",
        "    Work",
    ]


def test_variables_and_evaluations_that_fail_belong_to_their_state() -> None:
    """Though the event of the latter points back to what came before."""
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"n": "{% 1 + 1 %}"}, "Next": "Break"},
            "Break": {"Type": "Pass", "Output": "{% $nothing %}", "End": True},
        },
    }
    result = run_machine(machine, {})
    assert result.reading.visits[0].assigned == {"n": 2}
    assert result.reading.visits[1].error == "States.QueryEvaluationError"


def test_a_history_of_aws_is_read_as_ours() -> None:
    """Epochs, ISO times, datetimes, and what the CLI leaves out."""
    result = run_machine(nested({**WORK, "End": True}), [[1]], mocks={"Work": Returns(2)})
    events = [dict(event) for event in result.history]
    for event in events:
        event["timestamp"] = f"2026-01-01T00:00:{event['id']:02}.5+00:00"
        if not event["previousEventId"]:
            del event["previousEventId"]
    reading = read_visits(read_history({"events": list(reversed(events))}))
    assert reading.start_ms == 1_767_225_601_500
    assert [visit.state for visit in reading.all_visits()] == ["Outside", "Inside", "Work"]
