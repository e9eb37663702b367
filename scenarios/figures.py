"""Runs the published systems at full size, and prints what was published beside what comes out here.

    python scenarios/figures.py                  # all of them
    python scenarios/figures.py image_resize     # one

Each system has a ``figures.yaml``: its runs (a scenario and what is set in it), and the figures that are looked for in
each report, with how far they may be off. The tables are what stands in the READMEs. Exit status 1: a figure is off.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from stepsim.runtime.key_path import parse_key_path
from stepsim.runtime.runner import simulate
from stepsim.runtime.scenario import load_scenario

FOLDER = Path(__file__).parent


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of a report. Without `published` it is only shown."""

    what: str
    path: str
    published: int | float | str | bool | None = None
    within: float = 0
    """How far ours may be off: 0.1 is a tenth of what was published."""
    digits: int | None = None

    def ours(self, report: dict[str, Any]) -> Any:
        """What the report says. Raises KeyError or IndexError where it says nothing."""
        found: Any = report
        for segment in parse_key_path(self.path):
            found = found[int(segment)] if isinstance(found, list) else found[segment]
        return found

    def holds(self, ours: Any) -> bool:
        """Whether ours is near enough to what was published."""
        published = self.published
        if published is None:
            return True
        if isinstance(published, str | bool) or not self.within:
            return bool(ours == published)
        return bool(abs(ours - published) <= self.within * abs(published))


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One simulation."""

    title: str
    scenario: str
    figures: list[Figure]
    sets: list[str] = msgspec.field(default_factory=list, name="set")


def runs_of(name: str) -> list[Run]:
    """What a system's ``figures.yaml`` says."""
    return msgspec.convert(YAML(typ="safe").load(FOLDER / name / "figures.yaml"), list[Run])


def measure(name: str, run: Run, sets: tuple[str, ...] = ()) -> list[tuple[Figure, Any]]:
    """The figures of one run, each with what comes out here; `sets` are set besides the run's own."""
    report = simulate(load_scenario(FOLDER / name / run.scenario, [*run.sets, *sets]))
    return [(figure, figure.ours(report)) for figure in run.figures]


def table(measured: list[tuple[Run, list[tuple[Figure, Any]]]]) -> str:
    """Markdown: a row a figure."""
    lines = ["| run | figure | published | here |", "| --- | --- | --- | --- |"]
    for run, figures in measured:
        title = run.title
        for figure, ours in figures:
            off = "" if figure.holds(ours) else " (off)"
            lines.append(
                f"| {title} | {figure.what} | {_shown(figure, figure.published)} | {_shown(figure, ours)}{off} |"
            )
            title = ""
    return "\n".join(lines)


def _shown(figure: Figure, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,.{figure.digits}f}" if figure.digits is not None else f"{value:,}"


def main(names: list[str]) -> int:
    """Measure the named systems, or all; 1 where a figure is off."""
    known = sorted(path.parent.name for path in FOLDER.glob("*/figures.yaml"))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no system {unknown[0]!r}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    status = 0
    for name in names or known:
        measured = [(run, measure(name, run)) for run in runs_of(name)]
        print(f"## {name}\n\n{table(measured)}\n", flush=True)
        if not all(figure.holds(ours) for _, figures in measured for figure, ours in figures):
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
