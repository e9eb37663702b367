"""`try_state`: the TestState API as a Python function."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.errors import DefinitionError
from stepsim.runtime.testing import ApiError, Fails, Returns, StateTest, try_state

TASK: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "f", "Payload.$": "$"},
    "OutputPath": "$.Payload",
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "GiveUp"}],
    "Next": "Then",
}
MACHINE: dict[str, Any] = {
    "StartAt": "Call",
    "States": {"Call": TASK, "Then": {"Type": "Succeed"}, "GiveUp": {"Type": "Fail"}},
}


def test_a_result_takes_the_states_way_out() -> None:
    """The data after each step are values."""
    tested = try_state(TASK, input={"a": 1}, mock=Returns({"Payload": {"b": 2}}))
    assert (tested.status, tested.output, tested.next_state) == ("SUCCEEDED", {"b": 2}, "Then")
    assert tested.inspection["afterParameters"] == {"FunctionName": "f", "Payload": {"a": 1}}


def test_an_error_meets_retriers_and_catchers() -> None:
    """Which ones, and for how long."""
    tested = try_state(MACHINE, "Call", mock=Fails("Busy"), retrier_retry_count=1)
    assert (tested.status, tested.retry_index, tested.retry_backoff_interval_seconds) == ("RETRIABLE", 0, 6)
    tested = try_state(MACHINE, "Call", mock=Fails("Busy", "too many"), retrier_retry_count=3)
    assert (tested.status, tested.retry_index, tested.catch_index) == ("CAUGHT_ERROR", 0, 0)
    assert (tested.next_state, tested.output) == ("GiveUp", {"Error": "Busy", "Cause": "too many"})
    assert tested.retry_backoff_interval_seconds is None


@pytest.mark.parametrize("form", ["value", "text", "json", "yaml"])
def test_a_definition_has_four_forms(form: str, tmp_path: Path) -> None:
    """A value, a text, and a file of either kind."""
    state = {"Type": "Pass", "Result": 5, "End": True}
    file = tmp_path / f"state.asl.{form}"
    file.write_text("Type: Pass\nResult: 5\nEnd: true\n" if form == "yaml" else json.dumps(state))
    definition: Any = {"value": state, "text": json.dumps(state)}.get(form, file)
    assert try_state(definition).output == 5


def test_a_file_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    """It says where."""
    file = tmp_path / "state.asl.json"
    file.write_text("{")
    with pytest.raises(DefinitionError, match=r"state\.asl\.json"):
        try_state(file)


def test_a_wait_takes_no_time() -> None:
    """The clock is virtual, and begins where it is said to."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    state = {"Type": "Wait", "Timestamp": "2026-03-01T12:04:00Z", "End": True}
    assert try_state(state, now=now).status == "SUCCEEDED"
    late = try_state({**state, "Timestamp": "2026-03-02T00:00:00Z"}, now=now)
    assert (late.status, late.error) == ("FAILED", "States.Timeout")


def test_variables_come_in_and_go_out() -> None:
    """Those that the state assigns with those that it found."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"n": "{% $n + 1 %}"}, "End": True}
    assert try_state(state, variables={"n": 1, "m": 0}).variables == {"n": 2, "m": 0}


def test_the_context_object_can_be_given() -> None:
    """With a mock."""
    state = {**TASK, "Parameters": {"FunctionName": "f", "Payload.$": "$$.Execution.Name"}}
    tested = try_state(state, mock=Returns({"Payload": 1}), context={"Execution": {"Name": "nightly"}})
    assert tested.inspection["afterParameters"]["Payload"] == "nightly"


def test_a_map_reads_what_it_is_given() -> None:
    """And tolerates so many failures."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Each",
        "States": {"Each": {"Type": "Pass", "End": True}},
    }
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "b", "Key": "k"},
        },
        "ItemBatcher": {"MaxItemsPerBatch": 2},
        "ItemProcessor": processor,
        "ToleratedFailureCount": 1,
        "End": True,
    }
    data = "id\n1\n2\n3\n"
    tested = try_state(state, mock=Returns([1, 2]), map_item_reader_data=data, map_iteration_failure_count=1)
    assert tested.output == [1, 2]
    assert tested.inspection["afterItemBatcher"] == [{"Items": [{"id": "1"}, {"id": "2"}]}, {"Items": [{"id": "3"}]}]
    tested = try_state(state, mock=Returns([]), map_item_reader_data=data, map_iteration_failure_count=2)
    assert tested.error == "States.ExceedToleratedFailureThreshold"
    tested = try_state(state, mock=Fails("Boom", caused_by="Each"))
    assert tested == StateTest("FAILED", error="Boom", inspection=tested.inspection)


@pytest.mark.parametrize(
    ("mock", "message"),
    [
        (None, "This Task needs a mock: try_state calls nothing"),
        (Returns({"StatusCode": "200"}), "Mock result schema validation error: Field 'StatusCode' must be a number"),
        (Fails("E", caused_by="Each"), "ErrorCausedByState can only be specified for a Map or Parallel state."),
    ],
)
def test_what_aws_would_refuse_is_refused(mock: Any, message: str) -> None:
    """With its code and message."""
    with pytest.raises(ApiError) as raised:
        try_state(TASK, mock=mock)
    assert (raised.value.code, raised.value.message) == ("ValidationException", message)
    assert try_state(TASK, mock=Returns({"StatusCode": "200", "Payload": 1}, "NONE")).output == 1
