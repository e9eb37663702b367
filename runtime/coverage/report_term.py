"""Coverage for a terminal: a table of definitions and, where that is asked for, everything that never happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from stepsim.runtime.coverage.recorded import Recorded
from stepsim.runtime.coverage.titles import in_order
from stepsim.runtime.coverage.totals import Figures, figures_of, missing, shown

_HEADERS = ("definition", "states", "missed", "branches", "missed", "cover")


def term_report(records: Sequence[Recorded], root: Path, *, with_missing: bool = False) -> list[str]:
    """The lines of the table; `with_missing`: below it line, column and name of what was not covered."""
    titled = in_order(records, root)
    if not titled:
        return ["No state machine was run."]
    rows = [_HEADERS, *(_row(name, figures_of([record])) for name, record in titled)]
    total = _row("total", figures_of(records))
    width = max(len(row[0]) for row in [*rows, total])
    lines = [_line(row, width) for row in rows]
    rule = "─" * len(lines[0])
    lines = [lines[0], rule, *lines[1:], rule, _line(total, width)]
    if with_missing:
        for name, record in titled:
            lines += _missing(name, record)
    return lines


def _row(name: str, figures: Figures) -> tuple[str, ...]:
    return (
        name,
        str(figures.states),
        str(figures.states - figures.covered_states),
        str(figures.branches),
        str(figures.branches - figures.covered_branches),
        shown(figures.percent),
    )


def _line(row: Sequence[str], width: int) -> str:
    cells = (cell.rjust(len(header)) for cell, header in zip(row[1:], _HEADERS[1:], strict=True))
    return "  ".join([row[0].ljust(width), *cells])


def _missing(name: str, record: Recorded) -> Iterator[str]:
    rows = [(f"{goal.line}:{goal.column}", goal.state or "the machine", goal.missing) for goal in missing(record)]
    if not rows:
        return
    yield ""
    yield name
    place, state = (max(len(row[column]) for row in rows) for column in (0, 1))
    for row in rows:
        yield f"  {row[0].rjust(place)}  {row[1].ljust(state)}  {row[2]}"
