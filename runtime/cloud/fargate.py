"""Fargate: the sizes that it has, how fast it launches tasks, how many vCPUs run, and how Spot takes its capacity back.

Sizes: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html. Launches and RunTask calls are
limited by token buckets, those of Spot by one of its own; each of a call's tasks is a launch (throttling.html in the
same guide). vCPUs are limited for each kind (service-quotas.html). A task of Spot's gets notice with SIGTERM, and is
killed after its container's stopTimeout: 30 s, or what it says, up to two minutes (fargate-capacity-providers.html).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.limits import Limit
from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket

ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"
PROVIDERS = (ON_DEMAND, SPOT)

SIZES: Mapping[int, Sequence[int]] = {
    256: (512, 1_024, 2_048),
    512: range(1_024, 4_097, 1_024),
    1_024: range(2_048, 8_193, 1_024),
    2_048: range(4_096, 16_385, 1_024),
    4_096: range(8_192, 30_721, 1_024),
    8_192: range(16_384, 61_441, 4_096),
    16_384: range(32_768, 122_881, 8_192),
}
"""The MB of memory that come with so many CPU units; 1,024 units are a vCPU."""

NO_VCPUS_LEFT = "You've reached the limit on the number of vCPUs you can run concurrently"
"""The reason of a failure in RunTask's answer."""

INTERRUPTED = "Your Spot Task was interrupted."
"""Why a task of Spot's stopped whose capacity was taken back; its stopCode is SpotInterruption."""

STOP_TIMEOUT_S, STOP_TIMEOUT_MAX_S = 30, 120

_THROTTLED = ApiError("ThrottlingException", "Rate exceeded")
_COUNT_MAX = 10
_CPU = re.compile(r"(\d*\.?\d+)\s*(vcpu)?", re.IGNORECASE)
_MEMORY = re.compile(r"(\d*\.?\d+)\s*(gb)?", re.IGNORECASE)


def cpu_units(text: str) -> int | None:
    """The units of a task's cpu, as a definition writes it: ``256``, ``.25 vCPU``. None for anything else."""
    return _amount(_CPU, text)


def memory_mb(text: str) -> int | None:
    """The MB of a task's memory, as a definition writes it: ``512``, ``0.5 GB``. None for anything else."""
    return _amount(_MEMORY, text)


def _amount(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.fullmatch(text.strip())
    return None if found is None else round(float(found[1]) * (1_024 if found[2] else 1))


def check_size(units: int, memory: int) -> None:
    """Raises AWS's ClientException for a combination that Fargate does not have."""
    if memory not in SIZES.get(units, ()):
        raise ApiError(
            "ClientException",
            f"No Fargate configuration exists for given values: {units} CPU, {memory} memory. "
            "See the Amazon ECS documentation for the valid values.",
        )


def smallest(memory: int) -> tuple[int, int]:
    """The units and MB of the smallest size with so much memory; the largest, where none has it."""
    for units, memories in SIZES.items():
        for size in memories:
            if memory <= size:
                return units, size
    return 16_384, 122_880


def providers(params: Mapping[str, Any]) -> list[str]:
    """What each of a RunTask call's tasks runs on: ``FARGATE``, ``FARGATE_SPOT``, ``EC2``, or another provider.

    A strategy's base goes first, then its weights (docs.aws.amazon.com/AmazonECS/latest/APIReference: the
    CapacityProviderStrategyItem). Parameters may be anything: nobody has checked them yet.
    """
    count = params.get("count", 1)
    count = min(count, _COUNT_MAX) if type(count) is int and count > 0 else 1
    strategy = params.get("capacityProviderStrategy")
    items = [one for one in strategy if isinstance(one, dict)] if isinstance(strategy, list) else []
    if not items:
        return [str(params.get("launchType") or "EC2")] * count
    names = [str(item.get("capacityProvider")) for item in items]
    chosen: list[str] = []
    for name, item in zip(names, items, strict=True):
        chosen += [name] * _whole(item.get("base"))
    weights = {name: _whole(item.get("weight")) for name, item in zip(names, items, strict=True)}
    if not any(weights.values()):
        weights = {names[0]: 1}
    weighted = dict.fromkeys((name for name, weight in weights.items() if weight), 0)
    while len(chosen) < count:
        name = min(weighted, key=lambda one: (weighted[one] + 1) / weights[one])
        weighted[name] += 1
        chosen.append(name)
    return chosen[:count]


def _whole(value: object) -> int:
    return min(value, 1_000) if type(value) is int and value > 0 else 0


def interrupted_after_ms(per_hour: float, draw: float) -> int | None:
    """How long after its start a task gets notice that Spot takes its capacity back; None: never.

    `per_hour` is the probability that it does within an hour, whenever that hour begins.
    """
    if per_hour <= 0:
        return None
    return 0 if per_hour >= 1 else int(math.log1p(-draw) / math.log1p(-per_hour) * 3_600_000)


class Fargate:
    """The vCPUs that run, and how likely Spot is to interrupt each container of a scenario."""

    def __init__(self, quotas: Quotas) -> None:
        self._most = quotas["fargate_vcpus"]
        self._running = dict.fromkeys(PROVIDERS, 0.0)
        self.spot_interruption_per_hour: Mapping[str, float] = {}
        """By the container's worker, as in ``ecs/family``."""

    def take(self, provider: str, vcpus: float) -> bool:
        """Let a task run, if the account may run as many vCPUs of its kind; whether it may."""
        running = self._running[provider] + vcpus
        if self._most is not None and running > self._most:
            return False
        self._running[provider] = running
        return True

    def release(self, provider: str, vcpus: float) -> None:
        """Note that a task has stopped."""
        self._running[provider] -= vcpus


def limits(quotas: Quotas) -> dict[str, Limit]:
    """What the gate asks before RunTask: its own rate, and that of launches of each kind."""
    calls_a_second = quotas["run_task_rate"]
    size, rate = quotas["fargate_launch_bucket"], quotas["fargate_launch_rate"]
    calls = None if calls_a_second is None else TokenBucket(calls_a_second, calls_a_second)
    launches = {} if size is None or rate is None else {name: TokenBucket(size, rate) for name in PROVIDERS}
    if calls is None and not launches:
        return {}

    def run_task(_operation: str, params: dict[str, Any], _site: CallSite, now_ms: int) -> ApiError | None:
        if calls is not None and not calls.take(now_ms):
            return _THROTTLED
        asked = providers(params)
        wanted = [(launches[name], asked.count(name)) for name in launches if name in asked]
        if any(bucket.tokens(now_ms) < count for bucket, count in wanted):
            return _THROTTLED
        for bucket, count in wanted:
            bucket.take(now_ms, count)
        return None

    return {"ecs.RunTask": run_task}
