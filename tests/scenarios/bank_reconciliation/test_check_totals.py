"""The check of a report's totals against the files that the framework itself makes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import body_maker, stream

SCENARIO = Path(__file__).parents[3] / "scenarios" / "bank_reconciliation"
SEED, PAIRS = 42, 200


@pytest.fixture
def report(modules: SimpleNamespace) -> dict[str, Any]:
    """What a run over generated files reports, as far as the check reads it."""
    bank = body_maker("data:bank_file", SEED, "bank-statements", SCENARIO)
    internal = body_maker("data:internal_file", SEED, "internal-files", SCENARIO)
    rates: dict[str, dict[str, float]] = {}
    for (day, currency), rate in modules.data.RATES.items():
        rates.setdefault(day, {})[currency] = rate
    flagged = {modules.data.COUNTERPARTIES[who] for who in modules.data.FLAGGED}
    items = []
    for n in range(PAIRS):
        try:
            left, right = modules.statement.parse(bank(n)), modules.statement.parse(internal(n))
        except modules.statement.UnusableFile as error:
            items.append(modules.result_table.failed("run", str(n), error.reason, error.detail))
        else:
            found = modules.matching.reconcile(left, right, rates)
            suspicious = sum(transaction.counterparty in flagged for transaction in left)
            items.append(modules.result_table.reconciled("run", str(n), found, suspicious))
    return {
        "seed": SEED,
        "execution": {"status": "SUCCEEDED", "output": {"totals": modules.aggregate_results.totals(items)}},
        "map_runs": {"ReconcileAll": {"itemCounts": {"total": PAIRS}}},
    }


def test_totals_of_the_generated_files_are_the_truth(
    modules: SimpleNamespace, report: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run over the files that the seed makes agrees, and the check says so."""
    assert modules.data.truth_total(PAIRS, lambda n: stream(Dice(SEED), "data", n))["pairs"] == PAIRS
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert modules.check_totals.main(str(tmp_path / "report.json")) == 0
    assert capsys.readouterr().out == "the totals are the truth\n"


def test_a_wrong_total_is_named(modules: SimpleNamespace, report: dict[str, Any]) -> None:
    """One match too many, and an execution that has no totals at all, do not pass."""
    report["execution"]["output"]["totals"]["matches"]["exact"] += 1
    (line,) = modules.check_totals.differences(report)
    assert line.startswith("matches: the table has ")
    report["execution"] = {"status": "FAILED", "output": None}
    assert modules.check_totals.differences(report) == ["the execution is FAILED, and has no totals"]
