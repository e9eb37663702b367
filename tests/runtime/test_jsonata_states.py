"""Machines written in JSONata, run."""

from __future__ import annotations

from typing import Any

JSONATA = {"QueryLanguage": "JSONata"}


def test_every_state_takes_expressions(laboratory: Any) -> None:
    """Arguments, Output, Assign, Condition, Items, Seconds and Error in one machine."""
    definition: dict[str, Any] = {
        **JSONATA,
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"limit": "{% $states.input.limit %}"}, "Next": "Each"},
            "Each": {
                "Type": "Map",
                "Items": "{% $states.input.orders %}",
                "ItemSelector": {
                    "n": "{% $states.context.Map.Item.Value %}",
                    "i": "{% $states.context.Map.Item.Index %}",
                },
                "ItemProcessor": {
                    "StartAt": "Double",
                    "States": {"Double": {"Type": "Pass", "Output": "{% $states.input.n * 2 %}", "End": True}},
                },
                "Output": {"total": "{% $sum($states.result) %}"},
                "Next": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": "{% 1 + 1 %}", "Next": "Large?"},
            "Large?": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": "{% $states.input.total > $limit %}",
                        "Output": {"refused": "{% $states.input.total %}"},
                        "Next": "Refuse",
                    }
                ],
                "Default": "Accept",
            },
            "Refuse": {"Type": "Fail", "Error": "TooLarge", "Cause": "{% $string($states.input.refused) %}"},
            "Accept": {"Type": "Succeed", "Output": "{% $states.input.total & ' is fine' %}"},
        },
    }
    assert laboratory.run(definition, {"limit": 20, "orders": [1, 2, 3]}).output == "12 is fine"
    refused = laboratory.run(definition, {"limit": 10, "orders": [1, 2, 3]})
    assert (refused.execution.error, refused.execution.cause) == ("TooLarge", "12")


def test_a_failed_evaluation_has_an_event_and_can_be_caught(laboratory: Any) -> None:
    """EvaluationFailed names the field; a retried one is written for each attempt (measured)."""
    definition: dict[str, Any] = {
        **JSONATA,
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "f", "Payload": {"a": ["{% $nope %}"]}},
                "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 1}],
                "Catch": [
                    {
                        "ErrorEquals": ["States.ALL"],
                        "Output": {"told": "{% $states.errorOutput.Error %}", "was": "{% $states.input.x %}"},
                        "Assign": {"error": "{% $states.errorOutput.Error %}"},
                        "Next": "End",
                    }
                ],
                "End": True,
            },
            "End": {"Type": "Pass", "Output": {"both": "{% [$error, $states.input.told] %}"}, "End": True},
        },
    }
    result = laboratory.run(definition, {"x": 1})
    failed = [event for event in result.execution.history if event.type == "EvaluationFailed"]
    assert [event.details and event.details["location"] for event in failed] == ["Arguments/Payload/a[0]"] * 2
    assert result.output == {"both": ["States.QueryEvaluationError"] * 2}


def test_languages_mix_state_by_state(laboratory: Any) -> None:
    """A JSONPath machine may have states of JSONata, and what is inside a Map speaks the machine's language."""
    definition: dict[str, Any] = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                **JSONATA,
                "Items": "{% $states.input %}",
                "ItemProcessor": {
                    "StartAt": "One",
                    "States": {"One": {"Type": "Pass", "Parameters": {"n.$": "$"}, "End": True}},
                },
                "Output": "{% $states.result.n %}",
                "End": True,
            }
        },
    }
    assert laboratory.run(definition, [1, 2]).output == [1, 2]
