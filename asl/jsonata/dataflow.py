"""How data passes through a JSONata state: Arguments in, Output out, and the same for a catcher."""

from __future__ import annotations

from stepsim.asl.errors import StatesError, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonata.fields import compile_value
from stepsim.asl.jsonata.query import Subject
from stepsim.asl.payload import JSON, Payload


class JSONataDataflow:
    """Arguments and Output. Without Arguments the state works on its input; without Output it hands on its result."""

    __slots__ = ("_arguments", "_output")

    def __init__(self, arguments: Expression | None, output: Expression | None) -> None:
        self._arguments = arguments
        self._output = output

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        return raw if self._arguments is None else Payload(self._arguments(raw.value, scope))

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:  # noqa: ARG002
        return result if self._output is None else Payload(self._output(result.value, scope))


class JSONataCatch:
    """A catcher's Output; without one, the Error Output itself."""

    __slots__ = ("_output",)

    def __init__(self, output: Expression | None) -> None:
        self._output = output

    def __call__(self, raw: Payload, error_output: Payload, scope: Scope, /) -> Payload:  # noqa: ARG002
        return error_output if self._output is None else Payload(self._output(error_output.value, scope))


def optional(fields: dict[str, JSON], name: str, field: str = "", subject_name: Subject = "") -> Expression | None:
    """The expression of a field that may be absent; `field` is its place in the state where that is not its name."""
    return compile_value(fields[name], field or name, subject_name) if name in fields else None


def not_an_array(value: JSON) -> StatesError:
    """The failure of a Map without Items whose input is no array (recorded): it names no field."""
    error = runtime_error(f"Map state input must be an array but was: {Payload(value).text}")
    error.error = "States.QueryEvaluationError"
    return error
