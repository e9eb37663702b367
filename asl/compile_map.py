"""The fields of a Map, inline and distributed, compiled."""

from __future__ import annotations

from collections.abc import Callable

from stepsim.asl.dataflow import Dataflow
from stepsim.asl.errors import PathNotFound, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.machine import (
    Assignment,
    Catcher,
    DistributedMap,
    ItemBatcher,
    ItemReader,
    MapState,
    ResultWriter,
    Retrier,
    StateMachine,
)
from stepsim.asl.numbers import compile_count, compile_percentage
from stepsim.asl.payload import JSON
from stepsim.asl.resource import parse_resource
from stepsim.asl.template import compile_template


def compile_map(
    name: str,
    fields: JSON,
    processor: StateMachine,
    flow: Dataflow,
    assign: Assignment | None,
    retry: tuple[Retrier, ...],
    catch: tuple[Catcher, ...],
) -> MapState:
    """A Map state, from its fields and what the caller has compiled of them."""
    selector_field = "ItemSelector" if "ItemSelector" in fields else "Parameters"
    selector = compile_template(fields[selector_field], selector_field) if selector_field in fields else None
    distributed = _distributed(fields) if is_distributed(fields) else None
    return MapState(
        name,
        fields.get("Next"),
        flow,
        assign,
        processor,
        _items(fields.get("ItemsPath", "$"), objects=distributed is not None),
        selector,
        compile_count(fields, "MaxConcurrency") or _no_limit,
        distributed,
        retry,
        catch,
        _negative(fields["MaxConcurrencyPath"]) if "MaxConcurrencyPath" in fields else None,
    )


def _negative(text: str) -> Callable[[JSON, Scope], bool]:
    path = compile_path(text)

    def negative(subject: JSON, scope: Scope) -> bool:
        try:
            value = path(subject, scope)
        except PathNotFound:
            return False
        return type(value) is int and value < 0

    return negative


def is_distributed(fields: JSON) -> bool:
    """True for a Map in DISTRIBUTED mode; AWS accepts the mode on a legacy Iterator too (recorded)."""
    processor = fields.get("ItemProcessor") or fields.get("Iterator") or {}
    return bool(processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED")


def _no_limit(subject: JSON, scope: Scope) -> int:  # noqa: ARG001
    return 0


def _items(text: str, *, objects: bool) -> Expression:
    path = compile_path(text)

    def items(subject: JSON, scope: Scope) -> JSON:
        try:
            value = path(subject, scope)
        except PathNotFound as missing:
            raise runtime_error(f"Invalid path '{text}' : {missing.args[0]}") from None
        if isinstance(value, list) or (objects and isinstance(value, dict)):
            return value
        # Within the context object AWS names the path without its first dollar (recorded).
        raise runtime_error(f'Reference path "{text.replace("$$", "$", 1)}" must point to array.')

    return items


def _distributed(fields: JSON) -> DistributedMap:
    processor = fields.get("ItemProcessor") or fields["Iterator"]
    return DistributedMap(
        express=processor["ProcessorConfig"].get("ExecutionType") == "EXPRESS",
        label=fields.get("Label"),
        reader=_reader(fields["ItemReader"]) if "ItemReader" in fields else None,
        batcher=_batcher(fields["ItemBatcher"]) if "ItemBatcher" in fields else None,
        writer=_writer(fields["ResultWriter"]) if "ResultWriter" in fields else None,
        tolerated_failure_count=compile_count(fields, "ToleratedFailureCount"),
        tolerated_failure_percentage=compile_percentage(fields, "ToleratedFailurePercentage"),
    )


def _reader(fields: JSON) -> ItemReader:
    config = fields.get("ReaderConfig", {})
    return ItemReader(
        parse_resource(fields["Resource"]),
        compile_template(fields.get("Parameters", {}), "Parameters"),
        {name: value for name, value in config.items() if name not in ("MaxItems", "MaxItemsPath")},
        compile_count(config, "MaxItems"),
    )


def _batcher(fields: JSON) -> ItemBatcher:
    return ItemBatcher(
        compile_count(fields, "MaxItemsPerBatch"),
        compile_count(fields, "MaxInputBytesPerBatch"),
        compile_template(fields["BatchInput"], "BatchInput") if "BatchInput" in fields else None,
    )


def _writer(fields: JSON) -> ResultWriter:
    config = fields.get("WriterConfig", {})
    exported = "Resource" in fields
    return ResultWriter(
        compile_template(fields.get("Parameters", {}), "Parameters") if exported else None,
        config.get("Transformation", "NONE" if exported else "COMPACT"),
        config.get("OutputType", "JSON"),
    )
