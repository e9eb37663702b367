"""What many simulations have come to, in tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stepsim.runtime.comparison import FIGURES
from stepsim.runtime.console import duration, number
from stepsim.runtime.seeds import why

_COLUMNS_OF_A_PIPE = 80
_ROWS = 20

_FIGURES = {"makespan_s": ("makespan", duration), "cost_usd": ("cost", lambda usd: f"${usd:,.4f}")}


def console_of(stream: TextIO) -> Console:
    """A console that writes colours on a terminal, and plain text of 80 columns elsewhere."""
    width = None if stream.isatty() else _COLUMNS_OF_A_PIPE
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def figure(name: str, value: float | None) -> str:
    """A figure as people read it; nothing where it is not known."""
    return "" if value is None else _FIGURES[name][1](value)


def print_table(
    console: Console, title: str, headers: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1
) -> None:
    """Print a table under a title; all columns but the first `left` and the last one hold numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for index, header in enumerate(headers):
        table.add_column(header, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(Text(title, "bold"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def print_seeds(summary: Mapping[str, Any], stream: TextIO, kept_in: str | None) -> None:
    """Write what many seeds have come to; `kept_in` is the file that the failing scenario was written to."""
    console = console_of(stream)
    failed = summary["failed"]
    headline = Text(summary["scenario"], "bold").append(f"  {number(summary['seeds'])} seeds  ", "default")
    headline.append(f"{number(summary['passed'])} passed", "green" if not failed else "default")
    if failed:
        headline.append(" · ", "default").append(f"{number(len(failed))} failed", "bold red")
    console.print(headline)
    runs = {run["seed"]: run for run in summary["runs"]}
    rows = []
    for name in FIGURES:
        if summary[name]["max"] is not None:
            at = next(seed for seed, run in runs.items() if run[name] == summary[name]["max"])
            spread = [figure(name, summary[name][key]) for key in ("p50", "p99", "max")]
            rows.append([_FIGURES[name][0], *spread, f"seed {at}"])
    print_table(console, "Spread", ("", "p50", "p99", "max", "at"), rows)
    worst = runs[summary["worst"]]
    shown = [runs[seed] for seed in failed[:_ROWS]] or [worst]
    title = "Failed" if failed else "The worst"
    told = [[f"seed {run['seed']}", *(figure(name, run[name]) for name in FIGURES)] for run in shown]
    print_table(console, title, ("", *(_FIGURES[name][0] for name in FIGURES)), told)
    for run in shown if failed else ():
        console.print(f"  seed {run['seed']}: {why(run)}", soft_wrap=True)
    if len(failed) > _ROWS:
        console.print(f"  … and {len(failed) - _ROWS:,} more, in the summary (--json)")
    if summary["shrunk"] is not None:
        _print_shrunk(console, summary["shrunk"], kept_in)


def _print_shrunk(console: Console, shrunk: Mapping[str, Any], kept_in: str | None) -> None:
    console.print()
    console.print(Text(f"Seed {shrunk['seed']}, shrunk", "bold"))
    faults = shrunk["faults"]
    if shrunk["message"]:
        console.print(f"  {shrunk['message']}", soft_wrap=True)
    if faults is None:
        return
    few = "the fewest that break it" if shrunk["minimal"] else "fewer that break it"
    console.print(
        f"  faults struck {number(shrunk['struck'])} times; {few}: {number(len(faults))}"
        f" (found in {number(shrunk['simulations'])} simulations)",
        soft_wrap=True,
    )
    if kept_in is not None:
        console.print(f"  kept in {kept_in}", soft_wrap=True)
        return
    console.print("  the scenario to keep (--keep FILE writes it):")
    console.print()
    console.print(shrunk["scenario"], soft_wrap=True)
