from __future__ import annotations

import pytest

from stepsim.asl.payload import JSON
from stepsim.runtime.expectations import evaluate, parse_expectation

REPORT: JSON = {
    "execution": {"status": "SUCCEEDED", "output": {"n": 3, "list": [1, {"a": True}]}, "error": None, "cause": None},
    "makespan_s": 12.5,
    "state_transitions": 10,
    "map_runs": {"ReconcileAll": {"itemCounts": {"failed": 10}}},
    "functions": {"My Fn": {"errors": {"Lambda.TooManyRequestsException": 2}}},
    "cost": {"total_usd": 11.99},
}


def judged(text: str) -> JSON:
    [verdict] = evaluate([parse_expectation(text)], REPORT)
    assert verdict.pop("text") == text
    return verdict


@pytest.mark.parametrize(
    "text",
    [
        "status == SUCCEEDED",
        'status == "SUCCEEDED"',
        "execution.status != 'FAILED'",
        "error == null",
        "output.n==3",
        "output.n == 3.0",
        "output.list[1].a == true",
        "output.list.0 >= 1",
        "map_runs.ReconcileAll.itemCounts.failed <= 10",
        "makespan_s < 1800",
        "makespan_s > -1e3",
        'functions."My Fn".errors."Lambda.TooManyRequestsException" < 3',
        "cost.total_usd < 12",
        "status > FAILED",
        "status != null",
    ],
)
def test_what_is_so_holds(text: str) -> None:
    """An expectation that is true of the report holds."""
    assert judged(text)["holds"]


@pytest.mark.parametrize(
    ("text", "actual"),
    [
        ("status == FAILED", "SUCCEEDED"),
        ("output.n == true", 3),
        ("output.list[0] == true", 1),
        ("output.list[1].a == 1", True),
        ("makespan_s < 12.5", 12.5),
        ("error != null", None),
        ("output == 3", {"n": 3, "list": [1, {"a": True}]}),
    ],
)
def test_what_is_not_so_fails_and_says_what_is(text: str, actual: JSON) -> None:
    """An expectation that is false shows the actual value; true is not 1."""
    assert judged(text) == {"holds": False, "actual": actual}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("map_runs.Other.itemCounts.failed == 0", "there is no 'Other' in map_runs"),
        ("nothing == null", "there is no 'nothing' in the report"),
        ("output.list[2] != 1", "there is no '2' in execution.output.list"),
        ("makespan_s.x == 1", "there is no 'x' in makespan_s"),
    ],
)
def test_a_path_that_leads_nowhere_fails(text: str, message: str) -> None:
    """Whatever is compared with what is not there, the expectation fails with actual null and says why."""
    assert judged(text) == {"holds": False, "actual": None, "message": message}


def test_values_without_an_order_fail() -> None:
    """A text is neither less nor more than a number."""
    assert judged("status < 3") == {"holds": False, "actual": "SUCCEEDED", "message": '"SUCCEEDED" and 3 have no order'}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "status",
        "status =",
        "status = X",
        "== 3",
        "a == ",
        "a == b c",
        "a == 01",
        "a < null",
        "a >= true",
        "a.. == 1",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    """A text that is no expectation is a ValueError when it is parsed."""
    with pytest.raises(ValueError):  # noqa: PT011 - several texts
        parse_expectation(text)
