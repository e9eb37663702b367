"""What tests of state machines take: ``machine_tests.py run TIMES`` or ``machine_tests.py session TESTS WORKERS``.

The machine has ten states, each a Task that is mocked. ``run`` measures `run_machine` and two sentences about its
result when everything is loaded, ``session`` a session of pytest with so many such tests, each of a function of its
own, from its start to its end. Prints one line of JSON: the best time of a run, or that of the session.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

STATES = 10
MACHINE: dict[str, Any] = {
    "StartAt": "S0",
    "States": {
        f"S{number}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": f"F{number}", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Retry": [{"ErrorEquals": ["Busy"]}],
            **({"Next": f"S{number + 1}"} if number + 1 < STATES else {"End": True}),
        }
        for number in range(STATES)
    },
}
TEST = """
def test_{number}(stepsim):
    result = stepsim("machine.asl.json", {{"n": {number}}}, mocks={{**MOCKS, "S3": [Fails("Busy"), MOCKS["S3"]]}})
    result.succeeded().state("S3").was_retried(1)
    assert result.path == [f"S{{number}}" for number in range({states})]
"""
HEAD = """
from stepsim.runtime.testing import Fails, Returns

MOCKS = {{f"S{{number}}": Returns({{"Payload": {{"n": number}}}}) for number in range({states})}}
"""


def best_run(times: int) -> float:
    """Seconds of the fastest of so many runs."""
    from stepsim.runtime.testing import Fails, Returns, run_machine

    mocks: dict[str, Any] = {f"S{number}": Returns({"Payload": {"n": number}}) for number in range(STATES)}
    mocks["S3"] = [Fails("Busy"), mocks["S3"]]
    taken = []
    for number in range(times + 1):
        started_s = perf_counter()
        run_machine(MACHINE, {"n": number}, mocks=mocks).succeeded().state("S3").was_retried(1)
        taken.append(perf_counter() - started_s)
    # The first one loads what is needed.
    return min(taken[1:])


def session(tests: int, workers: int) -> float:
    """Seconds of a session with so many tests, in ten files."""
    with TemporaryDirectory() as folder:
        Path(folder, "machine.asl.json").write_text(json.dumps(MACHINE))
        for file in range(10):
            numbers = range(file, tests, 10)
            texts = [TEST.format(number=number, states=STATES) for number in numbers]
            Path(folder, f"test_{file}.py").write_text("\n".join([HEAD.format(states=STATES), *texts]))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
        # As people have it: what was compiled once is kept.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        started_s = perf_counter()
        ended = subprocess.run(
            [*command, *(["-n", str(workers)] if workers > 1 else [])],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        seconds = perf_counter() - started_s
        if f"{tests} passed" not in ended.stdout:
            raise RuntimeError(ended.stdout[-2000:])
        return seconds


if __name__ == "__main__":
    kind, *sizes = sys.argv[1:]
    seconds = best_run(int(sizes[0])) if kind == "run" else session(int(sizes[0]), int(sizes[1]))
    print(json.dumps({"seconds": seconds}))
