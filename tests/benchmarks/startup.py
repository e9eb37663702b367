"""What the command line takes from being typed to having answered: ``startup.py COMMAND TIMES``.

COMMAND is ``help``, ``validate`` (the bank reconciliation's definition) or ``run`` (a machine of one Pass). Prints one
line of JSON: the best time, for everything else is the machine's own noise.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

BANK = Path(__file__).resolve().parents[2] / "definitions" / "bank_reconciliation" / "bank_reconciliation.asl.json"
PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
STEPSIM = Path(sys.executable).with_name("stepsim")


def best_of(times: int, arguments: list[str]) -> float:
    """Seconds of the fastest of so many runs."""
    taken = []
    for _ in range(times):
        started_s = perf_counter()
        subprocess.run([str(STEPSIM), *arguments], capture_output=True, check=True)
        taken.append(perf_counter() - started_s)
    return min(taken)


def main(command: str, times: int) -> None:
    with TemporaryDirectory() as folder:
        machine = Path(folder) / "pass.asl.json"
        machine.write_text(json.dumps(PASS))
        arguments = {"help": ["--help"], "validate": ["validate", str(BANK)], "run": ["run", str(machine)]}
        print(json.dumps({"seconds": best_of(times, arguments[command])}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
