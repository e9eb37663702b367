"""A run as a golden file has it: its visits as plain data, normalised, whatever order concurrent branches went in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from stepsim.asl.payload import JSON
from stepsim.runtime.machine_tests.normalise import Normaliser
from stepsim.runtime.machine_tests.visits import Attempt, Reading, Visit

Trace: TypeAlias = "dict[str, Any]"
"""``input``, ``status``, ``output``, ``error``, ``cause`` and ``visits``; a visit has ``state``, ``type``, ``input``
(unless it is the output of the one before), ``output``, ``attempts`` and so on."""


def trace_of(reading: Reading) -> Trace:
    """A run's trace."""
    normaliser = Normaliser(reading.start_ms, reading.stop_ms)
    trace: Trace = {"input": normaliser.value(reading.input), "status": reading.status}
    if reading.status == "SUCCEEDED":
        trace["output"] = normaliser.value(reading.output)
    else:
        trace |= _failure(reading.error, reading.cause, normaliser)
    trace["visits"] = _visits(reading.visits, normaliser, trace["input"])
    return trace


_NOTHING = object()


def _visits(visits: Sequence[Visit], normaliser: Normaliser, before: object = _NOTHING) -> list[Trace]:
    found: list[Trace] = []
    for visit in visits:
        found.append(_visit(visit, normaliser, before))
        before = found[-1].get("output", _NOTHING)
    return found


def _visit(visit: Visit, normaliser: Normaliser, before: object) -> Trace:
    shown: Trace = {"state": visit.state, "type": visit.type}
    value = normaliser.value(visit.input)
    if value != before:
        shown["input"] = value
    attempts = [_attempt(visit, attempt, normaliser) for attempt in visit.attempts]
    if attempts:
        shown["attempts"] = attempts
    if visit.error is not None:
        shown["caught" if visit.exited else "failed"] = visit.error
    if visit.assigned:
        shown["assigned"] = normaliser.value(visit.assigned)
    if visit.exited:
        shown["output"] = normaliser.value(visit.output)
    return shown


def _attempt(visit: Visit, attempt: Attempt, normaliser: Normaliser) -> Trace:
    shown: Trace = {}
    if visit.type == "Task":
        shown["sent"] = normaliser.value(attempt.parameters)
    if attempt.failed:
        shown |= _failure(attempt.error, attempt.cause, normaliser)
    elif visit.type == "Task":
        shown["result"] = normaliser.value(attempt.result)
    if visit.type in ("Map", "Parallel"):
        groups: dict[int, list[Visit]] = {}
        for one in attempt.inner:
            groups.setdefault(one.index or 0, []).append(one)
        name = "branches" if visit.type == "Parallel" else "items"
        shown[name] = {str(index): _visits(groups[index], normaliser) for index in sorted(groups)}
    return shown


def _failure(error: str | None, cause: str | None, normaliser: Normaliser) -> dict[str, JSON]:
    shown: dict[str, JSON] = {"error": error}
    if cause is not None:
        shown["cause"] = normaliser.value(cause)
    return shown
