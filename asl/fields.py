"""The fields of the language as a table: which field stands where, in which query language, and what it may hold.

Only facts that a row can say live here. What relates several fields to each other in another way than "one of these"
is code: see the validate modules. Names and order are those of AWS's diagnostics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["JSONPath", "JSONata"]

Kind = Literal[
    "any",  # any JSON value
    "string",
    "boolean",
    "integer",
    "number",
    "timestamp",  # RFC 3339
    "path",  # JSONPath, may select many; null where the field says so
    "reference path",  # JSONPath to one node
    "value path",  # a reference path, or one into the context object or a variable
    "string path",  # as value path, or an intrinsic function that returns a string
    "items path",  # a path that gives a Map its items
    "template",  # a payload template: an object whose `.$` members are evaluated
    "value",  # JSON in which strings may be JSONata
    "condition",  # a JSONata expression, or true or false
    "assign",  # names of variables and what they get
    "pointer",  # a JSON Pointer
    "resource",  # what a Task calls
    "state name",
    "strings",
    "object",  # its members are in `fields`
    "objects",  # a list of such
    "states",
    "machines",  # Branches
    "machine",  # ItemProcessor, Iterator
    "choices",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One row: what a field may hold."""

    kind: Kind
    language: Language | None = None
    """The only query language that has the field; None: both have it."""
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False
    non_empty: bool = False
    constant: bool = True
    """False where a JSONata expression may stand instead."""
    fields: Fields | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one kind of object."""

    name: str
    """What a person calls it: ``a Map state``, ``ItemReader``."""
    rows: Mapping[str, Field]
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()


PATH: Language = "JSONPath"
ATA: Language = "JSONata"

FOREVER = 99_999_999
"""AWS's largest number of seconds, and of retries."""
YEAR = 31_622_400
MAX_NAME = 80
MAX_LABEL = 40

_COMMENT = {"Comment": Field("string")}
_NEXT = {"Next": Field("state name"), "End": Field("boolean")}
_IN_OUT = {"InputPath": Field("path", PATH, nullable=True), "OutputPath": Field("path", PATH, nullable=True)}
_RESULT_PATH = {"ResultPath": Field("reference path", PATH, nullable=True)}
_OUTPUT = {"Output": Field("value", ATA, constant=False)}
_ASSIGN = {"Assign": Field("assign", constant=False)}
_COMMON = {"Type": Field("string", required=True), **_COMMENT, "QueryLanguage": Field("string", choices=(PATH, ATA))}


def _seconds(minimum: int) -> Field:
    return Field("integer", minimum=minimum, maximum=FOREVER, constant=False)


def _by_path() -> Field:
    return Field("value path", PATH)


def _arguments() -> dict[str, Field]:
    return {"Parameters": Field("template", PATH), "Arguments": Field("value", ATA, constant=False)}


RETRIER = Fields(
    "a Retrier",
    {
        "ErrorEquals": Field("strings", required=True, non_empty=True),
        "IntervalSeconds": Field("integer", minimum=1, maximum=FOREVER),
        "MaxAttempts": Field("integer", minimum=0, maximum=FOREVER),
        "BackoffRate": Field("number", minimum=1),
        "MaxDelaySeconds": Field("integer", minimum=1, maximum=YEAR),
        "JitterStrategy": Field("string", choices=("NONE", "FULL")),
        **_COMMENT,
    },
)

CATCHER = Fields(
    "a Catcher",
    {
        "ErrorEquals": Field("strings", required=True, non_empty=True),
        "Next": Field("state name", required=True),
        **_RESULT_PATH,
        **_OUTPUT,
        **_ASSIGN,
        **_COMMENT,
    },
)

_ERRORS = {"Retry": Field("objects", fields=RETRIER), "Catch": Field("objects", fields=CATCHER)}

CREDENTIALS = Fields("Credentials", {"RoleArn": Field("string", required=True, constant=False)})

TASK = Fields(
    "a Task state",
    {
        **_COMMON,
        **_NEXT,
        "Resource": Field("resource", required=True),
        **_IN_OUT,
        **_arguments(),
        "ResultSelector": Field("template", PATH),
        **_RESULT_PATH,
        **_OUTPUT,
        **_ASSIGN,
        **_ERRORS,
        "TimeoutSeconds": _seconds(1),
        "TimeoutSecondsPath": _by_path(),
        "HeartbeatSeconds": _seconds(1),
        "HeartbeatSecondsPath": _by_path(),
        "Credentials": Field("object", fields=CREDENTIALS, constant=False),
    },
    exactly_one=(("Next", "End"),),
    at_most_one=(("TimeoutSecondsPath", "TimeoutSeconds"), ("HeartbeatSecondsPath", "HeartbeatSeconds")),
)

PASS = Fields(
    "a Pass state",
    {
        **_COMMON,
        **_NEXT,
        **_IN_OUT,
        "Parameters": Field("template", PATH),
        "Result": Field("any", PATH),
        **_RESULT_PATH,
        **_OUTPUT,
        **_ASSIGN,
    },
    exactly_one=(("Next", "End"),),
)

WAIT = Fields(
    "a Wait state",
    {
        **_COMMON,
        **_NEXT,
        **_IN_OUT,
        "Seconds": _seconds(0),
        "SecondsPath": _by_path(),
        "Timestamp": Field("timestamp", constant=False),
        "TimestampPath": _by_path(),
        **_OUTPUT,
        **_ASSIGN,
    },
    exactly_one=(("SecondsPath", "Seconds", "TimestampPath", "Timestamp"), ("Next", "End")),
)

CHOICE = Fields(
    "a Choice state",
    {
        **_COMMON,
        **_IN_OUT,
        "Choices": Field("choices", required=True, non_empty=True),
        "Default": Field("state name"),
        **_OUTPUT,
        **_ASSIGN,
    },
)

SUCCEED = Fields("a Succeed state", {**_COMMON, **_IN_OUT, **_OUTPUT})

FAIL = Fields(
    "a Fail state",
    {
        **_COMMON,
        "Error": Field("string", constant=False),
        "ErrorPath": Field("string path", PATH),
        "Cause": Field("string", constant=False),
        "CausePath": Field("string path", PATH),
    },
    at_most_one=(("ErrorPath", "Error"), ("CausePath", "Cause")),
)

PARALLEL = Fields(
    "a Parallel state",
    {
        **_COMMON,
        **_NEXT,
        "Branches": Field("machines", required=True, non_empty=True),
        **_IN_OUT,
        **_arguments(),
        "ResultSelector": Field("template", PATH),
        **_RESULT_PATH,
        **_OUTPUT,
        **_ASSIGN,
        **_ERRORS,
    },
    exactly_one=(("Next", "End"),),
)

READER_CONFIG = Fields(
    "ReaderConfig",
    {
        "InputType": Field("string", choices=("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")),
        "ManifestType": Field("string", choices=("S3_INVENTORY", "ATHENA_DATA")),
        "Transformation": Field("string", choices=("NONE", "LOAD_AND_FLATTEN")),
        "CSVHeaderLocation": Field("string", choices=("FIRST_ROW", "GIVEN")),
        "CSVHeaders": Field("strings"),
        "CSVDelimiter": Field("string", choices=("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")),
        "MaxItems": Field("integer", minimum=0, constant=False),
        "MaxItemsPath": _by_path(),
        "ItemsPointer": Field("pointer"),
    },
    at_most_one=(("MaxItemsPath", "MaxItems"),),
)

ITEM_READER = Fields(
    "ItemReader",
    {
        "Resource": Field("resource", required=True),
        **_arguments(),
        "ReaderConfig": Field("object", fields=READER_CONFIG),
    },
)

ITEM_BATCHER = Fields(
    "ItemBatcher",
    {
        "MaxItemsPerBatch": Field("integer", minimum=1, constant=False),
        "MaxItemsPerBatchPath": _by_path(),
        "MaxInputBytesPerBatch": Field("integer", minimum=1, maximum=262_144, constant=False),
        "MaxInputBytesPerBatchPath": _by_path(),
        "BatchInput": Field("template", constant=False),
    },
    at_most_one=(
        ("MaxItemsPerBatchPath", "MaxItemsPerBatch"),
        ("MaxInputBytesPerBatchPath", "MaxInputBytesPerBatch"),
    ),
)

WRITER_CONFIG = Fields(
    "WriterConfig",
    {
        "Transformation": Field("string", choices=("NONE", "COMPACT", "FLATTEN")),
        "OutputType": Field("string", choices=("JSON", "JSONL")),
    },
)

RESULT_WRITER = Fields(
    "ResultWriter",
    {
        "Resource": Field("resource"),
        **_arguments(),
        "WriterConfig": Field("object", fields=WRITER_CONFIG),
    },
)

PROCESSOR_CONFIG = Fields(
    "ProcessorConfig",
    {
        "Mode": Field("string", choices=("INLINE", "DISTRIBUTED")),
        "ExecutionType": Field("string", choices=("STANDARD", "EXPRESS")),
    },
)

MAP = Fields(
    "a Map state",
    {
        **_COMMON,
        **_NEXT,
        "ItemProcessor": Field("machine"),
        "Iterator": Field("machine"),
        **_IN_OUT,
        "ItemsPath": Field("items path", PATH),
        "Items": Field("value", ATA, constant=False),
        "ItemSelector": Field("template", constant=False),
        "Parameters": Field("template", PATH),
        "MaxConcurrency": Field("integer", minimum=0, constant=False),
        "MaxConcurrencyPath": _by_path(),
        "ItemReader": Field("object", fields=ITEM_READER),
        "ItemBatcher": Field("object", fields=ITEM_BATCHER),
        "ResultWriter": Field("object", fields=RESULT_WRITER),
        "Label": Field("string", max_length=MAX_LABEL, non_empty=True),
        "ToleratedFailureCount": Field("integer", minimum=0, constant=False),
        "ToleratedFailureCountPath": _by_path(),
        "ToleratedFailurePercentage": Field("number", minimum=0, maximum=100, constant=False),
        "ToleratedFailurePercentagePath": _by_path(),
        "ResultSelector": Field("template", PATH),
        **_RESULT_PATH,
        **_OUTPUT,
        **_ASSIGN,
        **_ERRORS,
    },
    exactly_one=(("Next", "End"), ("ItemProcessor", "Iterator")),
    at_most_one=(
        ("MaxConcurrencyPath", "MaxConcurrency"),
        ("ItemSelector", "Parameters"),
        ("ToleratedFailureCountPath", "ToleratedFailureCount"),
        ("ToleratedFailurePercentagePath", "ToleratedFailurePercentage"),
    ),
)

DISTRIBUTED_ONLY = ("ItemReader", "ItemBatcher", "ResultWriter")
"""The fields that AWS takes of an INLINE Map, too, and that fail the execution there (reported)."""

NO_EFFECT_INLINE = (
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
)
"""The fields that AWS takes of an INLINE Map, too, for nothing (recorded; Label: deployed definitions have it)."""

STATES: Mapping[str, Fields] = {
    "Task": TASK,
    "Wait": WAIT,
    "Pass": PASS,
    "Succeed": SUCCEED,
    "Fail": FAIL,
    "Choice": CHOICE,
    "Parallel": PARALLEL,
    "Map": MAP,
}
"""By Type, in the order in which AWS lists the types."""

_SUB_MACHINE = {
    "States": Field("states", required=True),
    "StartAt": Field("state name", required=True),
    **_COMMENT,
}

MACHINE = Fields(
    "the state machine",
    {
        **_SUB_MACHINE,
        "Version": Field("string", choices=("1.0",)),
        "TimeoutSeconds": Field("integer", minimum=1, maximum=FOREVER),
        "QueryLanguage": Field("string", choices=(PATH, ATA)),
    },
)
BRANCH = Fields("a branch", _SUB_MACHINE)
PROCESSOR = Fields("ItemProcessor", {**_SUB_MACHINE, "ProcessorConfig": Field("object", fields=PROCESSOR_CONFIG)})

_ORDERS = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_FAMILIES: dict[str, Kind] = {"String": "string", "Numeric": "number", "Timestamp": "timestamp"}
_TESTS = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")

COMPARISONS: Mapping[str, Field] = {
    **{f"{family}{order}": Field(kind, PATH) for family, kind in _FAMILIES.items() for order in _ORDERS},
    **{f"{family}{order}Path": _by_path() for family in _FAMILIES for order in _ORDERS},
    "StringMatches": Field("string", PATH),
    "BooleanEquals": Field("boolean", PATH),
    "BooleanEqualsPath": _by_path(),
    **{test: Field("boolean", PATH) for test in _TESTS},
}
"""The comparison operators of JSONPath Choice Rules."""

COMBINATIONS = ("And", "Or", "Not")

CHOICE_RULE: Mapping[str, Field] = {
    "Next": Field("state name", required=True),
    "Condition": Field("condition", ATA, required=True, constant=False),
    "Variable": Field("value path", PATH),
    "And": Field("choices", PATH, non_empty=True),
    "Or": Field("choices", PATH, non_empty=True),
    "Not": Field("choices", PATH),
    **COMPARISONS,
    **_OUTPUT,
    **_ASSIGN,
    **_COMMENT,
}
"""The fields of a top-level Choice Rule; a nested one has neither Next nor Assign nor Output."""
