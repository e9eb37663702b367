"""The same machine in JSONata: what it does is what the JSONPath one does, to the last byte and millisecond."""

from __future__ import annotations

from pathlib import Path

from stepsim.runtime import runner
from stepsim.runtime.scenario import load_scenario

SCENARIOS = Path(__file__).parents[3] / "scenarios" / "bank_reconciliation"
PAIRS, SEED = 250, 2
MEASURED = ("wall_s", "peak_rss_mb")


def simulated(file: str) -> runner.Report:
    """The report of a small day, without what the machine it ran on decides."""
    counts = [f"cloud.buckets.{bucket}.generate.count={PAIRS}" for bucket in ("bank-statements", "internal-files")]
    report = runner.simulate(load_scenario(SCENARIOS / file, counts, SEED))
    for name in MEASURED:
        del report[name]
    return report


def test_both_languages_give_the_same_report() -> None:
    """Output, totals, durations, calls and transitions are equal, on a day on which pairs fail."""
    report = simulated("jsonata.yaml")
    assert report == simulated("scenario.yaml")
    totals = report["execution"]["output"]["totals"]
    assert totals["pairs"] == PAIRS
    assert totals["failedPairs"] > 0
