"""Athena's queries, on moto."""

from __future__ import annotations

from typing import Any

START = "arn:aws:states:::athena:startQueryExecution"
PARAMETERS = {
    "QueryString": "SELECT 1",
    "WorkGroup": "primary",
    "ResultConfiguration": {"OutputLocation": "s3://results/"},
}


def types(execution: Any) -> list[str]:
    return [event.type for event in execution.history if event.type.startswith("Task")]


def test_a_query_is_started(stand: Any) -> None:
    """The result is its id alone."""
    execution = stand.task(START, PARAMETERS)
    assert list(execution.output.value) == ["QueryExecutionId"]
    assert types(execution) == ["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]


def test_a_query_is_waited_for(stand: Any) -> None:
    """With .sync the result is the finished query's description, and its start is TaskSubmitted."""
    execution = stand.task(START + ".sync", PARAMETERS)
    described = execution.output.value["QueryExecution"]
    assert (described["Query"], described["Status"]["State"]) == ("SELECT 1", "SUCCEEDED")
    assert types(execution)[2:5] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_refused_query_fails_the_task(stand: Any) -> None:
    """By the name that the first SDK has for it; a job that was not taken is TaskSubmitFailed."""
    execution = stand.task(START + ".sync", {**PARAMETERS, "WorkGroup": "no-such-group"})
    assert execution.error == "Athena.InvalidRequestException"
    assert types(execution)[-1] == "TaskSubmitFailed"
