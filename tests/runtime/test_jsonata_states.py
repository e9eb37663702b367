"""Machines written in JSONata, run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import MapState
from stepsim.runtime.cloud.call import Answer, CallSite
from stepsim.runtime.item_source import source_of_reader

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


def test_items_that_are_written_out_may_hold_expressions(laboratory: Any) -> None:
    """An array or object in Items is evaluated at any depth, in maps of either kind; one that gives nothing fails."""
    inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    large = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **inner}
    for processor in (inner, large):
        each = {"Type": "Map", "ItemProcessor": processor, "End": True}
        items = [1, "{% $states.input.n + 1 %}", {"a": ["{% $states.input.n %}"]}]
        done = laboratory.run({**JSONATA, "StartAt": "M", "States": {"M": {**each, "Items": items}}}, {"n": 1})
        assert done.output == [1, 2, {"a": [1]}]
        failed = laboratory.run({**JSONATA, "StartAt": "M", "States": {"M": {**each, "Items": ["{% $x %}"]}}}, {})
        assert failed.execution.error == "States.QueryEvaluationError"
        assert "specified for the field 'Items[0]' returned nothing" in failed.execution.cause


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


def fails(laboratory: Any, state: dict[str, Any], value: Any = None) -> list[tuple[str | None, str]]:
    """The EvaluationFailed events of a machine of one state: location, and the cause without AWS's prefix."""
    definition = {**JSONATA, "StartAt": "S", "States": {"S": {"End": True, **state}}}
    result = laboratory.run(definition, value, functions={"f": lambda event: event})
    assert result.execution.error == "States.QueryEvaluationError"
    found = [event.details or {} for event in result.execution.history if event.type == "EvaluationFailed"]
    return [(details.get("location"), details["cause"].partition("). ")[2]) for details in found]


CALL: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Arguments": {"FunctionName": "f"},
}
INNER: dict[str, Any] = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
EXPRESS: dict[str, Any] = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **INNER}
EACH: dict[str, Any] = {"Type": "Map", "Items": [1, 2], "ItemProcessor": INNER}
LARGE: dict[str, Any] = {"Type": "Map", "Items": [1, 2], "ItemProcessor": EXPRESS}
READER: dict[str, Any] = {"Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Bucket": "bucket", "Key": "k"}}


@pytest.mark.parametrize(
    ("state", "location", "expected", "kind"),
    [
        ({**CALL, "TimeoutSeconds": "{% 'x' %}"}, "TimeoutSeconds", "number", "string"),
        ({**CALL, "HeartbeatSeconds": "{% true %}"}, "HeartbeatSeconds", "number", "boolean"),
        ({**CALL, "Credentials": {"RoleArn": "{% 1 %}"}}, "Credentials/RoleArn", "string", "number"),
        ({**EACH, "Items": "{% {'a': 1} %}"}, "Items", "array", "object"),
        ({**EACH, "MaxConcurrency": "{% [1] %}"}, "MaxConcurrency", "number", "array"),
        ({**LARGE, "Items": "{% 'x' %}"}, "Items", "array", "string"),
        ({**LARGE, "ToleratedFailureCount": "{% null %}"}, "ToleratedFailureCount", "number", "null"),
        ({**LARGE, "ToleratedFailurePercentage": "{% 'x' %}"}, "ToleratedFailurePercentage", "number", "string"),
        (
            {**LARGE, "ItemBatcher": {"MaxItemsPerBatch": "{% 'x' %}"}},
            "ItemBatcher/MaxItemsPerBatch",
            "number",
            "string",
        ),
        (
            {**LARGE, "ItemBatcher": {"MaxInputBytesPerBatch": "{% {} %}"}},
            "ItemBatcher/MaxInputBytesPerBatch",
            "number",
            "object",
        ),
        ({"Type": "Wait", "Seconds": "{% 'x' %}"}, "Seconds", "number", "string"),
        ({"Type": "Wait", "Timestamp": "{% 1 %}"}, "Timestamp", "string", "number"),
    ],
)
def test_a_field_takes_one_type(
    state: dict[str, Any], location: str, expected: str, kind: str, laboratory: Any
) -> None:
    """The cause names the expression, the field, both types and the value (recorded for Items)."""
    [(place, cause)] = fails(laboratory, state)
    assert place == location
    assert f"specified for the field '{location}' returned an unexpected result type. " in cause
    assert f"Expected '{expected}', but was '{kind}' for value: " in cause


@pytest.mark.parametrize(
    ("state", "location", "cause"),
    [
        ({**CALL, "TimeoutSeconds": "{% 0 %}"}, "TimeoutSeconds", "TimeoutSeconds must be greater than 0."),
        ({**EACH, "MaxConcurrency": "{% -1 %}"}, "MaxConcurrency", "MaxConcurrency cannot be negative."),
        (
            {**LARGE, "ToleratedFailurePercentage": "{% 100.1 %}"},
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentage must be between 0 and 100.",
        ),
        ({"Type": "Wait", "Seconds": "{% -1 %}"}, "Seconds", "The Seconds field cannot be negative: -1"),
    ],
)
def test_a_number_out_of_range(state: dict[str, Any], location: str, cause: str, laboratory: Any) -> None:
    """It is the expression that fails, which can be caught (documented)."""
    assert fails(laboratory, state) == [(location, cause)]


@pytest.mark.parametrize(
    ("state", "location"),
    [
        ({**EACH, "ItemSelector": {"a": ["{% $nope %}"]}}, "ItemSelector/a[0]"),
        ({**EACH, "Output": "{% $nope %}"}, "Output"),
        ({**EACH, "Assign": {"v": "{% $nope %}"}}, "Assign/v"),
        ({**LARGE, "ItemBatcher": {"MaxItemsPerBatch": 1, "BatchInput": "{% $nope %}"}}, "ItemBatcher/BatchInput"),
        ({**CALL, "Output": {"a": {"b": "{% $nope %}"}}}, "Output/a/b"),
        ({"Type": "Parallel", "Branches": [INNER], "Arguments": ["{% $nope %}"]}, "Arguments[0]"),
        ({"Type": "Pass", "Output": {"v": "{% $nope %}"}}, "Output/v"),
        ({"Type": "Succeed", "Output": "{% $nope %}"}, "Output"),
        ({"Type": "Fail", "Cause": "{% $nope %}"}, "Cause"),
        (
            {
                **LARGE,
                "Items": None,
                "ItemReader": {**READER, "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% $nope %}"}},
            },
            "ItemReader/ReaderConfig/MaxItems",
        ),
        ({**LARGE, "Items": None, "ItemReader": {**READER, "Arguments": "{% $nope %}"}}, "ItemReader/Arguments"),
        (
            {**LARGE, "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Arguments": "{% $nope %}"}},
            "ResultWriter/Arguments",
        ),
    ],
)
def test_a_location_is_the_way_through_the_state(state: dict[str, Any], location: str, laboratory: Any) -> None:
    """A slash for each key, an index for each element (measured)."""
    kept = {name: value for name, value in state.items() if value is not None}
    [(place, cause)] = fails(laboratory, kept)
    assert place == location
    assert cause.endswith(f"'$nope' specified for the field '{location}' returned nothing (undefined).")


def test_a_map_without_items_needs_an_array(laboratory: Any) -> None:
    """The failure names no field (recorded)."""
    state = {"Type": "Map", "ItemProcessor": INNER}
    assert fails(laboratory, state, 1) == [(None, "Map state input must be an array but was: 1")]


def test_null_is_an_output(laboratory: Any) -> None:
    """Null is a value like any other, built or literal."""
    for output in (None, "{% null %}", "{% $states.input.nothing %}"):
        definition = {**JSONATA, "StartAt": "S", "States": {"S": {"Type": "Succeed", "Output": output}}}
        assert laboratory.run(definition, {"nothing": None}).output is None


def test_numbers_of_outputs(laboratory: Any) -> None:
    """Numbers without end become their names, and integers of 64 bits stay (measured)."""
    output = {"a": "{% 1 / 0 %}", "b": "{% 0 / 0 %}", "c": "{% {'id': $states.input.id} %}", "d": "{% $string(1e20) %}"}
    definition = {**JSONATA, "StartAt": "S", "States": {"S": {"Type": "Pass", "Output": output, "End": True}}}
    ended = laboratory.run(definition, {"id": 9007199254740993}).execution
    assert ended.output.text == ('{"a":"Infinity","b":"NaN","c":{"id":9007199254740993},"d":"100000000000000000000"}')


def test_a_distributed_map_takes_expressions_everywhere(laboratory: Any) -> None:
    """Reader, batcher and writer included."""
    laboratory.s3["numbers.json"] = b"[1, 2, 3, 4, 5]"
    definition: dict[str, Any] = {
        **JSONATA,
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "MaxConcurrency": "{% $states.input.size %}",
                "ToleratedFailureCount": "{% $states.input.size %}",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% $states.input.size * 2 %}"},
                    "Arguments": {"Bucket": "bucket", "Key": "{% $states.input.key %}"},
                },
                "ItemSelector": "{% $states.context.Map.Item.Value * 10 %}",
                "ItemBatcher": {
                    "MaxItemsPerBatch": "{% $states.input.size %}",
                    "BatchInput": {"from": "{% $states.input.key %}"},
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    "StartAt": "Sum",
                    "States": {
                        "Sum": {
                            "Type": "Pass",
                            "Output": "{% $states.input.BatchInput.from & ':' & $sum($states.input.Items) %}",
                            "End": True,
                        }
                    },
                },
                "Output": "{% $states.result %}",
                "End": True,
            }
        },
    }
    assert laboratory.run(definition, {"key": "numbers.json", "size": 2}).output == [
        "numbers.json:30",
        "numbers.json:70",
    ]


@pytest.mark.parametrize(("language", "kind"), [("JSONata", int), ("JSONPath", float)])
def test_dates_of_a_listing(language: str, kind: type) -> None:
    """LastModified is an integer in a JSONata machine, and a double in a JSONPath machine (measured)."""
    arguments = "Arguments" if language == "JSONata" else "Parameters"
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", arguments: {"Bucket": "bucket"}}
    state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": EXPRESS, "End": True}
    compiled = compile_machine({"QueryLanguage": language, "StartAt": "S", "States": {"S": state}}).states["S"]
    assert isinstance(compiled, MapState)
    assert compiled.distributed is not None
    assert compiled.distributed.reader is not None
    entry = {"ETag": '"1"', "Key": "k", "LastModified": datetime(2026, 1, 5, tzinfo=UTC), "Size": 1}

    def perform(service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        return Answer({"Contents": [entry]})

    site = CallSite("one", "S", "", None, 0)
    source = source_of_reader(compiled.distributed.reader, {"Bucket": "bucket"}, 0, perform, site, lambda: 0)
    [item] = source.items
    assert item.value["LastModified"] == 1_767_571_200
    assert isinstance(item.value["LastModified"], kind)


def test_a_catchers_own_output_may_fail(laboratory: Any) -> None:
    """It points where the first failure did, and the state fails a second time (measured)."""
    branch = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken"}}}
    catch = [
        {"ErrorEquals": ["Other"], "Next": "End"},
        {"ErrorEquals": ["Broken"], "Output": {"v": "{% $nope %}"}, "Next": "End"},
    ]
    states = {
        "L": {"Type": "Parallel", "Branches": [branch], "Catch": catch, "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    execution = laboratory.run({**JSONATA, "StartAt": "L", "States": states}).execution
    assert [(event.id, event.previous_event_id, event.type) for event in execution.history][3:] == [
        (4, 3, "FailStateEntered"),
        (5, 4, "ParallelStateFailed"),
        (6, 4, "EvaluationFailed"),
        (7, 6, "ParallelStateFailed"),
        (8, 7, "ExecutionFailed"),
    ]
    [failed] = [event for event in execution.history if event.type == "EvaluationFailed"]
    assert failed.details is not None
    assert failed.details["location"] == "Catch[1]/Output/v"
    assert execution.error == "States.QueryEvaluationError"
