"""AWS's limits on map runs, unless a scenario turns them off: how fast children start, how many runs are open."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.effects import Invoke, NotBefore, Program
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.scheduler import Scheduler

if TYPE_CHECKING:
    from stepsim.runtime.map_run import MapRun


@dataclass(frozen=True, slots=True)
class MapQuotas:
    """What holds for the map runs of an account; None is no limit."""

    start_rate_express: float | None = None
    """Children of one map run that start in a second; 1,000 on AWS."""
    start_rate_standard: float | None = None
    """100 on AWS."""
    open_runs: int | None = None
    """Map runs of an account at once; 1,000 on AWS. Others wait for one to end, with all their counts at 0."""
    failure_lag_ms: int = 0
    """How long it takes until a map run notices that more has failed than is tolerated; some 5 s on AWS."""
    opening_ms: tuple[int, int] = (0, 0)
    """The least and the most that passes until a map run begins to read its items."""
    closing_ms: tuple[int, int] = (0, 0)
    """And between the end of its last child and its own."""

    def start_rate(self, *, express: bool) -> float | None:
        """Children a second of one map run."""
        return self.start_rate_express if express else self.start_rate_standard


NO_MAP_QUOTAS = MapQuotas()

_LATE_MS = 86_400_000
"""How long a map run that may start nothing waits until it looks again."""


def map_quotas(quotas: Quotas, opening_ms: tuple[int, int] = (0, 0), closing_ms: tuple[int, int] = (0, 0)) -> MapQuotas:
    """What an account's quotas say of map runs, and how long they take to open and to close."""

    def whole(name: str) -> int | None:
        quota = quotas[name]
        return None if quota is None else int(quota)

    return MapQuotas(
        quotas["map_run_start_rate_express"],
        quotas["map_run_start_rate_standard"],
        whole("open_map_runs"),
        whole("map_run_failure_lag") or 0,
        opening_ms,
        closing_ms,
    )


def paced(
    children: Iterator[Program | NotBefore], per_second: float, scheduler: Scheduler
) -> Iterator[Program | NotBefore]:
    """The children, so many a second at the most; what was not started in time is not made up for. At 0: none, ever."""
    while not per_second:
        yield NotBefore(scheduler.now_ms + _LATE_MS)
    since_ms, started = scheduler.now_ms, 0
    while True:
        due_ms = since_ms + int(started * 1000 // per_second)
        if due_ms > scheduler.now_ms:
            yield NotBefore(due_ms)
        elif due_ms < scheduler.now_ms:
            since_ms, started = scheduler.now_ms, 0
        child = next(children, None)
        if child is None:
            return
        if type(child) is not NotBefore:
            started += 1
        yield child


@dataclass(frozen=True, slots=True)
class AwaitOpening:
    """Wait until a map run may be open."""

    openings: Openings
    run: MapRun


class Openings:
    """The map runs that are open, and the backlog of those that will be as others end."""

    def __init__(self, limit: int, scheduler: Scheduler) -> None:
        self._limit = limit
        self._scheduler = scheduler
        self._open: set[MapRun] = set()
        self._backlog: deque[tuple[Ticket, MapRun]] = deque()

    def enter(self, run: MapRun) -> Program:
        """Be open, now or later."""
        if len(self._open) < self._limit:
            self._open.add(run)
        else:
            yield Invoke(AwaitOpening(self, run))

    def wait(self, ticket: Ticket, run: MapRun) -> None:
        """Answer the ticket when the run is open."""
        self._backlog.append((ticket, run))

    def leave(self, run: MapRun) -> None:
        """Be open no longer, or not wait for it any more."""
        if run not in self._open:
            return
        self._open.remove(run)
        while self._backlog:
            ticket, following = self._backlog.popleft()
            if self._scheduler.is_open(ticket):
                self._open.add(following)
                self._scheduler.complete(ticket)
                return
