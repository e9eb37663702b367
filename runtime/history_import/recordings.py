"""What was recorded, read from files: histories, descriptions of executions, and the result files of map runs.

Which of them a file is, its content tells. A folder is searched; what is nothing of the kind is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stepsim.asl.payload import JSON, decode
from stepsim.runtime.history import HistoryEvent, details_member

_SUFFIXES = (".json", ".jsonl")
_MS_FROM = 100_000_000_000
"""An epoch above this is in milliseconds: in seconds it would lie in the year 5138."""


class ImportProblem(Exception):
    """Recordings that cannot be used: `problems` are sentences of what is wrong, where, and what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """The whole history of one execution."""

    file: Path
    """Where it begins."""
    events: tuple[HistoryEvent, ...]


@dataclass(frozen=True, slots=True)
class RecordedExecution:
    """What DescribeExecution has told."""

    file: Path
    status: str
    machine: str
    """The name of its state machine."""
    map_run: str | None
    input: JSON
    """None where it was not told."""
    start_ms: int
    stop_ms: int | None


@dataclass(frozen=True, slots=True)
class RecordedChild:
    """One child of a map run, as a ResultWriter's file has it."""

    status: str
    start_ms: int
    stop_ms: int
    error: str | None
    cause: str | None
    items: int
    """The items in its batch; 1 without one."""
    output: str | None = None
    """As a JSON text."""


@dataclass(slots=True)
class RecordedMapRun:
    """The result files of one map run."""

    folder: Path
    arn: str | None = None
    """From its manifest; None where there is none."""
    labels: set[str] = field(default_factory=set)
    """What its children's state machine ARNs end with."""
    children: list[RecordedChild] = field(default_factory=list)
    pending: int = 0
    outputs_only: list[Path] = field(default_factory=list)
    """Files of a COMPACT or FLATTEN transformation, which hold no times."""


@dataclass(slots=True)
class Recordings:
    """Everything that was found."""

    histories: list[RecordedHistory] = field(default_factory=list)
    executions: list[RecordedExecution] = field(default_factory=list)
    map_runs: list[RecordedMapRun] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    """Files of folders that are none of these."""


def read_recordings(paths: Iterable[Path]) -> Recordings:
    """Read files and folders. Raises ImportProblem with everything that cannot be read."""
    found = Recordings()
    pages: list[tuple[Path, list[HistoryEvent]]] = []
    map_runs: dict[Path, RecordedMapRun] = {}
    problems: list[str] = []
    for path, named in _files(paths, problems):
        try:
            value = _value(path)
            taken = _take(path, value, found, pages, map_runs)
        except (KeyError, TypeError, ValueError, OSError) as error:
            if named or not isinstance(error, ValueError):
                problems.append(f"{path} cannot be read: {_reason(error)}.")
                continue
            taken = False
        if taken:
            continue
        if named:
            problems.append(
                f"{path} is neither a history (GetExecutionHistory), an execution (DescribeExecution) nor a result "
                f"file of a map run (manifest.json, SUCCEEDED_0.json, FAILED_0.json)."
            )
        else:
            found.left_out.append(path)
    found.histories = _joined(pages, problems)
    found.map_runs = list(map_runs.values())
    if problems:
        raise ImportProblem(problems)
    return found


def time_ms(value: JSON) -> int:
    """A moment as boto3, the AWS CLI or a result file writes it: ISO 8601 or an epoch. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not a time")
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    return round(value if abs(value) >= _MS_FROM else value * 1000)


def _files(paths: Iterable[Path], problems: list[str]) -> Iterator[tuple[Path, bool]]:
    """The files, and whether somebody named them."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES and one.is_file())
            if not inside:
                problems.append(f"{path} has no .json or .jsonl file in it.")
        else:
            inside = [path]
        for one in inside:
            if one.resolve() not in seen:
                seen.add(one.resolve())
                yield one, one == path


def _value(path: Path) -> JSON:
    data = path.read_bytes()
    if path.suffix == ".jsonl":
        return [decode(line) for line in data.splitlines() if line.strip()]
    return decode(data)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")


def _take(
    path: Path,
    value: JSON,
    found: Recordings,
    pages: list[tuple[Path, list[HistoryEvent]]],
    map_runs: dict[Path, RecordedMapRun],
) -> bool:
    """Put what a file holds where it belongs; False for what is none of them."""
    if isinstance(value, dict) and "MapRunArn" in value and "ResultFiles" in value:
        _map_run(path, map_runs).arn = value["MapRunArn"]
        return True
    events = value.get("events") if isinstance(value, dict) else value
    if (
        isinstance(events, list)
        and events
        and all(isinstance(one, dict) and "previousEventId" in one for one in events)
    ):
        # The CLI leaves out an id of 0; ours and boto3's have it.
        pages.append((path, sorted(map(_event, events), key=lambda event: event.id)))
        return True
    if isinstance(value, dict) and "executionArn" in value and "startDate" in value:
        found.executions.append(_execution(path, value))
        return True
    if isinstance(value, list) and path.stem.rpartition("_")[0] in ("SUCCEEDED", "FAILED", "PENDING"):
        _take_children(path, value, _map_run(path, map_runs))
        return True
    return False


def _map_run(path: Path, map_runs: dict[Path, RecordedMapRun]) -> RecordedMapRun:
    return map_runs.setdefault(path.parent, RecordedMapRun(path.parent))


def _event(event: dict[str, Any]) -> HistoryEvent:
    kind = event["type"]
    details = event.get(details_member(kind))
    return HistoryEvent(event["id"], event["previousEventId"], kind, time_ms(event["timestamp"]), details)


def _execution(path: Path, value: dict[str, Any]) -> RecordedExecution:
    given = value.get("input")
    stop = value.get("stopDate")
    # A map run's child has the ARN of "MACHINE/LABEL".
    machine = value["executionArn"].split(":")[6].partition("/")[0]
    return RecordedExecution(
        path,
        value.get("status", "RUNNING"),
        machine,
        value.get("mapRunArn"),
        decode(given) if isinstance(given, str) else given,
        time_ms(value["startDate"]),
        None if stop is None else time_ms(stop),
    )


def _take_children(path: Path, records: list[JSON], run: RecordedMapRun) -> None:
    if path.stem.startswith("PENDING"):
        run.pending += len(records)
        return
    if not all(isinstance(record, dict) and "StartDate" in record and "StopDate" in record for record in records):
        run.outputs_only.append(path)
        return
    for record in records:
        label = str(record.get("StateMachineArn", "")).rpartition("/")[2]
        if label and len(run.labels) < 2:
            run.labels.add(label)
        run.children.append(
            RecordedChild(
                record.get("Status", "SUCCEEDED"),
                time_ms(record["StartDate"]),
                time_ms(record["StopDate"]),
                record.get("Error"),
                record.get("Cause"),
                _items(record.get("Input")),
                record.get("Output"),
            )
        )


def _items(text: JSON) -> int:
    """How many items a child got: those of ItemBatcher's ``Items``."""
    if not isinstance(text, str) or '"Items"' not in text:
        return 1
    value = decode(text)
    items = value.get("Items") if isinstance(value, dict) else None
    return len(items) if isinstance(items, list) else 1


def _joined(pages: list[tuple[Path, list[HistoryEvent]]], problems: list[str]) -> list[RecordedHistory]:
    """Pages of GetExecutionHistory put together: one that does not begin with event 1 goes on where another ends."""
    whole: list[tuple[Path, list[HistoryEvent]]] = []
    for path, events in sorted(pages, key=lambda page: page[1][0].id):
        first = events[0]
        if first.id == 1:
            whole.append((path, events))
            continue
        open_ends = [known for _, known in whole if known[-1].id == first.id - 1]
        # Pages of several executions are of equal length: the one that began last before it goes on.
        before = [known for known in open_ends if known[-1].timestamp_ms <= first.timestamp_ms]
        if before:
            max(before, key=lambda known: known[-1].timestamp_ms).extend(events)
        else:
            problems.append(
                f"{path} begins with event {first.id}: it is a later page of a history. Give the page that ends with "
                f"event {first.id - 1}, too."
            )
    return [RecordedHistory(path, tuple(events)) for path, events in whole]
