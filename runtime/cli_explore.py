"""``stepsim explore``: what a state machine does with inputs and answers that nobody thought of."""

from __future__ import annotations

import os
from pathlib import Path

import click

from stepsim.runtime.cli_given import BadInput
from stepsim.runtime.cli_validate import name_values, problem_text


@click.command()
@click.argument("definition", metavar="DEFINITION", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--budget", type=click.IntRange(min=1), default=500, show_default=True, help="How many executions the search has."
)
@click.option("--seed", type=int, default=0, show_default=True, help="What chance is drawn from.")
@click.option(
    "--max-events",
    type=click.IntRange(min=100, max=25_000),
    default=2_000,
    show_default=True,
    help="An execution with more events goes round in circles.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was found as tests: tests/test_explored.py",
)
@click.option(
    "--substitute",
    "substitutes",
    metavar="NAME=VALUE",
    multiple=True,
    help="A value of the definition's ${NAME}; its own name otherwise. Repeatable.",
)
@click.option("--json", "json_target", metavar="FILE|-", help="Write what was found as JSON.")
def explore(
    definition: Path,
    budget: int,
    seed: int,
    max_events: int,
    output: Path | None,
    substitutes: tuple[str, ...],
    json_target: str | None,
) -> None:
    """Search for inputs and faults that reach a machine's branches, or break it.

    Every Task is answered by the search: with results in which something is at each place that is read later, with
    errors, or not at all. It tells which branches are reached by what, which are not, which errors nothing handles,
    and where an execution goes round in circles. Always the same of the same seed.

    Exit status: 0 it is done, whatever was found, 2 bad usage or input.
    """
    from tempfile import TemporaryDirectory

    from stepsim.asl.errors import DefinitionError
    from stepsim.runtime.json_output import STDOUT, refuse_unwritable, write_json

    for target, option in ((json_target, "--json"), (None if output is None else str(output), "--output")):
        if target is not None:
            refuse_unwritable(target, option)
    values = name_values(substitutes, "--substitute")
    try:
        from hypothesis.configuration import set_hypothesis_home_dir

        from stepsim.runtime.explore.search import explore as explored_of
        from stepsim.runtime.explore.subject import subject_of
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise BadInput("Exploring needs Hypothesis, which is not installed: pip install 'stepsim[explore]'") from None
    from stepsim.runtime.explore.telling import as_json, lines_of

    try:
        subject = subject_of(definition, values)
    except DefinitionError as error:
        raise BadInput("\n".join(problem_text(problem, error.source) for problem in error.problems)) from None
    with TemporaryDirectory() as folder:
        # Hypothesis notes what it has read of the code, in the current folder otherwise.
        set_hypothesis_home_dir(folder)
        explored = explored_of(subject, seed, budget, max_events)
    try:
        if json_target is not None:
            write_json(as_json(explored, str(definition)), json_target)
        if output is not None:
            from stepsim.runtime.explore.written_tests import tests_of

            relative = Path(os.path.relpath(definition.resolve(), output.resolve().parent)).as_posix()
            output.write_text(tests_of(explored, relative), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{error.filename or output} cannot be written: {error.strerror}") from None
    for line in lines_of(explored, str(definition)):
        click.echo(line, err=json_target == STDOUT)
    if output is not None:
        click.echo(f"\n{output}: written", err=json_target == STDOUT)
