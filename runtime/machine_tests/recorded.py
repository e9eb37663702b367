"""A history that was recorded: by AWS (GetExecutionHistory, of boto3 or the AWS CLI) or by an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.history import HistoryEvent, details_member
from stepsim.runtime.machine_tests.result import MachineResult

Recorded: TypeAlias = (
    "MachineResult | Mapping[str, Any] | Sequence[Mapping[str, Any]] | Sequence[HistoryEvent] | str | Path"
)
"""A result, GetExecutionHistory's response or its events, or a file with one of these."""

_FETCH = "fetch it with `aws stepfunctions get-execution-history --execution-arn … --include-execution-data`"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")
_MS_FROM = 100_000_000_000
"""An epoch above this is in milliseconds: in seconds it would lie in the year 5138."""


class HistoryError(ValueError):
    """A history cannot be replayed: which, why, and what to do."""


def read_history(given: Recorded) -> list[HistoryEvent]:
    """The events in their order. Raises HistoryError where they are not the whole history of one execution."""
    if isinstance(given, MachineResult):
        return list(given.events)
    source = "the history"
    if isinstance(given, str | Path):
        source = str(given)
        given = _value(Path(given))
    events: Any = given.get("events") if isinstance(given, Mapping) else given
    if not isinstance(events, Sequence) or not events or not all(map(_is_event, events)):
        raise HistoryError(f"{source} has no events of an execution: {_FETCH}")
    found = sorted((_event(event, source) for event in events), key=lambda event: event.id)
    _check(found, source)
    return found


def _value(path: Path) -> JSON:
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise HistoryError(f"{path} is not JSON: {error}") from None


def _is_event(event: object) -> bool:
    return isinstance(event, HistoryEvent) or (isinstance(event, Mapping) and "type" in event and "id" in event)


def _event(event: HistoryEvent | Mapping[str, Any], source: str) -> HistoryEvent:
    if isinstance(event, HistoryEvent):
        return event
    kind = str(event["type"])
    try:
        moment_ms = _time_ms(event.get("timestamp"))
    except ValueError as error:
        raise HistoryError(f"{source}: event {event['id']}: {error}") from None
    details = event.get(details_member(kind))
    # The CLI may leave out what is 0.
    return HistoryEvent(int(event["id"]), int(event.get("previousEventId", 0)), kind, moment_ms, details)


def _time_ms(value: object) -> int:
    """A moment as boto3 has it (datetime), as the CLI writes it (ISO 8601), or as the wire does (an epoch)."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no timestamp")
    return round(value if abs(value) >= _MS_FROM else value * 1000)


def _check(events: Sequence[HistoryEvent], source: str) -> None:
    first, last = events[0], events[-1]
    if first.type != "ExecutionStarted":
        raise HistoryError(f"{source} does not begin with ExecutionStarted but with {first.type}: all pages are needed")
    if [event.id for event in events] != list(range(1, len(events) + 1)):
        raise HistoryError(f"{source} lacks events between {first.id} and {last.id}: all pages are needed")
    redriven = next((event.id for event in events if event.type == "ExecutionRedriven"), None)
    if redriven is not None:
        raise HistoryError(
            f"{source} is of an execution that was redriven, at event {redriven}, which cannot be replayed: take the "
            f"history of one that ran through"
        )
    if last.type not in _ENDS:
        raise HistoryError(
            f"{source} ends with {last.type}: the execution still runs, or pages are missing (nextToken)"
        )
    if "input" not in (first.details or {}):
        raise HistoryError(f"{source} has no data in its events: {_FETCH}")
    truncated = next(_truncated(events), None)
    if truncated is not None:
        raise HistoryError(f"{source}: the data of event {truncated} is cut off: {_FETCH}")


def _truncated(events: Iterable[HistoryEvent]) -> Iterator[int]:
    for event in events:
        for name in ("inputDetails", "outputDetails"):
            if ((event.details or {}).get(name) or {}).get("truncated"):
                yield event.id
