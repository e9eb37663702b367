"""Holds an object against its rows of the field table: unknown, missing and contradicting fields, and every value."""

# The checks of the kinds share one shape; not each of them reads all that it is given.
# ruff: noqa: ARG001

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepsim.asl.fields import Field, Fields, Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.timestamp import parse_timestamp
from stepsim.asl.validate_expressions import is_jsonata, path_fault, reference_path_fault, variables_of
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_suggestions import did_you_mean, for_unknown_field, for_wrong_language
from stepsim.asl.validate_templates import check_assign, check_jsonata, check_string_path, check_template

_AS_TYPE = {
    "[STRING]": "Write a string, in quotes.",
    "[BOOLEAN]": "Write true or false, without quotes.",
    "[NUMBER]": "Write a number, without quotes.",
    "Integer": "Write a whole number, without quotes.",
    "[ARRAY]": "Put it into brackets: [ … ].",
    "[OBJECT]": "Write an object: { … }.",
}
_PATHS = "A path begins with '$': $.name, $['a name'], $.list[0], or $$.… for the context object."


@dataclass(frozen=True, slots=True)
class Where:
    """What a check needs to know about its surroundings."""

    findings: Findings
    language: Language


def check_fields(value: dict[str, JSON], owner: Fields, path: Path, where: Where) -> None:
    """Report everything about an object that the table can tell. Locations are AWS's: for a field that must not be
    there or is missing, the object; for a wrong value, the field."""
    complete = check_required(value, owner, path, where)
    if not complete and owner.name == "Credentials":
        return  # Recorded: AWS says no more of them.
    for name in value:
        field = owner.rows.get(name)
        if field is None and is_hole(name):
            continue
        if field is None:
            suggestion = for_unknown_field(name, owner, where.language, value[name])
            unsupported(where.findings, name, path, suggestion)
        elif field.language not in (None, where.language):
            _wrong_language(name, field, path, where)
        else:
            check_value(value[name], field, (*path, name), where)
    for names in owner.exactly_one:
        _check_exactly_one(value, owner, names, path, where)
    for names in owner.at_most_one:
        _check_at_most_one(value, owner, names, path, where)


def unsupported(findings: Findings, name: str, path: Path, suggestion: str | None) -> None:
    """Report a field that stands where it may not."""
    findings.error(f"Field '{name}' is not supported", path, suggestion, at=(*path, name))


def _wrong_language(name: str, field: Field, path: Path, where: Where) -> None:
    message = (
        f"The QueryLanguage is set to '{where.language}', but field '{name}' is only supported for the "
        f"'{field.language}' QueryLanguage"
    )
    where.findings.error(message, path, for_wrong_language(name, where.language), at=(*path, name))


def check_required(value: dict[str, JSON], owner: Fields, path: Path, where: Where) -> bool:
    """Report the required fields that an object lacks, all in one as AWS does; True where it lacks none."""
    missing = [name for name, field in owner.rows.items() if field.required and name not in value]
    if not missing:
        return True
    if owner.name == "Credentials":
        message = f"The field '{missing[0]}' is required but was missing"
    elif missing == ["Type"]:
        message = "The field 'Type' is required"
    else:
        message = f"These fields are required: [{', '.join(missing)}]"
    hint = _READER_RESOURCE if owner.name == "ItemReader" else _REQUIRED.get(missing[0])
    where.findings.error(message, path, hint or f"Write {' and '.join(missing)}.")
    return False


_READER_RESOURCE = (
    'Write "Resource": "arn:aws:states:::s3:listObjectsV2" to list a prefix, or "…:s3:getObject" to read one file.'
)
_REQUIRED = {
    "States": 'Write "States": {"Name": {"Type": …}, …}; a machine inside a state has states of its own.',
    "Branches": 'Write "Branches": [{"StartAt": …, "States": {…}}, …].',
    "Type": 'Write "Type": one of Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map.',
    "StartAt": "Write StartAt with the name of the first state.",
    "Resource": "Write Resource with the ARN of what is to be called.",
    "ErrorEquals": 'Write "ErrorEquals": ["States.ALL"] to match every error.',
    "RoleArn": 'Write "RoleArn" (or "RoleArn.$") with the role to assume.',
    "Choices": "Write Choices with at least one rule.",
    "Next": "Write Next with the name of the state to go to.",
}


def _present(value: dict[str, JSON], owner: Fields, names: tuple[str, ...], language: str) -> tuple[list[str], str]:
    known = [name for name in names if owner.rows[name].language in (None, language)]
    return [name for name in known if name in value], ", ".join(known)


def _check_exactly_one(value: dict[str, JSON], owner: Fields, names: tuple[str, ...], path: Path, where: Where) -> None:
    present, listed = _present(value, owner, names, where.language)
    if len(present) > 1:
        message = f"There should only be one of the following fields: [{listed}]"
        where.findings.error(message, path, f"Keep one of {' and '.join(present)}.", at=(*path, present[1]))
    elif not present:
        message = f"This object should have only one of the following fields: [{listed}]"
        suggestion = f"Write one of {listed}."
        if "End" in names:
            suggestion = 'Write Next with the name of the state that follows, or "End": true.'
        where.findings.error(message, path, suggestion)


def _check_at_most_one(value: dict[str, JSON], owner: Fields, names: tuple[str, ...], path: Path, where: Where) -> None:
    present, listed = _present(value, owner, names, where.language)
    if len(present) > 1:
        message = f"There should only be one of the following fields: [{listed}]"
        where.findings.error(message, path, f"Keep one of {' and '.join(present)}.", at=(*path, present[1]))


def check_value(value: JSON, field: Field, path: Path, where: Where) -> None:
    """Report what is wrong with one field's value. A ``${Placeholder}`` may become anything and is passed over."""
    if is_hole(value) or (value is None and field.nullable):
        return
    if type(value) is str and not field.constant and where.language == "JSONata":
        check_jsonata(value, path, where.findings)
        if is_jsonata(value) or field.kind in ("value", "template"):
            return
    check = _CHECKS.get(field.kind)
    if check is not None:
        check(value, field, path, where)


def expect_type(findings: Findings, name: str, path: Path, suggestion: str | None = None) -> None:
    """Report a value of the wrong JSON type."""
    findings.error(f"Expected value of type {name}", path, suggestion or _AS_TYPE[name])


def _check_string(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)
        return
    if field.choices and value not in field.choices:
        message = f"Value should be one of the following: [{', '.join(field.choices)}]"
        hint = did_you_mean(value, field.choices, 0.5) or f"Write {' or '.join(field.choices)}."
        where.findings.error(message, path, hint)


def _check_boolean(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not bool:
        hint = f"Write {str(value).lower()} without quotes." if str(value).lower() in ("true", "false") else None
        expect_type(where.findings, "[BOOLEAN]", path, hint)


def _check_integer(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not int:
        hint = None
        if type(value) is str:
            twin = f"Write the number without quotes: {value.strip()}."
            hint = twin if value.strip().isdigit() else f"To take it from the input, write {path[-1]}Path."
        expect_type(where.findings, "Integer", path, hint)
        return
    _check_range(value, field, path, where)


def _check_number(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) not in (int, float):
        expect_type(where.findings, "[NUMBER]", path)
        return
    _check_range(value, field, path, where)


def _check_range(value: float, field: Field, path: Path, where: Where) -> None:
    if field.minimum is not None and value < field.minimum:
        where.findings.error(f"Minimum value is {field.minimum}", path, f"Write {field.minimum} or more.")
    if field.maximum is not None and value > field.maximum:
        where.findings.error(f"Maximum value is {field.maximum}", path, f"Write {field.maximum} or less.")


def _check_timestamp(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)
    elif parse_timestamp(value) is None:
        hint = "Write date, 'T', time and 'Z' or an offset: 2016-03-14T01:59:00Z."
        if value.startswith("$"):
            hint = "To take it from the input, write TimestampPath."
        where.findings.error("String does not match RFC3339 timestamp", path, hint)


def _check_path(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)
        return
    fault = "Path didn't start with '$'" if not value.startswith("$") else path_fault(value)
    if fault is not None:
        hint = _PATHS
        if value.startswith("States."):
            hint = "Intrinsic functions work in payload templates only: compute the value in a state before."
        elif not value.startswith("$"):
            hint = f"Write '$.{value}'."
        where.findings.error(f"Value is not a Path: {fault}", path, hint)


def _check_reference_path(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is str and (value.startswith("$$") or variables_of(value)):
        what = "the context object cannot be written" if value.startswith("$$") else "it names a variable"
        hint = "Write a path into the state's input, such as '$.result'; variables are written by Assign."
        where.findings.error(f"Value is not a Reference Path: {what}", path, hint)
    else:
        _report_reference_path(value, path, where, reference_path_fault)


def _check_value_path(value: JSON, field: Field, path: Path, where: Where) -> None:
    _report_reference_path(value, path, where, _value_path_fault)


def _value_path_fault(text: str) -> str | None:
    return path_fault(text) if text.startswith("$") else reference_path_fault(text)


def _report_reference_path(value: JSON, path: Path, where: Where, fault_of: Callable[[str], str | None]) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)
        return
    fault = fault_of(value)
    if fault is not None:
        hint = _PATHS if value.startswith("$") else f"Write '$.{value}'."
        where.findings.error(f"Value is not a Reference Path: {fault}", path, hint)


def _check_strings(value: JSON, field: Field, path: Path, where: Where) -> None:
    if not _check_list(value, field, path, where):
        return
    for index, item in enumerate(value):
        if type(item) is not str:
            expect_type(where.findings, "[STRING]", (*path, index))


def _check_list(value: JSON, field: Field, path: Path, where: Where) -> bool:
    if type(value) is not list:
        expect_type(where.findings, "[ARRAY]", path, "Put it into brackets: [ … ].")
        return False
    if field.non_empty and not value:
        where.findings.error("Value cannot be empty", path, "Write at least one.")
    return True


def _check_object(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not dict:
        expect_type(where.findings, "[OBJECT]", path)
    elif field.fields is not None:
        plain = value
        if where.language == "JSONPath" and field.fields.name == "Credentials":
            check_template(value, path, where.findings)
            plain = {name.removesuffix(".$"): item for name, item in value.items()}
        check_fields(plain, field.fields, path, where)


def _check_objects(value: JSON, field: Field, path: Path, where: Where) -> None:
    if not _check_list(value, field, path, where):
        return
    for index, item in enumerate(value):
        if not is_hole(item):
            _check_object(item, field, (*path, index), where)


def _check_pointer(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)
    elif value and not value.startswith("/"):
        message = f"Invalid input: JSON Pointer expression must start with '/': \"{value}\""
        hint = "/" + value.removeprefix("$.").replace(".", "/")
        where.findings.error(message, path, f"Write '{hint}'.")


def _check_template(value: JSON, field: Field, path: Path, where: Where) -> None:
    if where.language == "JSONata":
        check_jsonata(value, path, where.findings)
    else:
        check_template(value, path, where.findings)


def _check_jsonata(value: JSON, field: Field, path: Path, where: Where) -> None:
    check_jsonata(value, path, where.findings)


def _check_assign(value: JSON, field: Field, path: Path, where: Where) -> None:
    check_assign(value, path, where.findings, where.language)


def _check_string_path(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)
    else:
        check_string_path(value, path, where.findings)


def _check_condition(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not bool:
        expect_type(where.findings, "[BOOLEAN]", path, "Write a JSONata expression: {% … %}.")


def _check_state_name(value: JSON, field: Field, path: Path, where: Where) -> None:
    if type(value) is not str:
        expect_type(where.findings, "[STRING]", path)


_CHECKS: dict[str, Callable[[JSON, Field, Path, Where], None]] = {
    "string": _check_string,
    "boolean": _check_boolean,
    "integer": _check_integer,
    "number": _check_number,
    "timestamp": _check_timestamp,
    "path": _check_path,
    "reference path": _check_reference_path,
    "value path": _check_value_path,
    "items path": _check_value_path,
    "string path": _check_string_path,
    "strings": _check_strings,
    "object": _check_object,
    "objects": _check_objects,
    "pointer": _check_pointer,
    "template": _check_template,
    "value": _check_jsonata,
    "assign": _check_assign,
    "condition": _check_condition,
    "state name": _check_state_name,
}
"""By kind; "states", "machine", "machines", "choices" and "resource" are for who walks the structure."""
