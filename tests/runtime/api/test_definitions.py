"""`stepsim.runtime.api.definitions`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepsim.runtime.api.definitions import compile_definition
from stepsim.runtime.cloud.call import ApiError

FINE: dict[str, Any] = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
LOST = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Pass", "End": True}}}
NOT_JSON = "not a definition"
TOKEN = (
    "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
)
SOURCE = f'[Source: (String)"{NOT_JSON}"; line: 1, column: 4]'


def refusal(definition: Any, kind: Any = "STANDARD") -> str:
    """What is wrong with a definition, as CreateStateMachine says it."""
    text = definition if isinstance(definition, str) else json.dumps(definition)
    with pytest.raises(ApiError) as raised:
        compile_definition(text, kind)
    assert raised.value.code == "InvalidDefinition"
    return raised.value.message


def task(resource: str) -> dict[str, Any]:
    """A machine of one Task."""
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, "End": True}}}


@pytest.mark.parametrize(
    ("definition", "kind", "problems"),
    [
        ({}, "STANDARD", "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"),
        ("[]", "STANDARD", "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"),
        (" ", "STANDARD", "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"),
        (NOT_JSON, "STANDARD", f"INVALID_JSON_DESCRIPTION: {TOKEN} at {SOURCE}"),
        (
            LOST,
            "STANDARD",
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next, "
            'MISSING_TRANSITION_TARGET: State "C" is not reachable. at /States/C',
        ),
        (
            task("arn:aws:states:us-east-1:123456789012:activity:work"),
            "EXPRESS",
            "SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at /States/T/Resource",
        ),
    ],
)
def test_refused(definition: Any, kind: str, problems: str) -> None:
    """A definition is refused with the code, message and location of everything that is wrong."""
    assert refusal(definition, kind) == f"Invalid State Machine Definition: '{problems}'"


def test_placeholders_are_text() -> None:
    """Nobody fills a ``${Placeholder}`` in any more: it is text where text may stand, and wrong elsewhere."""
    parameters = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x": "${Y}"}, "End": True}}}
    machine = compile_definition(json.dumps(parameters), "STANDARD")
    assert machine.definition == parameters
    assert "Missing 'Next' target: ${Y} at /States/A/Next" in refusal(
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "${Y}"}, "B": {"Type": "Succeed"}}}
    )


def test_validate(service: Any) -> None:
    """A valid definition is OK; one that is not FAILs, with diagnostics."""
    assert service("ValidateStateMachineDefinition", definition=json.dumps(FINE)) == {
        "result": "OK",
        "diagnostics": [],
        "truncated": False,
    }
    answer = service("ValidateStateMachineDefinition", definition=json.dumps(LOST), type="STANDARD")
    assert (answer["result"], answer["truncated"]) == ("FAIL", False)
    assert answer["diagnostics"][0] == {
        "severity": "ERROR",
        "code": "MISSING_TRANSITION_TARGET",
        "message": "Missing 'Next' target: B",
        "location": "/States/A/Next",
    }


def test_validate_no_location(service: Any) -> None:
    """What stands nowhere has no location; what is no JSON says where in its message, too."""
    no_object = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED"}
    no_object["message"] = "Definition must be a valid JSON object"
    assert service("ValidateStateMachineDefinition", definition=" ")["diagnostics"] == [no_object]
    assert service("ValidateStateMachineDefinition", definition=NOT_JSON)["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "INVALID_JSON_DESCRIPTION",
            "message": f"{TOKEN}\n at {SOURCE}",
            "location": SOURCE,
        }
    ]


def test_validate_severity(service: Any) -> None:
    """Warnings are shown to whoever asks, and fail nothing."""
    reads = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": True}}}
    text = json.dumps(reads)
    for severity, count in (("WARNING", 1), ("ERROR", 0)):
        answer = service("ValidateStateMachineDefinition", definition=text, severity=severity)
        assert (answer["result"], len(answer["diagnostics"])) == ("OK", count)


def test_validate_truncated(service: Any) -> None:
    """No more diagnostics are shown than asked for; 0 asks for 100."""
    text = json.dumps(LOST)
    for most, shown, truncated in ((1, 1, True), (2, 2, False), (0, 2, False)):
        answer = service("ValidateStateMachineDefinition", definition=text, maxResults=most)
        assert (len(answer["diagnostics"]), answer["truncated"]) == (shown, truncated)
