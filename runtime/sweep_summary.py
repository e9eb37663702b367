"""What a sweep has come to, in a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.text import Text

from stepsim.asl.payload import encode
from stepsim.runtime.comparison import FIGURES
from stepsim.runtime.console import number
from stepsim.runtime.seeds_summary import console_of, figure, print_table


def _heads(paths: Sequence[str]) -> list[str]:
    """The key paths as the heads of columns: only their last steps, where these tell them apart."""
    last = [path.rpartition(".")[2] for path in paths]
    return last if len(set(last)) == len(last) else list(paths)


def print_sweep(summary: Mapping[str, Any], stream: TextIO) -> None:
    """Write a sweep's table, the best trade-offs marked."""
    console = console_of(stream)
    runs, seeds = summary["runs"], len(summary["seeds"])
    each = "" if seeds == 1 else f" with {number(seeds)} seeds each"
    console.print(Text(summary["scenario"], "bold").append(f"  {number(len(runs))} combinations{each}", "default"))
    spread = "" if seeds == 1 else " p50"
    headers = [
        "",
        *_heads(list(runs[0]["set"])),
        f"makespan{spread}",
        f"cost{spread}",
        "throttles",
        "failed",
        "hold",
        "passed",
    ]
    rows = []
    for run in runs:
        held, of = run["expectations"]
        values = [value if isinstance(value, str) else encode(value) for value in run["set"].values()]
        figures = [figure(name, run[name]["p50"]) for name in FIGURES]
        counts = [number(run["throttles"]), number(run["failed_items"]), f"{held}/{of}", f"{run['passed']}/{seeds}"]
        rows.append(["★" if run["best"] else "", *values, *figures, *counts])
    print_table(console, "Combinations", headers, rows)
    console.print()
    if any(run["best"] for run in runs):
        console.print("  ★ nothing that passes is both faster and cheaper")
    else:
        console.print("  none passes with every seed")
