"""``stepsim simulate --seeds`` and ``stepsim sweep``: many simulations of one scenario."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from stepsim.runtime.cli_given import BadInput
from stepsim.runtime.cli_output import Written
from stepsim.runtime.console import can_redraw


@contextmanager
def progress_of(count: int) -> Iterator[Callable[[], None]]:
    """On a terminal, a bar while it lasts; what it yields is called after each of `count` simulations."""
    if not can_redraw(sys.stderr):
        yield lambda: None
        return
    with click.progressbar(length=count, label="simulations", file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def write_summary(summary: dict[str, Any], target: str) -> None:
    """Write JSON to a file or to standard output. Raises BadInput where it cannot."""
    from stepsim.runtime.json_output import write_json

    try:
        write_json(summary, target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}") from None


def simulate_many(
    file: Path,
    sets: tuple[str, ...],
    first: int,
    count: int,
    jobs: int | None,
    keep: Path | None,
    written: Written,
) -> int:
    """Simulate a scenario for `count` seeds from `first` on, say how they did, and return the exit status."""
    from stepsim.runtime.json_output import refuse_unwritable
    from stepsim.runtime.seeds import simulate_seeds
    from stepsim.runtime.simulations import SimulationError, usable_cpus

    if keep is not None:
        refuse_unwritable(str(keep), "--keep")
    folder = file.parent if keep is None else keep.parent
    seeds = range(first, first + count)
    try:
        with progress_of(count) as advance:
            done = simulate_seeds(file, sets, seeds, jobs or usable_cpus(), folder, advance)
    except SimulationError as error:
        raise BadInput(str(error)) from None
    kept_in = None
    if keep is not None and done.kept is not None:
        try:
            keep.write_text(done.kept, encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{keep} cannot be written: {error.strerror}") from None
        kept_in = str(keep)
    if written.json is not None:
        write_summary(done.summary, written.json)
    if written.markdown is not None:
        from stepsim.runtime.markdown_summary import seeds_markdown

        written.write_markdown(lambda: seeds_markdown(done.summary))
    # Imported here: no run waits for the library that draws its tables.
    from stepsim.runtime.seeds_summary import print_seeds

    print_seeds(done.summary, written.summary, kept_in)
    if done.summary["interrupted"]:
        click.echo(f"Interrupted: {done.summary['seeds']} of {count} seeds were simulated.", err=True)
    return 1 if done.summary["failed"] or done.summary["interrupted"] else 0
