"""What to write instead. Rules about common mistakes, never about one definition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from stepsim.asl.fields import (
    CATCHER,
    CHOICE,
    CHOICE_RULE,
    CREDENTIALS,
    FAIL,
    ITEM_BATCHER,
    ITEM_READER,
    MACHINE,
    MAP,
    PARALLEL,
    PASS,
    PROCESSOR,
    PROCESSOR_CONFIG,
    READER_CONFIG,
    RESULT_WRITER,
    RETRIER,
    SUCCEED,
    TASK,
    WAIT,
    WRITER_CONFIG,
    Fields,
)
from stepsim.asl.payload import JSON

_OBJECTS: tuple[Fields, ...] = (
    TASK,
    PASS,
    WAIT,
    CHOICE,
    SUCCEED,
    FAIL,
    PARALLEL,
    MAP,
    ITEM_READER,
    READER_CONFIG,
    ITEM_BATCHER,
)
_OBJECTS += (RESULT_WRITER, WRITER_CONFIG, PROCESSOR_CONFIG, PROCESSOR, MACHINE, RETRIER, CATCHER, CREDENTIALS)

_LIST_READER = '"Resource": "arn:aws:states:::s3:listObjectsV2" to list a prefix, or "…:s3:getObject" to read one file'
_BATCH = 'The size of a batch belongs in ItemBatcher: "ItemBatcher": {"MaxItemsPerBatch": %s}.'
_READER_INPUT = 'Write "%s": {"Bucket": …, "Prefix": …} (listObjectsV2) or {"Bucket": …, "Key": …} (getObject).'
_WRITER_INPUT = 'Write "%s": {"Bucket": …, "Prefix": …}.'
_TOLERATED = "Write ToleratedFailureCount (a number of items) or ToleratedFailurePercentage (0 to 100)."

_HABITS: Mapping[tuple[str, str], str] = {
    ("ItemReader", "Type"): f"What reads is named by Resource: {_LIST_READER}.",
    ("ItemReader", "Configuration"): "{reader}",
    ("ItemReader", "Config"): "{reader}",
    ("ItemReader", "Source"): "{reader}",
    ("ItemReader", "S3Source"): "{reader}",
    ("ItemReader", "Bucket"): "{reader}",
    ("ItemReader", "BucketName"): "{reader}",
    ("ItemReader", "Prefix"): "{reader}",
    ("ItemReader", "Key"): "{reader}",
    ("ResultWriter", "Type"): 'What writes is named by Resource: "Resource": "arn:aws:states:::s3:putObject".',
    ("ResultWriter", "Configuration"): "{writer}",
    ("ResultWriter", "Bucket"): "{writer}",
    ("ResultWriter", "BucketName"): "{writer}",
    ("ResultWriter", "Prefix"): "{writer}",
    ("a Map state", "ItemBatchSize"): "{batch}",
    ("a Map state", "BatchSize"): "{batch}",
    ("a Map state", "MaxBatchSize"): "{batch}",
    ("a Map state", "MaxItemsPerBatch"): "{batch}",
    ("a Map state", "Concurrency"): "Write MaxConcurrency.",
    ("a Map state", "ToleratedFailures"): _TOLERATED,
    ("a Map state", "MaxFailures"): _TOLERATED,
    ("a Map state", "Mode"): 'The mode belongs in ItemProcessor: "ProcessorConfig": {"Mode": "DISTRIBUTED", …}.',
    ("a Map state", "Result"): "Only a Pass state has a fixed Result; a Map's result is the list of its iterations'.",
    ("a Task state", "Result"): "Only a Pass state has a fixed Result; shape a task's result with ResultSelector.",
    ("a Task state", "Input"): "{input}",
    ("a Task state", "Payload"): "{input}",
    ("a Choice state", "Next"): "A Choice goes on by the Next of its rules, and by Default where none matches.",
    ("a Choice state", "End"): "A Choice cannot end a machine: let a rule or Default go to a Succeed state.",
    ("a Succeed state", "Next"): "Succeed ends the machine: remove Next, or make this a Pass state.",
    ("a Succeed state", "End"): "Succeed ends the machine by itself: remove End.",
    ("a Fail state", "Next"): "Fail ends the machine: remove Next, or make this a Pass state.",
    ("a Fail state", "End"): "Fail ends the machine by itself: remove End.",
    ("a Retrier", "MaxRetries"): "Write MaxAttempts.",
    ("a Retrier", "Interval"): "Write IntervalSeconds.",
    ("a Retrier", "Backoff"): "Write BackoffRate.",
    ("a Retrier", "Next"): "A Retrier repeats its own state; to go on elsewhere after an error, write a Catch.",
    ("ItemProcessor", "Mode"): 'Write it inside "ProcessorConfig": {"Mode": …}.',
    ("ItemProcessor", "ExecutionType"): 'Write it inside "ProcessorConfig": {"ExecutionType": …}.',
}

_INSTEAD_IN_JSONATA: Mapping[str, str] = {
    "InputPath": "Read what you need from $states.input in Arguments or Output.",
    "OutputPath": "Write Output.",
    "Parameters": "Write Arguments (in a Map: ItemSelector).",
    "ResultSelector": "Write Output, reading $states.result.",
    "ResultPath": "Write Output, for example {% $merge([$states.input, {…}]) %}, or keep the result with Assign.",
    "Result": "Write Output.",
    "ItemsPath": "Write Items.",
    "ErrorPath": "Write Error with a JSONata expression.",
    "CausePath": "Write Cause with a JSONata expression.",
    "Variable": "Write Condition with a JSONata expression.",
}

_INSTEAD_IN_JSONPATH: Mapping[str, str] = {
    "Arguments": 'Write Parameters, or give the state "QueryLanguage": "JSONata".',
    "Output": 'Write ResultSelector, ResultPath and OutputPath, or give the state "QueryLanguage": "JSONata".',
    "Items": 'Write ItemsPath, or give the state "QueryLanguage": "JSONata".',
    "Condition": "Write Variable and a comparison such as StringEquals.",
}


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """``Did you mean 'X'?`` where a known word is close; None where none is."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"Did you mean '{by_lower[close[0]]}'?" if close else None


def for_unknown_field(name: str, owner: Fields, language: str, value: JSON) -> str:
    """What to do about a field that its object does not have."""
    habit = _HABITS.get((owner.name, name))
    if habit is not None:
        return _filled(habit, language, value)
    known = [row for row, field in owner.rows.items() if field.language in (None, language)]
    if name.removesuffix(".$") in owner.rows and name.endswith(".$"):
        return f"Write '{name.removesuffix('.$')}' without '.$': only members of a payload template have it."
    close = did_you_mean(name, known, 0.85)
    if close:
        return close
    homes = [home.name for home in _OBJECTS if name in home.rows]
    if name in CHOICE_RULE and not homes:
        homes = ["a Choice Rule"]
    if homes:
        return f"{name} belongs in {_listed(homes)}, not in {owner.name}."
    return did_you_mean(name, known) or f"Remove it: {owner.name} has {', '.join(known)}."


def for_wrong_language(name: str, language: str) -> str:
    """What a field of the other query language is called in this one."""
    if language == "JSONata":
        twin = name.removesuffix("Path")
        fallback = f"Write {twin} with a JSONata expression." if twin != name else "Remove it."
        return _INSTEAD_IN_JSONATA.get(name, fallback)
    return _INSTEAD_IN_JSONPATH.get(name, 'Give the state "QueryLanguage": "JSONata".')


def _filled(habit: str, language: str, value: JSON) -> str:
    input_field = "Parameters" if language == "JSONPath" else "Arguments"
    if habit == "{reader}":
        return f"{_READER_INPUT % input_field} What reads is named by Resource."
    if habit == "{writer}":
        return _WRITER_INPUT % input_field
    if habit == "{batch}":
        return _BATCH % (json.dumps(value) if type(value) is int else "…")
    if habit == "{input}":
        return f"What a task is given belongs in {input_field}."
    return habit


def _listed(names: list[str]) -> str:
    shown = names[:3]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
