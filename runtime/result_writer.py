"""The files that a distributed map's ResultWriter leaves in S3, written as children end.

Only what is being written is held; beyond 1 MB it lies on disk, and a large file stays there when it is stored. Records
stand in the order in which children ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from tempfile import TemporaryFile
from typing import BinaryIO, Literal, NamedTuple

from stepsim.asl.payload import JSON, decode, encode_bytes
from stepsim.runtime.cloud.streamed import FileBody

PART_BYTES = 5 * 1024**3
"""AWS begins a new file every 5 GB."""

_IN_MEMORY_BYTES = 1024 * 1024
"""Of a file that is being written."""

_LARGE_BYTES = 64 * 1024 * 1024
"""A file that is stored is in memory, unless it is larger: each on the disk takes an open file of the process."""

_INCLUDED = {"Included": True}
_REASON = "Execution is SUCCEEDED and cannot be redriven"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Transformation = Literal["NONE", "COMPACT", "FLATTEN"]
OutputType = Literal["JSON", "JSONL"]
Put = Callable[[str, bytes | FileBody], bool]
"""Stores an object under a key. Returns False where that was refused."""


class ChildOutcome(NamedTuple):
    """How one child execution of a map run ended."""

    execution_arn: str
    name: str
    state_machine_arn: str
    status: str
    """SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
    input_text: str
    output_text: str | None
    error: str | None
    cause: str | None
    start_ms: int
    stop_ms: int
    redrive_count: int = 0
    express: bool = False
    redrive_ms: int | None = None
    """When it was last redriven."""


class ResultFiles:
    """The files of one map run: ``<prefix>/<map run's uuid>/SUCCEEDED_0.json`` and so on, and their manifest.

    `put` is called when a file is full and, for the rest, by `close`; what it refuses is kept for `reopen`. A prefix's
    own slash at the end is not doubled; AWS's habit there is unconfirmed.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        map_run_uuid: str,
        put: Put,
        *,
        transformation: Transformation = "NONE",
        output_type: OutputType = "JSON",
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._bucket = bucket
        self._root = self._folder = "/".join(filter(None, (prefix.removesuffix("/"), map_run_uuid)))
        self._put = put
        self._records_of = _OUTPUTS[transformation]
        self._files = {
            name: _Files(f"{self._folder}/{name}", output_type, part_bytes, put)
            for name in ("FAILED", "PENDING", "SUCCEEDED")
        }

    def succeeded(self, child: ChildOutcome) -> None:
        """Write what the transformation makes of a child that succeeded."""
        for record in self._records_of(child):
            self._files["SUCCEEDED"].write(record)

    def failed(self, child: ChildOutcome) -> None:
        """Write a child that failed, timed out or was aborted, always with everything known of it."""
        self._files["FAILED"].write(execution_record(child))

    def pending(self, input_text: str) -> None:
        """Write the input of a child that was never started."""
        self._files["PENDING"].write({"Input": input_text, "InputDetails": _INCLUDED, "Status": "PENDING"})

    def close(self, map_run_arn: str) -> str:
        """Store what is left and, unless a file was refused, the manifest. Returns the manifest's key."""
        manifest = {
            "DestinationBucket": self._bucket,
            "MapRunArn": map_run_arn,
            "ResultFiles": {name: files.close() for name, files in self._files.items()},
        }
        key = f"{self._folder}/manifest.json"
        if not self.refused:
            self._put(key, encode_bytes(manifest))
        return key

    @property
    def refused(self) -> bool:
        """True where a file could not be stored."""
        return any(files.refused for files in self._files.values())

    @property
    def exported(self) -> list[tuple[str, int]]:
        """The keys and sizes of the files of what has succeeded, as far as they are stored."""
        return self._files["SUCCEEDED"].stored

    def restore(self, exported: Iterable[tuple[str, int]]) -> None:
        """Go on with what an earlier process has stored of what had succeeded."""
        self._files["SUCCEEDED"].restore(exported)

    def reopen(self, redrive_count: int) -> None:
        """Write on after a redrive, in a folder of its own: ``Redrive-2`` (measured).

        The next manifest names what has succeeded in any attempt, and only its own failures. Files of what had
        succeeded that were refused are tried once more.
        """
        self._folder = f"{self._root}/Redrive-{redrive_count}"
        for name, files in self._files.items():
            files.reopen(f"{self._folder}/{name}", keep=name == "SUCCEEDED")


def writer_details(map_run_arn: str, bucket: str, manifest_key: str) -> JSON:
    """The result of a Map state whose results were exported."""
    return {"MapRunArn": map_run_arn, "ResultWriterDetails": {"Bucket": bucket, "Key": manifest_key}}


def execution_record(child: ChildOutcome) -> dict[str, JSON]:
    """A child with everything known of it, keys in alphabetical order (recorded).

    Express children have neither RedriveStatus nor its reason. What a child has not (output, error, cause, the date of
    a redrive) is left out.
    """
    if child.status == "SUCCEEDED" and child.redrive_ms is None and child.output_text is not None:
        return _succeeded(child)
    succeeded = child.status == "SUCCEEDED"
    record = {
        "Cause": child.cause,
        "Error": child.error,
        "ExecutionArn": child.execution_arn,
        "Input": child.input_text,
        "InputDetails": _INCLUDED,
        "Name": child.name,
        "Output": child.output_text,
        "OutputDetails": _INCLUDED,
        "RedriveCount": child.redrive_count,
        "RedriveDate": None if child.redrive_ms is None else iso_date(child.redrive_ms),
        "RedriveStatus": "NOT_REDRIVABLE" if succeeded else "REDRIVABLE_BY_MAP_RUN",
        "RedriveStatusReason": _REASON if succeeded else None,
        "StartDate": iso_date(child.start_ms),
        "StateMachineArn": child.state_machine_arn,
        "Status": child.status,
        "StopDate": iso_date(child.stop_ms),
    }
    if child.express:
        record["RedriveStatus"] = record["RedriveStatusReason"] = None
    return {key: value for key, value in record.items() if value is not None}


def _succeeded(child: ChildOutcome) -> dict[str, JSON]:
    """The record of nearly every child, in which nothing has to be left out."""
    redrive = {} if child.express else {"RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": _REASON}
    return {
        "ExecutionArn": child.execution_arn,
        "Input": child.input_text,
        "InputDetails": _INCLUDED,
        "Name": child.name,
        "Output": child.output_text,
        "OutputDetails": _INCLUDED,
        "RedriveCount": child.redrive_count,
        **redrive,
        "StartDate": iso_date(child.start_ms),
        "StateMachineArn": child.state_machine_arn,
        "Status": "SUCCEEDED",
        "StopDate": iso_date(child.stop_ms),
    }


def iso_date(time_ms: int) -> str:
    """``2026-09-23T22:58:11.3Z``: UTC, with the zeros at the end of the fraction dropped (recorded)."""
    second, fraction = divmod(time_ms, 1000)
    return f"{_iso_second(second)}.{fraction:03d}".rstrip("0") + "Z" if fraction else f"{_iso_second(second)}Z"


@lru_cache(maxsize=4096)
def _iso_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def _everything(child: ChildOutcome) -> Iterable[JSON]:
    return (execution_record(child),)


def _output(child: ChildOutcome) -> Iterable[JSON]:
    return (_output_value(child),)


def _spliced_output(child: ChildOutcome) -> Iterable[JSON]:
    value = _output_value(child)
    return value if isinstance(value, list) else (value,)


def _output_value(child: ChildOutcome) -> JSON:
    return None if child.output_text is None else decode(child.output_text)


_OUTPUTS: Mapping[str, Callable[[ChildOutcome], Iterable[JSON]]] = {
    "NONE": _everything,
    "COMPACT": _output,
    "FLATTEN": _spliced_output,
}
_FRAMES = {"JSON": (".json", b"[", b",", b"]"), "JSONL": (".jsonl", b"", b"\n", b"\n")}


class _Files:
    """The numbered files of one kind. A file is begun with its first record, so an empty one is never stored."""

    __slots__ = (
        "_end",
        "_file",
        "_held",
        "_number",
        "_part_bytes",
        "_pieces",
        "_put",
        "_refused",
        "_separator",
        "_size",
        "_start",
        "_stem",
        "_stored",
        "_suffix",
    )

    def __init__(self, stem: str, output_type: OutputType, part_bytes: int, put: Put) -> None:
        self._stem = stem
        self._suffix, self._start, self._separator, self._end = _FRAMES[output_type]
        self._part_bytes = part_bytes
        self._put = put
        self._pieces: list[bytes] = []
        """The end of the file being written; the beginning lies in `_file`."""
        self._held = 0
        """How many bytes the pieces have."""
        self._file: BinaryIO | None = None
        self._size = 0
        self._number = 0
        self._stored: list[dict[str, JSON]] = []
        self._refused: list[tuple[str, bytes | FileBody, int]] = []
        """Files that could not be stored: their keys, bodies and sizes."""

    def write(self, record: JSON) -> None:
        text = encode_bytes(record)
        if self._size + len(text) + len(self._separator) + len(self._end) > self._part_bytes:
            self._store()
        self._append(self._separator if self._size else self._start)
        self._append(text)
        if self._held > _IN_MEMORY_BYTES:
            self._spill()

    def _append(self, text: bytes) -> None:
        self._pieces.append(text)
        self._held += len(text)
        self._size += len(text)

    def _spill(self) -> BinaryIO:
        """Write what is held to the disk."""
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 - closed with its last reader
        self._file.write(b"".join(self._pieces))
        self._pieces.clear()
        self._held = 0
        return self._file

    def _store(self) -> None:
        if not self._size:
            return
        self._append(self._end)
        body = self._body()
        key = f"{self._stem}_{self._number}{self._suffix}"
        self._number += 1
        self._offer(key, body, self._size)
        self._pieces = []
        self._file = None
        self._held = self._size = 0

    def _offer(self, key: str, body: bytes | FileBody, size: int) -> None:
        # One that is refused may have been read, and is offered again.
        if self._put(key, body if isinstance(body, bytes) else body.again()):
            self._stored.append({"Key": key, "Size": size})
        else:
            self._refused.append((key, body, size))

    def _body(self) -> bytes | FileBody:
        if self._file is None:
            return b"".join(self._pieces)
        body = FileBody(self._spill(), self._size)
        return body if self._size > _LARGE_BYTES else body.read()

    def close(self) -> list[dict[str, JSON]]:
        """Store what is left. Returns the manifest's entry for each file."""
        self._store()
        return self._stored

    @property
    def refused(self) -> bool:
        """True where some of the files could not be stored."""
        return bool(self._refused)

    @property
    def stored(self) -> list[tuple[str, int]]:
        """Keys and sizes of the files that are stored."""
        return [(entry["Key"], entry["Size"]) for entry in self._stored]

    def restore(self, stored: Iterable[tuple[str, int]]) -> None:
        """Name these files, too, when asked."""
        self._stored = [{"Key": key, "Size": size} for key, size in stored]

    def reopen(self, stem: str, *, keep: bool) -> None:
        """Write elsewhere from now on; `keep`: name the files so far in the next manifest, too."""
        self._stem = stem
        self._number = 0
        refused, self._refused = self._refused, []
        if not keep:
            self._stored = []
            return
        for key, body, size in refused:
            self._offer(key, body, size)
