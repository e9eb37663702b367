"""Limits on map runs: start rates, how many are open, and how late a failure is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.map_quotas import MapQuotas


@pytest.fixture
def mapped(laboratory: Any) -> Any:
    """Makes a distributed Map over a Task that takes a second."""

    def make(kind: str = "STANDARD", **fields: Any) -> Any:
        processor = {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            **laboratory.machine(T=laboratory.task()),
        }
        return {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}

    return make


def odd_fails(laboratory: Any) -> Any:
    def work(event: Any) -> Any:
        if event % 2:
            raise laboratory.Refused("Odd", f"{event} is odd")
        return event

    return {"f": work}


@pytest.mark.parametrize(("kind", "seconds"), [("STANDARD", 10.9), ("EXPRESS", 1.99)])
def test_children_start_no_faster_than_the_rate(laboratory: Any, mapped: Any, kind: str, seconds: float) -> None:
    """The last of a hundred starts when 99 others have had their share of the seconds before; then it takes one."""
    laboratory.quotas = MapQuotas(start_rate_express=100, start_rate_standard=10)
    run = laboratory.run(laboratory.machine(M=mapped(kind)), list(range(100)), functions={"f": lambda event: event})
    assert (run.status, run.seconds) == ("SUCCEEDED", seconds)
    assert run.output == list(range(100))


def test_time_in_which_nothing_could_start_is_not_made_up_for(laboratory: Any, mapped: Any) -> None:
    """After a wait for concurrency, too, starts are apart as the rate says."""
    laboratory.quotas = MapQuotas(start_rate_standard=10)
    machine = laboratory.machine(M=mapped(MaxConcurrency=4))
    run = laboratory.run(machine, list(range(8)), functions={"f": lambda event: event})
    # Four start at 0, 0.1, 0.2 and 0.3 s; each that ends makes room for one more.
    assert run.seconds == 2.3


def test_a_map_run_waits_where_too_many_are_open(laboratory: Any, mapped: Any) -> None:
    """It is there, with all counts at 0, until another one has ended."""
    laboratory.quotas = MapQuotas(open_runs=2)
    branches = [laboratory.machine(**{f"M{n}": mapped(Label=f"m{n}")}) for n in range(5)]
    machine = laboratory.machine(P={"Type": "Parallel", "Branches": branches, "End": True})
    seen: list[Any] = []

    def look(run: Any) -> None:
        def count() -> None:
            seen.append([(one.status, one.counts.items.total) for one in run.map_runs])

        run.scheduler.call_at(run.scheduler.now_ms + 500, count)

    run = laboratory.run(machine, [1], functions={"f": lambda event: event}, during=look)
    assert seen == [[("RUNNING", 1)] * 2 + [("RUNNING", 0)] * 3]
    assert run.seconds == 3
    assert [one.status for one in run.map_runs] == ["SUCCEEDED"] * 5


def test_one_that_waits_is_aborted_with_its_parent(laboratory: Any, mapped: Any) -> None:
    """It leaves the backlog, and nothing of it was ever started."""
    laboratory.quotas = MapQuotas(open_runs=1)
    laboratory.duration_ms = 5_000
    branches = [laboratory.machine(**{f"M{n}": mapped(Label=f"m{n}")}) for n in range(3)]
    machine = laboratory.machine(P={"Type": "Parallel", "Branches": branches, "End": True})
    run = laboratory.run({**machine, "TimeoutSeconds": 2}, [1], functions={"f": lambda event: event})
    assert run.status == "TIMED_OUT"
    assert [(one.status, one.counts.items.total) for one in run.map_runs] == [
        ("ABORTED", 1),
        ("ABORTED", 0),
        ("ABORTED", 0),
    ]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_failure_is_noticed_when_the_lag_is_over(laboratory: Any, mapped: Any, kind: str) -> None:
    """Until then children are started as if nothing were; the run fails when it is noticed."""
    laboratory.quotas = MapQuotas(failure_lag_ms=2_500)
    machine = laboratory.machine(M=mapped(kind, MaxConcurrency=1))
    run = laboratory.run(machine, [1, 2, 4, 6, 8, 10], functions=odd_fails(laboratory))
    (map_run,) = run.map_runs
    counts = map_run.counts.items
    assert (run.execution.error, map_run.status) == ("States.ExceedToleratedFailureThreshold", "FAILED")
    ended = {"STANDARD": (3.5, 2, 1), "EXPRESS": (4.0, 3, 0)}[kind]
    assert (run.seconds, counts.succeeded, counts.aborted) == ended
    assert (counts.failed, counts.pending) == (1, 2)


def test_a_run_whose_children_have_ended_waits_for_the_verdict(laboratory: Any, mapped: Any) -> None:
    """AWS closes a failing run some seconds after its last child, too (recorded)."""
    laboratory.quotas = MapQuotas(failure_lag_ms=5_000)
    run = laboratory.run(laboratory.machine(M=mapped()), [1, 2], functions=odd_fails(laboratory))
    assert run.seconds == 6
    assert run.map_runs[0].status == "FAILED"
