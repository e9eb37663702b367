"""A valid definition -> a `StateMachine`. Everything that can be decided once is decided here.

The definition has passed `validate`; what is wrong with one that has not is not explained here.
"""

from __future__ import annotations

from collections.abc import Callable

from stepsim.asl.choice import compile_rule
from stepsim.asl.compile_fields import retriers
from stepsim.asl.compile_map import compile_map
from stepsim.asl.dataflow import JSONPathCatch, JSONPathDataflow
from stepsim.asl.errors import StatesError, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.machine import (
    Assignment,
    Catcher,
    ChoiceRule,
    ChoiceState,
    FailState,
    ParallelState,
    PassState,
    State,
    StateMachine,
    SucceedState,
    TaskState,
    WaitState,
)
from stepsim.asl.numbers import compile_count, compile_until
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import parse_resource
from stepsim.asl.template import compile_template, compile_value

CompileMachine = Callable[[JSON], StateMachine]
"""Compiles a branch or a processor, in the whole machine's language."""


def compile_machine(definition: JSON, language: str = "") -> StateMachine:
    """Compile a machine, a branch or the processor of a Map, from valid ASL.

    States are written in the query language of the whole machine unless they name one of their own; `language` is that
    of the machine around, for what stands inside a state.
    """
    spoken = language or definition.get("QueryLanguage", "JSONPath")
    timeout = definition.get("TimeoutSeconds")
    return StateMachine(
        start_at=definition["StartAt"],
        states={name: _state(name, fields, spoken) for name, fields in definition["States"].items()},
        timeout_s=None if timeout is None else int(timeout),
        comment=definition.get("Comment", ""),
        definition=definition,
    )


def _state(name: str, fields: JSON, language: str) -> State:
    def inner(machine: JSON) -> StateMachine:
        # What stands inside a Map or Parallel speaks the machine's language, not the state's.
        return compile_machine(machine, language)

    if fields.get("QueryLanguage", language) == "JSONata":
        # The engine is loaded by those who need it.
        from stepsim.asl.compile_jsonata import compile_state

        return compile_state(name, fields, inner)
    kind = fields["Type"]
    return _STATES[kind](name, fields) if kind in _STATES else _NESTED[kind](name, fields, inner)


def _pass(name: str, fields: JSON) -> State:
    result = Payload(fields["Result"]) if "Result" in fields else None
    return PassState(name, fields.get("Next"), dataflow(fields), assignment(fields), result)


def _task(name: str, fields: JSON) -> State:
    credentials = fields.get("Credentials")
    resource, parameters = parse_resource(fields["Resource"]), fields.get("Parameters")
    return TaskState(
        name,
        fields.get("Next"),
        dataflow(fields),
        assignment(fields),
        resource,
        retriers(fields),
        catchers(fields),
        _positive(compile_count(fields, "TimeoutSeconds"), "TimeoutSeconds"),
        _positive(compile_count(fields, "HeartbeatSeconds"), "HeartbeatSeconds"),
        None if credentials is None else compile_template(credentials, "Credentials"),
        _literal(parameters, "FunctionName"),
        _literal(parameters, resource.job_field),
    )


def _literal(parameters: JSON, name: str | None) -> str | None:
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value if isinstance(value, str) else None


def _choice(name: str, fields: JSON) -> State:
    rules = tuple(ChoiceRule(compile_rule(rule), rule["Next"], assignment(rule)) for rule in fields["Choices"])
    return ChoiceState(name, dataflow(fields), assignment(fields), rules, fields.get("Default"))


def _wait(name: str, fields: JSON) -> State:
    return WaitState(name, fields.get("Next"), dataflow(fields), assignment(fields), compile_until(fields))


def _succeed(name: str, fields: JSON) -> State:
    return SucceedState(name, dataflow(fields))


def _fail(name: str, fields: JSON) -> State:
    return FailState(name, _text(fields, "Error"), _text(fields, "Cause"))


def _parallel(name: str, fields: JSON, inner: CompileMachine) -> State:
    return ParallelState(
        name,
        fields.get("Next"),
        dataflow(fields),
        assignment(fields),
        tuple(inner(branch) for branch in fields["Branches"]),
        retriers(fields),
        catchers(fields),
    )


def _map(name: str, fields: JSON, inner: CompileMachine) -> State:
    processor = fields["ItemProcessor"] if "ItemProcessor" in fields else fields["Iterator"]
    # Parameters is the old name of ItemSelector in a Map; nothing else of the state's flow uses it.
    flow_fields = {key: value for key, value in fields.items() if key != "Parameters"}
    return compile_map(
        name,
        fields,
        inner({"StartAt": processor["StartAt"], "States": processor["States"]}),
        dataflow(flow_fields),
        assignment(fields),
        retriers(fields),
        catchers(fields),
    )


_STATES: dict[str, Callable[[str, JSON], State]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
}

_NESTED: dict[str, Callable[[str, JSON, CompileMachine], State]] = {"Parallel": _parallel, "Map": _map}


def dataflow(fields: JSON) -> JSONPathDataflow:
    """The way in and out of a state, from its fields."""
    return JSONPathDataflow(
        fields.get("InputPath", "$"),
        compile_template(fields["Parameters"], "Parameters") if "Parameters" in fields else None,
        compile_template(fields["ResultSelector"], "ResultSelector") if "ResultSelector" in fields else None,
        fields.get("ResultPath", "$"),
        fields.get("OutputPath", "$"),
    )


def assignment(fields: JSON) -> Assignment | None:
    """The Assign field of a state, a Choice rule or a catcher."""
    if not fields.get("Assign"):
        return None
    template = compile_template(fields["Assign"], "Assign")

    def assign(subject: Payload, scope: Scope) -> dict[str, JSON]:
        values: dict[str, JSON] = template(subject.value, scope)
        return values

    return assign


def catchers(fields: JSON) -> tuple[Catcher, ...]:
    """The Catch field."""
    return tuple(
        Catcher(
            tuple(catcher["ErrorEquals"]),
            catcher["Next"],
            JSONPathCatch(catcher.get("ResultPath", "$")),
            assignment(catcher),
        )
        for catcher in fields.get("Catch", ())
    )


def _text(fields: JSON, name: str) -> Expression | None:
    """Error or Cause of a Fail state: a literal, or its Path twin, which must lead to a string."""
    if name in fields:
        constant = fields[name]
        return lambda subject, scope: constant
    field = f"{name}Path"
    if field not in fields:
        return None
    expression = compile_value(fields[field], field)

    def text(subject: JSON, scope: Scope) -> JSON:
        value = expression(subject, scope)
        if not isinstance(value, str):
            raise _not_text(field, value)
        return value

    return text


def _not_text(field: str, value: JSON) -> StatesError:
    return runtime_error(f"The {field} field must refer to a string, but refers to: {Payload(value).text}")


def _positive(count: Callable[[JSON, Scope], int] | None, name: str) -> Callable[[JSON, Scope], int] | None:
    if count is None:
        return None

    def positive(subject: JSON, scope: Scope) -> int:
        value = count(subject, scope)
        if value <= 0:
            raise runtime_error(f"{name} must be greater than 0.")
        return value

    return positive
