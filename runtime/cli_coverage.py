"""``stepsim simulate --asl-cov``: which states and branches of the definition a simulation has come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import click


def check_form(_ctx: click.Context, _parameter: click.Parameter, forms: Sequence[str]) -> Sequence[str]:
    """The forms of reports as they were given. Raises BadParameter for what is none."""
    if forms:
        from stepsim.runtime.coverage.reports import wanted

        try:
            for form in forms:
                wanted(form)
        except ValueError as error:
            raise click.BadParameter(f"{error}.") from None
    return forms


def measured(forms: Sequence[str], execute: Callable[[], int], shown: TextIO) -> int:
    """Do something that runs executions, and tell what of their definitions was covered. Returns the exit status."""
    if not forms:
        return execute()
    from stepsim.runtime.coverage.observer import CoverageObserver
    from stepsim.runtime.coverage.reports import report, wanted
    from stepsim.runtime.coverage.selection import selected
    from stepsim.runtime.observation import observing
    from stepsim.runtime.realtime import now_ms

    observer = CoverageObserver()
    with observing(observer):
        status = execute()
    here = Path.cwd()
    records = selected(observer.recorded(), (), ())
    try:
        lines = report([wanted(form) for form in forms], records, here, here, now_ms())
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}") from None
    for line in ("", *lines):
        click.echo(line, file=shown)
    return status
