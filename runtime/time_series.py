"""What a run did over its time, for a report that draws it: looked at on the way, at most a thousand times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from stepsim.runtime.account import Account
from stepsim.runtime.cloud.call import CallCounts
from stepsim.runtime.execution import Execution
from stepsim.runtime.history import HistoryEvent

POINTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Point:
    """A look at a run. What is counted is counted from the start."""

    at_ms: int
    """Since the run began."""
    functions: Mapping[str, int]
    """Invocations that run, by function; those without are left out."""
    children: int
    """Children of map runs that run."""
    done: int
    """Items of map runs that have ended well."""
    failed: int
    """Items that have ended otherwise."""
    throttles: int
    """Of functions and calls."""
    faults: int
    """Calls that faults struck."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a state of the execution was at work, from its first entry to its last exit."""

    state: str
    from_ms: int
    to_ms: int
    entered: int


class TimeSeries:
    """Points at even distances, and one before each longer rest. Where there are too many, the distance doubles.

    What a point shows holds until the next one, so of each distance the first and the last point are kept.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.spans: list[Span] = []
        self._step_ms = 1
        self._next_ms = 0

    def look(self, account: Account, calls: Mapping[str, CallCounts], start_ms: int) -> None:
        """Take note of the run as it is now, if it is time to."""
        at_ms = account.scheduler.now_ms - start_ms
        if at_ms < self._next_ms:
            following_ms = account.scheduler.next_deadline()
            if following_ms is None or following_ms - start_ms < self._next_ms:
                return
        self._add(_point(account, calls, at_ms))
        while len(self.points) >= POINTS_MAX:
            self._step_ms *= 2
            self.points = _thinned(self.points, self._step_ms)
        self._next_ms = at_ms + self._step_ms

    def _add(self, point: Point) -> None:
        if self.points and self.points[-1].at_ms == point.at_ms:
            self.points.pop()
        self.points.append(point)

    def end(self, account: Account, calls: Mapping[str, CallCounts], start_ms: int, subject: object) -> None:
        """Take note of how the run has ended, and of when its execution was in which state."""
        self._add(_point(account, calls, account.scheduler.now_ms - start_ms))
        if isinstance(subject, Execution):
            stop_ms = subject.stop_ms if subject.stop_ms is not None else account.scheduler.now_ms
            self.spans = _spans(subject.history, start_ms, stop_ms)


def _thinned(points: Sequence[Point], step_ms: int) -> list[Point]:
    """The first and the last point of each `step_ms`."""
    kept = []
    for _, together in groupby(points, lambda point: point.at_ms // step_ms):
        first, *rest = together
        kept += [first, *rest[-1:]]
    return kept


def _point(account: Account, calls: Mapping[str, CallCounts], at_ms: int) -> Point:
    functions = account.statistics.functions
    children = done = failed = 0
    for run in account.map_runs:
        items = run.counts.items
        children += len(run.running)
        done += items.succeeded
        failed += items.failed + items.timedOut + items.aborted
    throttles = sum(one.throttles for one in functions.values()) + sum(one.throttled for one in calls.values())
    return Point(
        at_ms,
        {name: one.running for name, one in functions.items() if one.running},
        children,
        done,
        failed,
        throttles,
        sum(one.faults for one in calls.values()),
    )


def _spans(events: Iterable[HistoryEvent], start_ms: int, stop_ms: int) -> list[Span]:
    """By state, in the order of their first entries. One that was not left was at work until the end."""
    entered: dict[str, int] = {}
    times: dict[str, int] = {}
    left: dict[str, int] = {}
    open_visits: dict[str, int] = {}
    for event in events:
        name = (event.details or {}).get("name")
        if not isinstance(name, str):
            continue
        if event.type.endswith("StateEntered"):
            entered.setdefault(name, event.timestamp_ms - start_ms)
            times[name] = times.get(name, 0) + 1
            open_visits[name] = open_visits.get(name, 0) + 1
        elif event.type.endswith("StateExited"):
            left[name] = event.timestamp_ms - start_ms
            open_visits[name] = open_visits.get(name, 0) - 1
    end_ms = stop_ms - start_ms
    return [
        Span(name, at, end_ms if open_visits[name] > 0 else left[name], times[name]) for name, at in entered.items()
    ]
