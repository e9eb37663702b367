"""What must be true of a day's settlement, however often a file came, and whatever failed on the way."""

from __future__ import annotations

import data

from stepsim.runtime.dice import Dice
from stepsim.runtime.generators import stream
from stepsim.runtime.invariants import Outcome


def true_totals(seed: int, *, small: bool) -> dict[str, dict[str, int]]:
    """What each programme's files come to, by programme; the broken file comes to nothing."""
    dice = Dice(seed)
    totals: dict[str, dict[str, int]] = {}
    for n in range(data.FILES - 1):
        program = totals.setdefault(data.program_of(n), {"files": 0})
        program["files"] += 1
        for name, value in data.truth_of(n, stream(dice, "data", n), small=small).items():
            program[name] = program.get(name, 0) + value
    return totals


def totals_are_true(outcome: Outcome) -> str | None:
    """Every programme's totals are those of its files: nothing is missing, and nothing was counted twice."""
    small = len(outcome.buckets["inbox"]["settlement/000.txt"]) < data.rows_of(0) * 81
    truth = true_totals(outcome.report["seed"], small=small)
    found = {item["pk"]: item for item in outcome.tables["totals"]}
    wrong = []
    for program, totals in sorted(truth.items()):
        counted = found.get(program, {}).get("transactions", 0)
        if any(found.get(program, {}).get(name) != value for name, value in totals.items()):
            wrong.append(f"{program} has {counted:,} transactions, {totals['transactions']:,} are true")
    return "; ".join(wrong) or None
