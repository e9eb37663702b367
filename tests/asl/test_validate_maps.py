"""Distributed Maps: which fields go together, labels, and what a first state may read of listed items."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.parse import Document
from stepsim.asl.validate import MachineType, validate

LIST: dict[str, Any] = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
GET: dict[str, Any] = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
WRITE: dict[str, Any] = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}
CONFIG = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def processor(config: Any = CONFIG, **state: Any) -> dict[str, Any]:
    inner = {"Type": "Pass", "End": True, **state}
    return {"ProcessorConfig": config, "StartAt": "Inner", "States": {"Inner": inner}}


def of_map(fields: dict[str, Any], machine_type: MachineType = "STANDARD") -> list[tuple[str, str, str]]:
    """Severity, message and path below the Map of each problem."""
    state = {"Type": "Map", "ItemProcessor": processor(), "End": True, **fields}
    problems = validate(Document.of_value({"StartAt": "M", "States": {"M": state}}), type=machine_type)
    return [(p.severity, p.message, p.path.removeprefix("/States/M")) for p in problems]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ItemProcessor": processor({"Mode": "INLINE"})},
        {"ItemReader": LIST, "Label": "a-label"},
        {"ItemReader": {**LIST, "ReaderConfig": {"MaxItems": 0}}},
        {"ItemReader": {**LIST, "ReaderConfig": {"Transformation": "LOAD_AND_FLATTEN", "InputType": "JSONL"}}},
        {"ItemReader": {**GET, "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a"}}},
        {"ItemReader": {**GET, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}}},
        {"ItemReader": {**GET, "ReaderConfig": {"ManifestType": "S3_INVENTORY"}}},
        {"ItemReader": {**GET, "ReaderConfig": {"InputType": "MANIFEST"}}},
        {"ResultWriter": WRITE},
        {"ResultWriter": {"WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"}}},
        {"ItemBatcher": {"MaxInputBytesPerBatchPath": "$.n"}},
        {"ToleratedFailurePercentage": 100, "ToleratedFailureCount": 0},
    ],
)
def test_what_goes_together(fields: dict[str, Any]) -> None:
    """These Maps have no problem."""
    assert of_map(fields) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "The field 'InputType' is required"),
        ({"InputType": "CSV"}, "The field 'CSVHeaderLocation' is required"),
        ({"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}, "These fields are required: [CSVHeaders]"),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVHeaders": ["a"]},
            "Field 'CSVHeaders' is not supported",
        ),
        ({"InputType": "JSON", "CSVHeaderLocation": "FIRST_ROW"}, "Field 'CSVHeaderLocation' is not supported"),
        ({"InputType": "JSONL", "CSVHeaders": ["a"]}, "Field 'CSVHeaders' is not supported"),
        ({"InputType": "JSON", "ManifestType": "ATHENA_DATA"}, "Field 'ManifestType' is not supported"),
        ({"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}, "Field 'Transformation' is not supported"),
        (
            {"InputType": "JSON", "MaxItems": 1, "MaxItemsPath": "$.n"},
            "There should only be one of the following fields:",
        ),
    ],
)
def test_reader_configurations_that_aws_refuses(config: dict[str, Any], message: str) -> None:
    """A ReaderConfig whose fields do not go together is refused in AWS's words."""
    found = of_map({"ItemReader": {**GET, "ReaderConfig": config}})
    assert [text.startswith(message) for _, text, _ in found] == [True]


@pytest.mark.parametrize(("name", "value"), [("VersionId", "v1"), ("VersionId.$", "$.version")])
def test_a_parquet_file_has_no_version(name: str, value: str) -> None:
    """AWS takes VersionId and fails the execution (recorded): a warning, and none for other files."""
    get = {**GET, "Parameters": {**GET["Parameters"], name: value}}
    parquet = of_map({"ItemReader": {**get, "ReaderConfig": {"InputType": "PARQUET"}}})
    message = f"{name} fails the execution: no version of a Parquet file can be chosen"
    assert parquet == [("warning", message, f"/ItemReader/Parameters/{name}")]
    assert of_map({"ItemReader": {**get, "ReaderConfig": {"InputType": "JSON"}}}) == []


def test_flattening_needs_an_input_type() -> None:
    """LOAD_AND_FLATTEN reads the listed objects, so it must know what they are."""
    found = of_map({"ItemReader": {**LIST, "ReaderConfig": {"Transformation": "LOAD_AND_FLATTEN"}}})
    assert found == [("error", "The field 'InputType' is required", "/ItemReader/ReaderConfig")]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("", "Label cannot be empty"),
        ("x" * 41, "Label cannot exceed 40 characters"),
        ("a b", "Label contains invalid character: ' '"),
        ("a:b", "Label contains invalid character: ':'"),
    ],
)
def test_labels(label: str, message: str) -> None:
    """A label is part of an ARN: short, and without signs that would break one."""
    assert of_map({"Label": label}) == [("error", message, "/Label")]


def test_labels_are_unique() -> None:
    """Two Maps of a definition cannot share a label."""
    inner = {"Type": "Map", "Label": "a", "ItemProcessor": processor()}
    second = processor()
    second["StartAt"], second["States"] = "Other", {"Other": {"Type": "Pass", "End": True}}
    states = {"M": {**inner, "Next": "N"}, "N": {**inner, "ItemProcessor": second, "End": True}}
    problems = validate(Document.of_value({"StartAt": "M", "States": states}))
    assert [(p.code, p.path) for p in problems] == [("DUPLICATE_LABEL_NAME", "/States/N/Label")]


@pytest.mark.parametrize("fields", [{"ItemReader": LIST}, {"ResultWriter": WRITE}, {"ItemBatcher": {}}])
def test_only_distributed_maps_read_batch_and_write(fields: dict[str, Any]) -> None:
    """An INLINE Map that asks for it is warned that its executions will fail."""
    name = next(iter(fields))
    found = of_map({"ItemProcessor": processor({"Mode": "INLINE"}), **fields})
    assert {severity for severity, *_ in found} == {"warning"}
    assert any(message.startswith(f"{name} fails the execution") for _, message, path in found if path == f"/{name}")


@pytest.mark.parametrize(
    ("field", "value"),
    [("ToleratedFailureCount", 1), ("ToleratedFailurePercentagePath", "$.p"), ("Label", "l")],
)
def test_inline_maps_tolerate_nothing(field: str, value: object) -> None:
    """An INLINE Map may say what it tolerates (recorded), and is warned that it does not."""
    [(severity, message, _)] = of_map({"ItemProcessor": processor({"Mode": "INLINE"}), field: value})
    assert severity == "warning"
    assert message.startswith(f"{field} has no effect")


def test_distributed_maps_need_an_execution_type_and_a_standard_machine() -> None:
    """ExecutionType has no default, and Express machines have no map runs."""
    found = of_map({"ItemProcessor": processor({"Mode": "DISTRIBUTED"})})
    assert found == [("error", "The field 'ExecutionType' is required", "/ItemProcessor/ProcessorConfig")]
    assert [path for _, _, path in of_map({}, "EXPRESS")] == ["/ItemProcessor/ProcessorConfig/Mode"]


def test_express_children_do_not_wait() -> None:
    """What an Express machine may not do, an Express child may not either."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync"}
    found = of_map({"ItemProcessor": processor({**CONFIG, "ExecutionType": "EXPRESS"}, **state)})
    assert [message for _, message, _ in found] == [
        "Express state machine does not support '.sync' service integration"
    ]


@pytest.mark.parametrize(
    ("fields", "path", "warned"),
    [
        ({}, "$.S3ObjectKey", True),
        ({}, "$.Key", False),
        ({"ItemSelector": {"a.$": "$$.Map.Item.Value"}}, "$.S3ObjectKey", False),
        ({"ItemBatcher": {"MaxItemsPerBatch": 5}}, "$.Key", True),
        ({"ItemBatcher": {"MaxItemsPerBatch": 5}}, "$.Items", False),
    ],
)
def test_what_the_first_state_reads_of_a_listed_item(fields: dict[str, Any], path: str, warned: bool) -> None:
    """A listed item has Key, Size and a few more; a batch has Items; anything else leads nowhere."""
    child = processor(CONFIG, Parameters={"x.$": path})
    found = of_map({"ItemReader": LIST, "ItemProcessor": child, **fields})
    assert [severity for severity, _, _ in found] == (["warning"] if warned else [])
