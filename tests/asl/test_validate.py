"""Whole definitions: AWS's texts at AWS's places, holes, query languages, machine types."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.asl.compile import compile_machine
from stepsim.asl.errors import DefinitionError, Problem
from stepsim.asl.parse import Document, parse
from stepsim.asl.validate import MAX_DEPTH, MachineType, validate

DEFINITIONS = Path(__file__).parents[2] / "definitions"
BANK = DEFINITIONS / "bank_reconciliation"

END = {"Type": "Pass", "End": True}


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states), "A"), "States": states}


def check(definition: Any, machine_type: MachineType = "STANDARD") -> list[Problem]:
    return validate(Document.of_value(definition), type=machine_type)


def errors(definition: Any, machine_type: MachineType = "STANDARD") -> list[tuple[str, str]]:
    return [(p.message, p.path) for p in check(definition, machine_type) if p.severity == "error"]


@pytest.mark.parametrize(
    ("definition", "message", "path"),
    [
        ({}, "These fields are required: [States, StartAt]", "/"),
        ({"StartAt": "A"}, "These fields are required: [States]", "/"),
        ({"States": {"A": END}}, "These fields are required: [StartAt]", "/"),
        ({**machine(A=END), "Foo": 1}, "Field 'Foo' is not supported", "/"),
        (machine(A={**END, "Foo": 1}), "Field 'Foo' is not supported", "/States/A"),
        (machine(A={"End": True}), "The field 'Type' is required", "/States/A"),
        (
            machine(A={"Type": "Task2", "End": True}),
            "The field 'Type' should have one of these values: "
            "[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
            "/States/A",
        ),
        (machine(A={"Type": "Pass", "Next": "B"}), "Missing 'Next' target: B", "/States/A/Next"),
        (machine(A=END, B=END), 'State "B" is not reachable.', "/States/B"),
        ({"StartAt": "X", "States": {"A": END}}, "Missing 'Next' target: X", "/StartAt"),
        (machine(A={"Type": "Pass", "Next": "A"}), "Workflow has no terminal state", ""),
        (
            machine(A={"Type": "Pass"}),
            "This object should have only one of the following fields: [Next, End]",
            "/States/A",
        ),
        (machine(A={"Type": "Succeed", "Next": "A"}), "Field 'Next' is not supported", "/States/A"),
        (machine(A={"Type": "Wait", "Seconds": -1, "End": True}), "Minimum value is 0", "/States/A/Seconds"),
        (
            machine(A={"Type": "Wait", "Seconds": "1", "End": True}),
            "Expected value of type Integer",
            "/States/A/Seconds",
        ),
        (
            machine(A={"Type": "Wait", "Timestamp": "2016-13-05T21:29:29Z", "End": True}),
            "String does not match RFC3339 timestamp",
            "/States/A/Timestamp",
        ),
        (
            machine(A={**END, "Output": 1}),
            "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' "
            "QueryLanguage",
            "/States/A",
        ),
        (
            machine(A={**END, "Parameters": {"a": {"parsed.$": "States.StringToJson('\\')"}}}),
            "The value for the field 'parsed.$' must be a valid JSONPath or a valid intrinsic function call",
            "/States/A/Parameters",
        ),
        (
            machine(A={**END, "Assign": {"a.b": 1}}),
            "The variable name 'a.b' is not a valid identifier",
            "/States/A/Assign",
        ),
    ],
)
def test_aws_words_and_places(definition: Any, message: str, path: str) -> None:
    """A mistake is reported in AWS's words at AWS's location."""
    assert (message, path) in errors(definition)


def test_every_problem_at_once_in_the_order_of_the_text() -> None:
    """All problems come together, ordered by line and column."""
    text = (BANK / "as_published.asl.json").read_text(encoding="utf-8")
    problems = validate(parse(text, "as_published.asl.json"))
    assert [(p.line, p.column) for p in problems] == sorted((p.line, p.column) for p in problems)
    assert all(problem.suggestion for problem in problems)
    assert [(p.line, p.severity) for p in problems] == [
        (7, "error"),
        (22, "error"),
        (23, "error"),
        (24, "error"),
        (30, "error"),
        (35, "error"),
        (37, "error"),
        (40, "error"),
        (44, "warning"),
        (45, "warning"),
        (49, "error"),
        (60, "error"),
        (64, "error"),
    ]


def test_each_published_mistake_says_what_to_write_instead() -> None:
    """The states left outside, the workgroup, the reader's fields and the batch size all come with the right form."""
    problems = validate(parse((BANK / "as_published.asl.json").read_text(encoding="utf-8"), "x.json"))
    hints = {(p.path, p.line): p.suggestion or "" for p in problems}
    wanted = {
        7: "athena:startQueryExecution.sync with QueryString and WorkGroup as Parameters",
        23: "s3:listObjectsV2",
        24: '"Parameters": {"Bucket"',
        35: "into States of ItemProcessor of ReconciliationDistributedMap",
        37: '"ItemBatcher": {"MaxItemsPerBatch": 50}',
        40: "Move it into ItemProcessor.States of ReconciliationDistributedMap",
        44: "'$.Key'",
        45: "States.Format('s3://your-internal-files-bucket/internal_files/{}'",
        60: 'write "End": true instead of leading to AggregateResults',
    }
    by_line = {line: hint for (_, line), hint in hints.items()}
    assert {line: text in by_line[line] for line, text in wanted.items()} == dict.fromkeys(wanted, True)


@pytest.mark.parametrize(
    "path", [path for path in sorted(DEFINITIONS.rglob("*.asl.json")) if "as_published" not in path.name], ids=str
)
def test_right_definitions_have_no_problem(path: Path) -> None:
    """Whatever stands in definitions/ and is right validates without even a warning."""
    assert validate(parse(path.read_text(encoding="utf-8"), path.name)) == []


@pytest.mark.parametrize("value", [None, 1, "x", [], [{}], True])
def test_what_is_no_object_is_no_definition(value: Any) -> None:
    """AWS has one text, without a location, for anything that is no object."""
    assert errors(value) == [("Definition must be a valid JSON object", "")]


@pytest.mark.parametrize(
    "definition",
    [
        {"StartAt": "A", "States": "${States}"},
        machine(A="${State}"),
        {"StartAt": "${Start}", "States": {"A": END}},
        machine(A={"Type": "Task", "Resource": "${Arn}", "TimeoutSeconds": "${Timeout}", "End": True}),
        machine(A={"Type": "Task", "Resource": "arn:${AWS::Partition}:states:::lambda:invoke", "End": True}),
        machine(A={"Type": "Pass", "Next": "${Next}"}, B=END),
        machine(A={"Type": "Choice", "Choices": "${Rules}", "Default": "B"}, B=END),
        machine(A={"Type": "Map", "ItemProcessor": "${Processor}", "End": True}),
        machine(A={**END, "Parameters": {"x.$": "${Path}"}}),
    ],
)
def test_placeholders_stand_anywhere(definition: Any) -> None:
    """A hole may become anything, so it is never a problem."""
    assert check(definition) == []


@pytest.mark.parametrize(
    ("expression", "code", "message"),
    [
        ("[1, 2", "INVALID_JSONATA_EXPRESSION", 'Expected "]" before end of expression'),
        ("", "INVALID_JSONATA_EXPRESSION", "Unexpected end of expression"),
        ("$a ?? 1", "INVALID_JSONATA_EXPRESSION", 'The symbol "?" cannot be used as a unary operator'),
        ("phone", "UNSUPPORTED_JSONATA_EXPRESSION", "Reference to 'phone' at the top level is not supported."),
        ("$$.phone", "UNSUPPORTED_JSONATA_EXPRESSION", "Reference to '$$' is not supported."),
    ],
)
def test_an_expression_that_aws_refuses(expression: str, code: str, message: str) -> None:
    """An expression that does not parse, or reads an input document, is refused where it stands (measured)."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": f"{{% {expression} %}}"}, "End": True}
    found = [(p.code, p.message, p.path) for p in check(machine(A=state))]
    assert found == [(code, message, "/States/A/Output/v")]


@pytest.mark.parametrize("expression", ["$order[total > 10]", "$map($x, function($v) { $v.a })", "$parse($s)"])
def test_names_inside_predicates_and_later_steps_are_fine(expression: str) -> None:
    """Only a bare name that begins a path reads an input document."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {expression} %}}", "End": True}
    assert not [p for p in check(machine(A=state)) if p.severity == "error"]


def test_a_jsonata_machine_has_no_jsonpath_state() -> None:
    """A state cannot go back to JSONPath, and gets only that diagnostic."""
    definition = {**machine(A={**END, "QueryLanguage": "JSONPath", "InputPath": "$"}), "QueryLanguage": "JSONata"}
    message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
    found = [(p.message, p.path) for p in check(definition)]
    assert found == [(message, "/States/A")]


@pytest.mark.parametrize(("field", "kind"), [("result", "Pass"), ("errorOutput", "Task")])
def test_states_fields_of_jsonata(field: str, kind: str) -> None:
    """$states.result and $states.errorOutput exist only where AWS has them."""
    state = {"Type": kind, "QueryLanguage": "JSONata", "Output": f"{{% $states.{field} %}}", "End": True}
    assert (f"Field '$states.{field}' does not exist.", "/States/A/Output") in errors(machine(A=state))


def test_express_machines_do_not_wait() -> None:
    """An Express machine has neither jobs, tokens, activities nor map runs; AWS's texts say which."""
    arns = {
        "arn:aws:states:::batch:submitJob.sync": "Express state machine does not support '.sync' service integration",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken": (
            "Express state machine does not support '.waitForTaskToken' service integration "
        ),
        "arn:aws:states:us-east-1:123456789012:activity:a": "Express state machine does not support Activity ARN",
    }
    for arn, message in arns.items():
        definition = machine(A={"Type": "Task", "Resource": arn, "End": True})
        assert errors(definition) == []
        assert errors(definition, "EXPRESS") == [(message, "/States/A/Resource")]


def test_names_are_unique_and_short() -> None:
    """State names are unique in the whole definition and no longer than 80 characters."""
    inner = {"StartAt": "A", "States": {"A": END}}
    assert [p.code for p in check(machine(A={"Type": "Parallel", "Branches": [inner], "End": True}))] == [
        "DUPLICATE_STATE_NAME"
    ]
    assert [p.code for p in check(machine(**{"x" * 81: END}))] == ["INVALID_STATE_NAME"]
    assert check(machine(**{"x" * 80: END})) == []


def test_deep_definitions_are_refused() -> None:
    """Nesting has a bound, and what lies beyond it is not looked at."""
    value: Any = 1
    for _ in range(MAX_DEPTH + 10):
        value = [value]
    assert [p.code for p in check(machine(A={**END, "Result": value}))] == ["TOO_DEEPLY_NESTED"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["StartAt", "States", "Type", "A", "Next", "Choices", "Catch", "ItemProcessor", "Branches"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
@settings(max_examples=150, deadline=None)
def test_any_json_gets_an_answer(value: Any) -> None:
    """Validating never raises, whatever the JSON, and every problem has a place and a suggestion."""
    try:
        document = parse(json.dumps(value))
    except DefinitionError:
        return
    for problem in validate(document):
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.suggestion


_VALUES: list[Any] = [None, True, 0, -1, 1.5, "", "$", "$.a", "$$.X", "$x", "States.UUID()", "Task", "EXPRESS", [], {}]
_VALUES += [{"a.$": 5}, {"a.$": "$.b"}, [{}], ["States.ALL"], "$.a[?(@.b==1)]", "\ud800", machine(Z=END), "$..a"]
_FIELDS = ("Next", "End", "Parameters", "Catch", "Assign", "ItemsPath", "ResultPath", "TimeoutSecondsPath", "Label")


def _places(value: Any) -> list[tuple[Any, Any]]:
    places = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys: Any = holder if isinstance(holder, dict) else range(len(holder))
        places += [(holder, key) for key in keys]
        waiting += [holder[key] for key in keys if isinstance(holder[key], (dict, list))]
    return places


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_what_validates_compiles(seed: int) -> None:
    """A changed definition either has an error or compiles."""
    dice = random.Random(seed)
    value = copy.deepcopy(json.loads((BANK / "bank_reconciliation.asl.json").read_text(encoding="utf-8")))
    holder, key = dice.choice(_places(value))
    if dice.random() < 0.3:
        del holder[key]
    elif isinstance(holder, dict) and dice.random() < 0.4:
        holder[dice.choice(_FIELDS)] = dice.choice(_VALUES)
    else:
        holder[key] = dice.choice(_VALUES)
    if all(problem.severity == "warning" for problem in validate(parse(json.dumps(value)))):
        compile_machine(value)
