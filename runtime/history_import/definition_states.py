"""The states of a definition, for recordings to be held against: which there are, and where a map run belongs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stepsim.asl.machine import MapState, ParallelState, State, StateMachine, TaskState
from stepsim.runtime.history_import.recordings import RecordedHistory, RecordedMapRun
from stepsim.runtime.machine_tests.visits import Reading
from stepsim.runtime.scenario_check import did_you_mean

States: TypeAlias = Mapping[str, State]
"""All states of a definition, nested ones included; AWS wants their names to be unique."""

_SHOWN = 3


def states_of(machine: StateMachine) -> dict[str, State]:
    """All states of a machine and of what is nested in it, by name."""
    return dict(_walk(machine))


def tasks_within(machine: StateMachine) -> list[TaskState]:
    """The Tasks of a machine and of what is nested in it, map runs of its own aside."""
    return [state for _, state in _walk(machine, into_distributed=False) if isinstance(state, TaskState)]


def _walk(machine: StateMachine, *, into_distributed: bool = True) -> Iterator[tuple[str, State]]:
    for name, state in machine.states.items():
        yield name, state
        if isinstance(state, MapState) and (into_distributed or state.distributed is None):
            yield from _walk(state.processor, into_distributed=into_distributed)
        elif isinstance(state, ParallelState):
            for branch in state.branches:
                yield from _walk(branch, into_distributed=into_distributed)


@dataclass(frozen=True, slots=True)
class _Foreign:
    """An event that the definition cannot have written."""

    event_id: int
    told: str
    name: str


def foreign_states(history: RecordedHistory, states: States, definition: Path) -> str | None:
    """What is wrong with a history that another definition has written: which state, where, what to do; else None."""
    found: dict[str, _Foreign] = {}
    for event in history.events:
        if not event.type.endswith("StateEntered") or event.details is None:
            continue
        name, kind = str(event.details.get("name")), event.type.removesuffix("StateEntered")
        state = states.get(name)
        if name in found or (state is not None and state.type == kind):
            continue
        if state is None:
            hint = did_you_mean(name, states)
            told = f"{name!r}, which {definition} has not" + (f" ({hint})" if hint else "")
        else:
            told = f"{name!r} as a {kind}, which is a {state.type} in {definition}"
        found[name] = _Foreign(event.id, told, name)
    if not found:
        return None
    first, *others = found.values()
    more = [f"{one.name!r} (event {one.event_id})" for one in others[:_SHOWN]]
    if len(others) > _SHOWN:
        more.append(f"{len(others) - _SHOWN} more")
    also = f" Nor does it fit {', '.join(more)}." if more else ""
    return (
        f"{history.file}: event {first.event_id} enters the state {first.told}.{also} The history belongs to another "
        f"definition or to another version of it: give that one with --definition, or leave the file out."
    )


@dataclass(frozen=True, slots=True)
class MapRunOf:
    """The distributed Map that a map run belongs to."""

    state: MapState
    run: RecordedMapRun


def place_map_runs(
    runs: Sequence[RecordedMapRun], readings: Sequence[Reading], states: States, definition: Path
) -> tuple[list[MapRunOf], list[str]]:
    """Each map run's state, and a sentence for each that belongs to none.

    A history names the map run that it opened; else the Label is in the ARN; else there must be one distributed Map.
    """
    distributed = {
        name: state for name, state in states.items() if isinstance(state, MapState) and state.distributed is not None
    }
    opened = {
        attempt.map_run: visit.state
        for reading in readings
        for visit in reading.all_visits()
        for attempt in visit.attempts
        if attempt.map_run is not None
    }
    by_label = {
        state.distributed.label: name
        for name, state in distributed.items()
        if state.distributed is not None and state.distributed.label
    }
    placed: list[MapRunOf] = []
    problems: list[str] = []
    for run in runs:
        labels = set(run.labels)
        if run.arn is not None:
            labels.add(run.arn.split(":mapRun:")[-1].partition(":")[0].rpartition("/")[2])
        name = opened.get(run.arn or "") or next(
            (by_label[label] for label in sorted(labels) if label in by_label), None
        )
        unlabelled = [one for one in distributed if one not in by_label.values()]
        if name is None and len(unlabelled) == 1:
            [name] = unlabelled
        if name is not None:
            placed.append(MapRunOf(distributed[name], run))
            continue
        shown = ", ".join(sorted(labels)) or "no label"
        if not distributed:
            told = f"{definition} has no distributed Map. Give the definition that it ran with"
        elif not unlabelled:
            known = ", ".join(f"{label} ({state})" for label, state in by_label.items())
            told = f"the Maps of {definition} have the labels {known}. Give the definition that it ran with"
        else:
            told = f"{', '.join(unlabelled)} of {definition} might have run it. Give the history that started it, too"
        problems.append(f"{run.folder}: a map run with {shown}, and {told}, or leave the folder out.")
    return placed, problems
