"""What TestState's ``inspectionData`` shows of a state's dataflow: the data after each step of its way in and way out.

A state's own dataflow is taken apart, step by step, and each step notes what it made. Which steps are shown depends on
the type of the state (recorded); a Pass state with a Result shows nothing of its way in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from stepsim.asl.compile import dataflow
from stepsim.asl.dataflow import Dataflow
from stepsim.asl.expression import Scope
from stepsim.asl.machine import State
from stepsim.asl.payload import JSON, Payload


class _Step(NamedTuple):
    field: str
    note: str | None
    """What the data is shown as; None where the step is not shown."""


class _Shown(NamedTuple):
    """The steps of a type of state, in their order."""

    way_in: tuple[_Step, ...]
    way_out: tuple[_Step, ...]
    result: bool = False


_INPUT = _Step("InputPath", "afterInputPath")
_PARAMETERS = _Step("Parameters", "afterParameters")
_RESULT = (_Step("ResultSelector", "afterResultSelector"), _Step("ResultPath", "afterResultPath"))
_OUTPUT = _Step("OutputPath", None)

_SHOWN: dict[str, _Shown] = {
    "Pass": _Shown((_INPUT, _PARAMETERS), (*_RESULT, _OUTPUT)),
    "Task": _Shown((_INPUT, _PARAMETERS), (*_RESULT, _OUTPUT), result=True),
    # A Map's Parameters are its items', and a Parallel shows nothing of its way in (recorded).
    "Map": _Shown((_INPUT,), (*_RESULT, _OUTPUT)),
    "Parallel": _Shown((_Step("InputPath", None), _Step("Parameters", None)), (*_RESULT, _OUTPUT)),
}
_OTHERS = _Shown((_INPUT,), (_OUTPUT,))
"""Choice, Wait and Succeed."""


def inspected(state: State, fields: JSON, notes: dict[str, JSON], *, jsonata: bool) -> State:
    """The state, whose dataflow notes under the API's names what each of its steps made, as JSON text."""
    if state.type == "Fail":
        if not jsonata:
            # Nothing filters a Fail state's input, yet AWS shows it as filtered (recorded).
            notes["afterInputPath"] = notes["input"]
        return state
    if jsonata:
        flow: Dataflow = _JSONataSteps(state.flow, notes) if state.type == "Task" else state.flow
    else:
        flow = _JSONPathSteps(fields, notes)
    return replace(state, flow=flow)


class _JSONPathSteps:
    """InputPath ▸ Parameters ▸ work ▸ ResultSelector ▸ ResultPath ▸ OutputPath, one dataflow each."""

    def __init__(self, fields: JSON, notes: dict[str, JSON]) -> None:
        shown = _SHOWN.get(fields["Type"], _OTHERS)
        self._notes = notes
        self._constant = "Result" in fields
        self._result = shown.result or self._constant
        self._in = [(_flow(fields, step), step.note) for step in shown.way_in]
        self._out = [(_flow(fields, step), step.note) for step in shown.way_out]

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        for flow, note in self._in:
            raw = flow.enter(raw, scope)
            if note is not None and not self._constant:
                self._notes[note] = raw.text
        return raw

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:
        if self._result:
            self._notes["result"] = result.text
        for flow, note in self._out:
            result = flow.leave(raw, result, scope)
            if note is not None:
                self._notes[note] = result.text
        return result


def _flow(fields: JSON, step: _Step) -> Dataflow:
    return dataflow({step.field: fields[step.field]} if step.field in fields else {})


class _JSONataSteps:
    """Arguments ▸ work ▸ Output."""

    def __init__(self, flow: Dataflow, notes: dict[str, JSON]) -> None:
        self._flow = flow
        self._notes = notes

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        arguments = self._flow.enter(raw, scope)
        self._notes["afterArguments"] = arguments.text
        return arguments

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:
        self._notes["result"] = result.text
        return self._flow.leave(raw, result, scope)
