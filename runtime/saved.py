"""What a run leaves in its account, written to a folder where people can look at it.

``history.json``            the execution's events, as GetExecutionHistory has them
``children/<map run>/<name>.json``  a child that did not succeed, with its events, where the run has kept children
``buckets/<bucket>/<key>``  every object but the generated ones
``tables/<table>.jsonl``    a table's items in DynamoDB's own JSON, one a line, ordered by their keys
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepsim.runtime.execution import Execution
from stepsim.runtime.json_output import json_text

if TYPE_CHECKING:
    from stepsim.runtime.api.execution_store import ExecutionStore
    from stepsim.runtime.cloud.cloud import Cloud
    from stepsim.runtime.map_run import MapRun


def save_account(folder: Path, execution: Execution | None, cloud: Cloud | None) -> None:
    """Write the history, the buckets and the tables of a run below a folder. Raises OSError where it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    events = [] if execution is None else [event.as_dict() for event in execution.history]
    _write(folder / "history.json", json_text({"events": events}).encode())
    if cloud is None:
        return
    tables = list(cloud.tables())
    for bucket, key, body in cloud.s3.stored():
        _write(_inside(folder / "buckets" / bucket, key), body)
    for table in tables:
        lines = sorted(msgspec.json.encode(_plain(item)) for item in cloud.items(table))
        _write(folder / "tables" / f"{table}.jsonl", b"".join(line + b"\n" for line in lines))


def save_failed_children(folder: Path, store: ExecutionStore, map_runs: Iterable[MapRun]) -> None:
    """Write the children of map runs that the store holds and that did not succeed. Raises OSError where it cannot."""
    for run in map_runs:
        for record in store.of_map_run(run.arn):
            execution = record.execution
            if execution.status == "SUCCEEDED":
                continue
            events = [event.as_dict() for event in execution.history] if execution.history.stored else []
            told = {**execution.describe(), "input": execution.me.input.value, "events": events}
            place = folder / "children" / f"{run.label}-{run.uuid}" / f"{execution.me.name}.json"
            _write(place, json_text(told).encode())


def _inside(folder: Path, key: str) -> Path:
    """Where an object goes. A key's ``..`` and slashes can lead out of no folder, nor can one end as a folder."""
    parts = [part if part not in ("", ".", "..") else part.replace(".", "%2E") or "%2F" for part in key.split("/")]
    return folder.joinpath(*parts)


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _plain(value: Any) -> Any:
    """An attribute value that JSON can hold: binary as base64, sets as lists."""
    if isinstance(value, bytes):
        return msgspec.json.decode(msgspec.json.encode(value))
    if isinstance(value, dict):
        return {key: _plain(element) for key, element in value.items()}
    if isinstance(value, list | set | tuple):
        return [_plain(element) for element in value]
    return value
