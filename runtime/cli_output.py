"""What ``run`` and ``simulate`` print and write; and the exit status."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeAlias

import click

from stepsim.runtime.cli_given import BadInput, refuse
from stepsim.runtime.cli_validate import problem_text
from stepsim.runtime.console import ProgressLine, can_redraw

if TYPE_CHECKING:
    from stepsim.runtime.runner import Watch
    from stepsim.runtime.scenario_types import Scenario

Verb: TypeAlias = "Callable[[Scenario, Watch], dict[str, Any]]"

MARKDOWN = click.option(
    "--markdown",
    "markdown_target",
    metavar="FILE|-",
    help="Write a summary in Markdown, for a pull request; with -, the other one goes to stderr.",
)


class Written(NamedTuple):
    """What --json and --markdown say."""

    json: str | None
    markdown: str | None

    def check(self) -> None:
        """Raise BadParameter for what could not be written after the run."""
        if self.json is None and self.markdown is None:
            return
        from stepsim.runtime.json_output import STDOUT, refuse_unwritable

        if self.json == self.markdown == STDOUT:
            raise click.UsageError("--json and --markdown cannot both go to standard output.")
        for target, option in ((self.json, "--json"), (self.markdown, "--markdown")):
            if target is not None:
                refuse_unwritable(target, option)

    @property
    def summary(self) -> TextIO:
        """Where people find the summary: standard error, where a program reads the output."""
        return sys.stderr if "-" in (self.json, self.markdown) else sys.stdout

    def write_markdown(self, text: Callable[[], str]) -> None:
        """Write what --markdown asks for. Raises BadInput where it cannot be written."""
        if self.markdown is None:
            return
        from stepsim.runtime.json_output import STDOUT

        if self.markdown == STDOUT:
            click.echo(text(), nl=False)
            return
        try:
            Path(self.markdown).write_text(text(), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise BadInput(f"{self.markdown} cannot be written: {error.strerror}") from None


def check_targets(written: Written, folder: Path | None) -> None:
    """Raise BadParameter for what could not be written after the run."""
    written.check()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = next(folder.iterdir(), None)
    except OSError as error:
        raise click.BadParameter(f"{folder} cannot be made: {error.strerror}.", param_hint="--save") from None
    if used is not None:
        # Nobody could tell the files of two runs apart.
        raise click.BadParameter(f"{folder} is not empty: {used.name} is in it.", param_hint="--save")


def execute(verb: Verb, scenario: Scenario, written: Written, folder: Path | None) -> int:
    """Run the scenario, report, and return the exit status."""
    from stepsim.runtime.mocks.reporting import mock_warnings
    from stepsim.runtime.report import fault_warnings, holds

    report = _report(verb, scenario, written.json, folder)
    # Imported here: no run waits for the library that draws its tables.
    from stepsim.runtime.summary import print_summary

    try:
        # First what a program waits for: whoever reads the summary may stop half-way through.
        if written.json is not None:
            _write(report, written.json)
        if written.markdown is not None:
            from stepsim.runtime.markdown_summary import report_markdown

            written.write_markdown(lambda: report_markdown(report))
    finally:
        print_summary(report, written.summary)
    for warning in (*mock_warnings(report), *fault_warnings(report)):
        click.echo(f"Warning: {warning}", err=True)
    return 0 if holds(report) else 1


def _report(verb: Verb, scenario: Scenario, json_target: str | None, folder: Path | None) -> dict[str, Any]:
    """What the verb returns; what it cannot use is refused."""
    from stepsim.asl.errors import DefinitionError
    from stepsim.runtime.json_output import can_replace
    from stepsim.runtime.runner import RunError, Watch
    from stepsim.runtime.scenario_check import ScenarioError

    partial = None
    if json_target is not None and can_replace(json_target):
        partial = functools.partial(_write_partial, target=json_target)
    try:
        if not can_redraw(sys.stderr):
            return verb(scenario, Watch(None, partial, folder))
        with ProgressLine(sys.stderr) as line:
            return verb(scenario, Watch(line.show, partial, folder))
    except DefinitionError as error:
        refuse([problem_text(problem, error.source) for problem in error.problems], error.source)
    except ScenarioError as error:
        refuse(str(error).splitlines(), error.source)
    except RunError as error:
        raise BadInput(str(error)) from None


def _write_partial(report: dict[str, Any], target: str) -> None:
    """Leave the report so far, for whoever finds it after the run was killed."""
    from stepsim.runtime.json_output import write_json

    # A full disk is no reason to end a run; where it stays full, the report's own writing says so.
    with suppress(OSError):
        write_json(report, target)


def _write(report: dict[str, Any], target: str) -> None:
    from stepsim.runtime.json_output import write_json

    try:
        write_json(report, target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}") from None
