"""The fields that only a distributed Map has, compiled: the same for both query languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepsim.asl.errors import runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.fields import DISTRIBUTED_ONLY
from stepsim.asl.machine import Count, DistributedMap, ItemBatcher, ItemReader, ResultWriter
from stepsim.asl.payload import JSON
from stepsim.asl.resource import parse_resource


@dataclass(frozen=True, slots=True)
class QueryLanguage:
    """How one query language reads fields. A place is a field's way below the Map, for what it says of mistakes."""

    arguments: str
    """What it calls the input of a reader and a writer: Parameters or Arguments."""
    compile_arguments: Callable[[JSON, str], Expression]
    compile_template: Callable[[JSON, str], Expression]
    compile_count: Callable[[JSON, str, str], Count | None]
    """Of (fields, name, place): a literal or whatever stands for one; None where there is none."""
    compile_percentage: Callable[[JSON, str], Callable[[JSON, Scope], float] | None]
    whole_seconds: bool
    """True where a listing's LastModified is an integer (measured)."""


def is_distributed(fields: JSON) -> bool:
    """True for a Map in DISTRIBUTED mode; AWS accepts the mode on a legacy Iterator too (recorded)."""
    return bool(_processor(fields).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED")


def compile_refused(fields: JSON) -> Expression | None:
    """What stands for the items of an INLINE Map that has a field of distributed ones: States.Runtime.

    AWS takes such a definition, and fails the execution when it enters the Map (reported). None for any other Map.
    """
    if is_distributed(fields) or not any(name in fields for name in DISTRIBUTED_ONLY):
        return None

    def refused(subject: JSON, scope: Scope) -> JSON:  # noqa: ARG001
        raise runtime_error(
            "The ItemReader, ItemBatcher and ResultWriter fields are not supported for INLINE maps",
        )

    return refused


def compile_distributed(fields: JSON, language: QueryLanguage) -> DistributedMap:
    """What makes a Map a distributed one, from the state's fields."""
    return DistributedMap(
        express=_processor(fields)["ProcessorConfig"].get("ExecutionType") == "EXPRESS",
        label=fields.get("Label"),
        reader=_reader(fields["ItemReader"], language) if "ItemReader" in fields else None,
        batcher=_batcher(fields["ItemBatcher"], language) if "ItemBatcher" in fields else None,
        writer=_writer(fields["ResultWriter"], language) if "ResultWriter" in fields else None,
        tolerated_failure_count=language.compile_count(fields, "ToleratedFailureCount", "ToleratedFailureCount"),
        tolerated_failure_percentage=language.compile_percentage(fields, "ToleratedFailurePercentage"),
    )


def _processor(fields: JSON) -> JSON:
    return fields.get("ItemProcessor") or fields.get("Iterator") or {}


def _reader(fields: JSON, language: QueryLanguage) -> ItemReader:
    config = fields.get("ReaderConfig", {})
    return ItemReader(
        parse_resource(fields["Resource"]),
        language.compile_arguments(fields.get(language.arguments, {}), f"ItemReader/{language.arguments}"),
        {name: value for name, value in config.items() if name not in ("MaxItems", "MaxItemsPath")},
        language.compile_count(config, "MaxItems", "ItemReader/ReaderConfig/MaxItems"),
        whole_seconds=language.whole_seconds,
    )


def _batcher(fields: JSON, language: QueryLanguage) -> ItemBatcher:
    return ItemBatcher(
        language.compile_count(fields, "MaxItemsPerBatch", "ItemBatcher/MaxItemsPerBatch"),
        language.compile_count(fields, "MaxInputBytesPerBatch", "ItemBatcher/MaxInputBytesPerBatch"),
        language.compile_template(fields["BatchInput"], "ItemBatcher/BatchInput") if "BatchInput" in fields else None,
    )


def _writer(fields: JSON, language: QueryLanguage) -> ResultWriter:
    config = fields.get("WriterConfig", {})
    exported = "Resource" in fields
    arguments = fields.get(language.arguments, {})
    return ResultWriter(
        language.compile_arguments(arguments, f"ResultWriter/{language.arguments}") if exported else None,
        config.get("Transformation", "NONE" if exported else "COMPACT"),
        config.get("OutputType", "JSON"),
    )
