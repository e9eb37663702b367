"""What Fargate does to a task: it takes time, has no room, or takes its capacity back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stepsim.runtime.runner import simulate as simulate_scenario
from stepsim.runtime.scenario import load_scenario

Simulate: TypeAlias = Callable[..., Any]

SPOT = {"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]}
FARGATE = {"LaunchType": "FARGATE"}


def task(on: Any, pattern: str = ".sync", **fields: Any) -> dict[str, Any]:
    parameters = {"TaskDefinition": "load", **on}
    return {"Type": "Task", "Resource": f"arn:aws:states:::ecs:runTask{pattern}", "Parameters": parameters, **fields}


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """The report of a machine of one state, or of a map of it over `times` items."""

    def run(state: Any, times: int = 0, container: Any = None, **keys: Any) -> Any:
        machine: Any = {"StartAt": "Run", "States": {"Run": {**state, "End": True}}}
        if times:
            each = {"Type": "Map", "ItemProcessor": machine, "End": True}
            machine = {"StartAt": "Each", "States": {"Each": each}}
        (tmp_path / "machine.json").write_text(json.dumps(machine))
        scenario = {
            "definition": "machine.json",
            "input": list(range(times)),
            "containers": {"load": {"duration": "10m", **(container or {})}},
            "latency": {"*": 0, "fargate.provisioning": "45s", "fargate.image_pull": "20s"},
            **keys,
        }
        (tmp_path / "scenario.yaml").write_text(json.dumps(scenario))
        return simulate_scenario(load_scenario(tmp_path / "scenario.yaml"))

    return run


def quantity(report: Any, entry: str) -> float:
    return float(report["cost"]["lines"][entry]["quantity"])


def test_a_task_is_provisioned_and_billed_from_the_pull_of_its_image(simulate: Simulate) -> None:
    """By its definition's size: 2 GB come with a quarter of a vCPU."""
    report = simulate(task(FARGATE))
    assert report["makespan_s"] == 645
    hours = 620 / 3600
    assert quantity(report, "ecs.vcpu_hour") == round(0.25 * hours, 6)
    assert quantity(report, "ecs.gb_hour") == round(2 * hours, 6)
    assert report["containers"]["load"] == {
        "launched": 1,
        "max_concurrency_seen": 1,
        "interrupted": 0,
        "provisioning_ms": {"mean": 45_000, "p50": 45_000, "p99": 45_000, "max": 45_000},
        "vcpu_hours": round(0.25 * hours, 6),
    }
    output = report["execution"]["output"]
    assert output["StartedAt"] - output["CreatedAt"] == 45_000
    assert output["PullStoppedAt"] - output["PullStartedAt"] == 20_000


def test_what_does_not_run_on_fargate_begins_at_once(simulate: Simulate) -> None:
    """A cluster without instances has room for it."""
    assert simulate(task({}))["makespan_s"] == 600


def test_a_time_out_may_strike_before_anything_runs(simulate: Simulate) -> None:
    """Nothing was pulled yet, and the least is billed."""
    report = simulate(task(FARGATE, TimeoutSeconds=20))
    assert (report["execution"]["error"], report["makespan_s"]) == ("States.Timeout", 20)
    assert report["functions"]["ecs/load"]["invocations"] == 0
    assert report["containers"]["load"]["vcpu_hours"] == round(0.25 / 60, 6)


def test_sizes_that_fargate_does_not_have_are_refused(simulate: Simulate) -> None:
    """By RunTask, in ECS's words."""
    report = simulate(task(FARGATE), container={"vcpu": 4, "memory_mb": 2_048})
    assert report["execution"]["error"] == "ECS.ClientException"
    assert "No Fargate configuration exists for given values: 4096 CPU, 2048 memory" in report["execution"]["cause"]


def test_launches_above_the_rate_are_throttled(simulate: Simulate) -> None:
    """Whoever retries gets through."""
    quotas = {"fargate_launch_bucket": 2, "fargate_launch_rate": 1, "run_task_rate": "none"}
    report = simulate(task(FARGATE), 3, quotas=quotas)
    assert report["execution"]["error"] == "ECS.AmazonECSException"
    assert report["calls"]["ecs.RunTask"] == {"count": 3, "throttled": 1, "faults": 0}
    retry = [{"ErrorEquals": ["ECS.AmazonECSException"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    assert simulate(task(FARGATE, Retry=retry), 3, quotas=quotas)["makespan_s"] == 646


def test_vcpus_that_the_account_may_not_run_are_failures_of_the_answer(simulate: Simulate) -> None:
    """The task is not there; what has stopped makes room."""
    retry = [{"ErrorEquals": ["AmazonECS.Unknown"], "IntervalSeconds": 650, "MaxAttempts": 1}]
    report = simulate(task(FARGATE, Retry=retry), 3, quotas={"fargate_vcpus": 0.5})
    assert (report["execution"]["status"], report["makespan_s"]) == ("SUCCEEDED", 650 + 645)
    assert report["containers"]["load"]["max_concurrency_seen"] == 2
    report = simulate(task(FARGATE), 1, quotas={"fargate_vcpus": 0})
    assert (report["execution"]["error"], report["containers"]) == ("AmazonECS.Unknown", {})
    cause = json.loads(report["execution"]["cause"])
    assert cause["Failures"] == [{"Reason": "You've reached the limit on the number of vCPUs you can run concurrently"}]
    assert cause["Tasks"] == []


def test_tasks_that_nobody_waits_for_run_though_others_were_refused(simulate: Simulate) -> None:
    """RunTask starts as many as it can."""
    report = simulate(task({**FARGATE, "Count": 3}, ""), quotas={"fargate_vcpus": 0.5})
    assert report["execution"]["error"] == "AmazonECS.Unknown"
    cause = json.loads(report["execution"]["cause"])
    assert (len(cause["Tasks"]), len(cause["Failures"])) == (2, 1)


def test_spot_takes_its_capacity_back(simulate: Simulate) -> None:
    """Two minutes after its notice the container is killed, the task has failed, and Spot's price is paid."""
    report = simulate(task(SPOT), container={"spot_interruption_per_hour": 1})
    assert report["execution"]["error"] == "States.TaskFailed"
    stopped = json.loads(report["execution"]["cause"])
    assert (stopped["StopCode"], stopped["StoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    assert stopped["CapacityProviderName"] == "FARGATE_SPOT"
    assert stopped["Containers"][0]["ExitCode"] == 137
    assert report["makespan_s"] == 45 + 120
    assert report["containers"]["load"]["interrupted"] == 1
    assert quantity(report, "ecs.spot_vcpu_hour") == round(0.25 * 140 / 3600, 6)
    assert report["cost"]["waste"]["failed_attempts_usd"] > 0
    assert "ecs.vcpu_hour" not in report["cost"]["lines"]


def test_what_ends_within_its_notice_has_done_its_work(simulate: Simulate) -> None:
    """The task was interrupted all the same."""
    report = simulate(task(SPOT), container={"spot_interruption_per_hour": 1, "duration": "100s"})
    assert report["execution"]["status"] == "SUCCEEDED"
    assert report["execution"]["output"]["StopCode"] == "SpotInterruption"


def test_only_spot_is_interrupted(simulate: Simulate) -> None:
    """And only as often as the scenario says."""
    assert simulate(task(FARGATE), container={"spot_interruption_per_hour": 1})["execution"]["status"] == "SUCCEEDED"
    report = simulate(
        task(SPOT, Retry=[{"ErrorEquals": ["States.ALL"]}]), 40, container={"spot_interruption_per_hour": 0.5}
    )
    assert 1 <= report["containers"]["load"]["interrupted"] <= 15


def test_more_vcpus_compute_faster(simulate: Simulate) -> None:
    """Where the duration says what there is to compute."""
    duration = {"cpu": {"work": "60s", "wait": "5s", "threads": 4}}
    sizes = ({"memory_mb": 512}, {"vcpu": 1}, {"vcpu": 2, "memory_mb": 4_096})
    reports = [simulate(task({}), container={"duration": duration, **size}) for size in sizes]
    assert [report["makespan_s"] for report in reports] == [245, 65, 35]
