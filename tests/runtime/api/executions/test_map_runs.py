"""Map runs and their children: described, listed, updated, stopped and redriven."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError

TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}


def machine(kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": "Before",
        "States": {"Before": {"Type": "Pass", "Next": "T"}, "T": TASK},
    }
    each = {"Type": "Map", "Label": "Each", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "Each", "States": {"Each": each}}


def items(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def only_run(api: Any, execution_arn: str) -> str:
    (run,) = api.call("ListMapRuns", executionArn=execution_arn)["mapRuns"]
    return str(run["mapRunArn"])


def children(api: Any, run_arn: str, **params: Any) -> dict[int, Any]:
    """A map run's children by their item's number."""
    listed = api.call("ListExecutions", mapRunArn=run_arn, **params)["executions"]
    return {json.loads(api.describe(one["executionArn"])["input"])["n"]: one for one in listed}


def fail_while(api: Any, broken: set[int]) -> None:
    def function(event: Any) -> Any:
        if event["n"] in broken:
            raise api.Refused("Oops", "no")
        return event

    api.function = function


def test_a_standard_child_is_an_execution_with_a_history(api: Any) -> None:
    """It has its map run's ARN, its labelled machine and, in lists, its number of items."""
    arn = api.run(machine(), items(2))
    run = only_run(api, arn)
    child = children(api, run)[1]
    assert (child["itemCount"], child["mapRunArn"], child["status"]) == (1, run, "SUCCEEDED")
    assert child["stateMachineArn"].endswith(":stateMachine:m/Each")
    described = api.describe(child["executionArn"])
    assert (described["mapRunArn"], json.loads(described["output"])) == (run, {"n": 1})
    assert described["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    events = api.call("GetExecutionHistory", executionArn=child["executionArn"])["events"]
    assert [events[0]["type"], events[-1]["type"], len(events)] == ["ExecutionStarted", "ExecutionSucceeded", 9]
    # The parent's list has the parent alone (recorded).
    assert len(api.call("ListExecutions", stateMachineArn=described["stateMachineArn"][:-5])["executions"]) == 1


def test_an_express_child_can_be_described_and_listed_and_has_no_history(api: Any) -> None:
    """Recorded: its name there holds the execution id, too."""
    child = children(api, only_run(api, api.run(machine("EXPRESS"), items(1))))[0]
    assert child["name"] == ":".join(child["executionArn"].split(":")[-2:])
    assert api.describe(child["executionArn"])["status"] == "SUCCEEDED"
    assert api.refused("GetExecutionHistory", executionArn=child["executionArn"])[0] == "InvalidArn"


def test_a_map_run_is_described_with_its_counts(api: Any) -> None:
    """Recorded: both tables have ten counters."""
    arn = api.run(machine(MaxConcurrency=1), items(2))
    run = only_run(api, arn)
    described = api.call("DescribeMapRun", mapRunArn=run)
    assert (described["executionArn"], described["status"], described["maxConcurrency"]) == (arn, "SUCCEEDED", 1)
    assert described["itemCounts"] == described["executionCounts"]
    assert len(described["itemCounts"]) == 10
    assert described["startDate"] < described["stopDate"]
    assert api.refused("DescribeMapRun", mapRunArn=run + "x") == ("ResourceNotFound", f"Resource not found: '{run}x'")


def test_an_update_takes_effect_on_a_run_that_runs(api: Any) -> None:
    """More children are started at once, and more failures are borne; a completed run cannot be changed."""
    arn = api.start(api.machine(machine(MaxConcurrency=1)), value=items(6))
    fail_while(api, {0})
    api.drive(0.5)
    run = only_run(api, arn)
    assert len(children(api, run)) == 1
    api.call("UpdateMapRun", mapRunArn=run, maxConcurrency=3, toleratedFailureCount=1)
    assert len(children(api, run)) == 3
    described = api.call("DescribeMapRun", mapRunArn=run)
    assert (described["maxConcurrency"], described["toleratedFailureCount"]) == (3, 1)
    api.drive()
    assert api.describe(arn)["status"] == "SUCCEEDED"
    (refused,) = api.ask("UpdateMapRun", mapRunArn=run, maxConcurrency=1)
    assert (refused.code, refused.extra) == ("ValidationException", {"reason": "CANNOT_UPDATE_COMPLETED_MAP_RUN"})


def test_one_child_can_be_stopped_and_the_run_goes_on(api: Any) -> None:
    """It counts as aborted, which is no failure."""
    arn = api.start(api.machine(machine()), value=items(2))
    api.drive(0.5)
    run = only_run(api, arn)
    child = children(api, run)[0]["executionArn"]
    api.call("StopExecution", executionArn=child, error="Enough")
    assert (api.describe(child)["status"], api.describe(child)["error"]) == ("ABORTED", "Enough")
    api.drive()
    counts = api.call("DescribeMapRun", mapRunArn=run)["executionCounts"]
    assert (counts["aborted"], counts["succeeded"], counts["running"]) == (1, 1, 0)
    assert api.describe(arn)["status"] == "SUCCEEDED"


def test_stopping_the_parent_aborts_the_run_and_its_children(api: Any) -> None:
    """Each child says so, too."""
    arn = api.start(api.machine(machine(MaxConcurrency=2)), value=items(3))
    api.drive(0.5)
    api.call("StopExecution", executionArn=arn)
    run = only_run(api, arn)
    assert api.call("DescribeMapRun", mapRunArn=run)["status"] == "ABORTED"
    found = children(api, run)
    assert [one["status"] for one in found.values()] == ["ABORTED", "ABORTED"]
    history = api.trace(found[0]["executionArn"])
    assert history[-1].endswith("<-0 ExecutionAborted")
    assert api.describe(found[0]["executionArn"])["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_redrive_runs_what_failed_and_what_was_never_started(api: Any, kind: str) -> None:
    """Under the same ARNs; Standard children go on from their failing state, Express ones begin anew."""
    fail_while(api, {1})
    arn = api.run(machine(kind, MaxConcurrency=1), items(4))
    run = only_run(api, arn)
    failed = children(api, run)
    assert api.call("DescribeMapRun", mapRunArn=run)["itemCounts"]["pending"] == 2
    before, called = len(api.trace(arn)), len(api.calls)
    api.function = lambda event: event
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert [call["n"] for call in api.calls[called:]] == [1, 2, 3]
    assert api.describe(arn)["output"] == '[{"n":0},{"n":1},{"n":2},{"n":3}]'
    described = api.call("DescribeMapRun", mapRunArn=run)
    assert (described["status"], described["redriveCount"]) == ("SUCCEEDED", 1)
    counts = described["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["pending"], counts["total"]) == (4, 0, 0, 4)
    assert counts["resultsWritten"] == 4
    again = children(api, run)
    assert {n: one["executionArn"] for n, one in again.items() if n in failed} == {
        n: one["executionArn"] for n, one in failed.items()
    }
    assert [again[n]["redriveCount"] for n in range(4)] == [0, 1, 0, 0]
    assert list(children(api, run, redriveFilter="REDRIVEN")) == [1]
    assert api.trace(arn)[before:] == [
        f"{before + 1}<-{before} ExecutionRedriven",
        f"{before + 2}<-3 MapRunRedriven",
        f"{before + 3}<-{before + 2} MapRunSucceeded",
        f"{before + 4}<-{before + 3} MapStateSucceeded",
        f"{before + 5}<-{before + 2} MapStateExited",
        f"{before + 6}<-{before + 5} ExecutionSucceeded",
    ]
    if kind == "STANDARD":
        history = [line.split()[1] for line in api.trace(again[1]["executionArn"])]
        assert history.count("PassStateEntered") == 1
        assert "ExecutionRedriven" in history
        assert again[1]["startDate"] == failed[1]["startDate"]
    else:
        assert again[1]["startDate"] > failed[1]["startDate"]
        assert "redriveDate" not in again[1]


def test_children_wait_for_their_redrive(api: Any) -> None:
    """While there is no room for it, a child is PENDING_REDRIVE; stopped again, it is what it was."""
    fail_while(api, {0, 1})
    arn = api.run(machine(MaxConcurrency=1, ToleratedFailureCount=1), items(3))
    run = only_run(api, arn)
    api.call("RedriveExecution", executionArn=arn)
    api.drive(0.5)
    assert {n: one["status"] for n, one in children(api, run).items()} == {0: "RUNNING", 1: "PENDING_REDRIVE"}
    assert list(children(api, run, statusFilter="PENDING_REDRIVE")) == [1]
    api.call("StopExecution", executionArn=arn)
    assert {n: one["status"] for n, one in children(api, run).items()} == {0: "ABORTED", 1: "FAILED"}
    api.function = lambda event: event
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert api.describe(arn)["output"] == '[{"n":0},{"n":1},{"n":2}]'


def test_a_parent_that_was_stopped_reads_on_where_it_was(api: Any) -> None:
    """Items that nobody had read yet are children of the redriven run."""
    arn = api.start(api.machine(machine(MaxConcurrency=1)), value=items(3))
    api.drive(1.5)
    api.call("StopExecution", executionArn=arn)
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert api.describe(arn)["output"] == '[{"n":0},{"n":1},{"n":2}]'
    assert [call["n"] for call in api.calls] == [0, 1, 1, 2]


def test_a_redriven_run_writes_beside_its_first_files(api: Any) -> None:
    """Measured: in a folder of its own. The manifest names all successes, and only the last attempt's failures."""
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}}
    fail_while(api, {0, 1})
    arn = api.run(machine(MaxConcurrency=1, ToleratedFailureCount=1, ResultWriter=writer), items(4))
    fail_while(api, {1})
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    folder = f"out/{only_run(api, arn).split(':')[-1]}"
    manifest = json.loads(api.s3[f"{folder}/Redrive-1/manifest.json"])
    assert f"{folder}/manifest.json" in api.s3
    assert {kind: [file["Key"] for file in files] for kind, files in manifest["ResultFiles"].items()} == {
        "FAILED": [f"{folder}/Redrive-1/FAILED_0.json"],
        "PENDING": [],
        "SUCCEEDED": [f"{folder}/Redrive-1/SUCCEEDED_0.json"],
    }
    written = json.loads(next(body for key, body in api.s3.items() if key.endswith("Redrive-1/FAILED_0.json")))
    assert [(one["RedriveCount"], one["RedriveStatus"]) for one in written] == [(1, "REDRIVABLE_BY_MAP_RUN")]


def test_results_that_could_not_be_written_are_written_by_the_redrive(api: Any) -> None:
    """Nothing is run again, and no manifest names a file that is not there."""
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}}
    api.s3_refuses = ApiError("SlowDown", "Please reduce your request rate.")
    arn = api.run(machine(ResultWriter=writer), items(2))
    described = api.describe(arn)
    folder = f"out/{only_run(api, arn).split(':')[-1]}"
    assert (described["error"], described["cause"]) == (
        "States.ResultWriterFailed",
        f"Failed to write {folder}/SUCCEEDED_0.json to b: Please reduce your request rate.",
    )
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert (api.describe(arn)["status"], api.s3) == ("FAILED", {})
    api.s3_refuses = None
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert api.describe(arn)["status"] == "SUCCEEDED"
    assert set(api.s3) == {f"{folder}/SUCCEEDED_0.json", f"{folder}/Redrive-2/manifest.json"}
    manifest = json.loads(api.s3[f"{folder}/Redrive-2/manifest.json"])
    size = len(api.s3[f"{folder}/SUCCEEDED_0.json"])
    assert manifest["ResultFiles"]["SUCCEEDED"] == [{"Key": f"{folder}/SUCCEEDED_0.json", "Size": size}]
    assert [call["n"] for call in api.calls] == [0, 1]


def test_a_map_that_was_retried_opens_a_new_run_when_redriven(api: Any) -> None:
    """So does one whose result was too large."""
    fail_while(api, {0})
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    arn = api.run(machine(Retry=retry), items(1))
    assert len(api.call("ListMapRuns", executionArn=arn)["mapRuns"]) == 2
    api.function = lambda event: event
    api.call("RedriveExecution", executionArn=arn)
    api.drive()
    assert api.describe(arn)["status"] == "SUCCEEDED"
    assert len(api.call("ListMapRuns", executionArn=arn)["mapRuns"]) == 3


def test_the_executions_of_a_deleted_machine_go_with_their_map_runs(api: Any) -> None:
    """Measured for executions: nobody knows of them any more."""
    arn = api.run(machine(), items(1))
    run = only_run(api, arn)
    child = children(api, run)[0]["executionArn"]
    api.call("DeleteStateMachine", stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:m")
    for known in (arn, child):
        assert api.refused("DescribeExecution", executionArn=known)[0] == "ExecutionDoesNotExist"
    assert api.refused("DescribeMapRun", mapRunArn=run)[0] == "ResourceNotFound"


def test_a_child_is_described_with_its_item_processor(api: Any) -> None:
    """Recorded: without its ProcessorConfig, with its map run's ARN and label."""
    arn = api.run(machine(), items(1))
    child = children(api, only_run(api, arn))[0]["executionArn"]
    described = api.call("DescribeStateMachineForExecution", executionArn=child)
    assert described["label"] == "Each"
    assert described["mapRunArn"] == only_run(api, arn)
    assert set(json.loads(described["definition"])) == {"StartAt", "States"}
    parent = api.call("DescribeStateMachineForExecution", executionArn=arn)
    assert json.loads(parent["definition"]) == machine()
    assert "mapRunArn" not in parent
