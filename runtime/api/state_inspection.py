"""What TestState's ``inspectionData`` shows: the data after each step of a state's way in and way out.

A state's own dataflow is taken apart, step by step, and each step notes what it made. Recorded: a Pass state with a
Result shows nothing of its way in; states that have no such fields show nothing of their way out.
"""

from __future__ import annotations

from dataclasses import replace

from stepsim.asl.compile import dataflow
from stepsim.asl.dataflow import Dataflow
from stepsim.asl.expression import Scope
from stepsim.asl.machine import State
from stepsim.asl.payload import JSON, Payload

_IN = (("InputPath", "afterInputPath"), ("Parameters", "afterParameters"))
_OUT = (("ResultSelector", "afterResultSelector"), ("ResultPath", "afterResultPath"), ("OutputPath", None))

_WITH_PARAMETERS = frozenset({"Pass", "Task"})
"""The types of states that have Parameters, a result and a ResultPath."""


def inspected(state: State, fields: JSON, notes: dict[str, str], *, jsonata: bool) -> State:
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

    def __init__(self, fields: JSON, notes: dict[str, str]) -> None:
        kind = fields["Type"]
        self._notes = notes
        self._constant = "Result" in fields
        self._task = kind == "Task"
        self._in = [
            (dataflow(_only(fields, field)), note)
            for field, note in _IN
            if field == "InputPath" or kind in _WITH_PARAMETERS
        ]
        self._out = [
            (dataflow(_only(fields, field)), note)
            for field, note in _OUT
            if field == "OutputPath" or kind in _WITH_PARAMETERS
        ]

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        for flow, note in self._in:
            raw = flow.enter(raw, scope)
            if not self._constant:
                self._notes[note] = raw.text
        return raw

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:
        if self._task or self._constant:
            self._notes["result"] = result.text
        for flow, note in self._out:
            result = flow.leave(raw, result, scope)
            if note is not None:
                self._notes[note] = result.text
        return result


def _only(fields: JSON, name: str) -> JSON:
    return {name: fields[name]} if name in fields else {}


class _JSONataSteps:
    """Arguments ▸ work ▸ Output."""

    def __init__(self, flow: Dataflow, notes: dict[str, str]) -> None:
        self._flow = flow
        self._notes = notes

    def enter(self, raw: Payload, scope: Scope) -> Payload:
        arguments = self._flow.enter(raw, scope)
        self._notes["afterArguments"] = arguments.text
        return arguments

    def leave(self, raw: Payload, result: Payload, scope: Scope) -> Payload:
        self._notes["result"] = result.text
        return self._flow.leave(raw, result, scope)
