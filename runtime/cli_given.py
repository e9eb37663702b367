"""What ``run`` and ``simulate`` are given: a scenario, a definition or a template, and what options say of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeAlias

import click

from stepsim.runtime.cli_validate import is_definition, is_scenario, name_values, problem_text, read_text

if TYPE_CHECKING:
    from stepsim.asl.payload import JSON
    from stepsim.runtime.mocks.answers import MockedCase
    from stepsim.runtime.scenario_types import Scenario

MachineType: TypeAlias = Literal["STANDARD", "EXPRESS"]


class BadInput(click.ClickException):
    """Something that the user gave cannot be used."""

    exit_code = 2


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


class Choice(NamedTuple):
    """What --resource and --parameter say."""

    resource: str | None = None
    parameters: tuple[str, ...] = ()


ANY = Choice()


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
    choice: Choice = ANY

    def arguments(self) -> dict[str, JSON]:
        """The same for a file. Raises BadParameter for an input that cannot be read."""
        assert self.file is not None
        return {
            "file": str(self.file.resolve()),
            "input": None if self.payload is None else json.dumps(json_input(self.payload)),
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


def given_scenario(given: Given) -> Scenario:
    """The scenario of what was given. Raises UsageError where no file was."""
    if given.file is None:
        raise click.UsageError("Name a scenario or a definition, or with --redrive a run that was kept.")
    _, payload, sets, seed, functions, kind, mocking, base_dir, choice = given
    return scenario_of(given.file, payload, sets, seed, "system", functions, kind, mocking, base_dir, choice)


def scenario_of(
    file: Path,
    payload: str | None,
    sets: Sequence[str],
    seed: int | None,
    clock: Literal["virtual", "system"],
    functions: Sequence[str],
    kind: MachineType | None,
    mocking: Mocking,
    base_dir: Path | None = None,
    choice: Choice = ANY,
) -> Scenario:
    """The scenario of the file, or one made of the definition or the template that it is."""
    from stepsim.runtime.scenario_check import ScenarioError

    value = None if payload is None else json_input(payload)
    if is_template(file):
        if sets or kind is not None:
            option = "--set" if sets else "--type"
            raise click.UsageError(f"{option} changes a scenario, and {file} is a template: name it in a scenario.")
        scenario = _template_scenario(file, choice, _functions(functions), base_dir or Path.cwd())
        scenario = replace(scenario, mocks=_mocks(mocking, file, scenario.name), seed=seed or 0)
        return scenario if payload is None else replace(scenario, input=value)
    if choice != ANY:
        raise click.UsageError(f"--resource and --parameter are for a template, and {file} is none.")
    if is_definition_file(file):
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
        refuse(str(error).splitlines(), file)
    return scenario if payload is None else replace(scenario, input=value, starts_itself=True)


def is_template(file: Path) -> bool:
    """True for templates and folders of them. Raises BadInput for one that cannot be read."""
    from stepsim.runtime.projects.findings import ProjectError
    from stepsim.runtime.projects.kinds import is_project

    try:
        return is_project(file)
    except ProjectError as error:
        refuse([problem_text(found.problem, str(found.file)) for found in error.findings], file)


def _template_scenario(file: Path, choice: Choice, functions: Mapping[str, str], base_dir: Path) -> Scenario:
    """The scenario of a template's machine."""
    from stepsim.runtime.projects.findings import ProjectError
    from stepsim.runtime.projects.load import load_project
    from stepsim.runtime.projects.to_scenario import scenario_of_project

    try:
        project = load_project(file, name_values(choice.parameters, "--parameter"))
        made = scenario_of_project(project, choice.resource, functions=functions, base_dir=base_dir)
    except ProjectError as error:
        refuse([problem_text(found.problem, str(found.file)) for found in error.findings], file)
    return _told(made.scenario)


def _told(scenario: Scenario) -> Scenario:
    """The same, after what its template has and no run has was told on standard error."""
    for finding in dict.fromkeys(scenario.findings):
        click.echo(problem_text(finding.problem, str(finding.file)), err=True)
    return scenario


def is_definition_file(file: Path) -> bool:
    """True for a definition, False for a scenario. Raises BadInput for what is neither."""
    from stepsim.asl.errors import DefinitionError
    from stepsim.asl.parse import parse

    try:
        value = parse(read_text(file), str(file)).value
    except ValueError as error:
        raise BadInput(f"{file} cannot be read: {error}") from None
    except DefinitionError as error:
        refuse([problem_text(problem, str(file)) for problem in error.problems], file)
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
        refuse(str(error).splitlines(), mocking.mock_config)
    if mocking.test_case is None:
        known = [f"{of}#{name}" for of, cases in file.cases.items() for name in cases]
        raise click.UsageError(f"--mock-config needs a --test-case; {mocking.mock_config} has {', '.join(known)}.")
    try:
        return find_case(file, machine, mocking.test_case)
    except LookupError as error:
        raise BadInput(str(error)) from None


def json_input(text: str) -> JSON:
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


def refuse(lines: Sequence[str], file: Path | str) -> NoReturn:
    """Raise BadInput for a file with these problems."""
    if len(lines) == 1:
        raise BadInput(lines[0])
    for line in lines:
        click.echo(line, err=True)
    raise BadInput(f"{file} has {len(lines)} problems.")
