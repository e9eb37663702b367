"""Fargate's sizes, launch rates, vCPUs and interruptions."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.fargate import (
    Fargate,
    check_size,
    cpu_units,
    interrupted_after_ms,
    limits,
    memory_mb,
    providers,
    smallest,
)
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, NO_QUOTAS, changed


def strategy(*items: tuple[str, int, int], count: int = 1) -> dict[str, Any]:
    """RunTask's parameters with (provider, base, weight) each."""
    named = [{"capacityProvider": name, "base": base, "weight": weight} for name, base, weight in items]
    return {"capacityProviderStrategy": named, "count": count}


@pytest.mark.parametrize(
    ("units", "memory"), [(256, 512), (256, 2_048), (1_024, 2_048), (4_096, 30_720), (8_192, 20_480), (16_384, 122_880)]
)
def test_these_are_sizes(units: int, memory: int) -> None:
    """As the guide's table has them."""
    check_size(units, memory)


@pytest.mark.parametrize(("units", "memory"), [(512, 512), (256, 3_072), (1_024, 2_500), (8_192, 17_408), (300, 1_024)])
def test_other_sizes_are_refused(units: int, memory: int) -> None:
    """As ECS refuses them."""
    with pytest.raises(ApiError, match=f"No Fargate configuration exists for given values: {units} CPU") as raised:
        check_size(units, memory)
    assert raised.value.code == "ClientException"


def test_sizes_are_read_as_definitions_write_them() -> None:
    """In units and MB, or in vCPU and GB."""
    assert [cpu_units(text) for text in ("256", ".25 vCPU", "1 vcpu", "much")] == [256, 256, 1_024, None]
    assert [memory_mb(text) for text in ("512", "0.5 GB", "2gb", "None")] == [512, 512, 2_048, None]


@pytest.mark.parametrize(
    ("memory", "size"), [(1, (256, 512)), (2_048, (256, 2_048)), (5_000, (1_024, 5_120)), (500_000, (16_384, 122_880))]
)
def test_the_smallest_size_has_room(memory: int, size: tuple[int, int]) -> None:
    """With the fewest vCPUs, and then the least memory."""
    assert smallest(memory) == size


@pytest.mark.parametrize(
    ("params", "chosen"),
    [
        ({}, ["EC2"]),
        ({"launchType": "FARGATE", "count": 2}, ["FARGATE"] * 2),
        (strategy(("FARGATE_SPOT", 0, 1)), ["FARGATE_SPOT"]),
        (
            strategy(("FARGATE", 1, 1), ("FARGATE_SPOT", 0, 3), count=5),
            ["FARGATE", "FARGATE_SPOT", "FARGATE_SPOT", "FARGATE", "FARGATE_SPOT"],
        ),
        (strategy(("FARGATE", 0, 0), ("FARGATE_SPOT", 0, 0), count=2), ["FARGATE"] * 2),
        ({"capacityProviderStrategy": "nonsense", "count": "x"}, ["EC2"]),
    ],
)
def test_what_tasks_run_on(params: dict[str, Any], chosen: list[str]) -> None:
    """The launch type, or a strategy's base and then its weights."""
    assert providers(params) == chosen


def codes(params: dict[str, Any], *times_ms: int, **quotas: float | None) -> list[str | None]:
    limit = limits(changed(NO_QUOTAS, quotas))["ecs.RunTask"]
    errors = (limit("RunTask", params, CallSite(), now_ms) for now_ms in times_ms)
    return [None if error is None else error.code for error in errors]


def test_calls_have_a_rate() -> None:
    """Twenty at once and twenty a second, whatever they launch."""
    answers = codes({}, *[0] * 21, 50, run_task_rate=AWS_QUOTAS["run_task_rate"])
    assert answers == [None] * 20 + ["ThrottlingException", None]


def test_launches_have_a_bucket_of_each_kind() -> None:
    """A call launches as many as it asks for, or none."""
    quotas = {"fargate_launch_bucket": 15, "fargate_launch_rate": 10}
    assert codes({"launchType": "FARGATE", "count": 10}, 0, 0, 500, **quotas) == [None, "ThrottlingException", None]
    limit = limits(changed(NO_QUOTAS, quotas))["ecs.RunTask"]
    on_both = [
        limit("RunTask", strategy((name, 0, 1), count=10), CallSite(), 0) for name in ("FARGATE", "FARGATE_SPOT")
    ]
    assert on_both == [None, None]
    assert codes({"count": 10}, *[0] * 5, **quotas) == [None] * 5


def test_vcpus_are_limited_for_each_kind() -> None:
    """What stops gives its own back."""
    fargate = Fargate(changed(NO_QUOTAS, {"fargate_vcpus": 6}))
    assert [fargate.take("FARGATE", 4), fargate.take("FARGATE", 4), fargate.take("FARGATE_SPOT", 4)] == [
        True,
        False,
        True,
    ]
    fargate.release("FARGATE", 4)
    assert fargate.take("FARGATE", 6)
    assert Fargate(NO_QUOTAS).take("FARGATE", 1e9)


def test_interruptions_have_no_memory() -> None:
    """Within an hour with the given probability, within two hours with that of two such hours."""
    draws = [n / 10_000 for n in range(10_000)]
    moments = [interrupted_after_ms(0.2, draw) for draw in draws]
    for hours, share in ((1, 0.2), (2, 0.36)):
        within = sum(moment is not None and moment < hours * 3_600_000 for moment in moments)
        assert abs(within / 10_000 - share) < 0.001
    assert (interrupted_after_ms(0, 0.5), interrupted_after_ms(1, 0.5)) == (None, 0)
