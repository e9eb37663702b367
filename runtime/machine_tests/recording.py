"""What is written down while a test runs a machine: the events of every execution, of map runs' children, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from stepsim.runtime.child import Child
from stepsim.runtime.execution import Execution
from stepsim.runtime.history import HistoryEvent
from stepsim.runtime.machine_tests.visits import Attempt, Reading, Visit, read_visits


class RunObserver(Protocol):
    """Somebody else who wants to know what tests run: what covers which states, say."""

    def execution_started(self, execution: Execution) -> Callable[[HistoryEvent], None] | None:
        """An execution begins: the machine's own, one that a Task starts, or a map run's child.

        ``execution.machine`` is what it runs. Returns what is to be called with each of its events.
        """
        ...


class _Recorded(NamedTuple):
    execution: Execution
    events: list[HistoryEvent]


class Recorder:
    """Writes down a run's events."""

    def __init__(self, observer: RunObserver | None = None) -> None:
        self._observer = observer
        self._recorded: dict[int, _Recorded] = {}
        """By the identity of the execution, which is kept beside."""

    def started(self, execution: Execution) -> None:
        """An execution begins."""
        if id(execution) in self._recorded:
            return
        events: list[HistoryEvent] = []
        self._recorded[id(execution)] = _Recorded(execution, events)
        tell = None if self._observer is None else self._observer.execution_started(execution)
        if tell is None:
            execution.history.observer = events.append
            return

        def note(event: HistoryEvent) -> None:
            events.append(event)
            tell(event)

        execution.history.observer = note

    def events(self, execution: Execution) -> list[HistoryEvent]:
        """What has happened in an execution."""
        return self._recorded[id(execution)].events

    def first(self) -> Execution:
        """The execution that the run began with."""
        return next(iter(self._recorded.values())).execution

    def others(self, execution: Execution) -> list[Execution]:
        """The other executions that are no map run's children, as they began."""
        return [
            one.execution
            for one in self._recorded.values()
            if one.execution is not execution and not isinstance(one.execution.me, Child)
        ]

    def reading(self, execution: Execution) -> Reading:
        """An execution as visits; what the children of its map runs did stands within their Map."""
        reading = read_visits(self.events(execution))
        children: dict[str, list[_Recorded]] = {}
        for one in self._recorded.values():
            if isinstance(one.execution.me, Child):
                children.setdefault(one.execution.me.run.arn, []).append(one)
        waiting = list(reading.all_visits()) if children else []
        while waiting:
            visit = waiting.pop()
            for attempt in visit.attempts:
                for child in children.get(attempt.map_run or "", ()):
                    waiting += _adopt(visit, attempt, child)
        return reading


def _adopt(visit: Visit, attempt: Attempt, child: _Recorded) -> list[Visit]:
    """Put a child's visits into the attempt that ran it; returns them all."""
    inner = read_visits(child.events)
    for one in inner.visits:
        one.parent, one.index = visit, child.execution.me.item
    attempt.inner += inner.visits
    return list(inner.all_visits())
