"""Where states lead: missing targets, states that nothing leads to, machines that cannot end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_suggestions import did_you_mean

MISSING = "MISSING_TRANSITION_TARGET"


@dataclass(frozen=True, slots=True)
class Scope:
    """One States object, and those around it: a transition stays within its own."""

    states: dict[str, JSON]
    path: Path
    """Of the machine that holds it."""
    outer: Scope | None = None
    owner: str = ""
    """What a person calls the machine: ``ItemProcessor of ReconcileAll``; the outermost has no name."""


def processor_of(state: dict[str, JSON]) -> tuple[str, JSON]:
    """The field that holds a Map's processor, and what it holds; AWS takes the old name Iterator as well."""
    name = "ItemProcessor" if "ItemProcessor" in state or "Iterator" not in state else "Iterator"
    return name, state.get(name)


def sub_machines(name: str, state: JSON) -> Iterator[tuple[Path, JSON, str]]:
    """The machines inside a Map or Parallel state: place within the state, value, what to call it."""
    if type(state) is not dict:
        return
    if state.get("Type") == "Map":
        field, processor = processor_of(state)
        yield (field,), processor, f"{field} of {name}"
    elif state.get("Type") == "Parallel" and type(state.get("Branches")) is list:
        for index, branch in enumerate(state["Branches"]):
            yield ("Branches", index), branch, f"Branches[{index}] of {name}"


def check_transitions(machine: dict[str, JSON], scope: Scope, findings: Findings) -> None:
    """Report a scope's missing targets and unreachable states, and, of the whole machine, that it has no end."""
    start = machine.get("StartAt")
    if type(start) is str:
        _check_target(start, ("StartAt",), scope, findings)
    for name, state in scope.states.items():
        for place, target in targets(state):
            _check_target(target, ("States", name, *place), scope, findings)
    if scope.outer is None and not any(map(_may_end, scope.states.values())):
        hint = 'Write "End": true in the last state, or add a Succeed or Fail state.'
        findings.error("Workflow has no terminal state", None, hint, code="MISSING_END_STATE", at=("States",))
    elif type(start) is str:
        _check_reachable(start, scope, findings)


def targets(state: JSON) -> Iterator[tuple[Path, str]]:
    """Each name that a state leads to, with its place."""
    if type(state) is not dict:
        return
    for field in ("Next", "Default"):
        if type(state.get(field)) is str:
            yield (field,), state[field]
    for field in ("Choices", "Catch"):
        items = state.get(field)
        for index, item in enumerate(items if type(items) is list else ()):
            if type(item) is dict and type(item.get("Next")) is str:
                yield (field, index, "Next"), item["Next"]


def _may_end(state: JSON) -> bool:
    if type(state) is not dict:
        return is_hole(state)
    kind = state.get("Type")
    if kind in ("Succeed", "Fail") or is_hole(kind):
        return True
    return kind is not None and (state.get("End") is True or is_hole(state.get("End")))


def _check_target(target: str, place: Path, scope: Scope, findings: Findings) -> None:
    if target in scope.states or is_hole(target):
        return
    path = (*scope.path, *place)
    findings.error(f"Missing 'Next' target: {target}", path, _elsewhere(target, place, scope), code=MISSING)


def _elsewhere(target: str, place: Path, scope: Scope) -> str:
    around = scope.outer
    while around is not None:
        if target in around.states:
            return _crossing(target, place, scope, around)
        around = around.outer
    for name, state in scope.states.items():
        for _, machine, called in sub_machines(name, state):
            if type(machine) is dict and type(machine.get("States")) is dict and target in machine["States"]:
                return f"{target} stands in {called}: only states in there can lead to it; lead to {name} instead."
    return did_you_mean(target, scope.states, 0.6) or f"Add a state {target}, or lead to one of {_few(scope.states)}."


def _crossing(target: str, place: Path, scope: Scope, around: Scope) -> str:
    home = around.owner or "the enclosing machine"
    if place == ("StartAt",):
        return f"{target} stands in {home}: move it, with what follows it, into States of {scope.owner}."
    return (
        f'{target} stands in {home}, and no transition leaves {scope.owner}: write "End": true here, '
        f"and let the state that holds {scope.owner.partition(' of ')[0]} lead to {target}."
    )


def _few(states: Iterable[str]) -> str:
    names = list(states)
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "the states (there are none)"


def _check_reachable(start: str, scope: Scope, findings: Findings) -> None:
    if _has_unknown_edges(start, scope.states):
        return
    reached = _reach([start], scope.states)
    lost = [name for name in scope.states if name not in reached]
    homes = _homes(lost, reached, scope) if lost else {}
    for name in lost:
        path = (*scope.path, "States", name)
        hint = homes.get(name) or "Let a state lead to it (Next, Default, a Choice rule or a Catch), or remove it."
        findings.error(f'State "{name}" is not reachable.', path, hint, code=MISSING)


def _has_unknown_edges(start: str, states: Mapping[str, JSON]) -> bool:
    """True where a hole may lead anywhere."""
    if is_hole(start) and start not in states:
        return True
    for state in states.values():
        if is_hole(state):
            return True
        if type(state) is dict and (
            any(is_hole(key) for key in state)
            or any(is_hole(state.get(field)) for field in ("Choices", "Catch"))
            or any(is_hole(item) for field in ("Choices", "Catch") for item in _listed(state.get(field)))
        ):
            return True
    return any(is_hole(target) and target not in states for state in states.values() for _, target in targets(state))


def _listed(value: JSON) -> list[JSON]:
    return value if type(value) is list else []


def _reach(starts: Iterable[str], states: Mapping[str, JSON]) -> dict[str, None]:
    """The states that can be reached from some, in the order in which they are found."""
    found = {name: None for name in starts if name in states}
    waiting = list(found)
    while waiting:
        for _, target in targets(states[waiting.pop()]):
            if target in states and target not in found:
                found[target] = None
                waiting.append(target)
    return found


def _homes(lost: list[str], reached: Mapping[str, None], scope: Scope) -> dict[str, str]:
    """Unreachable states that a machine inside starts with, or that follow from there: they were left outside of it."""
    homes: dict[str, str] = {}
    for name, state in scope.states.items():
        for _, machine, called in sub_machines(name, state):
            start = machine.get("StartAt") if type(machine) is dict else None
            inside = machine.get("States") if type(machine) is dict else None
            if type(start) is not str or start not in scope.states or (type(inside) is dict and start in inside):
                continue
            field, _, owner = called.partition(" of ")
            for found in _reach([start], {key: scope.states[key] for key in lost}):
                leaving = [target for _, target in targets(scope.states[found]) if target in reached]
                end = f' In there write "End": true instead of leading to {leaving[0]}.' if leaving else ""
                homes.setdefault(found, f"Move it into {field}.States of {owner}.{end}")
    return homes
