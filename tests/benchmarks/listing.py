"""All items of an ItemReader over a bucket of generated objects, page by page through the gate: ``listing.py COUNT``.

Prints one line of JSON: the seconds from the first page to the last item.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import MapState
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.item_source import source_of_reader

DEFINITION = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "items"}},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "Pass",
                "States": {"Pass": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    },
}


def read_all(count: int) -> float:
    """Seconds to list a bucket of so many objects."""
    state = compile_machine(DEFINITION).states["Each"]
    assert isinstance(state, MapState)
    assert state.distributed is not None
    assert state.distributed.reader is not None
    with Cloud() as cloud:
        cloud.s3.create_bucket("items")
        cloud.s3.generate("items", count, "items/{n:07d}.json", lambda _: b"x", size=1)
        arguments = {"Bucket": "items"}
        started_s = perf_counter()
        source = source_of_reader(
            state.distributed.reader, arguments, 0, cloud.perform, CallSite("run", "Each", ""), lambda: 0
        )
        read = sum(1 for _ in source.items)
        seconds = perf_counter() - started_s
    assert read == count, (read, count)
    return seconds


if __name__ == "__main__":
    print(json.dumps({"seconds": read_all(int(sys.argv[1]))}))
