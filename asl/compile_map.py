"""The fields of a Map, inline and distributed, compiled."""

from __future__ import annotations

from collections.abc import Callable

from stepsim.asl.compile_distributed import QueryLanguage, compile_distributed, compile_refused, is_distributed
from stepsim.asl.dataflow import Dataflow
from stepsim.asl.errors import PathNotFound, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonpath import compile_path
from stepsim.asl.machine import Assignment, Catcher, MapState, Retrier, StateMachine
from stepsim.asl.numbers import compile_count, compile_percentage
from stepsim.asl.payload import JSON
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
    distributed = compile_distributed(fields, _JSONPATH) if is_distributed(fields) else None
    return MapState(
        name,
        fields.get("Next"),
        flow,
        assign,
        processor,
        compile_refused(fields) or _items(fields.get("ItemsPath", "$"), objects=distributed is not None),
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


def _template(value: JSON, place: str) -> Expression:
    # AWS's texts have the field's own name.
    return compile_template(value, place.rpartition("/")[2])


_JSONPATH = QueryLanguage(
    arguments="Parameters",
    compile_arguments=_template,
    compile_template=_template,
    compile_count=lambda fields, name, place: compile_count(fields, name),
    compile_percentage=compile_percentage,
    whole_seconds=False,
)
