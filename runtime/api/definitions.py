"""Definitions as the API takes them: compiled, or refused with AWS's diagnostics."""

from __future__ import annotations

from typing import Any

from stepsim.asl.compile import compile_machine
from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.machine import StateMachine
from stepsim.asl.parse import Document, parse, placeholders
from stepsim.asl.payload import JSON
from stepsim.asl.validate import validate
from stepsim.runtime.api.records import MachineType, Params, Response
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.cloud.call import ApiError

MAX_DIAGNOSTICS = 100

_HOLE = "${"
_NO_HOLE = "$\ufeff{"
"""How a placeholder is written down where it must not count as one."""


def compile_definition(text: str, machine_type: MachineType) -> StateMachine:
    """The machine of a definition. Raises ApiError InvalidDefinition, which names everything that is wrong."""
    try:
        document = parse(text)
    except DefinitionError as error:
        raise _invalid_definition(error.problems) from None
    errors = [problem for problem in _problems_of(document, machine_type) if problem.severity == "error"]
    if errors:
        raise _bad_label(errors[0], text) if errors[0].code == "INVALID_LABEL_NAME" else _invalid_definition(errors)
    return compile_machine(document.value)


def validate_state_machine_definition(registry: Registry, params: Params) -> Response:  # noqa: ARG001
    """ValidateStateMachineDefinition: a definition that is wrong is an answer, not an error."""
    problems: list[Problem]
    try:
        problems = _problems_of(parse(params["definition"]), params.get("type") or "STANDARD")
    except DefinitionError as error:
        problems = list(error.problems)
    failed = any(problem.severity == "error" for problem in problems)
    if params.get("severity") != "WARNING":
        problems = [problem for problem in problems if problem.severity == "error"]
    most = params.get("maxResults") or MAX_DIAGNOSTICS
    return {
        "result": "FAIL" if failed else "OK",
        "diagnostics": [_diagnostic(problem) for problem in problems[:most]],
        "truncated": len(problems) > most,
    }


def _problems_of(document: Document, machine_type: MachineType) -> list[Problem]:
    """What is wrong with a definition in which a ``${Placeholder}`` is text like any other."""
    if not placeholders(document.value):
        return validate(document, type=machine_type)
    plain = Document.of_value(_without_holes(document.value))
    plain.problems = document.problems
    return [_with_holes(problem) for problem in validate(plain, type=machine_type)]


def _without_holes(value: JSON) -> JSON:
    if isinstance(value, str):
        return value.replace(_HOLE, _NO_HOLE)
    if isinstance(value, dict):
        return {name.replace(_HOLE, _NO_HOLE): _without_holes(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_holes(item) for item in value]
    return value


def _with_holes(problem: Problem) -> Problem:
    message, path = (text.replace(_NO_HOLE, _HOLE) for text in (problem.message, problem.path))
    return Problem(problem.code, message, path, problem.line, problem.column, problem.severity, problem.suggestion)


def _invalid_definition(problems: list[Problem] | tuple[Problem, ...]) -> ApiError:
    texts = (f"{problem.code}: {problem.message} at {problem.path or 'null'}" for problem in problems)
    return ApiError("InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(texts)}'")


def _bad_label(problem: Problem, text: str) -> ApiError:
    """A label that a map run cannot have. The recordings word this, and only this, as an exception of Python's."""
    return ApiError("InvalidDefinition", f"Error=ValueError Args={[problem.message]!r} in definition '{text}'.")


def _diagnostic(problem: Problem) -> dict[str, Any]:
    message = problem.message
    if problem.path.startswith("[Source"):
        # The message of AWS's JSON parser says where, too.
        message = f"{message}\n at {problem.path}"
    diagnostic = {"severity": problem.severity.upper(), "code": problem.code, "message": message}
    return diagnostic | {"location": problem.path} if problem.path else diagnostic
