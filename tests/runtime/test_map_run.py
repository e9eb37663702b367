"""Distributed Map: children, counts, tolerance, batches, readers and writers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.effects import Sleep


@pytest.fixture
def distributed(laboratory: Any) -> Any:
    """Makes a machine of one distributed Map over a Task, or over the given states."""

    def make(states: dict[str, Any] | None = None, *, kind: str = "STANDARD", **fields: Any) -> Any:
        processor = {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            **laboratory.machine(**(states or {"T": laboratory.task()})),
        }
        return laboratory.machine(
            M={"Type": "Map", "Label": "Items", "ItemProcessor": processor, "End": True, **fields}
        )

    return make


def reader(input_type: str, key: str, **config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": input_type, **config},
        "Parameters": {"Bucket": "bucket", "Key": key},
    }


WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "out"}}


def odd_fails(laboratory: Any) -> Any:
    def work(event: Any) -> Any:
        if event % 2:
            raise laboratory.Refused("Odd", f"{event} is odd")
        return event * 10

    return {"f": work}


def test_children_are_executions_of_their_own(laboratory: Any, distributed: Any) -> None:
    """A child's context names itself, its labelled machine and its parent's role, and no Map."""
    states = {"P": {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}}
    run = laboratory.run(distributed(states), [1])
    context = run.output[0]["c"]
    name = context["Execution"]["Name"]
    assert context["Execution"]["Id"] == f"arn:aws:states:us-east-1:123456789012:execution:machine/Items:{name}"
    assert name[14] == "3"
    assert context["StateMachine"] == {
        "Id": "arn:aws:states:us-east-1:123456789012:stateMachine:machine/Items",
        "Name": "machine",
    }
    assert context["State"].keys() == {"Name", "EnteredTime"}
    assert "Map" not in context


def test_an_express_child_has_an_arn_of_nine_parts(laboratory: Any, distributed: Any) -> None:
    """express:<machine>/<label>:<name>:<execution id>."""
    states = {"P": {"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id"}, "End": True}}
    run = laboratory.run(distributed(states, kind="EXPRESS"), [1])
    parts = run.output[0]["id"].split(":")
    assert parts[5:7] == ["express", "machine/Items"]
    assert len(parts) == 9


def test_items_never_run_more_than_the_concurrency_at_once(laboratory: Any, distributed: Any) -> None:
    """Ten items of a second each, three at a time, take four seconds."""
    run = laboratory.run(distributed(MaxConcurrency=3), list(range(10)), functions={"f": lambda event: event})
    assert run.seconds == 4
    assert run.map_runs[0].max_concurrency_seen == 3
    assert run.output == list(range(10))


def test_one_failure_fails_a_run_that_tolerates_none(laboratory: Any, distributed: Any) -> None:
    """With MaxConcurrency 1 what comes after the first failure stays pending."""
    run = laboratory.run(distributed(MaxConcurrency=1), [0, 1, 2, 3], functions=odd_fails(laboratory))
    counts = run.map_runs[0].counts.items
    assert run.execution.error == "States.ExceedToleratedFailureThreshold"
    assert (counts.succeeded, counts.failed, counts.pending, counts.total) == (1, 1, 2, 4)
    assert run.map_runs[0].status == "FAILED"


def test_a_percentage_of_zero_needs_no_end_of_the_file(laboratory: Any, distributed: Any) -> None:
    """However many items are still to be read, one failure is more than none of them."""
    laboratory.s3["rows.jsonl"] = b"1\n0\n0\n"
    machine = distributed(ItemReader=reader("JSONL", "rows.jsonl"), MaxConcurrency=1, ToleratedFailurePercentage=0)
    run = laboratory.run(machine, {}, functions=odd_fails(laboratory))
    counts = run.map_runs[0].counts.items
    assert (run.status, counts.failed, counts.pending, counts.total) == ("FAILED", 1, 2, 3)


def test_running_standard_children_are_aborted(laboratory: Any, distributed: Any) -> None:
    """The run fails at once; what ran is counted as aborted."""
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "F"}], "Default": "W"},
        "F": {"Type": "Fail", "Error": "E"},
        "W": {"Type": "Wait", "Seconds": 60, "End": True},
    }
    run = laboratory.run(distributed(states), [1, 2, 0])
    counts = run.map_runs[0].counts.items
    assert (counts.failed, counts.aborted, counts.running, counts.total) == (1, 2, 0, 3)
    assert run.seconds == 0


def test_express_children_run_to_their_end(laboratory: Any, distributed: Any) -> None:
    """The run fails when they are done."""
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "F"}], "Default": "W"},
        "F": {"Type": "Fail", "Error": "E"},
        "W": {"Type": "Wait", "Seconds": 60, "End": True},
    }
    run = laboratory.run(distributed(states, kind="EXPRESS"), [1, 2, 0])
    counts = run.map_runs[0].counts.items
    assert (counts.failed, counts.succeeded, counts.aborted) == (1, 2, 0)
    assert run.seconds == 60


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49.9}, "FAILED"),
        ({"ToleratedFailurePercentage": 100}, "SUCCEEDED"),
        ({"ToleratedFailureCountPath": "$[0]", "ItemsPath": "$[1]"}, "SUCCEEDED"),
    ],
)
def test_the_threshold_is_strict(laboratory: Any, distributed: Any, fields: Any, status: str) -> None:
    """Two failures of four: as many as tolerated is fine, more is not."""
    value = [2, [0, 1, 2, 3]] if "ItemsPath" in fields else [0, 1, 2, 3]
    run = laboratory.run(distributed(**fields), value, functions=odd_fails(laboratory))
    assert run.status == status
    if status == "SUCCEEDED":
        assert run.output == [0, 20]


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"p": "NoNumber"}, 'refers to value "NoNumber" which is not a valid float: $.p'),
        ({"p": 100.1}, "ToleratedFailurePercentage must be between 0 and 100."),
    ],
)
def test_a_bad_percentage_is_a_runtime_error(laboratory: Any, distributed: Any, value: Any, cause: str) -> None:
    """After the state has started and before there is a map run, with AWS's texts."""
    value = {**value, "items": [1]}
    run = laboratory.run(distributed(ToleratedFailurePercentagePath="$.p", ItemsPath="$.items"), value)
    assert [event.type for event in run.history][1:] == ["MapStateEntered", "MapStateStarted", "ExecutionFailed"]
    assert run.execution.error == "States.Runtime"
    assert run.execution.cause.endswith(cause)
    assert run.map_runs == []


def test_a_failed_batch_counts_all_its_items(laboratory: Any, distributed: Any) -> None:
    """Counts are of items; executions are counted beside them."""

    def work(event: Any) -> Any:
        if 3 in event["Items"]:
            raise laboratory.Refused("E", "no")
        return event

    machine = distributed(
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"tag.$": "$.tag"}},
        ItemsPath="$.items",
        ToleratedFailureCount=2,
    )
    run = laboratory.run(machine, {"tag": "t", "items": [1, 2, 3, 4, 5]}, functions={"f": work})
    counts = run.map_runs[0].counts
    assert (counts.items.failed, counts.items.succeeded, counts.items.total) == (2, 3, 5)
    assert (counts.executions.failed, counts.executions.succeeded, counts.executions.total) == (1, 2, 3)
    assert run.output[0] == {"BatchInput": {"tag": "t"}, "Items": [1, 2]}


def test_a_csv_file_becomes_items(laboratory: Any, distributed: Any) -> None:
    """Values are strings; the selector sees the row, its index and the file."""
    laboratory.s3["rows.csv"] = b"id,qty\n1,2\n3,4\n"
    machine = distributed(
        ItemReader=reader("CSV", "rows.csv", CSVHeaderLocation="FIRST_ROW"),
        ItemSelector={"row.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "src.$": "$$.Map.Item.Source"},
    )
    run = laboratory.run(machine, {}, functions={"f": lambda event: event})
    assert run.output == [
        {"row": {"id": "1", "qty": "2"}, "i": 0, "src": "s3://bucket/rows.csv"},
        {"row": {"id": "3", "qty": "4"}, "i": 1, "src": "s3://bucket/rows.csv"},
    ]
    assert run.details("MapStateStarted") == {"length": 0}


def test_a_reader_that_finds_nothing_fails_the_run_and_can_be_caught(laboratory: Any, distributed: Any) -> None:
    """States.ItemReaderFailed, after MapRunStarted."""
    catch = [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "C"}]
    machine = distributed(ItemReader=reader("JSON", "no.json"), Catch=catch)
    machine["States"]["C"] = {"Type": "Pass", "End": True}
    run = laboratory.run(machine, {})
    assert run.output["Error"] == "States.ItemReaderFailed"
    assert [event.type for event in run.history][3:6] == ["MapRunStarted", "MapRunFailed", "MapStateFailed"]


def test_a_file_that_breaks_off_fails_the_run(laboratory: Any, distributed: Any) -> None:
    """What was read before is run; what cannot be read is never a success."""
    laboratory.s3["rows.jsonl"] = b"1\n2\n{broken\n"
    machine = distributed(ItemReader=reader("JSONL", "rows.jsonl"), MaxConcurrency=1)
    run = laboratory.run(machine, {}, functions={"f": lambda event: event})
    assert run.execution.error == "States.ItemReaderFailed"
    assert run.map_runs[0].counts.items.succeeded >= 1


@pytest.mark.parametrize(("kind", "ended"), [("EXPRESS", (1.0, 3, 0)), ("STANDARD", (0.0, 0, 3))])
def test_express_children_end_before_a_reader_fails_the_run(
    laboratory: Any, distributed: Any, kind: str, ended: tuple[float, int, int]
) -> None:
    """As whatever else ends their run; Standard ones are aborted."""
    laboratory.s3["rows.jsonl"] = b"1\n2\n3\n{broken\n"
    machine = distributed(kind=kind, ItemReader=reader("JSONL", "rows.jsonl"))
    run = laboratory.run(machine, {}, functions={"f": lambda event: event})
    counts = run.map_runs[0].counts.items
    assert (run.execution.error, run.map_runs[0].status) == ("States.ItemReaderFailed", "FAILED")
    assert (run.seconds, counts.succeeded, counts.aborted) == ended


def test_what_a_stop_leaves_of_the_state_s_data_is_pending(laboratory: Any, distributed: Any) -> None:
    """Every item is counted once, and written once."""
    machine = {**distributed(MaxConcurrency=1, ResultWriter=WRITER), "TimeoutSeconds": 2}
    run = laboratory.run(machine, list(range(5)), functions={"f": lambda event: event})
    (map_run,) = run.map_runs
    counts = map_run.counts.items
    assert (run.status, map_run.status) == ("TIMED_OUT", "ABORTED")
    assert counts.succeeded + counts.aborted + counts.pending == counts.total == counts.resultsWritten == 5
    files = {name: json.loads(body) for name, body in laboratory.s3.items() if "_0.json" in name}
    assert sorted(record["Input"] for records in files.values() for record in records) == ["0", "1", "2", "3", "4"]


def test_others_have_their_turn_while_many_items_are_counted_as_pending(laboratory: Any, distributed: Any) -> None:
    """A run that fails counts what it never started in several steps."""
    seen = []

    def watch(run: Any) -> Any:
        def watcher() -> Any:
            yield Sleep(run.scheduler.now_ms + 1_000)
            while run.map_runs[0].status == "RUNNING":
                seen.append(run.map_runs[0].counts.items.pending)
                yield Sleep(run.scheduler.now_ms)

        run.scheduler.spawn(watcher())

    machine = distributed(MaxConcurrency=1)
    run = laboratory.run(machine, [1] * 3_501, functions={"f": odd_fails(laboratory)["f"]}, during=watch)
    assert run.map_runs[0].counts.items.pending == 3_500
    assert {1_000, 2_000, 3_000} <= set(seen)


def test_results_are_written_with_their_manifest(laboratory: Any, distributed: Any) -> None:
    """SUCCEEDED, FAILED and PENDING files, also when the run fails; the manifest names those that are not empty."""
    run = laboratory.run(
        distributed(MaxConcurrency=1, ResultWriter=WRITER), [0, 1, 2, 3], functions=odd_fails(laboratory)
    )
    assert run.status == "FAILED"
    folder = f"out/{run.map_runs[0].uuid}"
    manifest = json.loads(laboratory.s3[f"{folder}/manifest.json"])
    assert manifest["MapRunArn"] == run.map_runs[0].arn
    assert {name: len(files) for name, files in manifest["ResultFiles"].items()} == {
        "FAILED": 1,
        "PENDING": 1,
        "SUCCEEDED": 1,
    }
    succeeded = json.loads(laboratory.s3[f"{folder}/SUCCEEDED_0.json"])
    assert [(record["Input"], record["Output"], record["Status"]) for record in succeeded] == [("0", "0", "SUCCEEDED")]
    failed = json.loads(laboratory.s3[f"{folder}/FAILED_0.json"])
    assert [(record["Error"], record["RedriveStatus"]) for record in failed] == [("Odd", "REDRIVABLE_BY_MAP_RUN")]
    pending = json.loads(laboratory.s3[f"{folder}/PENDING_0.json"])
    assert pending == [
        {"Input": "2", "InputDetails": {"Included": True}, "Status": "PENDING"},
        {"Input": "3", "InputDetails": {"Included": True}, "Status": "PENDING"},
    ]
    assert run.map_runs[0].counts.items.resultsWritten == 4


def test_an_exporting_map_hands_on_where_its_results_are(laboratory: Any, distributed: Any) -> None:
    """The state's result is the map run's ARN and the manifest's place."""
    run = laboratory.run(distributed(ResultWriter=WRITER), [0, 2], functions=odd_fails(laboratory))
    assert run.output == {
        "MapRunArn": run.map_runs[0].arn,
        "ResultWriterDetails": {"Bucket": "bucket", "Key": f"out/{run.map_runs[0].uuid}/manifest.json"},
    }


def test_a_writer_that_only_transforms_shows_what_a_file_would_hold(laboratory: Any, distributed: Any) -> None:
    """NONE gives each child with everything known of it, in the order of the items (developer guide)."""
    writer = {"WriterConfig": {"Transformation": "NONE", "OutputType": "JSON"}}
    machine = distributed(ResultWriter=writer, ToleratedFailureCount=1)
    run = laboratory.run(machine, [2, 1, 4], functions=odd_fails(laboratory))
    assert [(one["Input"], one["Output"], one["Status"]) for one in run.output] == [
        ("2", "20", "SUCCEEDED"),
        ("4", "40", "SUCCEEDED"),
    ]
    assert list(run.output[0]) == sorted(run.output[0])


def test_a_result_that_is_too_large_needs_a_writer(laboratory: Any, distributed: Any) -> None:
    """Without one the outputs must fit into 262,144 bytes together."""
    run = laboratory.run(distributed(), list(range(30)), functions={"f": lambda event: "x" * 10_000})
    assert run.execution.error == "States.DataLimitExceeded"
    assert run.map_runs[0].counts.items.succeeded == 30


def test_a_standard_map_run_is_aborted_with_its_parent(laboratory: Any, distributed: Any) -> None:
    """A machine that times out aborts its map run, and the results so far are written."""
    laboratory.duration_ms = 10_000
    machine = {**distributed(MaxConcurrency=2, ResultWriter=WRITER), "TimeoutSeconds": 15}
    run = laboratory.run(machine, [0, 2, 4, 6, 8], functions=odd_fails(laboratory))
    assert run.status == "TIMED_OUT"
    assert run.map_runs[0].status == "ABORTED"
    counts = run.map_runs[0].counts.items
    assert (counts.succeeded, counts.aborted) == (2, 2)
    assert f"out/{run.map_runs[0].uuid}/manifest.json" in laboratory.s3


def test_an_express_child_lasts_five_minutes_at_most(laboratory: Any, distributed: Any) -> None:
    """Then it has timed out, and counts as such."""
    states = {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}}
    run = laboratory.run(distributed(states, kind="EXPRESS", ToleratedFailureCount=1), [400, 299])
    assert run.map_runs[0].counts.items.timedOut == 1
    assert run.output == [299]
    assert run.seconds == 300


def test_the_same_seed_gives_the_same_names(laboratory: Any, distributed: Any) -> None:
    """Map run, children and histories come from the seed."""
    states = {"P": {"Type": "Pass", "Parameters": {"n.$": "$$.Execution.Id", "u.$": "States.UUID()"}, "End": True}}
    first, again, other = (laboratory.run(distributed(states), [1, 2], seed=seed) for seed in (1, 1, 2))
    assert first.output == again.output != other.output
    assert [event.as_dict() for event in first.history] == [event.as_dict() for event in again.history]


def test_a_map_may_hold_a_map(laboratory: Any, distributed: Any) -> None:
    """A distributed Map inside a Standard child opens a run of its own."""
    inner = distributed({"P": {"Type": "Pass", "End": True}})["States"]["M"] | {"Label": "Inner"}
    outer = distributed({"N": inner})
    run = laboratory.run(outer, [[1, 2], [3]])
    assert run.output == [[1, 2], [3]]
    assert len(run.map_runs) == 3


@pytest.mark.parametrize(("value", "started"), [("2", 2), (1, 1)])
def test_a_number_may_be_spelled_by_a_string(laboratory: Any, distributed: Any, value: Any, started: int) -> None:
    """A looked-up count is read as Java reads an integer: "2" is two."""
    echo = {"P": {"Type": "Pass", "End": True}}
    definition = distributed(echo, ItemBatcher={"MaxItemsPerBatchPath": "$.size"}, ItemsPath="$.items")
    run = laboratory.run(definition, {"items": [1, 2, 3], "size": value})
    assert len(run.map_runs) == 1
    assert len(run.output[0]["Items"]) == started
