"""Holds a run's totals against the truth: as a check of the scenario, or ``python check_totals.py REPORT.json``.

REPORT.json is what ``--json`` wrote. Makes every pair once more from the report's seed, and prints what differs; exits
with 1 where something does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import data

from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import stream
from stepsim.runtime.invariants import Outcome


def differences(report: dict[str, Any]) -> list[str]:
    """A line for each total that is not what the generator knows."""
    totals = (report["execution"]["output"] or {}).get("totals")
    if totals is None:
        return [f"the execution is {report['execution']['status']}, and has no totals"]
    dice = Dice(report["seed"])
    pairs = report["map_runs"]["ReconcileAll"]["itemCounts"]["total"]
    known = data.truth_total(pairs, lambda n: stream(dice, "data", n))
    return [
        f"{name}: the table has {totals.get(name)}, true is {known.get(name)}"
        for name in sorted(known.keys() | totals.keys())
        if totals.get(name) != known.get(name)
    ]


def totals_are_true(outcome: Outcome) -> str | None:
    """The scenario's own check of every run: what differs, None where nothing does."""
    return "; ".join(differences(dict(outcome.report))) or None


def main(path: str) -> int:
    """Compare, and say so. 0 where everything agrees."""
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    found = differences(report)
    print("\n".join(found) or "the totals are the truth")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
