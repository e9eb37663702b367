"""Placeholders of other tools: holes for who asks for it, and only where the definition would be wrong otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.parse import Document
from stepsim.asl.validate import validate

TASK: dict[str, Any] = {"Type": "Task", "End": True, "TimeoutSeconds": 1}


def found(state: dict[str, Any], *, templates: bool = True) -> list[tuple[str, str]]:
    """Severity and code of each problem of a machine of one state."""
    document = Document.of_value({"StartAt": "A", "States": {"A": state}})
    return [(problem.severity, problem.code) for problem in validate(document, templates=templates)]


@pytest.mark.parametrize(
    "resource",
    [
        "<INSERT ARN HERE>",
        "%%ARN%%",
        "%ARN%",
        "{{ arn }}",
        "@@ARN@@",
        "@arn@",
        "#{arn}",
        "[[arn]]",
        "__arn__",
        "%s",
        "{arn}",
        "$(ARN)",
        "$ARN",
        "WORKER_FUNCTION_ARN",
        "arn:aws:lambda:{{region}}:{{account}}:function:{{name}}",
        "arn:aws:lambda:<region>:<account>:function:f",
    ],
)
def test_placeholders_of_a_resource(resource: str) -> None:
    """One is a warning where templates are expected, and an error where they are not."""
    state = {**TASK, "Resource": resource}
    assert found(state) == [("warning", "FOREIGN_PLACEHOLDER")]
    assert found(state, templates=False) == [("error", "SCHEMA_VALIDATION_FAILED")]


@pytest.mark.parametrize("resource", ["arn:aws:states:::bedrock:invokeAgent", "my function", "a:b", "ARN"])
def test_what_is_no_placeholder(resource: str) -> None:
    """A resource that is simply wrong stays an error."""
    assert found({**TASK, "Resource": resource}) == [("error", "SCHEMA_VALIDATION_FAILED")]


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Parallel", "Branches": "ALL_BRANCHES", "End": True},
        {"Type": "Wait", "Seconds": "{{ seconds }}", "End": True},
        {"Type": "Wait", "Seconds": 1, "Comment": "<%= c %>", "End": "{{ end }}"},
        {"Type": "Pass", "Parameters": {"a.$": "{{ path }}"}, "End": True},
    ],
)
def test_placeholders_of_other_fields(state: dict[str, Any]) -> None:
    """They stand for whatever the field takes."""
    assert ("warning", "FOREIGN_PLACEHOLDER") in found(state)
    assert not any(severity == "error" for severity, _ in found(state))


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"a.$": "States.Format('<b>{}</b>', $.a"}, "End": True},
        {"Type": "Pass", "Parameters": {"a.$": "$.a[?(@.x<3 && @.y>2]"}, "End": True},
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $a <$b> %}", "End": True},
        {"Type": "SOME_TYPE", "End": True},
        {"Type": "Pass", "Parameters": {"a.$": "States.Default($.a, 10)"}, "End": True},
    ],
)
def test_expressions_have_signs_of_their_own(state: dict[str, Any]) -> None:
    """Comparisons, calls and words that a field has a list of are no placeholders."""
    problems = found(state)
    assert any(severity == "error" for severity, _ in problems)
    assert ("warning", "FOREIGN_PLACEHOLDER") not in problems


def test_text_that_breaks_no_rule_is_left_alone() -> None:
    """HTML in a message is no placeholder, nor is what only a run would miss."""
    assert found({"Type": "Pass", "Result": {"body": "<b>%NAME%</b>"}, "End": True}) == []


def test_the_warning_names_the_placeholder_and_its_place() -> None:
    """Every string that has one is named, once."""
    states = {"A": {**TASK, "Resource": "%ARN%", "Next": "B"}, "B": {**TASK, "Resource": "x:%ARN%:y"}}
    del states["A"]["End"]
    problems = validate(Document.of_value({"StartAt": "A", "States": states}), templates=True)
    assert [(problem.path, "'%ARN%'" in problem.message) for problem in problems] == [
        ("/States/A/Resource", True),
        ("/States/B/Resource", True),
    ]
