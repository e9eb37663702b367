from __future__ import annotations

from typing import Literal

import pytest
from stepsim.asl.errors import Problem
from stepsim.asl.parse import Document, parse
from stepsim.asl.payload import JSON
from stepsim.asl.validate import validate

END: JSON = {"Type": "Pass", "End": True}
SCHEMA = "SCHEMA_VALIDATION_FAILED"
TARGET = "MISSING_TRANSITION_TARGET"


def problems(definition: JSON, kind: Literal["STANDARD", "EXPRESS"] = "STANDARD") -> list[Problem]:
    return validate(Document.of_value(definition), kind)


def machine(**states: JSON) -> JSON:
    return {"StartAt": next(iter(states)), "States": states}


def told(definition: JSON, kind: Literal["STANDARD", "EXPRESS"] = "STANDARD") -> list[tuple[str, str, str]]:
    return [(problem.code, problem.message, problem.path) for problem in problems(definition, kind)]


def distributed(**fields: JSON) -> JSON:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "Item", "States": {"Item": END}}
    return machine(M={"Type": "Map", "ItemProcessor": processor, "End": True, **fields})


def reader(config: JSON, action: str = "getObject") -> JSON:
    parameters = {"Bucket": "b", "Key": "k"} if action == "getObject" else {"Bucket": "b"}
    return distributed(
        ItemReader={"Resource": f"arn:aws:states:::s3:{action}", "ReaderConfig": config, "Parameters": parameters}
    )


def task(resource: str, **fields: JSON) -> JSON:
    return machine(T={"Type": "Task", "Resource": resource, "End": True, **fields})


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({}, [(SCHEMA, "These fields are required: [States, StartAt]", "/")]),
        ({"StartAt": "A"}, [(SCHEMA, "These fields are required: [States]", "/")]),
        ({"States": {"A": END}}, [(SCHEMA, "These fields are required: [StartAt]", "/")]),
        ([], [(SCHEMA, "Definition must be a valid JSON object", "")]),
        (
            machine(A={"End": True}),
            [
                ("MISSING_END_STATE", "Workflow has no terminal state", ""),
                (SCHEMA, "The field 'Type' is required", "/States/A"),
            ],
        ),
        (
            {"StartAt": "B", "States": {"A": END}},
            [
                (TARGET, "Missing 'Next' target: B", "/StartAt"),
                (TARGET, 'State "A" is not reachable.', "/States/A"),
            ],
        ),
        (
            machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
            [("MISSING_END_STATE", "Workflow has no terminal state", "")],
        ),
        (
            machine(W={"Type": "Wait", "End": True}),
            [
                (
                    SCHEMA,
                    "This object should have only one of the following fields: "
                    "[SecondsPath, Seconds, TimestampPath, Timestamp]",
                    "/States/W",
                )
            ],
        ),
        (
            machine(W={"Type": "Wait", "Seconds": 1, "SecondsPath": "$.s", "End": True}),
            [
                (
                    SCHEMA,
                    "There should only be one of the following fields: "
                    "[SecondsPath, Seconds, TimestampPath, Timestamp]",
                    "/States/W",
                )
            ],
        ),
        (
            machine(W={"Type": "Wait", "Seconds": -1, "End": True}),
            [(SCHEMA, "Minimum value is 0", "/States/W/Seconds")],
        ),
        (
            machine(W={"Type": "Wait", "Seconds": 1.5, "End": True}),
            [(SCHEMA, "Expected value of type Integer", "/States/W/Seconds")],
        ),
        (
            machine(W={"Type": "Wait", "Timestamp": "2016-13-05T21:29:29Z", "End": True}),
            [(SCHEMA, "String does not match RFC3339 timestamp", "/States/W/Timestamp")],
        ),
        (
            machine(S={"Type": "Succeed", "Next": "S"}),
            [(SCHEMA, "Field 'Next' is not supported", "/States/S")],
        ),
        (
            machine(P={"Type": "Pass", "End": True, "Output": {}}),
            [
                (
                    SCHEMA,
                    "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' "
                    "QueryLanguage",
                    "/States/P",
                )
            ],
        ),
        (
            machine(P={"Type": "Pass", "End": True, "Parameters": {"parsed.$": "States.Format('{}"}}),
            [
                (
                    SCHEMA,
                    "The value for the field 'parsed.$' must be a valid JSONPath or a valid intrinsic function call",
                    "/States/P/Parameters",
                )
            ],
        ),
        (
            machine(P={"Type": "Parallel", "Branches": [], "End": True}),
            [(SCHEMA, "Value cannot be empty", "/States/P/Branches")],
        ),
        (
            task("arn:aws:states:::lambda:invoke", Credentials={}),
            [(SCHEMA, "The field 'RoleArn' is required but was missing", "/States/T/Credentials")],
        ),
        (
            task("arn:aws:states:::dynamodb:query"),
            [
                (
                    SCHEMA,
                    "The resource provided arn:aws:states:::dynamodb:query is not recognized. The value is not a valid "
                    "resource ARN, or the resource is not available in this region.",
                    "/States/T/Resource",
                )
            ],
        ),
        (
            reader({"InputType": "CSV"}),
            [(SCHEMA, "The field 'CSVHeaderLocation' is required", "/States/M/ItemReader/ReaderConfig")],
        ),
        (
            reader({"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}),
            [(SCHEMA, "These fields are required: [CSVHeaders]", "/States/M/ItemReader/ReaderConfig")],
        ),
        (
            reader({"InputType": "JSON", "CSVHeaderLocation": "FIRST_ROW"}),
            [(SCHEMA, "Field 'CSVHeaderLocation' is not supported", "/States/M/ItemReader/ReaderConfig")],
        ),
        (
            reader({"InputType": "JSON", "ManifestType": "ATHENA_DATA"}),
            [(SCHEMA, "Field 'ManifestType' is not supported", "/States/M/ItemReader/ReaderConfig")],
        ),
        (
            reader({"Transformation": "LOAD_AND_FLATTEN"}, "listObjectsV2"),
            [(SCHEMA, "The field 'InputType' is required", "/States/M/ItemReader/ReaderConfig")],
        ),
        (
            reader({"InputType": "JSON", "ItemsPointer": "data/items"}),
            [
                (
                    SCHEMA,
                    "Invalid input: JSON Pointer expression must start with '/': \"data/items\"",
                    "/States/M/ItemReader/ReaderConfig/ItemsPointer",
                )
            ],
        ),
    ],
)
def test_awss_codes_texts_and_places(definition: JSON, expected: list[tuple[str, str, str]]) -> None:
    """What AWS was seen to answer is answered here, to the letter."""
    assert told(definition) == expected


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (
            "arn:aws:states:::states:startExecution.sync",
            "Express state machine does not support '.sync' service integration",
        ),
        (
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Express state machine does not support '.waitForTaskToken' service integration ",
        ),
        ("arn:aws:states:us-east-1:123456789012:activity:a", "Express state machine does not support Activity ARN"),
    ],
)
def test_express_machines_and_express_children_wait_for_nothing(resource: str, message: str) -> None:
    """The same refusal for an Express machine and for the Express children of a distributed Map."""
    definition = task(resource, Parameters={})
    child = distributed()
    child["States"]["M"]["ItemProcessor"] = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        **definition,
    }

    assert told(definition) == []
    assert told(definition, "EXPRESS") == [(SCHEMA, message, "/States/T/Resource")]
    assert told(child) == [(SCHEMA, message, "/States/M/ItemProcessor/States/T/Resource")]


def test_states_all_stands_alone_and_last() -> None:
    """In Retry and in Catch alike."""
    definition = task(
        "arn:aws:states:::aws-sdk:sts:getCallerIdentity",
        Retry=[{"ErrorEquals": ["States.ALL", "X"]}],
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}, {"ErrorEquals": ["X"], "Next": "B"}],
    )
    definition["States"]["B"] = END

    messages = [problem.message for problem in problems(definition)]
    assert messages == ["States.ALL must appear alone and at end of list"] * 2


def test_everything_is_told_at_once_in_the_order_of_the_text() -> None:
    """Three mistakes in three states are three problems with their lines."""
    text = """{"StartAt": "A", "States": {
  "A": {"Type": "Wait", "Seconds": "5", "Next": "B"},
  "B": {"Type": "Pass", "Retri": [], "Next": "C"},
  "C": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "Gone"},
  "D": {"Type": "Succeed"}}}"""
    found = validate(parse(text, "machine.json"))

    assert [(problem.line, problem.column) for problem in found] == [(2, 25), (3, 25), (4, 71), (5, 3)]


def test_every_error_says_what_to_write_instead() -> None:
    """Mistakes of the kinds that people make each come with advice."""
    definition = distributed(
        ItemBatchSize=50, ItemReader={"Type": "S3ListReader", "Configuration": {"BucketName": "b"}}
    )
    advice = {problem.message: problem.suggestion or "" for problem in problems(definition)}

    assert 'MaxItemsPerBatch": 50' in advice["Field 'ItemBatchSize' is not supported"]
    assert "s3:listObjectsV2" in advice["Field 'Type' is not supported"]
    assert "Parameters" in advice["Field 'Configuration' is not supported"]
    assert all(advice.values())


def test_states_left_outside_their_processor_are_sent_home() -> None:
    """A processor that starts with a state of the machine around it: the state, and what follows it, belong inside."""
    definition = machine(M={"Type": "Map", "ItemProcessor": {"StartAt": "Work"}, "Next": "Done"}, Done=END)
    definition["States"] |= {"Work": {"Type": "Pass", "Next": "Check"}, "Check": {"Type": "Pass", "Next": "Done"}}
    advice = {problem.path: problem.suggestion or "" for problem in problems(definition)}

    assert "Work" in advice["/States/M/ItemProcessor/StartAt"]
    assert "ItemProcessor" in advice["/States/Work"]
    assert "ItemProcessor" in advice["/States/Check"]
    assert '"End": true' in advice["/States/Check"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("TimeoutSeconds", "${Seconds}"),
        ("Type", "${Type}"),
        ("Next", "${Next}"),
        ("InputPath", "${Path}"),
        ("Retry", "${Retry}"),
    ],
)
def test_placeholders_are_holes_and_not_problems(field: str, value: str) -> None:
    """A ``${Name}`` may become anything, so what it hides is not held against the definition."""
    definition = machine(A={"Type": "Task", "Resource": "${Function.Arn}", "Next": "B"}, B={"Type": "Succeed"})
    definition["States"]["A"] |= {field: value}

    assert told(definition) == []


def test_names_are_unique_in_the_whole_definition() -> None:
    """A state inside a branch may not have the name of one outside."""
    definition = machine(P={"Type": "Parallel", "Branches": [machine(A=END)], "Next": "A"}, A=END)

    assert [problem.code for problem in problems(definition)] == ["DUPLICATE_STATE_NAME"]


def test_inner_scopes_do_not_assign_outer_variables() -> None:
    """AWS's rule and code; a distributed Map's processor is an execution of its own and has its own."""
    inside = machine(I={"Type": "Pass", "Assign": {"x": 2}, "End": True})
    around = {"Type": "Pass", "Assign": {"x": 1}, "Next": "M"}
    inline = machine(A=around, M={"Type": "Map", "ItemProcessor": inside, "End": True})
    apart = machine(
        A=around,
        M={
            "Type": "Map",
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **inside},
            "End": True,
        },
    )

    assert [problem.code for problem in problems(inline)] == ["DUPLICATE_VARIABLE_NAME"]
    assert told(apart) == []


@pytest.mark.parametrize("label", ["", "a b", "x" * 41, "a:b", "a\u0085b"])
def test_bad_labels_have_awss_code(label: str) -> None:
    """Empty, blank, too long, forbidden and control characters."""
    assert [problem.code for problem in problems(distributed(Label=label))] == ["INVALID_LABEL_NAME"]


def test_jsonata_is_refused_by_name_once() -> None:
    """A machine in JSONata is checked as such, and told that it cannot be run yet."""
    definition = {"QueryLanguage": "JSONata", **machine(A={"Type": "Pass", "Output": "{% 1 %}", "End": True})}

    assert [problem.code for problem in problems(definition)] == ["UNSUPPORTED_QUERY_LANGUAGE"]


def test_a_machine_in_jsonata_has_no_states_in_jsonpath() -> None:
    """The recorded text, at the state."""
    definition = {"QueryLanguage": "JSONata", **machine(Pass={**END, "QueryLanguage": "JSONPath"})}
    message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"

    assert (SCHEMA, message, "/States/Pass") in told(definition)


def test_any_json_is_answered_and_nothing_raised() -> None:
    """Whatever stands where a state, a rule or a processor belongs, the answer is a list of problems."""
    junk: JSON
    for junk in (None, 1, "x", [], {}, [None], [[1]], {"Type": []}, {"Type": "Map", "Catch": 1}):
        for place in ("Choices", "Branches", "ItemProcessor", "Retry", "Catch", "Assign", "Parameters", "ItemReader"):
            for kind in ("Task", "Choice", "Parallel", "Map"):
                definition = machine(A={"Type": kind, place: junk})
                assert all(isinstance(problem, Problem) for problem in problems(definition))
        assert problems({"StartAt": "A", "States": {"A": junk}})


def test_deep_nesting_is_told_and_not_run_into() -> None:
    """Machines inside machines beyond any use are one problem."""
    definition = machine(A=END)
    for level in range(400):
        definition = machine(**{f"P{level}": {"Type": "Parallel", "Branches": [definition], "End": True}})
    found = validate(Document(definition, "machine.json", "{}"))
    assert [problem.code for problem in found] == ["TOO_DEEPLY_NESTED"]
