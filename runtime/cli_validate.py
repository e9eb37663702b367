"""``stepsim validate``: everything that is wrong with definitions, for people, programs and code hosts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from stepsim.asl.errors import Problem
    from stepsim.asl.payload import JSON
    from stepsim.asl.validate import MachineType

_SOURCE = re.compile(r'\[Source: \(String\)".*"(?:\[truncated \d+ chars\])?; (line: \d+, column: \d+)\]', re.DOTALL)
"""A place with the text before it, as AWS's parser writes it."""
_COLOURS = {"error": "red", "warning": "yellow"}


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "markdown"]),
    default="text",
    show_default=True,
    help="Output.",
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["STANDARD", "EXPRESS"]),
    default="STANDARD",
    show_default=True,
    help="What the state machines are: EXPRESS takes no callbacks, .sync tasks or distributed maps.",
)
@click.option("--advice", is_flag=True, help="Warn of what good practice would add, too: time-outs, retries.")
@click.option(
    "--substitute",
    "substitutes",
    metavar="NAME=VALUE",
    multiple=True,
    help="Fill ${NAME} before checking; warn where a definition has no such placeholder. Repeatable.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of a template, or what else only AWS knows: an export, an attribute. Repeatable.",
)
@click.option("--resource", metavar="LOGICAL_ID", help="Only this state machine of a template.")
@click.pass_context
def validate(
    ctx: click.Context,
    files: tuple[str, ...],
    form: str,
    kind: str,
    advice: bool,
    substitutes: tuple[str, ...],
    parameters: tuple[str, ...],
    resource: str | None,
) -> None:
    """Tell everything that is wrong with definitions.

    Every problem of a JSON or YAML file comes with its place and what to write instead. ${Placeholders} are holes, not
    problems; those of other tools are warnings. Scenarios may be among the files; the definitions that they name are
    files of their own. So may templates (CloudFormation, SAM, cdk.out, serverless.yml, Terraform): the definitions that
    stand in them, or that they name, are looked at with their substitutions.

    Exit status: 0 no errors, 1 errors, 2 a file that cannot be read.
    """
    mapping = name_values(substitutes, "--substitute")
    given = name_values(parameters, "--parameter")
    checked: dict[str, Sequence[Problem]] = {}
    unread: dict[str, str] = {}
    found_template = False
    for file in dict.fromkeys(files):
        templates = _template_problems(file, given, resource, advice)
        if templates is not None:
            if mapping:
                raise click.UsageError(f"--substitute is for definitions; {file} is a template and has its own.")
            found_template = True
            checked |= {name: [*checked.get(name, ()), *problems] for name, problems in templates.items()}
            continue
        try:
            text = read_text(Path(file))
        except ValueError as error:
            unread[file] = str(error)
        else:
            checked[file] = _problems(text, file, _Options(kind, mapping, advice))
    if (given or resource is not None) and not found_template:
        raise click.UsageError("--resource and --parameter are for templates, and there is none among the files.")
    _SHOWN_AS[form](checked, unread)
    for file, reason in unread.items():
        click.echo(f"Error: {file} cannot be read: {reason}", err=True)
    ctx.exit(2 if unread else 1 if any(map(has_errors, checked.values())) else 0)


def read_text(path: Path) -> str:
    """A file's text. Raises ValueError with the reason where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None


def has_errors(problems: Sequence[Problem]) -> bool:
    """True where it is more than warnings."""
    return any(problem.severity == "error" for problem in problems)


def problem_text(problem: Problem, file: str) -> str:
    """``file:line:column: severity CODE: message at path``, and below it what to write instead; for a terminal."""
    place = click.style(f"{file}:{problem.line}:{problem.column}:", bold=True)
    severity = click.style(problem.severity, fg=_COLOURS[problem.severity])
    # A message may quote the text, lines and all; of a syntax error the place says more than AWS's quotation.
    message = " ".join(_SOURCE.sub(r"\1", problem.message).split())
    if problem.path.startswith("/"):
        message = f"{message.removesuffix('.')} at {problem.path}"
    hint = f"\n    {problem.suggestion}" if problem.suggestion else ""
    return f"{place} {severity} {problem.code}: {message}{hint}"


def is_scenario(value: JSON) -> bool:
    """True for what names a definition; a definition itself has StartAt and States."""
    return isinstance(value, dict) and "definition" in value and not is_definition(value)


def is_mock_config(value: JSON) -> bool:
    """True for mocks of tasks, in the form of Step Functions Local."""
    return isinstance(value, dict) and ("MockedResponses" in value or "StateMachines" in value)


def is_definition(value: JSON) -> bool:
    """True for a state machine, complete or not."""
    return isinstance(value, dict) and ("States" in value or "StartAt" in value)


class _Options(NamedTuple):
    """How definitions are to be looked at."""

    kind: str
    substitutions: Mapping[str, str]
    advice: bool


def name_values(texts: Sequence[str], option: str) -> Mapping[str, str]:
    """The values of an option that is written NAME=VALUE, by name. Raises BadParameter for another form."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise click.BadParameter("write NAME=VALUE", param_hint=option)
    return {name: value for name, _, value in pairs}


def _template_problems(
    file: str, given: Mapping[str, str], resource: str | None, advice: bool
) -> Mapping[str, Sequence[Problem]] | None:
    """The problems of templates, by the file that each stands in; None for what is no template."""
    from stepsim.runtime.projects.findings import ProjectError
    from stepsim.runtime.projects.kinds import is_project

    path = Path(file)
    try:
        if not is_project(path):
            return None
    except ProjectError as error:
        return {file: [finding.problem for finding in error.findings]}
    from stepsim.runtime.projects.check import project_problems

    return project_problems(path, given, resource, advice=advice)


def _problems(text: str, file: str, options: _Options) -> Sequence[Problem]:
    from stepsim.asl.errors import DefinitionError
    from stepsim.asl.parse import parse, substitute
    from stepsim.asl.validate import validate as check

    unused = _unused(text, options.substitutions)
    try:
        document = parse(substitute(text, options.substitutions) if options.substitutions else text, file)
    except DefinitionError as error:
        return error.problems
    if is_scenario(document.value):
        return _scenario_problems(file)
    if is_mock_config(document.value):
        return _mock_problems(text, file)
    kind: MachineType = "EXPRESS" if options.kind == "EXPRESS" else "STANDARD"
    return [*unused, *check(document, kind, advice=options.advice, templates=True)]


def _unused(text: str, substitutions: Mapping[str, str]) -> list[Problem]:
    from stepsim.asl.errors import Problem
    from stepsim.asl.parse import placeholders

    known = placeholders(text) if substitutions else []
    return [
        Problem(
            "UNUSED_SUBSTITUTION",
            f"The definition has no placeholder ${{{name}}}",
            "/",
            1,
            1,
            "warning",
            f"It has {', '.join(known)}." if known else "It has none.",
        )
        for name in substitutions
        if name not in known
    ]


def _scenario_problems(file: str) -> Sequence[Problem]:
    from stepsim.runtime.scenario import ScenarioError, load_scenario

    try:
        load_scenario(file)
    except ScenarioError as error:
        return error.problems
    return []


def _mock_problems(text: str, file: str) -> Sequence[Problem]:
    from stepsim.runtime.mocks.reading import MockConfigError, read_mocks

    try:
        read_mocks(text, file)
    except MockConfigError as error:
        return error.problems
    return []


def _show_text(checked: Mapping[str, Sequence[Problem]], unread: Mapping[str, str]) -> None:
    for file, problems in checked.items():
        for problem in problems:
            click.echo(problem_text(problem, file))
        if not has_errors(problems):
            click.echo(f"{file}: {click.style('valid', fg='green')}")
    found = [problem for problems in checked.values() for problem in problems]
    if not found and len(checked) + len(unread) == 1:
        return
    errors = sum(problem.severity == "error" for problem in found)
    counts = [_count(errors, "error"), _count(len(found) - errors, "warning")]
    click.echo(f"{', '.join(counts)} in {_count(len(checked), 'file')}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _show_json(checked: Mapping[str, Sequence[Problem]], _unread: Mapping[str, str]) -> None:
    from stepsim.runtime.json_output import STDOUT, write_json

    write_json([_described(file, problems) for file, problems in checked.items()], STDOUT)


def _described(file: str, problems: Sequence[Problem]) -> dict[str, Any]:
    names = ("severity", "code", "message", "path", "line", "column", "suggestion")
    return {
        "file": file,
        "valid": not has_errors(problems),
        "problems": [{name: getattr(problem, name) for name in names} for problem in problems],
    }


def _show_sarif(checked: Mapping[str, Sequence[Problem]], unread: Mapping[str, str]) -> None:
    from importlib.metadata import version

    from stepsim.runtime.json_output import STDOUT, write_json
    from stepsim.runtime.sarif import sarif_log

    write_json(sarif_log(checked, unread, version("stepsim")), STDOUT)


def _show_markdown(checked: Mapping[str, Sequence[Problem]], unread: Mapping[str, str]) -> None:
    from stepsim.runtime.markdown_summary import problems_markdown

    click.echo(problems_markdown(checked, unread), nl=False)


_SHOWN_AS = {"text": _show_text, "json": _show_json, "sarif": _show_sarif, "markdown": _show_markdown}
