"""How data passes through one state: what the state works on, and what it hands on.

A `Dataflow` is the query language's part of a state. The interpreter calls `enter` before the work and `leave` after
it, and cannot tell which language it runs. JSONPath's order: raw input ▸ InputPath ▸ Parameters ▸ work ▸
ResultSelector ▸ ResultPath (into the raw input) ▸ OutputPath. A payload that nothing changed keeps its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from stepsim.asl.errors import PathNotFound, runtime_error
from stepsim.asl.expression import Expression, Scope
from stepsim.asl.jsonpath import Path, ReferencePath, compile_path, compile_reference_path
from stepsim.asl.payload import EMPTY, JSON, Payload


class Dataflow(Protocol):
    """A state's way in and way out."""

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        """What the state works on, from its raw input."""
        ...

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:
        """What the next state gets, from the raw input and the result of the work."""
        ...


class CatchFlow(Protocol):
    """A catcher's way out."""

    def __call__(self, raw: Payload, error_output: Payload, scope: Scope, /) -> Payload:
        """What the catcher's Next gets, from the state's raw input and the Error Output."""
        ...


class JSONPathDataflow:
    """InputPath, Parameters, ResultSelector, ResultPath and OutputPath, each None where it changes nothing."""

    __slots__ = ("_input", "_output", "_parameters", "_put_result", "_result_selector")

    def __init__(
        self,
        input_path: JSON = "$",
        parameters: Expression | None = None,
        result_selector: Expression | None = None,
        result_path: JSON = "$",
        output_path: JSON = "$",
    ) -> None:
        self._input = _filter(input_path)
        self._parameters = parameters
        self._result_selector = result_selector
        self._put_result = _result_putter(result_path)
        self._output = _filter(output_path)

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        if self._input is not None:
            raw = self._input(raw, scope)
        if self._parameters is not None:
            return Payload(self._parameters(raw.value, scope))
        return raw

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:
        if self._result_selector is not None:
            result = Payload(self._result_selector(result.value, scope))
        if self._put_result is not None:
            result = self._put_result(raw, result)
        if self._output is not None:
            return self._output(result, scope)
        return result


class JSONPathCatch:
    """A catcher's ResultPath. The state's OutputPath has no part in it (recorded)."""

    __slots__ = ("_put_result",)

    def __init__(self, result_path: JSON = "$") -> None:
        self._put_result = _result_putter(result_path)

    def __call__(self, raw: Payload, error_output: Payload, scope: Scope, /) -> Payload:  # noqa: ARG002
        return error_output if self._put_result is None else self._put_result(raw, error_output)


def path_value(path: Path, subject: JSON, scope: Scope) -> JSON:
    """The value of a path in a field such as InputPath; raises States.Runtime with AWS's text where there is none."""
    try:
        return path(subject, scope)
    except PathNotFound as missing:
        raise runtime_error(f"Invalid path '{path.text}' : {missing.args[0]}") from None


def _filter(text: JSON) -> Callable[[Payload, Scope], Payload] | None:
    """InputPath or OutputPath: null stands for an empty object, ``$`` for no change."""
    if text is None:
        return lambda payload, scope: EMPTY
    if text == "$":
        return None
    path = compile_path(text)
    return lambda payload, scope: Payload(path_value(path, payload.value, scope))


def _result_putter(text: JSON) -> Callable[[Payload, Payload], Payload] | None:
    """ResultPath: None where the result replaces everything."""
    if text is None:
        return lambda raw, result: raw
    if text == "$":
        return None
    path: ReferencePath = compile_reference_path(text)
    return lambda raw, result: Payload(path.put(raw.value, result.value))
