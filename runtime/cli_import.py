"""``stepsim import-history``: recorded executions in, a scenario out."""

from __future__ import annotations

from pathlib import Path

import click

from stepsim.runtime.cli_given import BadInput
from stepsim.runtime.cli_validate import name_values, problem_text


@click.command("import-history")
@click.argument(
    "recordings", metavar="FILE_OR_FOLDER...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--definition",
    required=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The definition that the executions ran with.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the scenario is written; standard output otherwise.",
)
@click.option(
    "--substitute",
    "substitutes",
    metavar="NAME=VALUE",
    multiple=True,
    help="A value of the definition's ${NAME}. Repeatable.",
)
def import_history(
    recordings: tuple[Path, ...], definition: Path, output: Path | None, substitutes: tuple[str, ...]
) -> None:
    """Make a scenario of recorded executions.

    Durations, error rates and results of its Tasks are fitted to what really ran: histories (GetExecutionHistory),
    executions (DescribeExecution) and the result files of map runs, in files or folders.

    Exit status: 0 it is written, 2 bad usage, or recordings of another definition.
    """
    from stepsim.asl.errors import DefinitionError
    from stepsim.runtime.history_import.importing import import_history as imported_from
    from stepsim.runtime.history_import.recordings import ImportProblem
    from stepsim.runtime.json_output import refuse_unwritable

    if output is not None:
        refuse_unwritable(str(output), "--output")
    folder = Path.cwd() if output is None else output.parent
    try:
        imported = imported_from(recordings, definition, folder, name_values(substitutes, "--substitute"))
    except DefinitionError as error:
        raise BadInput("\n".join(problem_text(problem, error.source) for problem in error.problems)) from None
    except ImportProblem as error:
        raise BadInput(str(error)) from None
    if output is None:
        click.echo(imported.scenario, nl=False)
    else:
        try:
            output.write_text(imported.scenario, encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{output} cannot be written: {error.strerror}") from None
        click.echo(f"{output}: written")
        for line in imported.summary:
            click.echo(f"  {line}")
    for warning in imported.warnings:
        click.echo(f"Warning: {warning}", err=True)
