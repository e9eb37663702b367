"""The bank reconciliation in virtual time, as the command line runs it: ``pipeline.py KIND [FILES]``.

KIND is ``handlers`` (scenario.yaml, real functions) or ``modelled`` (modelled.yaml, durations only); FILES is how many
each side delivers, 250,000 unless given. Prints one line of JSON: seconds of the whole process, and its memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios" / "bank_reconciliation"
FILES = {"handlers": "scenario.yaml", "modelled": "modelled.yaml"}
STEPSIM = Path(sys.executable).with_name("stepsim")


def simulate(kind: str, files: int | None) -> dict[str, Any]:
    """One simulation in a process of its own. Expectations are not asked: a smaller day may break them."""
    command = [str(STEPSIM), "simulate", str(SCENARIOS / FILES[kind])]
    if files is not None:
        for bucket in ("bank-statements", "internal-files"):
            command += ["--set", f"cloud.buckets.{bucket}.generate.count={files}"]
    with TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        started_s = perf_counter()
        ended = subprocess.run([*command, "--json", str(target)], capture_output=True, text=True, check=False)
        seconds = perf_counter() - started_s
        assert target.exists(), ended.stderr
        report = json.loads(target.read_text())
    assert report["execution"]["status"] == "SUCCEEDED", report["execution"]
    counts = report["map_runs"]["ReconcileAll"]["itemCounts"]
    return {
        "seconds": seconds,
        "peak_rss_mb": report["peak_rss_mb"],
        "virtual_s": report["makespan_s"],
        "items": counts["succeeded"],
        "calls": sum(call["count"] for call in report["calls"].values()),
    }


if __name__ == "__main__":
    print(json.dumps(simulate(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)))
