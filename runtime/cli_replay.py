"""``stepsim replay``: a recorded history against a definition as it is now."""

from __future__ import annotations

from pathlib import Path

import click

from stepsim.runtime.cli_given import BadInput
from stepsim.runtime.cli_validate import name_values, problem_text


@click.command()
@click.argument("history", type=click.Path(path_type=Path))
@click.argument("definition", type=click.Path(path_type=Path))
@click.option("--resource", metavar="LOGICAL_ID", help="Which state machine of a template.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["STANDARD", "EXPRESS"]),
    help="What the state machine is: STANDARD, unless given.",
)
@click.option(
    "--substitute",
    "substitutes",
    metavar="NAME=VALUE",
    multiple=True,
    help="A value of the definition's ${NAME}, or a template's parameter. Repeatable.",
)
@click.pass_context
def replay(
    ctx: click.Context,
    history: Path,
    definition: Path,
    resource: str | None,
    kind: str | None,
    substitutes: tuple[str, ...],
) -> None:
    """Run a recorded history against a definition that may have changed.

    HISTORY is what `aws stepfunctions get-execution-history` has written, or the history.json of a run that was saved.
    Nothing is called: each Task gets the answer that was recorded. The first thing that goes otherwise is shown.

    Exit status: 0 all goes as recorded, 1 something does not, 2 bad usage, or a history of another machine.
    """
    from stepsim.asl.errors import DefinitionError
    from stepsim.runtime.machine_tests.recorded import HistoryError
    from stepsim.runtime.machine_tests.replay import replay as replayed_of
    from stepsim.runtime.projects.findings import ProjectError

    values = name_values(substitutes, "--substitute")
    try:
        replayed = replayed_of(
            definition,
            history,
            resource=resource,
            type="EXPRESS" if kind == "EXPRESS" else None if kind is None else "STANDARD",
            substitutions=values,
        )
    except DefinitionError as error:
        raise BadInput("\n".join(problem_text(problem, error.source) for problem in error.problems)) from None
    except (HistoryError, ProjectError) as error:
        raise BadInput(str(error)) from None
    click.echo(str(replayed))
    ctx.exit(0 if replayed.same else 1)
