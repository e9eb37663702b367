"""Values that hold expressions at any depth: Arguments, Output, Assign and their like -> one expression."""

from __future__ import annotations

# The closures here share one shape; not each of them reads all that it is given.
from collections.abc import Iterable, Iterator

from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonata.query import Subject, compile_query, unexpected_type
from stepsim.asl.jsonata.source import expression_text, is_expression
from stepsim.asl.payload import JSON


def compile_value(value: JSON, field: str, subject_name: Subject = "") -> Expression:
    """The expression of a value; strings between ``{%`` and ``%}`` in it are evaluated, everything else is taken as is.

    `field` is its place in the state: ``Output``, ``Assign``, ``Choices[1]/Output``. Raises EngineError.
    """
    compiled = _compile(value, field, subject_name)
    return (lambda subject, scope: value) if compiled is None else compiled


def compile_typed(value: JSON, field: str, expected: str, kinds: tuple[type, ...]) -> Expression:
    """The expression of a field that takes values of one type only; `expected` is JSONata's word for it.

    A literal of that type may hold expressions: ``"Items": [1, "{% $n %}"]``.
    """
    if not is_expression(value):
        return compile_value(value, field)
    text = expression_text(value)
    query = compile_query(text, field)

    def evaluate(subject: JSON, scope: Scope) -> JSON:
        result = query(subject, scope)
        if type(result) not in kinds:
            raise unexpected_type(text, field, expected, result)
        return result

    return evaluate


def expressions(value: JSON, field: str) -> Iterator[tuple[str, str]]:
    """All expressions within a value: their places and texts."""
    if is_expression(value):
        yield field, expression_text(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from expressions(member, f"{field}/{name}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from expressions(element, f"{field}[{index}]")


def _compile(value: JSON, field: str, subject_name: Subject) -> Expression | None:
    """None where nothing in the value is evaluated."""
    if is_expression(value):
        return compile_query(expression_text(value), field, subject_name)
    if type(value) is dict:
        return _filled(value, ((name, _compile(one, f"{field}/{name}", subject_name)) for name, one in value.items()))
    if type(value) is list:
        return _filled(value, ((at, _compile(one, f"{field}[{at}]", subject_name)) for at, one in enumerate(value)))
    return None


def _filled(value: JSON, compiled: Iterable[tuple[str | int, Expression | None]]) -> Expression | None:
    """A copy of an object or array with what is computed in its places; None where nothing is."""
    computed = tuple((place, expression) for place, expression in compiled if expression is not None)
    if not computed:
        return None

    def build(subject: JSON, scope: Scope) -> JSON:
        result = value.copy()
        for place, expression in computed:
            result[place] = expression(subject, scope)
        return result

    return build
