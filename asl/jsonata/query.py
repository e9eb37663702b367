"""A JSONata expression of one field, compiled: it fails as AWS fails, naming the expression and the field.

What an expression sees: ``$states.input`` (the state's raw input), ``$states.context``, the variables and, where the
field has one, ``$states.result`` or ``$states.errorOutput``. A path with nothing else never enters an engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from stepsim.asl.errors import QUERY_EVALUATION_ERROR, StatesError
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonata.bounded import BoundedExpression
from stepsim.asl.jsonata.engine import Compiled, EngineError, Reads, Special, chosen_engine
from stepsim.asl.jsonata.functions import OF_SCOPE, PURE
from stepsim.asl.jsonata.source import BarePath, bare_path, newer_operator
from stepsim.asl.payload import JSON, encode

Subject: TypeAlias = Literal["", "result", "errorOutput"]
"""What an expression's subject is called under ``$states``; "" where the field has none."""

_MISSING: Any = object()
_WRITTEN_OUT = 1e21
"""From here on JSONata writes whole numbers with an exponent."""


def compile_query(text: str, field: str, subject_name: Subject = "") -> Expression:
    """The expression of a field, its text without delimiters.

    Raises EngineError where it does not parse; evaluating it raises States.QueryEvaluationError with AWS's cause.
    """
    engine = _engine_query(text, field, _compile(text), subject_name)
    path = bare_path(text)
    return engine if path is None else _path_query(path, subject_name, engine)


class Checked(NamedTuple):
    """What can be said of an expression without evaluating it."""

    fault: str | None
    """Why it does not parse, in the parser's words."""
    context: tuple[str, ...] = ()
    """Names that it reads from an input document, which it does not have; ``$`` for the document itself."""
    variables: tuple[str, ...] = ()
    """The variables that it reads and does not bind itself; ``$states`` and functions are none."""


def check_query(text: str) -> Checked:
    """Whether an expression, its text without delimiters, parses; and what it refers to that is not there."""
    try:
        compiled = _compile(text)
    except EngineError as error:
        return Checked(error.message)
    variables = tuple(name for name in compiled.variables if name not in _RESERVED)
    return Checked(None, tuple(compiled.context), variables)


def _compile(text: str) -> Compiled:
    operator = newer_operator(text)
    if operator is not None:
        # To 2.0.6 these are an operator followed by a stray sign.
        raise EngineError("S0211", f'The symbol "{operator[1]}" cannot be used as a unary operator')
    return BoundedExpression(text, _FUNCTIONS, chosen_engine())


def failure(text: str, field: str, problem: str) -> StatesError:
    """States.QueryEvaluationError as AWS words it; `field` is also the place that the event names."""
    cause = f"The JSONata expression '{text}' specified for the field '{field}' {problem}"
    return StatesError(QUERY_EVALUATION_ERROR, cause, by_interpreter=True, location=field)


def unexpected_type(text: str, field: str, expected: str, value: JSON) -> StatesError:
    """The failure of an expression whose value is of another type than the field takes (recorded)."""
    kind = kind_of(value)
    problem = f"returned an unexpected result type. Expected '{expected}', but was '{kind}' for value: {encode(value)}"
    return failure(text, field, problem)


def kind_of(value: JSON) -> str:
    """What JSONata calls the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else "array" if isinstance(value, list) else "object"


def prune(value: Any, reads: Any) -> Any:
    """The part of a value that is read: an engine converts all that it is given."""
    if reads is True or type(value) is not dict:
        return value
    return {name: prune(value[name], inner) for name, inner in reads.items() if name in value}


def _engine_query(text: str, field: str, compiled: Compiled, subject_name: Subject) -> Expression:
    bind = _binder(text, compiled.variables, subject_name)

    def evaluate(subject: JSON, scope: Scope) -> JSON:
        try:
            value = compiled.evaluate(bind(subject, scope), scope.now_ms)
        except EngineError as error:
            told = f"{error.code}: {error.message}" if error.code else error.message
            joint = "." if error.code else ":"
            raise failure(text, field, f"threw an error during evaluation{joint} {told}") from None
        if value is Special.UNDEFINED:
            raise failure(text, field, "returned nothing (undefined).")
        if value is Special.FUNCTION:
            raise failure(text, field, "returned an unsupported result type.")
        return value

    return evaluate if "$" in text else _constant(evaluate)


def _constant(evaluate: Expression) -> Expression:
    """An expression that reads nothing: evaluated once, when it is first asked for."""
    known: list[JSON] = []

    def constant(subject: JSON, scope: Scope) -> JSON:
        if not known:
            known.append(evaluate(subject, scope))
        return known[0]

    return constant


def _binder(text: str, reads: Reads, subject_name: Subject) -> Callable[[JSON, Scope], dict[str, Any]]:
    """What makes the variables and functions that an expression mentions."""
    mentioned = dict.fromkeys(_VARIABLE.findall(text), True)
    pure = {name: function for name, function in PURE.items() if name in mentioned}
    of_scope = tuple((name, make) for name, make in OF_SCOPE.items() if name in mentioned)
    # A variable may have the name of a built-in function, which the analysis does not tell.
    variables = tuple((name, read) for name, read in {**mentioned, **reads}.items() if name not in _RESERVED)
    read_states = _states_reader(reads.get("states"), subject_name)

    def bind(subject: JSON, scope: Scope) -> dict[str, Any]:
        bindings: dict[str, Any] = pure.copy()
        for name, make in of_scope:
            bindings[name] = make(scope)
        if read_states is not None:
            bindings["states"] = read_states(subject, scope)
        known = scope.variables
        if known:
            for name, read in variables:
                if name in known:
                    bindings[name] = prune(known[name], read)
        return bindings

    return bind


_VARIABLE = re.compile(r"\$([^\W\d]\w*)")
_FUNCTIONS = (*(name for name, function in PURE.items() if function is not None), *OF_SCOPE)
_RESERVED = frozenset({"states", *PURE, *OF_SCOPE})


def _states_reader(reads: Any, subject_name: Subject) -> Callable[[JSON, Scope], JSON] | None:
    if reads is None:
        return None
    members: Mapping[str, Any] = {"input": True, "context": True, subject_name: True} if reads is True else reads
    raw, context, own = members.get("input"), members.get("context"), members.get(subject_name or "$")

    def states(subject: JSON, scope: Scope) -> JSON:
        shown: dict[str, JSON] = {}
        if raw is not None:
            shown["input"] = prune(scope.raw.value, raw)
        if context is not None:
            shown["context"] = prune(scope.context, context)
        if own is not None:
            shown[subject_name] = prune(subject, own)
        return shown

    return states


def _member(name: str, subject_name: Subject, subject: JSON, scope: Scope) -> JSON:
    if name == "input":
        return scope.raw.value
    if name == "context":
        return scope.context
    return subject if name and name == subject_name else _MISSING


def _path_query(path: BarePath, subject_name: Subject, engine: Expression) -> Expression:
    root, steps = path
    member = ""
    if root == "states":
        if not steps or steps[0] not in ("input", "context", subject_name):
            return engine
        member, steps = steps[0], steps[1:]

    def evaluate(subject: JSON, scope: Scope) -> JSON:
        value = _member(member, subject_name, subject, scope) if member else scope.variables.get(root, _MISSING)
        for step in steps:
            if type(value) is not dict:
                # Arrays are mapped over, and nothing has no members: the engine knows how.
                return engine(subject, scope)
            value = value.get(step, _MISSING)
        if value is _MISSING:
            return engine(subject, scope)
        # JSONata has one kind of number: 1.0 is written as 1 (measured).
        return int(value) if type(value) is float and value.is_integer() and abs(value) < _WRITTEN_OUT else value

    return evaluate
