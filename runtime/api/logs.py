"""Execution logging: the events of executions as lines in CloudWatch Logs, as a machine's loggingConfiguration says.

A line is written for each event that the level covers. Lines are gathered while a turn lasts and written at its end,
straight into moto's state. Delivery is best effort, as on AWS: a log group that is gone takes no lines, and no
execution notices. A machine whose level is OFF costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import format_timestamp
from stepsim.runtime.api.escapes import LIMIT_BYTES, escaped_bytes, json_line
from stepsim.runtime.api.observing import observe
from stepsim.runtime.api.records import ExecutionRecord, MachineRecord
from stepsim.runtime.api.registry import Registries
from stepsim.runtime.api.turn import TurnEnd
from stepsim.runtime.history import HistoryEvent

if TYPE_CHECKING:
    from moto.logs.models import LogGroup, LogStream

VALIDATION_STREAM = "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"
"""AWS makes this stream in a group when logging into it is configured."""

_VALIDATION_LINE = (
    "Permissions are set correctly to allow AWS CloudWatch Logs to write into your logs while creating a subscription."
)

STREAM_LASTS_MS = 3_600_000
"""After this long, a machine's lines go on in a new stream."""

FATAL_TYPES = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
"""What the level FATAL logs (developer guide)."""

_ERROR_SUFFIXES = ("Aborted", "Failed", "TimedOut")
_DATA = frozenset({"input", "inputDetails", "output", "outputDetails"})


def is_error(event_type: str) -> bool:
    """Whether the level ERROR logs events of a type: failures, time-outs, aborts, and entering a Fail state."""
    return event_type.endswith(_ERROR_SUFFIXES) or event_type == "FailStateEntered"


_LEVELS: Mapping[str, Callable[[str], bool]] = {
    "ALL": lambda _: True,
    "ERROR": is_error,
    "FATAL": FATAL_TYPES.__contains__,
}


@dataclass(frozen=True, slots=True)
class Destination:
    """A log group's place."""

    account_id: str
    region: str
    group: str

    @classmethod
    def of(cls, logging: Mapping[str, JSON]) -> Destination | None:
        """Where a loggingConfiguration's lines go; None where its level is OFF or it names no log group."""
        if logging.get("level", "OFF") == "OFF" or not logging.get("destinations"):
            return None
        arn: str = logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
        _, _, _, region, account_id, _, group = arn.split(":", 6)
        return cls(account_id, region, group.removesuffix(":*"))


class ExecutionLogs:
    """Writes what executions do into the log groups of their machines."""

    def __init__(self, registries: Registries) -> None:
        self._account = registries.account
        self._turn = TurnEnd(self._account.scheduler, self._write)
        self._lines: dict[tuple[Destination, str], list[dict[str, Any]]] = {}
        self._streams: dict[tuple[Destination, str], tuple[str, int]] = {}
        """The stream that a machine's lines go to, by destination and machine, and when it was opened."""
        self._validated: dict[str, Destination | None] = {}
        observers = registries.observers
        observers.machine_changed.append(self._validate)
        observers.machine_deleted.append(self._forget)
        observers.execution_started.append(self._watch)

    def _validate(self, record: MachineRecord) -> None:
        """Logging was configured: AWS proves that it may write, by a stream of its own."""
        destination = Destination.of(record.revision.logging)
        if destination == self._validated.get(record.arn):
            return
        self._validated[record.arn] = destination
        group = None if destination is None else _group(destination)
        if group is not None and VALIDATION_STREAM not in group.streams:
            line = {"timestamp": self._account.scheduler.now_ms, "message": _VALIDATION_LINE}
            _stream(group, VALIDATION_STREAM).put_log_events([line])

    def _forget(self, record: MachineRecord) -> None:
        destination = self._validated.pop(record.arn, None)
        if destination is not None:
            self._streams.pop((destination, record.name), None)

    def _watch(self, record: ExecutionRecord) -> None:
        logging = record.revision.logging
        destination = Destination.of(logging)
        if destination is not None:
            key = (destination, record.record.name)
            observe(record.execution.history, _Writer(record, logging, lambda line: self._note(key, line)))

    def _note(self, key: tuple[Destination, str], line: dict[str, Any]) -> None:
        lines = self._lines.get(key)
        if lines is None:
            lines = self._lines[key] = []
            self._turn.ask()
        lines.append(line)

    def _write(self) -> None:
        noted, self._lines = self._lines, {}
        for (destination, machine), lines in noted.items():
            group = _group(destination)
            if group is not None:
                _stream(group, self._stream_name(destination, machine)).put_log_events(lines)

    def _stream_name(self, destination: Destination, machine: str) -> str:
        """``states/MACHINE/2026-01-05-02-00/4f8e12ab``: executions of a machine share a stream (recorded)."""
        now_ms = self._account.scheduler.now_ms
        name, opened_ms = self._streams.get((destination, machine), ("", 0))
        if not name or now_ms - opened_ms >= STREAM_LASTS_MS:
            minute = format_timestamp(now_ms)[:16].replace("T", "-").replace(":", "-")
            serial = self._account.dice.uuid4("log-stream", destination.group, machine, now_ms)[:8]
            name = f"states/{machine}/{minute}/{serial}"
            self._streams[destination, machine] = (name, now_ms)
        return name


class _Writer:
    """Turns the events of one execution into lines; it is the observer of the execution's history."""

    __slots__ = ("_covers", "_data", "_note", "_record")

    def __init__(
        self, record: ExecutionRecord, logging: Mapping[str, JSON], note: Callable[[dict[str, Any]], None]
    ) -> None:
        self._record = record
        self._covers = _LEVELS[logging["level"]]
        self._data = bool(logging.get("includeExecutionData", False))
        self._note = note

    def __call__(self, event: HistoryEvent) -> None:
        if self._covers(event.type):
            line = json_line(logged(event, self._record, data=self._data))
            self._note({"timestamp": event.timestamp_ms, "message": line})


def logged(event: HistoryEvent, record: ExecutionRecord, *, data: bool) -> dict[str, JSON]:
    """An event as CloudWatch Logs has it: numbers are strings (recorded), inputs and outputs only with `data`."""
    me = record.execution.me
    line: dict[str, JSON] = {
        "id": str(event.id),
        "type": event.type,
        "details": _details(event.details or {}, data),
        "previous_event_id": str(event.previous_event_id),
        "event_timestamp": str(event.timestamp_ms),
        "execution_arn": me.arn,
    }
    if record.map_run is not None:
        line["map_run_arn"] = record.map_run.arn
    line["redrive_count"] = str(me.redrive_count)
    return line


def _details(details: Mapping[str, JSON], data: bool) -> Mapping[str, JSON]:
    if not data:
        return {name: value for name, value in details.items() if name not in _DATA}
    for name in ("input", "output"):
        text = details.get(name)
        # A character takes at most six bytes when it is escaped, so most texts need no closer look.
        if text is not None and len(text) > LIMIT_BYTES // 6 and escaped_bytes(text) > LIMIT_BYTES:
            details = {**details, name: _cut(text), f"{name}Details": {"truncated": True}}
    return details


def _cut(text: str) -> str:
    """The longest beginning of a text that still fits when it is escaped."""
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if escaped_bytes(text[:middle]) > LIMIT_BYTES:
            too_long = middle
        else:
            fits = middle
    return text[:fits]


def _group(destination: Destination) -> LogGroup | None:
    from moto.logs.models import logs_backends

    # `get` makes no account and no region that nobody has used.
    account = logs_backends.get(destination.account_id)
    backend = None if account is None else account.get(destination.region)
    return None if backend is None else backend.groups.get(destination.group)


def _stream(group: LogGroup, name: str) -> LogStream:
    stream: LogStream | None = group.streams.get(name)
    if stream is None:
        group.create_log_stream(name)
        stream = group.streams[name]
    return stream
