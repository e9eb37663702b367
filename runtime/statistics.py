"""What a run counts as it goes: cheap to add to, summed up by the report.

Durations are whole milliseconds, kept as a count for each value: exact percentiles, and memory that does not grow with
the number of visits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Durations:
    """How often each duration was seen."""

    __slots__ = ("_seen", "instant")

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self.instant = 0
        """How many took no time at all: counted by the hot path itself, beside what is added."""

    def add(self, duration_ms: int) -> None:
        seen = self._seen
        seen[duration_ms] = seen.get(duration_ms, 0) + 1

    def lasted(self, duration_ms: int) -> None:
        """As `add`, of what may have taken no time at all."""
        if duration_ms:
            self._seen[duration_ms] = self._seen.get(duration_ms, 0) + 1
        else:
            self.instant += 1

    @classmethod
    def merged(cls, several: Iterable[Durations]) -> Durations:
        """All of them together."""
        whole = cls()
        for durations in several:
            for duration_ms, times in durations.counted():
                whole._seen[duration_ms] = whole._seen.get(duration_ms, 0) + times
        return whole

    def counted(self) -> Iterator[tuple[int, int]]:
        """Each duration in ms with how often it was seen."""
        yield from self._seen.items()
        if self.instant:
            yield 0, self.instant

    @property
    def count(self) -> int:
        """How many were seen."""
        return sum(self._seen.values()) + self.instant

    def summary(self) -> dict[str, float]:
        """mean, p50, p99 and max in milliseconds; empty where nothing was seen."""
        seen = self._seen if not self.instant else {**self._seen, 0: self._seen.get(0, 0) + self.instant}
        if not seen:
            return {}
        ordered = sorted(seen.items())
        count = sum(seen.values())
        mean = sum(value * times for value, times in ordered) / count
        return {
            "mean": round(mean, 3),
            "p50": _percentile(ordered, count, 50),
            "p99": _percentile(ordered, count, 99),
            "max": ordered[-1][0],
        }


def _percentile(ordered: list[tuple[int, int]], count: int, percent: int) -> int:
    rank = -(-count * percent // 100)
    reached = 0
    for value, times in ordered:
        reached += times
        if reached >= rank:
            return value
    return ordered[-1][0]


@dataclass(slots=True)
class StateStatistics:
    """What happened in one state, over all executions of a run."""

    entered: int = 0
    succeeded: int = 0
    failed: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)
    billed: int = 0
    """Entries and retries in Standard executions: those are billed."""
    billed_retries: int = 0
    """Those of them that were retries."""


@dataclass(slots=True)
class FunctionStatistics:
    """What happened to one function."""

    invocations: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    timeouts: int = 0
    throttles: int = 0
    cold_starts: int = 0
    inits: dict[str, Durations] = field(default_factory=dict)
    """How long environments took to begin, by the state that they were made for."""
    running: int = 0
    max_concurrency_seen: int = 0
    succeeded: dict[str, Durations] = field(default_factory=dict)
    """How long invocations took that gave a result, by the state that they were made for."""
    failed: dict[str, Durations] = field(default_factory=dict)
    """The same of those that ended with an error."""

    @property
    def durations(self) -> Durations:
        """How long invocations took."""
        return Durations.merged((*self.succeeded.values(), *self.failed.values()))


LEAST_BILLED_S = 60
"""Fargate bills by the second, and for no less than a minute."""


class Billed(NamedTuple):
    """What tasks have in common that one line of the bill is for."""

    vcpus: float
    gigabytes: float
    spot: bool
    state: str
    """The state that ran them."""
    failed: bool


@dataclass(slots=True)
class ContainerStatistics:
    """What happened to the tasks of one family."""

    launched: int = 0
    running: int = 0
    """Those that are launched and have not stopped."""
    max_concurrency_seen: int = 0
    interrupted: int = 0
    """Those that Spot took back."""
    provisioning: Durations = field(default_factory=Durations)
    """From the launch until the containers began."""
    billed: dict[Billed, Durations] = field(default_factory=dict)
    """From the pull of the image until the task stopped."""

    def launch(self) -> None:
        """Count a task that begins."""
        self.launched += 1
        self.running += 1
        self.max_concurrency_seen = max(self.max_concurrency_seen, self.running)

    def stop(self, billed: Billed, billed_ms: int, *, interrupted: bool) -> None:
        """Count a task that has stopped."""
        self.running -= 1
        self.interrupted += interrupted
        durations = self.billed.get(billed)
        if durations is None:
            durations = self.billed[billed] = Durations()
        durations.add(billed_ms)

    def report(self) -> dict[str, Any]:
        """The family's entry in the report; `vcpu_hours` are those that are billed."""
        vcpu_hours = sum(billed.vcpus * billed_hours(durations) for billed, durations in self.billed.items())
        return {
            "launched": self.launched,
            "max_concurrency_seen": self.max_concurrency_seen,
            "interrupted": self.interrupted,
            "provisioning_ms": self.provisioning.summary(),
            "vcpu_hours": round(vcpu_hours, 6),
        }


def billed_hours(durations: Durations) -> float:
    """The hours that are billed for tasks or jobs that took so long: each rounded up to a second, a minute at least."""
    seconds = sum(max(LEAST_BILLED_S, -(-duration_ms // 1000)) * times for duration_ms, times in durations.counted())
    return seconds / 3600


class Statistics:
    """All counters of a run."""

    __slots__ = (
        "express",
        "failed_express",
        "functions",
        "history_events",
        "lost",
        "state_transitions",
        "states",
        "tasks",
        "throttled_transitions",
    )

    def __init__(self) -> None:
        self.states: dict[str, StateStatistics] = {}
        self.functions: dict[str, FunctionStatistics] = {}
        self.tasks: dict[str, ContainerStatistics] = {}
        """Of ECS, by their families."""
        self.state_transitions = 0
        self.throttled_transitions = 0
        """Those that the account's quota made wait."""
        self.history_events = 0
        self.express = Durations()
        """How long Express executions took that succeeded, those of map runs aside."""
        self.failed_express = Durations()
        self.lost = 0
        """Billed entries into states of children that did not succeed."""

    def state(self, name: str) -> StateStatistics:
        found = self.states.get(name)
        if found is None:
            found = self.states[name] = StateStatistics()
        return found

    def task(self, family: str) -> ContainerStatistics:
        return self.tasks.setdefault(family, ContainerStatistics())

    def function(self, name: str) -> FunctionStatistics:
        found = self.functions.get(name)
        if found is None:
            found = self.functions[name] = FunctionStatistics()
        return found
