"""The bank's faulty day, with fewer files."""

from __future__ import annotations

from pathlib import Path

from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

SCENARIO = Path(__file__).parents[3] / "scenarios" / "bank_reconciliation" / "faulty_day.yaml"
MORE_OFTEN = ["faults[1].probability=0.1", "faults[2].probability=0.05", "faults[3].probability=0.05"]


def test_whatever_strikes_the_totals_are_the_truth() -> None:
    """Throttles, crashes after the effect, hangs, partial batches, an outage: each strikes, and nothing is lost."""
    counts = [f"cloud.buckets.{name}.generate.count=2000" for name in ("bank-statements", "internal-files")]
    report = simulate(load_scenario(SCENARIO, [*counts, *MORE_OFTEN]))
    assert [one for one in report["expectations"] if not one["holds"]] == []
    assert [fault["struck"] > 0 for fault in report["faults"]] == [True] * 7
