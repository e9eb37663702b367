"""Coverage as JSON: totals, and every goal of every definition with its place and its hits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from stepsim.asl.payload import JSON
from stepsim.runtime.coverage.recorded import Recorded
from stepsim.runtime.coverage.titles import file_title, in_order
from stepsim.runtime.coverage.totals import Figures, figures_of


def json_report(records: Sequence[Recorded], root: Path) -> str:
    """The text of the report. Files are named from `root`; null where a definition has none."""
    definitions = [
        {
            "file": file_title(record.file, root) if record.file else None,
            "line": record.line,
            "name": None if record.file else record.name,
            "totals": _totals(figures_of([record])),
            "goals": [
                {
                    "id": goal.id,
                    "kind": goal.kind,
                    "state": goal.state or None,
                    "line": goal.line,
                    "column": goal.column,
                    "hits": record.hits.get(goal.id, 0),
                    "missing": None if goal.id in record.hits else goal.missing,
                }
                for goal in record.goals
            ],
        }
        for _, record in in_order(records, root)
    ]
    report = {"totals": _totals(figures_of(records)), "definitions": definitions}
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _totals(figures: Figures) -> dict[str, JSON]:
    return {
        "states": figures.states,
        "covered_states": figures.covered_states,
        "branches": figures.branches,
        "covered_branches": figures.covered_branches,
        "percent": round(figures.percent, 2),
    }
