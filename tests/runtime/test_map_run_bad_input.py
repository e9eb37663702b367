"""Data sets and configurations that are wrong, or look so: AWS's error, or AWS's acceptance, and never a loss."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.asl.payload import MAX_BYTES

CSV = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
GIVEN = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"]}
PACKED = gzip.compress(b"".join(b"%d\n" % n for n in range(100_000)))
INVENTORY = {
    "destinationBucket": "arn:aws:s3:::bucket",
    "fileFormat": "CSV",
    "fileSchema": "Bucket, Key",
    "files": [{"key": "there"}, {"key": "gone"}],
}
DUPLICATES = "CSV headers cannot contain duplicates."
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "out"}}


def machine(config: dict[str, Any] | None, key: str = "data", **fields: Any) -> dict[str, Any]:
    """A distributed Map over an object of the bucket, or over the input; its children pass their item on."""
    reader: dict[str, Any] = {} if config is None else {"ItemReader": getting(config, key)}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }
    return {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "ItemProcessor": processor, "End": True, **reader, **fields}},
    }


def getting(config: dict[str, Any], key: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": "bucket", "Key": key},
    }


REFUSED: list[tuple[str, dict[str, Any], str, bytes, str]] = [
    # Recorded.
    ("duplicate headers", CSV, "data", b"a,b,a\n1,2,3\n", "CSV headers cannot contain duplicates."),
    (
        "given duplicates",
        {**GIVEN, "CSVHeaders": ["a", "a"]},
        "data",
        b"1,2\n",
        "CSV headers cannot contain duplicates.",
    ),
    ("no array", {"InputType": "JSON"}, "data", b'"text"', "Attempting to map over non-iterable node."),
    ("a negative MaxItems", {**CSV, "MaxItems": -1}, "data", b"a\n1\n", "field MaxItems must be positive"),
    # As others have seen it.
    (
        "a wrong pointer",
        {"InputType": "JSON", "ItemsPointer": "/a/c"},
        "data",
        b'{"a": {"b": [1]}}',
        "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON structure.",
    ),
    # AWS's words are not known.
    (
        "a pointer to no array",
        {"InputType": "JSON", "ItemsPointer": "/a"},
        "data",
        b'{"a": 1}',
        "Attempting to map over non-iterable node.",
    ),
    (
        "a truncated gzip",
        {"InputType": "JSONL"},
        "data.gz",
        PACKED[:-4],
        "The file cannot be unpacked: it ends before its data does.",
    ),
    (
        "a gzip cut in the middle",
        {"InputType": "JSONL"},
        "data.gz",
        PACKED[: len(PACKED) // 2],
        "The file cannot be unpacked: it ends before its data does.",
    ),
    (
        "a manifest that names a missing file",
        {"InputType": "MANIFEST"},
        "data",
        json.dumps(INVENTORY).encode(),
        "s3://bucket/gone: The specified key does not exist. (Service: S3; Status Code: 404; Error Code: NoSuchKey)",
    ),
    (
        "Athena's manifest that names a missing file",
        {**GIVEN, "ManifestType": "ATHENA_DATA"},
        "data",
        b"s3://bucket/there\ns3://bucket/gone\n",
        "s3://bucket/gone: The specified key does not exist. (Service: S3; Status Code: 404; Error Code: NoSuchKey)",
    ),
    (
        "a missing object",
        CSV,
        "gone",
        b"",
        "The specified key does not exist. (Service: S3; Status Code: 404; Error Code: NoSuchKey)",
    ),
]


@pytest.mark.parametrize("tolerance", [{}, {"ToleratedFailurePercentage": 100}])
@pytest.mark.parametrize(("config", "key", "body", "cause"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_what_cannot_be_read_fails_the_map_run(
    laboratory: Any, config: dict[str, Any], key: str, body: bytes, cause: str, tolerance: dict[str, Any]
) -> None:
    """MapRunFailed, MapStateFailed and ExecutionFailed say so alike; no tolerance hides it, for no item has failed."""
    laboratory.s3["there"] = b"bucket,k\n"
    if key != "gone":
        laboratory.s3[key] = body
    run = laboratory.run(machine(config, key, MaxConcurrency=1, **tolerance))
    assert (run.status, run.execution.error, run.execution.cause) == ("FAILED", "States.ItemReaderFailed", cause)
    assert [event.type for event in run.history][3:] == [
        "MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed",
    ]  # fmt: skip
    assert run.details("MapRunFailed") == {"error": "States.ItemReaderFailed", "cause": cause}
    (map_run,) = run.map_runs
    assert map_run.status == "FAILED"
    assert map_run.counts.items.running == 0


@pytest.mark.parametrize(
    ("config", "body", "items"),
    [
        (CSV, b"a,b\n1\n1,2,3\n\n", [{"a": "1", "b": ""}, {"a": "1", "b": "2"}, {"a": "", "b": ""}]),
        ({**CSV, "MaxItems": 100_000_001}, b"a\n1\n", [{"a": "1"}]),
        ({**CSV, "MaxItems": 0}, b"a\n1\n", [{"a": "1"}]),
        ({"InputType": "JSON"}, b'{"k": 1}', [{"Key": "k", "Value": 1}]),
        ({"InputType": "JSON", "ItemsPointer": ""}, b"[1]", [1]),
    ],
)
def test_what_only_looks_wrong_is_read(laboratory: Any, config: dict[str, Any], body: bytes, items: list[Any]) -> None:
    """Ragged rows and blank lines, a MaxItems beyond the cap or of 0 (recorded), and an object (since 2025)."""
    laboratory.s3["data"] = body
    assert laboratory.run(machine(config)).output == items


@pytest.mark.parametrize(
    ("config", "body"),
    [
        (None, b""),
        (CSV, b""),
        (CSV, b"a,b\n"),
        (GIVEN, b""),
        ({"InputType": "JSON"}, b"[]"),
        ({"InputType": "JSON"}, b"{}"),
        ({"InputType": "JSONL"}, b""),
        ({"InputType": "JSONL"}, b"\n\n"),
        ({"InputType": "MANIFEST"}, json.dumps({**INVENTORY, "files": []}).encode()),
    ],
)
@pytest.mark.parametrize("batches", [{}, {"ItemBatcher": {"MaxItemsPerBatch": 3}}])
def test_an_empty_data_set_is_a_success(
    laboratory: Any, config: dict[str, Any] | None, body: bytes, batches: dict[str, Any]
) -> None:
    """No items, no children, and a manifest without files."""
    laboratory.s3["data"] = body
    run = laboratory.run(machine(config, ResultWriter=WRITER, **batches), [])
    assert run.output["ResultWriterDetails"]["Key"] in laboratory.s3
    manifest = json.loads(laboratory.s3[run.output["ResultWriterDetails"]["Key"]])
    assert manifest["ResultFiles"] == {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    assert run.map_runs[0].counts.items.total == 0
    assert laboratory.run(machine(config, **batches), []).output == []


@pytest.mark.parametrize("batches", [{}, {"ItemBatcher": {"MaxItemsPerBatch": 2}}])
def test_an_item_above_256_kib_needs_a_selector(laboratory: Any, batches: dict[str, Any]) -> None:
    """Up to 8 MB may be read, and what reaches a child is at most 262,144 bytes (developer guide)."""
    rows = [{"n": n, "text": "x" * (MAX_BYTES if n == 1 else 1)} for n in range(3)]
    laboratory.s3["data"] = json.dumps(rows).encode()
    config = {"InputType": "JSON"}
    run = laboratory.run(machine(config, ToleratedFailurePercentage=100, **batches))
    assert run.execution.error == "States.DataLimitExceeded"
    assert run.map_runs[0].status == "FAILED"
    selector = {"n.$": "$$.Map.Item.Value.n"}
    output = laboratory.run(machine(config, ItemSelector=selector, **batches)).output
    inputs = [item for one in output for item in one["Items"]] if batches else output
    assert inputs == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("value", "error", "cause"),
    [
        (-1, "States.ItemReaderFailed", "field MaxItems must be positive"),
        (
            1.5,
            "States.Runtime",
            "An error occurred while executing the state 'M' (entered at the event id #2). "
            'The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.n',
        ),
    ],
)
def test_a_max_items_that_is_looked_up(laboratory: Any, value: float, error: str, cause: str) -> None:
    """A negative one is the reader's to refuse, in a map run; a fraction ends the execution before there is one."""
    laboratory.s3["data"] = b"a\n1\n"
    run = laboratory.run(machine({**CSV, "MaxItemsPath": "$.n"}), {"n": value})
    assert (run.execution.error, run.execution.cause) == (error, cause)
    started = [event for event in run.history if event.type == "MapRunStarted"]
    assert len(started) == (1 if error == "States.ItemReaderFailed" else 0)


def test_a_result_that_would_be_too_large_hides_no_other_failure(laboratory: Any) -> None:
    """What the run fails with is what it is told to have failed with, whatever its children have given by then."""
    laboratory.s3["data"] = b"".join(b'"%s"\n' % (b"x" * 1_000) for _ in range(400)) + b"{broken"
    run = laboratory.run(machine({"InputType": "JSONL"}, MaxConcurrency=1))
    assert run.execution.error == "States.ItemReaderFailed"
    assert run.map_runs[0].counts.items.succeeded >= 300


def test_memory_does_not_follow_the_number_of_items(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of however many tiny items so many are alive as children run: none is read before there is room for it."""
    alive = most = 0

    class Row(dict[str, int]):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def rows(*_: Any) -> Iterator[Row]:
        nonlocal alive, most
        for n in range(5_000):
            alive += 1
            most = max(most, alive)
            yield Row(n=n)

    monkeypatch.setitem(laboratory.s3, "data", b"")
    monkeypatch.setattr("stepsim.runtime.items._READERS", {"JSONL": rows})
    processed = machine({"InputType": "JSONL"}, MaxConcurrency=10, ResultPath=None)
    processed["States"]["M"]["ItemProcessor"]["States"]["P"]["Result"] = 1
    run = laboratory.run(processed)
    assert run.map_runs[0].counts.items.succeeded == 5_000
    assert most <= 40
