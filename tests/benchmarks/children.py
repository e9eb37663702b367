"""One-item Express children of a map run in virtual time, or as many SimPy processes: ``children.py KIND COUNT``.

KIND is ``inline`` (the result stays in the state, and its being too large is caught), ``writer`` (a ResultWriter keeps
each child's outcome) or ``simpy`` (one timeout each). Prints one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

CONCURRENCY = 1_000
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:Work"

CHILD: dict[str, Any] = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
    "StartAt": "Work",
    "States": {
        "Work": {"Type": "Task", "Resource": FUNCTION, "Next": "Check"},
        "Check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.status", "StringEquals": "FAILED", "Next": "Done"}],
            "Default": "Done",
        },
        "Done": {"Type": "Pass", "Result": {}, "End": True},
    },
}

EACH: dict[str, Any] = {
    "Type": "Map",
    "Label": "Each",
    "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "items"}},
    "ItemProcessor": CHILD,
    "MaxConcurrency": CONCURRENCY,
    "ToleratedFailurePercentage": 5,
    "ResultPath": None,
    # Half a million results, however small, are more than 262,144 bytes: the state fails, as on AWS.
    "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": None, "Next": "End"}],
    "Next": "End",
}

WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results", "Prefix": "out"}}


def simulate_children(count: int, *, writer: bool) -> dict[str, Any]:
    """A scenario of so many children, as a user would have it in files. Returns what was measured."""
    from stepsim.runtime.runner import simulate
    from stepsim.runtime.scenario import load_scenario

    each = {**EACH, "ResultWriter": WRITER} if writer else EACH
    definition = {"StartAt": "Each", "States": {"Each": each, "End": {"Type": "Succeed"}}}
    scenario = {
        "name": "children",
        "definition": "children.asl.json",
        "cloud": {
            "buckets": {"items": {"generate": {"count": count, "key": "items/{n:07d}.json", "size": 1}}, "results": {}}
        },
        "functions": {
            "Work": {
                "timeout_s": 60,
                "returns": {"status": "SUCCEEDED"},
                "duration": {"lognormal": {"median_ms": 200, "p99_ms": 900}},
            }
        },
    }
    with TemporaryDirectory() as folder:
        (Path(folder) / "children.asl.json").write_text(json.dumps(definition))
        path = Path(folder) / "scenario.yaml"
        path.write_text(json.dumps(scenario))
        loaded = load_scenario(path)
        # SimPy's import is not counted either.
        importlib.import_module("stepsim.runtime.cloud_setup")
        started_s = perf_counter()
        report = simulate(loaded)
        seconds = perf_counter() - started_s
    counts = report["map_runs"]["Each"]["itemCounts"]
    assert report["execution"]["status"] == "SUCCEEDED", report["execution"]
    assert counts["succeeded"] == counts["total"] == count, counts
    return {"seconds": seconds, "virtual_s": report["makespan_s"]}


def simulate_with_simpy(count: int) -> dict[str, Any]:
    """As many SimPy processes of one timeout each, of the same distribution of durations."""
    import simpy

    from stepsim.workers.durations import parse_duration

    duration = parse_duration({"lognormal": {"median_ms": 200, "p99_ms": 900}})
    # The draws are made beforehand: SimPy is measured alone.
    durations = [duration.sample_ms((n * 0.618033988749895) % 1) for n in range(count)]
    environment = simpy.Environment()

    def process(duration_ms: int) -> Generator[Any, Any, None]:
        yield environment.timeout(duration_ms)

    started_s = perf_counter()
    for duration_ms in durations:
        environment.process(process(duration_ms))
    environment.run()
    return {"seconds": perf_counter() - started_s}


def main(kind: str, count: int) -> None:
    figures = simulate_with_simpy(count) if kind == "simpy" else simulate_children(count, writer=kind == "writer")
    print(json.dumps({**figures, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
