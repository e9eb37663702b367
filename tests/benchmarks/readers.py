"""An ItemReader's items, of one large object: ``readers.py KIND FORMAT COUNT``.

KIND is ``reader``, the items alone, or ``children``, a whole simulation in which a modelled function gets each of them
in an Express child. FORMAT is csv, quoted (a CSV with all fields in quotes), partly (two of ten, one of which holds a
comma), csv.gz, csv.zst, jsonl or parquet.
A row has ten fields and some 95 bytes of CSV. The object lies in a temporary folder. Prints one line of JSON: seconds,
seconds to the first item, items a second, megabytes of the object and the most of memory.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import MapState
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.item_source import source_of_reader
from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"
NAMES = ("order", "customer", "placed", "status", "country", "currency", "quantity", "amount", "channel", "note")
ROWS = 1_000
"""Rows that are made once, and written again and again."""


def rows(first: int) -> Iterator[tuple[str, ...]]:
    """Rows of an order book, numbered from `first`."""
    for n in range(first, first + ROWS):
        number = f"{n:010d}"
        yield (number, f"customer-{n % 9973:06d}", "2026-01-05T02:00:00Z", "SHIPPED", "DE", "EUR", str(n % 17),
               f"{n % 10007}.25", "web", f"note {n % 101} of the day")  # fmt: skip


def texts(kind: str, count: int) -> Iterator[bytes]:
    """The object, a thousand rows at a time."""
    if kind == "jsonl":
        for first in range(0, count, ROWS):
            yield "".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows(first)).encode()
        return
    mark = '"' if kind == "quoted" else ""
    yield (",".join(NAMES) + "\n").encode()
    if kind == "partly":
        for first in range(0, count, ROWS):
            yield "".join(f'{",".join(row[:8])},"{row[8]}","{row[1]}, {row[9]}"\n' for row in rows(first)).encode()
        return
    for first in range(0, count, ROWS):
        yield "".join(mark + f"{mark},{mark}".join(row) + mark + "\n" for row in rows(first)).encode()


def write(path: Path, kind: str, count: int) -> None:
    """Write the object to a file."""
    if kind == "parquet":
        _write_parquet(path, count)
    elif kind == "csv.zst":
        import zstandard

        with path.open("wb") as file, zstandard.ZstdCompressor(1).stream_writer(file) as packed:
            for text in texts("csv", count):
                packed.write(text)
    else:
        opened: Any = gzip.open(path, "wb", 1) if kind == "csv.gz" else path.open("wb")  # noqa: SIM115 - closed below
        with opened:
            opened.writelines(texts(kind.partition(".")[0], count))


def _write_parquet(path: Path, count: int) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([(name, pyarrow.string()) for name in NAMES])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, count, 100 * ROWS):
            block = [row for start in range(first, min(first + 100 * ROWS, count), ROWS) for row in rows(start)]
            columns = [pyarrow.array(column) for column in zip(*block, strict=True)]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


def definition(kind: str, path: Path) -> dict[str, Any]:
    """A distributed map over the object."""
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    if kind in ("jsonl", "parquet"):
        config = {"InputType": kind.upper()}
    each = {
        "Type": "Map",
        "MaxConcurrency": 1000,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": config,
            "Parameters": {"Bucket": "items", "Key": path.name},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "Work",
            "States": {"Work": {"Type": "Task", "Resource": FUNCTION, "End": True}},
        },
        "ResultPath": None,
        # So many results, however small, are more than 262,144 bytes: the state fails, as on AWS.
        "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Done"}],
        "Next": "Done",
    }
    return {"StartAt": "Each", "States": {"Each": each, "Done": {"Type": "Succeed"}}}


def read_all(kind: str, count: int, path: Path) -> dict[str, float]:
    """The reader alone."""
    state = compile_machine(definition(kind, path)).states["Each"]
    assert isinstance(state, MapState)
    assert state.distributed is not None
    assert state.distributed.reader is not None
    with Cloud() as cloud:
        cloud.s3.create_bucket("items")
        cloud.s3.from_folder("items", path.parent)
        arguments = {"Bucket": "items", "Key": path.name}
        site = CallSite("run", "Each", "")
        started_s = perf_counter()
        source = source_of_reader(state.distributed.reader, arguments, 0, cloud.perform, site, lambda: 0)
        assert source.inputs is not None
        next(source.inputs)
        first_s = perf_counter() - started_s
        read = 1 + sum(1 for _ in source.inputs)
        seconds = perf_counter() - started_s
    assert read == count, (read, count)
    return {"seconds": seconds, "first_s": first_s}


def run_all(kind: str, count: int, path: Path) -> dict[str, float]:
    """A simulation with a modelled child for each item."""
    (path.parent / "machine.asl.json").write_text(json.dumps(definition(kind, path)))
    written = {
        "name": "readers",
        "definition": "machine.asl.json",
        "cloud": {"buckets": {"items": {"from": "."}}},
        "functions": {"work": {"returns": {}, "duration": "50ms"}},
        "quotas": "none",
    }
    (path.parent / "scenario.yaml").write_text(json.dumps(written))
    started_s = perf_counter()
    report = simulate(load_scenario(path.parent / "scenario.yaml"))
    seconds = perf_counter() - started_s
    assert report["map_runs"]["Each"]["itemCounts"]["total"] == count, report["execution"]
    return {"seconds": seconds}


def main(kind: str, form: str, count: int) -> dict[str, float]:
    """Measure one of them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("items.csv" if form == "quoted" else f"items.{form}")
        write(path, form, count)
        figures = (read_all if kind == "reader" else run_all)(form, count, path)
        size_mb = path.stat().st_size / 1e6
    peak_rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**figures, "per_s": count / figures["seconds"], "size_mb": size_mb, "peak_rss_mb": peak_rss_mb}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
