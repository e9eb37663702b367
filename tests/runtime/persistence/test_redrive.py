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


def test_nested_map_runs_go_on_too(servers: Any, tmp_path: Path) -> None:
    """The run inside a child that ran is redriven with it; one inside a child that succeeded is not."""
    inner = mapped("EXPRESS")["States"]["M"] | {"Label": "inner", "End": True}
    del inner["Next"]
    outer = mapped("STANDARD")
    outer["States"]["M"]["ItemProcessor"] |= {"StartAt": "N", "States": {"N": inner}}
    before = servers(tmp_path)
    arn = before.start(before.machine(outer), "one", [[1, 2], [1, 90]])
    before.advance(4_000)
    before.archivist.commit()
    died(before)
    after = servers(tmp_path, now_ms=LATER_MS)
    after.call("RedriveExecution", executionArn=arn)
    after.advance(200_000)
    assert after.told(arn)[0]["output"] == '{"got":[[1,2],[1,90]],"seen":7}'
    outcomes = {}
    for child, (status, redrives) in children(after, map_run(after, arn)).items():
        run = map_run(after, child)
        outcomes[redrives] = (status, run["redriveCount"], sorted(children(after, run).values()))
    assert outcomes == {
        0: ("SUCCEEDED", 0, [("SUCCEEDED", 0), ("SUCCEEDED", 0)]),
        1: ("SUCCEEDED", 1, [("SUCCEEDED", 0), ("SUCCEEDED", 1)]),
    }


def test_several_map_runs_of_one_execution(servers: Any, tmp_path: Path) -> None:
    """The one that had succeeded stays as it is, the one that ran goes on."""
    machine = mapped("EXPRESS")
    processor = machine["States"]["M"]["ItemProcessor"]
    second = {**processor, "StartAt": "W2", "States": {"W2": processor["States"]["W"]}}
    machine["States"]["M2"] = {**machine["States"]["M"], "Label": "second", "ItemProcessor": second}
    machine["States"]["M"]["Next"] = "M2"
    before = servers(tmp_path)
    arn = before.start(before.machine(machine), "one", [1, 20])
    before.advance(25_000)
    before.archivist.commit()
    died(before)
    after = servers(tmp_path, now_ms=LATER_MS)
    after.call("RedriveExecution", executionArn=arn)
    after.advance(60_000)
    assert after.told(arn)[0]["output"] == '{"got":[1,20],"seen":7}'
    runs = [
        after.call("DescribeMapRun", mapRunArn=run["mapRunArn"])
        for run in after.call("ListMapRuns", executionArn=arn)["mapRuns"]
    ]
    assert sorted((run["status"], run["redriveCount"]) for run in runs) == [("SUCCEEDED", 0), ("SUCCEEDED", 1)]


def test_express_children_run_on_when_the_parent_is_stopped(servers: Any, tmp_path: Path) -> None:
    """They end as they would have; what has succeeded by then is not run again, not even after a restart."""
    before = servers(tmp_path)
    arn = before.start(before.machine(mapped("EXPRESS")), "one", [1, 5, 90])
    before.advance(2_000)
    before.call("StopExecution", executionArn=arn)
    run = map_run(before, arn)
    assert (run["status"], run["itemCounts"]["running"], run["itemCounts"]["aborted"]) == ("ABORTED", 2, 0)
    assert sorted(children(before, run).values()) == [("RUNNING", 0)] * 2 + [("SUCCEEDED", 0)]
    before.advance(5_000)
    assert sorted(children(before, run).values()) == [("RUNNING", 0)] + [("SUCCEEDED", 0)] * 2
    before.archivist.commit()
    died(before)
    after = servers(tmp_path, now_ms=LATER_MS)
    after.call("RedriveExecution", executionArn=arn)
    after.advance(100_000)
    assert after.told(arn)[0]["output"] == '{"got":[1,5,90],"seen":7}'
    assert sorted(children(after, run).values()) == [("SUCCEEDED", 0)] * 2 + [("SUCCEEDED", 1)]


def test_a_redrive_does_not_wait_for_children_that_run_on(servers: Any) -> None:
    """What still runs is cut off and run again: at least once is what Express promises."""
    server = servers()
    arn = server.start(server.machine(mapped("EXPRESS")), "one", [1, 90])
    server.advance(2_000)
    server.call("StopExecution", executionArn=arn)
    server.advance(10_000)
    server.call("RedriveExecution", executionArn=arn)
    server.advance(89_000)
    assert server.told(arn)[0]["status"] == "RUNNING"
    server.advance(2_000)
    assert server.told(arn)[0]["output"] == '{"got":[1,90],"seen":7}'
    run = map_run(server, arn)
    assert (run["itemCounts"]["succeeded"], run["itemCounts"]["total"]) == (2, 2)
    assert sorted(children(server, run).values()) == [("SUCCEEDED", 0), ("SUCCEEDED", 1)]


def test_children_that_are_to_be_redriven_can_be_listed(servers: Any, tmp_path: Path) -> None:
    """Until there is room for them they are PENDING_REDRIVE."""
    before = servers(tmp_path)
    arn = before.start(before.machine(mapped("STANDARD", MaxConcurrency=3)), "one", [60, 61, 62])
    before.advance(2_000)
    before.archivist.commit()
    died(before)
    after = servers(tmp_path, now_ms=LATER_MS)
    run = map_run(after, arn)["mapRunArn"]
    after.call("RedriveExecution", executionArn=arn)
    after.call("UpdateMapRun", mapRunArn=run, maxConcurrency=1)
    for filters, count in (
        ({"statusFilter": "RUNNING"}, 3),
        ({"redriveFilter": "REDRIVEN"}, 3),
        ({"redriveFilter": "NOT_REDRIVEN"}, 0),
        ({"statusFilter": "PENDING_REDRIVE"}, 0),
    ):
        assert len(after.call("ListExecutions", mapRunArn=run, **filters)["executions"]) == count, filters
    after.call("StopExecution", executionArn=arn)
    after.call("RedriveExecution", executionArn=arn)
    pending = after.call("ListExecutions", mapRunArn=run, statusFilter="PENDING_REDRIVE")["executions"]
    assert len(pending) == 2
    after.advance(400_000)
    assert after.told(arn)[0]["status"] == "SUCCEEDED"
