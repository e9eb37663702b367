"""``stepsim run`` and ``stepsim simulate``: a scenario or a definition in, its report out."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TextIO, TypeAlias, TypeVar

import click

from stepsim.runtime.cli_coverage import check_form, measured
from stepsim.runtime.cli_validate import is_definition, is_scenario, name_values, problem_text, read_text
from stepsim.runtime.console import ProgressLine, can_redraw

if TYPE_CHECKING:
    from stepsim.asl.payload import JSON
    from stepsim.runtime.kept import KeptRun
    from stepsim.runtime.mocks.answers import MockedCase
    from stepsim.runtime.runner import Watch
    from stepsim.runtime.scenario_types import Scenario

Verb: TypeAlias = "Callable[[Scenario, Watch], dict[str, Any]]"
MachineType: TypeAlias = Literal["STANDARD", "EXPRESS"]
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
MARKDOWN = click.option(
    "--markdown",
    "markdown_target",
    metavar="FILE|-",
    help="Write a summary in Markdown, for a pull request; with -, the other one goes to stderr.",
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


class Mocking(NamedTuple):
    """What --mock-config and --test-case say."""

    mock_config: Path | None
    test_case: str | None

    def sets(self, scenario: Path) -> list[str]:
        """The same as changes of a scenario, whose file they are relative to."""
        said: list[str] = []
        if self.mock_config is not None:
            said.append(f"mocks.file={json.dumps(os.path.relpath(self.mock_config, scenario.parent))}")
        if self.test_case is not None:
            said.append(f"mocks.test_case={json.dumps(self.test_case)}")
        return said


class BadInput(click.ClickException):
    """Something that the user gave cannot be used."""

    exit_code = 2


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
@click.option("--processes", type=click.IntRange(min=1), help="How many processes run functions; one a CPU otherwise.")
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
    _check_targets(written, folder)
    scenario = _given_scenario(given)
    if keep is not None:
        kept = _new_kept_run(keep, scenario, given)
    ctx.exit(_execute(verb, scenario, written, folder))


class Choice(NamedTuple):
    """What --resource and --parameter say."""

    resource: str | None = None
    parameters: tuple[str, ...] = ()


_ANY = Choice()


class Given(NamedTuple):
    """What a run was given: written down where it is kept, and found there when it is redriven."""

    file: Path | None
    payload: str | None
    sets: tuple[str, ...]
    seed: int | None
    functions: tuple[str, ...]
    kind: MachineType | None
    mocking: Mocking
    base_dir: Path | None = None
    """What a definition's functions are relative to; the current folder where it is None."""
    choice: Choice = _ANY

    def arguments(self) -> dict[str, JSON]:
        """The same for a file. Raises BadParameter for an input that cannot be read."""
        assert self.file is not None
        return {
            "file": str(self.file.resolve()),
            "input": None if self.payload is None else json.dumps(_input(self.payload)),
            "set": list(self.sets),
            "seed": self.seed,
            "function": list(self.functions),
            "type": self.kind,
            "resource": self.choice.resource,
            "parameter": list(self.choice.parameters),
            "folder": str(Path.cwd()),
        }

    @classmethod
    def of_arguments(cls, said: Mapping[str, Any]) -> Given:
        """What `arguments` has written down. Raises BadInput where it was not the command line that did."""
        if not said:
            raise BadInput("The run was begun from Python, and is redriven from there, too: runner.redrive.")
        return cls(
            Path(said["file"]),
            said["input"],
            tuple(said["set"]),
            said["seed"],
            tuple(said["function"]),
            said["type"],
            Mocking(None, None),
            Path(said["folder"]),
            Choice(said.get("resource"), tuple(said.get("parameter", ()))),
        )


def _given_scenario(given: Given) -> Scenario:
    if given.file is None:
        raise click.UsageError("Name a scenario or a definition, or with --redrive a run that was kept.")
    _, payload, sets, seed, functions, kind, mocking, base_dir, choice = given
    return _scenario(given.file, payload, sets, seed, "system", functions, kind, mocking, base_dir, choice)


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
    _check_targets(written, folder)
    mocking, choice = Mocking(mock_config, test_case), Choice(resource, parameters)
    scenario = _scenario(file, payload, sets, seed, "virtual", (), None, mocking, None, choice)
    if html is not None:
        from stepsim.runtime.json_output import refuse_unwritable

        refuse_unwritable(html, "--html")
    if seeds is None and (jobs is not None or keep is not None):
        raise click.UsageError("--jobs and --keep go with --seeds.")
    if seeds is not None:
        if folder is not None or html is not None or coverage or _is_template(file) or _is_definition(file):
            raise click.UsageError("--seeds is for a scenario, and does not go with --save, --html or --asl-cov.")
        from stepsim.runtime.cli_seeds import simulate_many

        all_sets = (*sets, *mocking.sets(file), *_input_set(payload))
        ctx.exit(simulate_many(file, all_sets, scenario.seed, seeds, jobs, keep, written))
    ctx.exit(measured(coverage, lambda: _execute(verb, scenario, written, folder), written.summary))


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
    return [] if payload is None else [f"input={json.dumps(_input(payload))}"]


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


def _check_targets(written: Written, folder: Path | None) -> None:
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


def _scenario(
    file: Path,
    payload: str | None,
    sets: Sequence[str],
    seed: int | None,
    clock: Literal["virtual", "system"],
    functions: Sequence[str],
    kind: MachineType | None,
    mocking: Mocking,
    base_dir: Path | None = None,
    choice: Choice = _ANY,
) -> Scenario:
    """The scenario of the file, or one made of the definition or the template that it is."""
    from stepsim.runtime.scenario_check import ScenarioError

    value = None if payload is None else _input(payload)
    if _is_template(file):
        if sets or kind is not None:
            option = "--set" if sets else "--type"
            raise click.UsageError(f"{option} changes a scenario, and {file} is a template: name it in a scenario.")
        scenario = _template_scenario(file, choice, _functions(functions), base_dir or Path.cwd())
        scenario = replace(scenario, mocks=_mocks(mocking, file, scenario.name), seed=seed or 0)
        return scenario if payload is None else replace(scenario, input=value)
    if choice != _ANY:
        raise click.UsageError(f"--resource and --parameter are for a template, and {file} is none.")
    if _is_definition(file):
        if sets:
            raise click.UsageError(f"--set changes a scenario, and {file} is a definition.")
        from stepsim.runtime.runner import scenario_of_definition

        scenario = scenario_of_definition(
            file,
            payload={} if payload is None else value,
            functions=_functions(functions),
            machine_type=kind or "STANDARD",
            base_dir=base_dir or Path.cwd(),
        )
        scenario = replace(scenario, mocks=_mocks(mocking, file, scenario.name))
        return scenario if seed is None else replace(scenario, seed=seed)
    if functions:
        raise click.UsageError(f"--function is for a definition; {file} is a scenario and names its own functions.")
    if kind is not None:
        raise click.UsageError(f"--type is for a definition; write --set type={kind} for the scenario {file}.")
    from stepsim.runtime.scenario import load_scenario

    try:
        scenario = _told(load_scenario(file, [*sets, *mocking.sets(file)], seed, clock=clock))
    except ScenarioError as error:
        _refuse(str(error).splitlines(), file)
    return scenario if payload is None else replace(scenario, input=value, starts_itself=True)


def _is_template(file: Path) -> bool:
    """True for templates and folders of them. Raises BadInput for one that cannot be read."""
    from stepsim.runtime.projects.findings import ProjectError
    from stepsim.runtime.projects.kinds import is_project

    try:
        return is_project(file)
    except ProjectError as error:
        _refuse([problem_text(found.problem, str(found.file)) for found in error.findings], file)


def _template_scenario(file: Path, choice: Choice, functions: Mapping[str, str], base_dir: Path) -> Scenario:
    """The scenario of a template's machine."""
    from stepsim.runtime.projects.findings import ProjectError
    from stepsim.runtime.projects.load import load_project
    from stepsim.runtime.projects.to_scenario import scenario_of_project

    try:
        project = load_project(file, name_values(choice.parameters, "--parameter"))
        made = scenario_of_project(project, choice.resource, functions=functions, base_dir=base_dir)
    except ProjectError as error:
        _refuse([problem_text(found.problem, str(found.file)) for found in error.findings], file)
    return _told(made.scenario)


def _told(scenario: Scenario) -> Scenario:
    """The same, after what its template has and no run has was told on standard error."""
    for finding in dict.fromkeys(scenario.findings):
        click.echo(problem_text(finding.problem, str(finding.file)), err=True)
    return scenario


def _is_definition(file: Path) -> bool:
    """True for a definition, False for a scenario. Raises BadInput for what is neither."""
    from stepsim.asl.errors import DefinitionError
    from stepsim.asl.parse import parse

    try:
        value = parse(read_text(file), str(file)).value
    except ValueError as error:
        raise BadInput(f"{file} cannot be read: {error}") from None
    except DefinitionError as error:
        _refuse([problem_text(problem, str(file)) for problem in error.problems], file)
    if is_definition(value) or is_scenario(value):
        return is_definition(value)
    raise BadInput(
        f"{file} is neither a definition, which has StartAt and States, nor a scenario, which has definition."
    )


def _mocks(mocking: Mocking, definition: Path, machine: str) -> MockedCase | None:
    """The test case that a definition is run with; None where none is asked for."""
    from stepsim.runtime.mocks.reading import MockConfigError, find_case, load_mocks

    if mocking.mock_config is None and mocking.test_case is None:
        return None
    if mocking.mock_config is None:
        raise click.UsageError(f"--test-case is one of a --mock-config, and {definition} has none of its own.")
    try:
        file = load_mocks(mocking.mock_config)
    except MockConfigError as error:
        _refuse(str(error).splitlines(), mocking.mock_config)
    if mocking.test_case is None:
        known = [f"{of}#{name}" for of, cases in file.cases.items() for name in cases]
        raise click.UsageError(f"--mock-config needs a --test-case; {mocking.mock_config} has {', '.join(known)}.")
    try:
        return find_case(file, machine, mocking.test_case)
    except LookupError as error:
        raise BadInput(str(error)) from None


def _input(text: str) -> JSON:
    """The value of ``--input``: JSON, or ``@FILE`` that holds JSON."""
    from stepsim.asl.payload import decode

    try:
        return decode(read_text(Path(text[1:])) if text.startswith("@") else text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--input") from None


def _functions(texts: Sequence[str]) -> dict[str, str]:
    functions: dict[str, str] = {}
    for text in texts:
        name, equals, handler = text.partition("=")
        if not (name and equals and handler):
            raise click.BadParameter(f"{text!r} is not of the form NAME=module:handler.", param_hint="--function")
        if name in functions:
            raise click.BadParameter(f"{name} is named twice.", param_hint="--function")
        functions[name] = handler
    return functions


def _refuse(lines: Sequence[str], file: Path | str) -> NoReturn:
    """Raise BadInput for a file with these problems."""
    if len(lines) == 1:
        raise BadInput(lines[0])
    for line in lines:
        click.echo(line, err=True)
    raise BadInput(f"{file} has {len(lines)} problems.")


def _execute(verb: Verb, scenario: Scenario, written: Written, folder: Path | None) -> int:
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
        _refuse([problem_text(problem, error.source) for problem in error.problems], error.source)
    except ScenarioError as error:
        _refuse(str(error).splitlines(), error.source)
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
