"""One-item children of a map run in virtual time, or SimPy processes: ``children.py KIND COUNT [AT_ONCE STATES]``.

KIND is ``inline`` (the result stays in the state, and its being too large is caught), ``writer`` (a ResultWriter keeps
each child's outcome), ``standard`` and ``outcomes`` (as these two, children with Standard's rules), ``invoke`` (as
``inline``, by ``lambda:invoke`` with its Parameters and OutputPath) or ``simpy`` (one timeout each). AT_ONCE is
MaxConcurrency, 1,000 unless given, and where it is given no quota holds, so that it is reached; STATES is how many
states a child goes through, 3 unless given. Prints one line of JSON.
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

INVOKE: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": FUNCTION, "Payload.$": "$"},
    "OutputPath": "$.Payload",
    "Retry": [{"ErrorEquals": ["Lambda.ServiceException", "Lambda.TooManyRequestsException"], "MaxAttempts": 6}],
    "Next": "Check",
}
"""The Task as Workflow Studio writes it."""

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


def child(kind: str, states: int) -> dict[str, Any]:
    """What each child runs: the Task and the Choice, and so many Pass states that they are `states` together."""
    machine = {**CHILD, "States": dict(CHILD["States"])}
    if kind in ("standard", "outcomes"):
        machine["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    if kind == "invoke":
        machine["States"]["Work"] = INVOKE
    for number in range(states - 3):
        machine["States"][f"Pass{number}"] = {"Type": "Pass", "Next": f"Pass{number + 1}"}
    if states > 3:
        machine["States"][f"Pass{states - 4}"] = {"Type": "Pass", "Next": "Done"}
        machine["States"]["Check"] = {**CHILD["States"]["Check"], "Default": "Pass0"}
    return machine


def simulate_children(kind: str, count: int, at_once: int | None, states: int) -> dict[str, Any]:
    """A scenario of so many children, as a user would have it in files. Returns what was measured."""
    from stepsim.runtime.runner import simulate
    from stepsim.runtime.scenario import load_scenario

    each = {**EACH, "MaxConcurrency": at_once or CONCURRENCY, "ItemProcessor": child(kind, states)}
    if kind in ("writer", "outcomes"):
        each["ResultWriter"] = WRITER
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
    if at_once is not None:
        scenario["quotas"] = "none"
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
    seen = report["map_runs"]["Each"]["max_concurrency_seen"]
    return {"seconds": seconds, "virtual_s": report["makespan_s"], "at_once": seen}


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


def main(kind: str, count: int, at_once: int | None = None, states: int = 3) -> None:
    figures = simulate_with_simpy(count) if kind == "simpy" else simulate_children(kind, count, at_once, states)
    print(json.dumps({**figures, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
