"""What happened in an execution, as GetExecutionHistory tells it.

A `History` numbers events from 1 over the whole execution. A `Trail` is one branch's place in it: the id that its next
event points back to. Recorded rules: the first StateEntered points to 0; a state's events point to their predecessor in
the same branch; a Standard execution fails *at* its 25,000th event.

It must cost nothing where nobody reads it: an Express execution has no trail at all, and a child whose history was not
asked for only counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from stepsim.asl.errors import RUNTIME, StatesError
from stepsim.asl.payload import Payload
from stepsim.runtime.effects import Stopped

MAX_EVENTS = 25_000
"""Events in the history of a Standard execution, the last one included."""

_FULL = f"The execution reached the maximum number of history events ({MAX_EVENTS})."

NOT_TRUNCATED = {"truncated": False}

_DETAILS = {
    "StateEntered": "stateEnteredEventDetails",
    "StateExited": "stateExitedEventDetails",
    "MapIterationStarted": "mapIterationStartedEventDetails",
    "MapIterationSucceeded": "mapIterationSucceededEventDetails",
    "MapIterationFailed": "mapIterationFailedEventDetails",
    "MapIterationAborted": "mapIterationAbortedEventDetails",
}


def details_member(event_type: str) -> str:
    """The member of a HistoryEvent that holds the details of events of this type."""
    for suffix in ("StateEntered", "StateExited"):
        if event_type.endswith(suffix):
            return _DETAILS[suffix]
    return _DETAILS.get(event_type) or event_type[0].lower() + event_type[1:] + "EventDetails"


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event. `details` is None where AWS has no details member for the type."""

    id: int
    previous_event_id: int
    type: str
    timestamp_ms: int
    details: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """The event in the API's shape; the timestamp in seconds, as the wire has it."""
        event: dict[str, Any] = {
            "timestamp": self.timestamp_ms / 1000,
            "type": self.type,
            "id": self.id,
            "previousEventId": self.previous_event_id,
        }
        if self.details is not None:
            event[details_member(self.type)] = self.details
        return event


class Clock(Protocol):
    """Whatever shows the time."""

    now_ms: int


class History:
    """The events of one execution in their order, or only their number where nobody reads them."""

    __slots__ = ("_clock", "_events", "_observer", "_refusal", "billed_entries", "count", "kept", "limit", "stored")

    def __init__(self, clock: Clock, *, kept: bool = True, limited: bool = True) -> None:
        self._clock = clock
        self._events: list[HistoryEvent] = []
        self._observer: Callable[[HistoryEvent], None] | None = None
        self._refusal = _FULL
        self.limit = MAX_EVENTS - 1 if limited else sys.maxsize
        self.count = 0
        self.billed_entries = 0
        """Entries into states of a Standard execution, of which nothing was taken yet: each is billed."""
        self.stored = kept
        """True where the events stay here to be read."""
        self.kept = kept
        """True where somebody reads the details: they are stored, or there is an observer."""

    @property
    def observer(self) -> Callable[[HistoryEvent], None] | None:
        """Told of each event when it is written. It must be there before the execution begins."""
        return self._observer

    @observer.setter
    def observer(self, observer: Callable[[HistoryEvent], None] | None) -> None:
        self._observer = observer
        self.kept = self.stored or observer is not None

    def refuse(self, cause: str) -> None:
        """Take no more events but the last: the next one that is to be written fails the execution (States.Runtime).

        So ends an execution whose machine was deleted: at its next event, which is not written (measured).
        """
        self._refusal = cause
        self.limit = 0

    def take_billed_entries(self) -> int:
        """How many entries were billed since this was last asked."""
        taken, self.billed_entries = self.billed_entries, 0
        return taken

    @property
    def full(self) -> StatesError:
        """The error of an execution that has no room for another event."""
        return StatesError(RUNTIME, self._refusal)

    def add(self, event_type: str, previous: int, details: dict[str, Any] | None = None, *, last: bool = False) -> int:
        """Append an event and return its id.

        Raises StatesError States.Runtime instead of writing event 25,000, which belongs to the failure itself (`last`).
        """
        if self.count >= self.limit and not last:
            raise self.full
        self.count += 1
        if self.kept:
            event = HistoryEvent(self.count, previous, event_type, self._clock.now_ms, details)
            if self.stored:
                self._events.append(event)
            if self._observer is not None:
                self._observer(event)
        return self.count

    def previous_of(self, event_id: int) -> int:
        """What an event points back to; the event itself where events are only counted."""
        return self._events[event_id - 1].previous_event_id if self.stored else event_id

    def __iter__(self) -> Iterator[HistoryEvent]:
        return iter(self._events)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> HistoryEvent:
        return self._events[index]


class Trail:
    """One branch's place in a history: what its next event points back to."""

    __slots__ = ("_exit_from", "history", "kept", "previous")

    def __init__(self, history: History, previous: int = 0) -> None:
        self.history = history
        self.kept = history.kept
        """True where somebody will read the details; nobody should build them otherwise."""
        self.previous = previous
        self._exit_from = 0

    def branch(self) -> Trail:
        """A trail that goes on from here, beside this one."""
        return Trail(self.history, self.previous)

    def add(self, event_type: str, details: dict[str, Any] | None = None, *, last: bool = False) -> int:
        """Append an event that the next one points back to; return its id."""
        if not self.kept:
            return self.tick(last=last)
        self.previous = self.history.add(event_type, self.previous, details, last=last)
        return self.previous

    def tick(self, *, last: bool = False) -> int:
        """Count an event whose details nobody will read; return its id."""
        history = self.history
        if history.count >= history.limit and not last:
            raise history.full
        self.previous = history.count = history.count + 1
        return self.previous

    def aside(self, event_type: str, details: dict[str, Any] | None = None) -> int:
        """Append an event that the next one does not point back to; return its id."""
        return self.history.add(event_type, self.previous, details)

    def block_succeeded(self, event_type: str, exit_from: int) -> None:
        """Append the Succeeded event of a Map or Parallel; its Exited will point to `exit_from` instead (recorded)."""
        self.add(event_type)
        self._exit_from = exit_from

    def leave_block(self) -> None:
        """From here on, point back to what the Exited event of a Map or Parallel points to."""
        if self._exit_from:
            self.previous, self._exit_from = self._exit_from, 0

    def entered(self, state_type: str, name: str, payload: Payload) -> int:
        """Append a StateEntered event; return its id."""
        if not self.kept:
            history = self.history
            if history.count >= history.limit:
                raise history.full
            self.previous = history.count = history.count + 1
            return history.count
        details = {"name": name, "input": payload.text, "inputDetails": NOT_TRUNCATED}
        return self.add(f"{state_type}StateEntered", details)

    def exited(self, state_type: str, name: str, payload: Payload, assigned: dict[str, str] | None = None) -> int:
        """Append a StateExited event with the variables that the state assigned, as JSON texts; return its id."""
        if not self.kept:
            history = self.history
            if history.count >= history.limit:
                raise history.full
            self.previous = history.count = history.count + 1
            return history.count
        details: dict[str, Any] = {"name": name, "output": payload.text, "outputDetails": NOT_TRUNCATED}
        if assigned:
            details |= {"assignedVariables": assigned, "assignedVariablesDetails": NOT_TRUNCATED}
        return self.add(f"{state_type}StateExited", details)


def failure_details(error: StatesError | Stopped) -> dict[str, Any]:
    """The error and cause of a failure event, without the one that AWS leaves out."""
    details: dict[str, Any] = {}
    if error.error is not None:
        details["error"] = error.error
    if error.cause is not None:
        details["cause"] = error.cause
    return details
