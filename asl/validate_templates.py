"""Payload templates, assignments and JSONata values: what can be said about them without their input."""

from __future__ import annotations

import re

from stepsim.asl.fields import MAX_NAME, Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import intrinsic_fault, is_jsonata, path_fault
from stepsim.asl.validate_findings import Findings

_STRING_FUNCTIONS = ("ArrayGetItem", "Base64Decode", "Base64Encode", "Format", "Hash", "JsonToString", "UUID")
_CALL = re.compile(r"States\.(\w+)\s*\(")
_UNFILLED = re.compile(r"(?<![{$\\\w])\{([A-Za-z_][\w.-]*)\}(?!\})")
_SUFFIX = ".$"


def check_template(value: JSON, path: Path, findings: Findings) -> None:
    """Report what is wrong in a payload template. AWS names the template's own field as the place."""
    if is_hole(value):
        return
    if type(value) is str and (value == "$" or value.startswith(("$.", "$[", "$$", "States."))):
        message = f"'{value}' is taken as it stands: {path[-1]} is a template, not a path"
        hint = f'Write an object: {{"name.$": "{value}"}}; or take it whole with InputPath or OutputPath.'
        findings.warning("LITERAL_PATH", message, path, hint)
    _check_node(value, path, path, findings)


def _check_node(value: JSON, path: Path, owner: Path, findings: Findings) -> None:
    if type(value) is list:
        for index, item in enumerate(value):
            _check_node(item, (*path, index), owner, findings)
    elif type(value) is dict:
        for name, member in value.items():
            place = (*path, name)
            if name.endswith(_SUFFIX):
                _check_computed(name, member, place, owner, findings)
                if name.removesuffix(_SUFFIX) in value:
                    _report_twice(name.removesuffix(_SUFFIX), place, owner, findings)
            else:
                _check_node(member, place, owner, findings)
                if type(member) is str:
                    _warn_of_unfilled(name, member, place, findings)


def _check_computed(name: str, value: JSON, place: Path, owner: Path, findings: Findings) -> None:
    if is_hole(value):
        return
    hint: str | None
    if type(value) is not str:
        fault: str | None = "not a string"
        hint = f"Write '{name.removesuffix(_SUFFIX)}' without '.$' for a value that is not computed."
    elif value.startswith("$"):
        fault = path_fault(value)
        hint = f"As a JSONPath it is wrong: {fault}."
    else:
        fault = intrinsic_fault(value)
        hint = f"As a call it is wrong: {fault}." if value.startswith("States.") else _literal_hint(name, value)
    if fault is not None:
        message = f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
        findings.error(message, owner, hint, at=place)


def _literal_hint(name: str, value: str) -> str:
    plain = name.removesuffix(_SUFFIX)
    if is_jsonata(value):
        return 'JSONata needs "QueryLanguage": "JSONata"; in JSONPath write a path such as \'$.name\'.'
    return f"Write '{plain}' without '.$' if this is meant as it stands, or '$.{value}' to take it from the input."


def _report_twice(name: str, place: Path, owner: Path, findings: Findings) -> None:
    message = f"The field '{name}' stands twice: as '{name}' and as '{name}{_SUFFIX}'"
    findings.error(message, owner, "Keep one of the two.", at=place)


def _warn_of_unfilled(name: str, value: str, place: Path, findings: Findings) -> None:
    match = None if '"' in value else _UNFILLED.search(value)
    if match is None:
        return
    filled = _UNFILLED.sub("{}", value)
    findings.warning(
        "LITERAL_BRACES",
        f"{match.group()} in '{name}' is never filled in: a string without '.$' is taken as it stands",
        place,
        f'To fill it in, write "{name}.$": "States.Format(\'{filled}\', $.…)".',
    )


def check_assign(value: JSON, path: Path, findings: Findings, language: Language) -> None:
    """Report what is wrong in an Assign field: the names of its variables, and their values."""
    if is_hole(value) or (language == "JSONata" and type(value) is str and is_jsonata(value)):
        return
    if type(value) is not dict:
        findings.error("Expected value of type [OBJECT]", path, 'Write {"name": value}.')
        return
    for name in value:
        variable = name.removesuffix(_SUFFIX) if language == "JSONPath" else name
        _check_variable_name(variable, name, path, findings)
    if language == "JSONPath":
        check_template(value, path, findings)
    else:
        check_jsonata(value, path, findings)


def _check_variable_name(variable: str, name: str, path: Path, findings: Findings) -> None:
    if is_hole(variable):
        return
    if variable == "states":
        message, hint = "The variable name 'states' is reserved", "Choose another name."
    elif len(variable) > MAX_NAME:
        message = f"The variable name '{variable}' exceeds the maximum length of {MAX_NAME} characters"
        hint = f"Shorten it: it has {len(variable)} characters."
    elif not variable.isidentifier():
        message = f"The variable name '{variable}' is not a valid identifier"
        hint = "Write letters, digits and underscores, a letter first; a variable is assigned whole, not a part of it."
    else:
        return
    findings.error(message, path, hint, at=(*path, name), code="INVALID_VARIABLE_NAME")


def check_jsonata(value: JSON, path: Path, findings: Findings) -> None:
    """Report strings that open a JSONata expression and do not close it, or the other way round."""
    if type(value) is str:
        if value.startswith("{%") != value.endswith("%}") and not is_hole(value):
            hint = "Write {% … %} around the whole string, without blanks outside."
            findings.error("Unclosed JSONata expression", path, hint, code="INVALID_JSONATA_EXPRESSION")
    elif type(value) is list:
        for index, item in enumerate(value):
            check_jsonata(item, (*path, index), findings)
    elif type(value) is dict:
        for name, item in value.items():
            check_jsonata(item, (*path, name), findings)


def check_string_path(value: str, path: Path, findings: Findings) -> None:
    """Report an ErrorPath or CausePath that is neither a path nor a function that returns a string."""
    if value.startswith("$"):
        fault = path_fault(value)
    else:
        fault = intrinsic_fault(value)
        call = _CALL.match(value)
        if fault is None and (call is None or call.group(1) not in _STRING_FUNCTIONS):
            fault = "it does not return a string"
    if fault is not None:
        message = (
            "The value for the field must be a valid JSONPath or an intrinsic function expression that returns a "
            f"string ({', '.join(_STRING_FUNCTIONS)})"
        )
        field = str(path[-1])
        hint = f"For a text that is fixed write {field.removesuffix('Path')}." if "(" not in value else f"{fault}."
        findings.error(message, path, hint)
