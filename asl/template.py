"""Payload templates: Parameters, ResultSelector, ItemSelector, Assign and their like -> an expression.

A key that ends in ``.$`` has its value computed: a path in the input (``$``), the context object (``$$``) or a variable
(``$name``), or an intrinsic function call. Everything else is taken as it is, strings that look like paths too; what
has no computed part is one shared object. Elements of arrays are looked into, but a string there is never computed.
"""

# The closures and table entries here share one shape; not each of them reads all that it is given.

from __future__ import annotations

from stepsim.asl.errors import PathNotFound, StatesError, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.intrinsics import compile_intrinsic
from stepsim.asl.jsonpath import compile_path, template_reference
from stepsim.asl.payload import JSON, encode

_SUFFIX = ".$"


def compile_template(value: JSON, field: str) -> Expression:
    """The expression of the template in ``field``. Raises ValueError, with AWS's text, where it is none.

    Evaluating it raises States.Runtime where a definite path leads nowhere; only an index past the end of its array, as
    the last step of a path, gives null (observed).
    """
    expression = _compile(value, field)
    return _constant(value) if expression is None else expression


def compile_value(text: str, field: str) -> Expression:
    """The expression of a field that is a path or an intrinsic function call itself: ErrorPath, CausePath."""
    if not text.startswith("$"):
        return _intrinsic(text, field)
    return compile_path(text).failing(lambda subject: _not_found(text, field, subject))


def _constant(value: JSON) -> Expression:
    return lambda subject, scope: value


def _compile(value: JSON, field: str) -> Expression | None:
    """None where nothing in the value is computed."""
    if type(value) is dict:
        return _object(value, field)
    if type(value) is list:
        return _array(value, field)
    return None


def _array(items: list[JSON], field: str) -> Expression | None:
    compiled = [_compile(item, field) for item in items]
    if not any(compiled):
        return None
    elements = [expression or _constant(item) for expression, item in zip(compiled, items, strict=True)]
    return lambda subject, scope: [element(subject, scope) for element in elements]


def _object(members: dict[str, JSON], field: str) -> Expression | None:
    base: dict[str, JSON] = {}
    computed: list[tuple[str, Expression]] = []
    texts: dict[str, str] = {}
    for key, value in members.items():
        name = key.removesuffix(_SUFFIX)
        if name in base:
            raise ValueError(f"The field '{name}' stands twice in {field}: as '{name}' and as '{name}{_SUFFIX}'")
        expression = _computed(key, value) if key.endswith(_SUFFIX) else _compile(value, key)
        base[name] = value if expression is None else None
        if expression is not None:
            computed.append((name, expression))
            texts[name] = value
    if not computed:
        return None
    return _builder(base, tuple(computed), texts)


def _builder(base: dict[str, JSON], computed: tuple[tuple[str, Expression], ...], texts: dict[str, str]) -> Expression:
    def build(subject: JSON, scope: Scope) -> JSON:
        result = base.copy()
        name = ""
        try:
            for name, expression in computed:
                result[name] = expression(subject, scope)
        except PathNotFound:
            raise _not_found(texts[name], name + _SUFFIX, subject) from None
        return result

    return build


def _computed(key: str, text: JSON) -> Expression:
    if type(text) is not str:
        raise _invalid(key)
    if not text.startswith("$"):
        return _intrinsic(text, key)
    try:
        return template_reference(compile_path(text))
    except ValueError:
        raise _invalid(key) from None


def _intrinsic(text: str, field: str) -> Expression:
    try:
        return compile_intrinsic(text)
    except ValueError:
        raise _invalid(field) from None


def _invalid(field: str) -> ValueError:
    return ValueError(f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call")


def _not_found(path: str, field: str, subject: JSON) -> StatesError:
    return runtime_error(
        f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{encode(subject)}'"
    )
