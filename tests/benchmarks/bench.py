"""Measures stepsim against its bars, and prints a table: ``python tests/benchmarks/bench.py [NAME…] [--quick]``.

Each figure comes from a program of this folder, run in a process of its own; both sides of a ratio are measured in one
run on one machine. ``--quick`` takes sizes that show that everything works, and judges nothing. Exit status: 0 where no
bar was missed, else 1. `docs/performance.md` tells what is measured and why.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. `bar` limits `ratio`, or `value` where there is none; None judges nothing."""

    name: str
    figure: str
    value: float
    ratio: float | None = None
    bar: float | None = None
    at_least: bool = False

    @property
    def passes(self) -> bool | None:
        """Whether the bar is held; None without a bar."""
        if self.bar is None:
            return None
        held = self.value if self.ratio is None else self.ratio
        return held >= self.bar if self.at_least else held <= self.bar

    def cells(self) -> tuple[str, ...]:
        """What the table shows of it."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} ×" if self.ratio < 10 else f"{self.ratio:.0f} ×"
        bar = "" if self.bar is None else f"{'≥' if self.at_least else '≤'} {self.bar:g}"
        verdict = {None: "", True: "pass", False: "MISS"}[self.passes]
        return self.name, self.figure, ratio, bar, verdict


def program(name: str, *arguments: object) -> dict[str, float]:
    """What one program of this folder measured. Raises RuntimeError with its last words where it failed."""
    ended = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{name} {arguments} failed:\n{ended.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(ended.stdout)
    return figures


CHILDREN = {
    "inline": "children",
    "writer": "children, with a ResultWriter",
    "outcomes": "Standard children, with a ResultWriter",
    "invoke": "children, by lambda:invoke",
}


def children(quick: bool) -> Iterator[Measure]:
    """Children of a distributed map against SimPy's bare processes, at a tenth of the size and at the whole."""
    for count in (500, 5_000) if quick else (50_000, 500_000):
        simpy = program("children", "simpy", count)["seconds"]
        judged = count == 500_000
        took: dict[str, float] = {}
        for kind, title in CHILDREN.items():
            ours = program("children", kind, count)
            seconds = took[kind] = ours["seconds"]
            figure = f"{seconds:.2f} s, {seconds / count * 1e6:.1f} µs each (SimPy {simpy:.2f} s)"
            bar = 1.5 if judged and kind == "inline" else None
            yield Measure(f"{count:,} {title}", figure, seconds, seconds / simpy, bar)
            rss_mb = ours["peak_rss_mb"]
            yield Measure("  their memory", f"{rss_mb:.0f} MB", rss_mb, None, 300 if judged else None)
        ratio = took["outcomes"] / took["inline"]
        yield Measure("  Standard ones, written, against Express", "", ratio, ratio, 2 if judged else None)


def large(quick: bool) -> Iterator[Measure]:
    """Twice and ten times as many children, which are to cost no more each, and no more memory."""
    count = 500 if quick else 500_000
    first_us = 0.0
    for times in (1, 2, 10):
        ours = program("children", "inline", count * times)
        each_us = ours["seconds"] / count / times * 1e6
        first_us = first_us or each_us
        figure = f"{ours['seconds']:.1f} s, {each_us:.1f} µs each"
        ratio = each_us / first_us
        yield Measure(f"{count * times:,} children", figure, ratio, ratio, 1.25)
        yield Measure("  their memory", f"{ours['peak_rss_mb']:.0f} MB", ours["peak_rss_mb"], None, 300)


def growth(quick: bool) -> Iterator[Measure]:
    """The same children, more of them at once, through more states, and as Standard executions."""
    count = 500 if quick else 50_000
    sizes = [(100, 3), (1_000, 3), (10_000, 3), (1_000, 12), (1_000, 48)]
    for kind, at_once, states in [*(("inline", *size) for size in sizes), ("standard", 1_000, 3)]:
        ours = program("children", kind, count, at_once, states)
        seconds, rss_mb = ours["seconds"], ours["peak_rss_mb"]
        figure = f"{seconds:.2f} s, {seconds / count * 1e6:.1f} µs each; {rss_mb:.0f} MB"
        name = "Standard children" if kind == "standard" else "children"
        yield Measure(f"{count:,} {name}, {ours['at_once']:,.0f} at once, {states} states", figure, seconds)


def calls(quick: bool) -> Iterator[Measure]:
    """AWS calls of a handler through the gate against boto3 on plain moto."""
    ours_count, moto_count = (200, 20) if quick else (20_000, 1_000)
    ours = program("calls", "gate", ours_count)
    moto = program("calls", "moto", moto_count)
    for name, bar in (("GetObject", 100), ("PutObject", 40), ("PutItem", 20)):
        ours_us, moto_us = ours[name] / ours_count * 1e6, moto[name] / moto_count * 1e6
        figure = f"{ours_us:.1f} µs (moto {moto_us:,.0f} µs)"
        yield Measure(f"{name} from a handler", figure, ours_us, moto_us / ours_us, bar, at_least=True)


def listing(quick: bool) -> Iterator[Measure]:
    """The items of an ItemReader, at half the size and at the whole."""
    for count in (2_500, 5_000) if quick else (250_000, 500_000):
        seconds = program("listing", count)["seconds"]
        figure = f"{seconds:.2f} s, {seconds / count * 1e6:.1f} µs a key"
        yield Measure(f"listing {count:,} keys", figure, seconds, None, 5 if count == 500_000 else None)


def readers(quick: bool) -> Iterator[Measure]:
    """The rows of one large object: the reader alone in each format, and children for a CSV's."""
    count = 5_000 if quick else 1_000_000
    for form in ("csv", "quoted", "partly", "csv.gz", "csv.zst", "jsonl", "parquet"):
        read = program("readers", "reader", form, count)
        figure = f"{read['seconds']:.2f} s, {read['per_s']:,.0f} a second; {read['peak_rss_mb']:.0f} MB"
        bar = 300_000 if form in ("csv", "quoted", "partly", "jsonl", "parquet") else None
        yield Measure(f"{count:,} rows of {form}", figure, read["per_s"], None, bar, at_least=True)
    rows = 50_000 if quick else 10_500_000
    whole = program("readers", "reader", "csv", rows)
    figure = f"{whole['seconds']:.1f} s, {whole['per_s']:,.0f} a second"
    name = f"{rows:,} rows of csv, {rows * 96 / 1e9:.2f} GB"
    yield Measure(name, figure, whole["per_s"], None, 300_000, at_least=True)
    yield Measure("  their memory", f"{whole['peak_rss_mb']:.0f} MB", whole["peak_rss_mb"], None, 100)
    children = program("readers", "children", "csv", count // 5)
    figure = f"{children['seconds']:.2f} s, {children['per_s']:,.0f} a second; {children['peak_rss_mb']:.0f} MB"
    yield Measure(f"{count // 5:,} children of a CSV's rows", figure, children["per_s"])


def real_map(quick: bool) -> Iterator[Measure]:
    """A distributed Map with real handlers on the system clock, against moto's interpreter with one row at a time."""
    moto = program("real_map", "moto", 50 if quick else 4_000)["per_s"]
    sizes = [(2_000, 1), (10_000, 200)] if quick else [(20_000, 1), *((2_000_000, batch) for batch in (100, 200, 500))]
    processors = min(2, os.cpu_count() or 1)
    for count, batch in sizes:
        ours = program("real_map", "stepsim", count, batch)
        figure = (
            f"{ours['seconds']:.1f} s, {ours['per_s']:,.0f} a second (moto {moto:,.0f}); {ours['peak_rss_mb']:.0f} MB"
        )
        name = f"{count:,} rows, real handlers, {batch} a child"
        yield Measure(name, figure, ours["per_s"], ours["per_s"] / moto, 100 if batch > 1 else None, at_least=True)
        busy, bar = ours["processors"], 0.9 * processors if batch > 1 else None
        yield Measure(f"  processors busy, of {processors}", f"{busy:.2f}", busy, None, bar, at_least=True)


def pipeline(quick: bool) -> Iterator[Measure]:
    """The whole bank reconciliation, with real functions and with modelled ones."""
    files = 5_000 if quick else 250_000
    for kind, bar_s, bar_mb in (("handlers", 300, 2_000), ("modelled", 30, None)):
        ran = program("pipeline", kind, files)
        seconds, rss_mb = ran["seconds"], ran["peak_rss_mb"]
        figure = f"{seconds:.1f} s for {ran['virtual_s']:.0f} s of virtual time, {ran['calls']:,.0f} AWS calls"
        yield Measure(f"2 × {files:,} bank files, {kind}", figure, seconds, None, bar_s)
        yield Measure("  their memory", f"{rss_mb:,.0f} MB", rss_mb, None, bar_mb)


def inline_map(quick: bool) -> Iterator[Measure]:
    """An inline Map on the system clock against moto's interpreter, with as many items."""
    count = 100 if quick else 10_000
    ours = program("inline_map", "stepsim", count)["seconds"]
    moto = program("inline_map", "moto", count)["seconds"]
    figure = f"{ours * 1000:.0f} ms (moto {moto:.2f} s)"
    yield Measure(f"inline Map of {count:,} items", figure, ours, moto / ours, 100, at_least=True)


def startup(quick: bool) -> Iterator[Measure]:
    """Commands from typed to answered."""
    for command, bar_s in (("help", 0.2), ("validate", 0.4), ("run", 0.8)):
        seconds = program("startup", command, 1 if quick else 5)["seconds"]
        yield Measure(f"stepsim {command}", f"{seconds:.2f} s", seconds, None, bar_s)


def machine_tests(quick: bool) -> Iterator[Measure]:
    """A test of a machine of ten mocked states, and a session of a thousand of them."""
    seconds = program("machine_tests", "run", 3 if quick else 300)["seconds"]
    yield Measure("a run of ten mocked states, in a test", f"{seconds * 1000:.2f} ms", seconds, None, 0.005)
    tests = 20 if quick else 1_000
    for workers in (1, 2):
        seconds = program("machine_tests", "session", tests, workers)["seconds"]
        name = f"{tests:,} such tests, {workers} process{'es' if workers > 1 else ''}"
        yield Measure(name, f"{seconds:.1f} s", seconds, None, 15 if workers == 2 else None)


SUBJECTS: Mapping[str, Callable[[bool], Iterator[Measure]]] = {
    "children": children,
    "large": large,
    "growth": growth,
    "calls": calls,
    "listing": listing,
    "readers": readers,
    "real_map": real_map,
    "pipeline": pipeline,
    "inline_map": inline_map,
    "startup": startup,
    "machine_tests": machine_tests,
}

WIDTHS = (48, 68, 9, 8)


def line(cells: tuple[str, ...]) -> str:
    """A row of the table."""
    return "  ".join([*(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=False)), cells[-1]]).rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure stepsim against its bars.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SUBJECTS)}; all otherwise")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in SUBJECTS]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    print(line(("measure", "figure", "ratio", "bar", "")))
    missed = 0
    for name in options.names or SUBJECTS:
        for measured in SUBJECTS[name](options.quick):
            measure = replace(measured, bar=None) if options.quick else measured
            print(line(measure.cells()), flush=True)
            missed += measure.passes is False
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
