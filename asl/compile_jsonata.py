"""States in the JSONata form, compiled: the same frozen states as `compile` makes of the JSONPath form."""

from __future__ import annotations

# The closures here share one shape; not each of them reads all that it is given.
from collections.abc import Callable

from stepsim.asl.compile_distributed import QueryLanguage, compile_distributed, compile_refused, is_distributed
from stepsim.asl.compile_fields import retriers
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonata.dataflow import JSONataCatch, JSONataDataflow, not_an_array, optional
from stepsim.asl.jsonata.fields import compile_typed, compile_value
from stepsim.asl.jsonata.numbers import compile_count, compile_percentage, compile_until
from stepsim.asl.jsonata.query import Subject
from stepsim.asl.jsonata.source import is_expression
from stepsim.asl.machine import (
    Assignment,
    Catcher,
    ChoiceRule,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    State,
    StateMachine,
    SucceedState,
    TaskState,
    WaitState,
)
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import parse_resource

CompileMachine = Callable[[JSON], StateMachine]
"""Compiles a branch or a processor, in the whole machine's language."""


def compile_state(name: str, fields: dict[str, JSON], compile_inner: CompileMachine) -> State:
    """A state written in JSONata. Raises EngineError where an expression does not parse."""
    match fields["Type"]:
        case "Pass":
            return PassState(name, fields.get("Next"), _flow(fields), _assignment(fields), None)
        case "Task":
            return _task(name, fields)
        case "Choice":
            return _choice(name, fields)
        case "Wait":
            return WaitState(name, fields.get("Next"), _flow(fields), _assignment(fields), compile_until(fields))
        case "Succeed":
            return SucceedState(name, _flow(fields))
        case "Fail":
            return FailState(name, _text(fields, "Error"), _text(fields, "Cause"))
        case "Parallel":
            return _parallel(name, fields, compile_inner)
    return _map(name, fields, compile_inner)


def _flow(fields: dict[str, JSON], subject_name: Subject = "") -> JSONataDataflow:
    return JSONataDataflow(optional(fields, "Arguments"), optional(fields, "Output", subject_name=subject_name))


def _assignment(fields: dict[str, JSON], place: str = "", subject_name: Subject = "") -> Assignment | None:
    if not fields.get("Assign"):
        return None
    template = compile_value(fields["Assign"], f"{place}Assign", subject_name)

    def assign(subject: Payload, scope: Scope) -> dict[str, JSON]:
        values: dict[str, JSON] = template(subject.value, scope)
        return values

    return assign


def _catchers(fields: dict[str, JSON]) -> tuple[Catcher, ...]:
    return tuple(
        Catcher(
            tuple(catcher["ErrorEquals"]),
            catcher["Next"],
            JSONataCatch(optional(catcher, "Output", f"Catch[{index}]/Output", "errorOutput")),
            _assignment(catcher, f"Catch[{index}]/", "errorOutput"),
        )
        for index, catcher in enumerate(fields.get("Catch", ()))
    )


def _text(fields: dict[str, JSON], name: str) -> Expression | None:
    return compile_typed(fields[name], name, "string", (str,)) if name in fields else None


def _task(name: str, fields: dict[str, JSON]) -> State:
    arguments = fields.get("Arguments")
    resource = parse_resource(fields["Resource"])
    return TaskState(
        name,
        fields.get("Next"),
        _flow(fields, "result"),
        _assignment(fields, subject_name="result"),
        resource,
        retriers(fields),
        _catchers(fields),
        compile_count(fields, "TimeoutSeconds", least=1),
        compile_count(fields, "HeartbeatSeconds", least=1),
        _credentials(fields),
        _literal(arguments, "FunctionName"),
        _literal(arguments, resource.job_field),
    )


def _literal(arguments: JSON, name: str | None) -> str | None:
    value = arguments.get(name) if isinstance(arguments, dict) else None
    return value if isinstance(value, str) and not is_expression(value) else None


def _credentials(fields: dict[str, JSON]) -> Expression | None:
    if "Credentials" not in fields:
        return None
    role = compile_typed(fields["Credentials"]["RoleArn"], "Credentials/RoleArn", "string", (str,))
    return lambda subject, scope: {"RoleArn": role(subject, scope)}


def _choice(name: str, fields: dict[str, JSON]) -> State:
    rules = tuple(_rule(index, rule) for index, rule in enumerate(fields["Choices"]))
    return ChoiceState(name, _flow(fields), _assignment(fields), rules, fields.get("Default"))


def _rule(index: int, rule: dict[str, JSON]) -> ChoiceRule:
    place = f"Choices[{index}]/"
    condition = compile_typed(rule["Condition"], f"{place}Condition", "boolean", (bool,))

    def test(subject: JSON, scope: Scope) -> bool:
        return condition(subject, scope) is True

    output = optional(rule, "Output", f"{place}Output")
    flow = None if output is None else JSONataDataflow(None, output)
    return ChoiceRule(test, rule["Next"], _assignment(rule, place), flow or JSONataDataflow(None, None))


def _parallel(name: str, fields: dict[str, JSON], compile_inner: CompileMachine) -> State:
    return ParallelState(
        name,
        fields.get("Next"),
        _flow(fields, "result"),
        _assignment(fields, subject_name="result"),
        tuple(compile_inner(branch) for branch in fields["Branches"]),
        retriers(fields),
        _catchers(fields),
    )


def _map(name: str, fields: dict[str, JSON], compile_inner: CompileMachine) -> State:
    processor = fields.get("ItemProcessor") or fields["Iterator"]
    distributed = is_distributed(fields)
    return MapState(
        name,
        fields.get("Next"),
        JSONataDataflow(None, optional(fields, "Output", subject_name="result")),
        _assignment(fields, subject_name="result"),
        compile_inner({"StartAt": processor["StartAt"], "States": processor["States"]}),
        compile_refused(fields) or _items(fields, objects=distributed),
        optional(fields, "ItemSelector"),
        compile_count(fields, "MaxConcurrency") or (lambda subject, scope: 0),
        compile_distributed(fields, _JSONATA) if distributed else None,
        retriers(fields),
        _catchers(fields),
    )


def _items(fields: dict[str, JSON], *, objects: bool) -> Expression:
    if "Items" in fields:
        kinds: tuple[type, ...] = (list, dict) if objects else (list,)
        return compile_typed(fields["Items"], "Items", "array", kinds)

    def items(subject: JSON, scope: Scope) -> JSON:  # noqa: ARG001
        if isinstance(subject, list) or (objects and isinstance(subject, dict)):
            return subject
        raise not_an_array(subject)

    return items


def _object(value: JSON, place: str) -> Expression:
    """A field that takes an object: one with expressions in it, or an expression that gives one."""
    if is_expression(value):
        return compile_typed(value, place, "object", (dict,))
    return compile_value(value, place)


_JSONATA = QueryLanguage(
    arguments="Arguments",
    compile_arguments=_object,
    compile_template=compile_value,
    compile_count=compile_count,
    compile_percentage=compile_percentage,
    whole_seconds=True,
)
