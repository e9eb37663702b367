"""``stepsim run`` and ``stepsim simulate``: a scenario or a definition in, its report out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stepsim.runtime.cli_coverage import check_form, measured
from stepsim.runtime.cli_given import (
    BadInput,
    Choice,
    Given,
    MachineType,
    Mocking,
    given_scenario,
    is_definition_file,
    is_template,
    json_input,
    scenario_of,
)
from stepsim.runtime.cli_output import MARKDOWN, Written, check_targets, execute

if TYPE_CHECKING:
    from stepsim.runtime.kept import KeptRun
    from stepsim.runtime.runner import Watch
    from stepsim.runtime.scenario_types import Scenario

C = TypeVar("C", bound=Callable[..., Any])

_INPUT = click.option("--input", "payload", metavar="JSON|@FILE", help="The execution's input; a scenario has its own.")
_SET = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Change a value of the scenario: --set cloud.buckets.inbox.generate.count=500. May be repeated.",
)
_SEED = click.option("--seed", type=int, help="What chance is drawn from; the scenario's own otherwise.")
_JSON = click.option(
    "--json", "json_target", metavar="FILE|-", help="Write the report as JSON; with -, the summary goes to stderr."
)

_MOCK_CONFIG = click.option(
    "--mock-config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Mocks of tasks: Step Functions Local's mock configuration file.",
)
_TEST_CASE = click.option("--test-case", metavar="NAME", help="The test case of the mocks: NAME, or MACHINE#NAME.")
_SAVE = click.option(
    "--save",
    "folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep what the run leaves in its buckets and tables.",
)


_RESOURCE = click.option(
    "--resource", metavar="LOGICAL_ID", help="Which state machine of a template; not needed where it has one."
)
_PARAMETER = click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of a template, or what else only AWS knows: an export, an attribute. May be repeated.",
)


def _shared(command: C) -> C:
    """The options that both commands have, in this order."""
    options = (_INPUT, _RESOURCE, _PARAMETER, _SET, _SEED, _MOCK_CONFIG, _TEST_CASE, _JSON, MARKDOWN, _SAVE)
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("file", metavar="[SCENARIO_DEFINITION_OR_TEMPLATE]", type=click.Path(path_type=Path), required=False)
@_shared
@click.option(
    "--function",
    "functions",
    multiple=True,
    metavar="NAME=MODULE:HANDLER",
    help="The code of a definition's function, relative to the current folder. May be repeated.",
)
@click.option(
    "--type", "kind", type=click.Choice(["STANDARD", "EXPRESS"]), help="What a definition is; STANDARD otherwise."
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="How many processes run functions; one a CPU otherwise, and some more while invocations are short.",
)
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write everything down as it happens, so that --redrive can go on with the run, whatever ends it.",
)
@click.option(
    "--redrive",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="In place of a scenario: go on with the run that was kept there. What had succeeded is not done again.",
)
@click.pass_context
def run(
    ctx: click.Context,
    file: Path | None,
    payload: str | None,
    resource: str | None,
    parameters: tuple[str, ...],
    sets: tuple[str, ...],
    seed: int | None,
    mock_config: Path | None,
    test_case: str | None,
    json_target: str | None,
    markdown_target: str | None,
    folder: Path | None,
    functions: tuple[str, ...],
    kind: MachineType | None,
    processes: int | None,
    keep: Path | None,
    redrive: Path | None,
) -> None:
    """Run a scenario, a definition or a state machine of a template for real.

    It runs on the system clock, its functions in processes of their own, its AWS calls against a local account.

    Exit status: 0 it succeeded and its expectations hold, 1 not, 2 bad usage or input.
    """

    mocking = Mocking(mock_config, test_case)
    given = Given(file, payload, sets, seed, functions, kind, mocking, None, Choice(resource, parameters))
    kept = None if redrive is None else _kept_run(redrive, given, keep)
    if kept is not None:
        given = Given.of_arguments(kept.arguments or {})

    def verb(scenario: Scenario, watch: Watch) -> dict[str, Any]:
        from stepsim.runtime import runner

        return runner.run(scenario, watch, processes, kept)

    written = Written(json_target, markdown_target)
    check_targets(written, folder)
    scenario = given_scenario(given)
    if keep is not None:
        kept = _new_kept_run(keep, scenario, given)
    ctx.exit(execute(verb, scenario, written, folder))


def _kept_run(folder: Path, given: Given, keep: Path | None) -> KeptRun:
    """The run that is to be gone on with, as it was begun."""
    from stepsim.runtime.kept import KeptError, KeptRun

    if keep is not None or given != Given(None, None, (), None, (), None, Mocking(None, None)):
        raise click.UsageError(
            "--redrive goes on with a run as it was begun; it goes with --json, --save, --processes."
        )
    try:
        return KeptRun.of_folder(folder)
    except KeptError as error:
        raise click.BadParameter(str(error), param_hint="--redrive") from None


def _new_kept_run(folder: Path, scenario: Scenario, given: Given) -> KeptRun:
    from stepsim.runtime.kept import KeptError, KeptRun

    try:
        return KeptRun.new(folder, scenario.name, scenario.seed, given.arguments())
    except KeptError as error:
        raise click.BadParameter(str(error), param_hint="--keep") from None


@click.command()
@click.argument("file", metavar="SCENARIO", type=click.Path(path_type=Path))
@_shared
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="Simulate it so many times, each with the next seed, and tell the worst; a failing seed is shrunk to the "
    "fewest faults that still break an expectation.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="How many of them run at a time; one a CPU otherwise.")
@click.option(
    "--keep",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --seeds: where the shrunk scenario is written.",
)
@click.option("--html", metavar="FILE", help="Write the report as one HTML page, with charts over the run's time.")
@click.option(
    "--asl-cov",
    "coverage",
    multiple=True,
    metavar="FORM",
    callback=check_form,
    help="Tell which states and branches were come to: term, term-missing, html[:FOLDER], json[:FILE], xml[:FILE]. May "
    "be repeated.",
)
@click.pass_context
def simulate(
    ctx: click.Context,
    file: Path,
    payload: str | None,
    resource: str | None,
    parameters: tuple[str, ...],
    sets: tuple[str, ...],
    seed: int | None,
    mock_config: Path | None,
    test_case: str | None,
    json_target: str | None,
    markdown_target: str | None,
    folder: Path | None,
    seeds: int | None,
    jobs: int | None,
    keep: Path | None,
    html: str | None,
    coverage: Sequence[str],
) -> None:
    """Simulate a scenario in virtual time.

    The clock jumps from event to event; functions run as they are, or are modelled. The same scenario and seed give
    the same report, wall_s and peak_rss_mb aside. A definition that calls no functions will do in place of a scenario,
    and so will a template (CloudFormation, SAM, cdk.out, serverless.yml, Terraform).

    Exit status: 0 it succeeded and its expectations hold, 1 not, 2 bad usage or input.
    """

    def verb(scenario: Scenario, watch: Watch) -> dict[str, Any]:
        from stepsim.runtime import runner

        return runner.simulate(scenario, watch) if html is None else _drawn(scenario, watch, html)

    written = Written(json_target, markdown_target)
    check_targets(written, folder)
    mocking, choice = Mocking(mock_config, test_case), Choice(resource, parameters)
    scenario = scenario_of(file, payload, sets, seed, "virtual", (), None, mocking, None, choice)
    if html is not None:
        from stepsim.runtime.json_output import refuse_unwritable

        refuse_unwritable(html, "--html")
    if seeds is None and (jobs is not None or keep is not None):
        raise click.UsageError("--jobs and --keep go with --seeds.")
    if seeds is not None:
        if folder is not None or html is not None or coverage or is_template(file) or is_definition_file(file):
            raise click.UsageError("--seeds is for a scenario, and does not go with --save, --html or --asl-cov.")
        from stepsim.runtime.cli_seeds import simulate_many

        all_sets = (*sets, *mocking.sets(file), *_input_set(payload))
        ctx.exit(simulate_many(file, all_sets, scenario.seed, seeds, jobs, keep, written))
    ctx.exit(measured(coverage, lambda: execute(verb, scenario, written, folder), written.summary))


def _drawn(scenario: Scenario, watch: Watch, target: str) -> dict[str, Any]:
    """Simulate, and write the report as a page. Raises BadInput where it cannot be written."""
    from stepsim.runtime.html_report import html_report
    from stepsim.runtime.runner import simulate as simulated
    from stepsim.runtime.time_series import TimeSeries

    series = TimeSeries()
    report = simulated(scenario, replace(watch, series=series))
    try:
        Path(target).write_text(html_report(report, series), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}") from None
    return report


def _input_set(payload: str | None) -> list[str]:
    """``--input`` as a change of a scenario."""
    return [] if payload is None else [f"input={json.dumps(json_input(payload))}"]
