"""Map runs inside of each other, in branches, after a retry, and left behind by a parent that has ended."""

from __future__ import annotations

from typing import Any

import pytest

WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "out"}}


@pytest.fixture
def mapped(laboratory: Any) -> Any:
    """Makes a distributed Map over a Task that takes a second."""

    def make(kind: str = "EXPRESS", states: Any = None, **fields: Any) -> Any:
        processor = {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            **laboratory.machine(**(states or {"T": laboratory.task()})),
        }
        end = {} if "Next" in fields else {"End": True}
        return {"Type": "Map", "ItemProcessor": processor, **end, **fields}

    return make


def test_the_nested_runs_of_children_have_names_and_counts_of_their_own(laboratory: Any, mapped: Any) -> None:
    """Each Standard child opens a run under its own label; its parent is the child."""
    inner = mapped(Label="Inner")
    machine = laboratory.machine(M=mapped("STANDARD", {"N": inner}, Label="Outer"))
    run = laboratory.run(machine, [[1, 2], [3]], functions={"f": lambda event: event})
    outer, *inners = run.map_runs
    assert run.output == [[1, 2], [3]]
    assert len({one.arn for one in run.map_runs}) == 3
    assert {one.parent.arn for one in inners} == {outer.child_arn(outer.child_name(n), n) for n in range(2)}
    assert sorted(one.counts.items.succeeded for one in inners) == [1, 2]


def test_a_failure_inside_fails_one_child_of_the_outer_run(laboratory: Any, mapped: Any) -> None:
    """The child fails with the inner run's error; the outer run judges it by its own tolerance."""

    def work(event: Any) -> Any:
        if event == 3:
            raise laboratory.Refused("Three", "no")
        return event

    machine = laboratory.machine(M=mapped("STANDARD", {"N": mapped(Label="Inner")}, ToleratedFailureCount=1))
    run = laboratory.run(machine, [[1, 2], [3], [4]], functions={"f": work})
    assert (run.status, run.output) == ("SUCCEEDED", [[1, 2], [4]])
    assert sorted(one.status for one in run.map_runs) == ["FAILED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]


def test_runs_in_the_branches_of_a_parallel_run_beside_each_other(laboratory: Any, mapped: Any) -> None:
    """Each branch has its own; the history numbers their events as one."""
    branches = [laboratory.machine(**{name: mapped(Label=name, MaxConcurrency=1)}) for name in ("A", "B")]
    run = laboratory.run(
        laboratory.machine(P={"Type": "Parallel", "Branches": branches, "End": True}),
        [1, 2],
        functions={"f": lambda event: event},
    )
    assert (run.output, run.seconds) == ([[1, 2], [1, 2]], 2)
    assert [event.type for event in run.history].count("MapRunSucceeded") == 2


def test_a_branch_that_fails_aborts_the_run_of_its_sibling(laboratory: Any, mapped: Any) -> None:
    """The sibling's run is ABORTED; its Express children run to their end, unless everything ends first."""
    fails = laboratory.machine(W={"Type": "Wait", "Seconds": 1, "Next": "F"}, F={"Type": "Fail", "Error": "E"})
    laboratory.duration_ms = 5_000
    branches = [laboratory.machine(A=mapped(MaxConcurrency=2)), fails]
    parallel = {
        "Type": "Parallel",
        "Branches": branches,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Later"}],
        "End": True,
    }
    machine = laboratory.machine(P=parallel, Later={"Type": "Wait", "Seconds": 60, "End": True})
    run = laboratory.run(machine, [1, 2, 3], functions={"f": lambda event: event})
    (map_run,) = run.map_runs
    counts = map_run.counts.items
    assert (run.status, map_run.status) == ("SUCCEEDED", "ABORTED")
    assert (counts.succeeded, counts.running, counts.aborted, counts.pending, counts.total) == (2, 0, 0, 1, 3)
    assert len(run.calls) == 2


def test_a_retry_opens_a_new_run(laboratory: Any, mapped: Any) -> None:
    """Nothing of the first run is used again, and each has its own ARN (developer guide)."""
    failures = [True]

    def work(event: Any) -> Any:
        if event == 1 and failures:
            failures.clear()
            raise laboratory.Refused("Once", "no")
        return event

    retry = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    machine = laboratory.machine(M=mapped(Retry=retry, MaxConcurrency=1))
    run = laboratory.run(machine, [0, 1, 2], functions={"f": work})
    first, second = run.map_runs
    assert run.output == [0, 1, 2]
    assert first.arn != second.arn
    assert (first.status, first.counts.items.pending) == ("FAILED", 1)
    assert (second.status, second.counts.items.succeeded) == ("SUCCEEDED", 3)
    types = [event.type for event in run.history]
    assert (types.count("MapRunStarted"), types.count("MapRunRedriven")) == (2, 0)


def test_an_execution_may_have_one_run_after_another(laboratory: Any, mapped: Any) -> None:
    """Each state opens one; what the first gives is the second one's items."""
    machine = laboratory.machine(A=mapped(Next="B"), B=mapped("STANDARD"))
    run = laboratory.run(machine, [1, 2], functions={"f": lambda event: event + 1})
    assert run.output == [3, 4]
    assert [one.state.name for one in run.map_runs] == ["A", "B"]


@pytest.mark.parametrize("cut_off", [True, False])
def test_express_children_outlive_their_parent(laboratory: Any, mapped: Any, cut_off: bool) -> None:
    """The run is ABORTED at once, starts no more, and writes its results when the last child has ended."""
    laboratory.duration_ms = 10_000
    machine = laboratory.machine(M=mapped(MaxConcurrency=2, ResultWriter=WRITER))
    run = laboratory.run({**machine, "TimeoutSeconds": 15}, [0, 2, 4, 6, 8], functions={"f": lambda event: event})
    (map_run,) = run.map_runs
    assert (run.status, map_run.status) == ("TIMED_OUT", "ABORTED")
    manifest = f"out/{map_run.uuid}/manifest.json"
    if cut_off:
        # Nobody waits for them where a run ends.
        map_run.cut_off()
        assert (map_run.counts.items.succeeded, map_run.counts.items.aborted) == (2, 2)
    else:
        assert (map_run.counts.items.running, manifest in laboratory.s3) == (2, False)
        run.scheduler.advance(run.scheduler.now_ms + 10_000)
        assert (map_run.counts.items.succeeded, map_run.counts.items.aborted) == (4, 0)
    assert map_run.counts.items.running == 0
    assert manifest in laboratory.s3
    assert len(run.calls) == 4


def test_an_express_child_that_outlives_its_parent_lasts_five_minutes(laboratory: Any, mapped: Any) -> None:
    """Then it has timed out, as any other."""
    states = {"W": {"Type": "Wait", "Seconds": 1_000, "End": True}}
    run = laboratory.run({**laboratory.machine(M=mapped("EXPRESS", states)), "TimeoutSeconds": 15}, [1, 2])
    run.scheduler.advance(run.scheduler.now_ms + 300_000)
    counts = run.map_runs[0].counts.items
    assert (counts.timedOut, counts.running) == (2, 0)
