"""What is redriven after a restart goes on where it stood, map runs included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

LATER_MS = 1_767_578_460_000


def died(server: Any) -> None:
    """The process is gone; the operating system gives its file up."""
    server.archivist._archive.close()


def mapped(kind: str, **fields: Any) -> dict[str, Any]:
    """A machine: a Pass, then a distributed map whose children wait as many seconds as their item says."""
    return {
        "StartAt": "Before",
        "States": {
            "Before": {"Type": "Pass", "Assign": {"seen": 7}, "Next": "M"},
            "M": {
                "Type": "Map",
                "Label": "all",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
                    "StartAt": "W",
                    "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}},
                },
                "Next": "After",
                **fields,
            },
            "After": {"Type": "Pass", "Parameters": {"got.$": "$", "seen.$": "$seen"}, "End": True},
        },
    }


def map_run(server: Any, arn: str) -> Any:
    """What is told of an execution's only map run."""
    (run,) = server.call("ListMapRuns", executionArn=arn)["mapRuns"]
    return server.call("DescribeMapRun", mapRunArn=run["mapRunArn"])


def children(server: Any, run: Any) -> dict[str, tuple[str, int]]:
    """Status and redrives of a map run's children by their names."""
    listed = server.pages("ListExecutions", "executions", mapRunArn=run["mapRunArn"])
    return {one["executionArn"]: (one["status"], one["redriveCount"]) for one in listed}


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
@pytest.mark.parametrize("clean", [True, False])
def test_a_map_run_goes_on_after_a_restart(servers: Any, tmp_path: Path, kind: str, clean: bool) -> None:
    """Children that succeeded stay as they are, those that ran are run again, the others are started."""
    before = servers(tmp_path)
    arn = before.start(before.machine(mapped(kind, MaxConcurrency=2)), "one", [1, 90, 2, 3, 4])
    before.advance(4_000)
    before.archivist.commit()
    if clean:
        before.archivist.close()
    else:
        died(before)

    after = servers(tmp_path, now_ms=LATER_MS)
    stopped = map_run(after, arn)
    assert stopped["status"] == "ABORTED"
    assert {name: stopped["itemCounts"][name] for name in ("succeeded", "aborted", "total")} == {
        "succeeded": 2,
        "aborted": 2,
        "total": 4,
    }
    first = children(after, stopped)
    after.call("RedriveExecution", executionArn=arn)
    running = map_run(after, arn)
    assert (running["mapRunArn"], running["status"], running["redriveCount"]) == (stopped["mapRunArn"], "RUNNING", 1)
    after.advance(200_000)
    described, events = after.told(arn)
    assert (described["status"], described["output"]) == ("SUCCEEDED", '{"got":[1,90,2,3,4],"seen":7}')
    done = map_run(after, arn)
    assert (done["status"], done["itemCounts"]["succeeded"], done["itemCounts"]["total"]) == ("SUCCEEDED", 5, 5)
    told = children(after, done)
    assert set(first) <= set(told)
    assert sorted(told.values()) == [("SUCCEEDED", 0)] * 3 + [("SUCCEEDED", 1)] * 2
    types = [event["type"] for event in events]
    started = types.index("MapStateStarted") + 1
    redriven = events[types.index("MapRunRedriven")]
    assert redriven["previousEventId"] == started
    assert redriven["mapRunRedrivenEventDetails"] == {"mapRunArn": done["mapRunArn"], "redriveCount": 1}
    assert types.count("PassStateEntered") == 2
    assert types.count("MapStateEntered") == 1


def test_it_goes_on_after_two_restarts(servers: Any, tmp_path: Path) -> None:
    """A redrive that is killed, too, is redriven in the same map run."""
    before = servers(tmp_path)
    arn = before.start(before.machine(mapped("STANDARD", MaxConcurrency=1)), "one", [1, 5, 1, 5])
    before.advance(2_000)
    died(before)
    between = servers(tmp_path, now_ms=LATER_MS)
    between.call("RedriveExecution", executionArn=arn)
    between.advance(7_000)
    between.archivist.commit()
    died(between)
    after = servers(tmp_path, now_ms=LATER_MS + 10_000)
    after.call("RedriveExecution", executionArn=arn)
    after.advance(60_000)
    assert after.told(arn)[0]["output"] == '{"got":[1,5,1,5],"seen":7}'
    run = map_run(after, arn)
    assert run["redriveCount"] == 2
    assert sorted(children(after, run).values()) == [("SUCCEEDED", 0)] * 2 + [("SUCCEEDED", 1)] * 2


def test_branches_that_had_succeeded_are_not_run_again(servers: Any, tmp_path: Path) -> None:
    """Of a Parallel only the branch that ran goes on, in the state that it was in."""

    def waits(first: int, second: int, name: str) -> dict[str, Any]:
        return {
            "StartAt": f"{name}1",
            "States": {
                f"{name}1": {"Type": "Wait", "Seconds": first, "Next": f"{name}2"},
                f"{name}2": {"Type": "Wait", "Seconds": second, "End": True},
            },
        }

    both = {"Type": "Parallel", "Branches": [waits(1, 1, "A"), waits(1, 500, "B")], "End": True}
    before = servers(tmp_path)
    arn = before.start(before.machine({"StartAt": "Both", "States": {"Both": both}}), "one", 3)
    before.advance(10_000)
    before.archivist.commit()
    died(before)
    after = servers(tmp_path, now_ms=LATER_MS)
    after.call("RedriveExecution", executionArn=arn)
    after.advance(1_000_000)
    described, events = after.told(arn)
    assert described["output"] == "[3,3]"
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert sorted(entered) == ["A1", "A2", "B1", "B2", "Both"]


def test_an_execution_that_memory_let_go_is_redriven_in_its_map_run(servers: Any) -> None:
    """As one that it holds: the archive has what is needed."""
    server = servers(held_max=5)
    machine = server.machine(mapped("STANDARD"))
    arn = server.start(machine, "one", [1, 90])
    server.advance(2_000)
    server.call("StopExecution", executionArn=arn)
    run = map_run(server, arn)
    for n in range(20):
        server.start(machine, f"e{n}", [])
    assert server.account.engine is not None
    assert arn not in server.service.registries[("123456789012", "us-east-1")].store._records
    server.call("RedriveExecution", executionArn=arn)
    server.advance(100_000)
    described, events = server.told(arn)
    assert described["output"] == '{"got":[1,90],"seen":7}'
    assert "MapRunRedriven" in [event["type"] for event in events]
    assert sorted(children(server, run).values()) == [("SUCCEEDED", 0), ("SUCCEEDED", 1)]
