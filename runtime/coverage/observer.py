"""What has happened: the observer that counts, for each machine that is run, the goals that were reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from stepsim.asl.errors import TIMEOUT, StatesError
from stepsim.asl.machine import (
    Catcher,
    ChoiceRule,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    State,
    StateMachine,
    SucceedState,
    TaskState,
)
from stepsim.asl.parse import Document, Path
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.coverage.goals import (
    EXHAUSTED,
    FAILING,
    FALSE,
    HEARTBEATS,
    PROCESSORS,
    RETRIED,
    TIME_LIMITS,
    TRUE,
    goal_id,
    sized,
)
from stepsim.runtime.coverage.recorded import Recorded, of_document, of_value
from stepsim.runtime.frame import Frame
from stepsim.runtime.retry import matches

_KEPT = 1000
"""Of so many machines it is known which compiled state is which; tests that make accounts compile theirs anew."""


@dataclass(slots=True)
class _Counted:
    """A definition that was run: where it is from, and how often its goals were reached."""

    name: str
    definition: JSON
    document: Document | None
    hits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """A compiled state in its definition."""

    id: str
    """The id of the goal of entering it: those of its other goals begin with it."""
    fields: JSON
    hits: dict[str, int]

    def reached(self, goal: str = "") -> None:
        """Count a goal, by what its id has behind the state's."""
        goal = self.id + goal
        self.hits[goal] = self.hits.get(goal, 0) + 1


class CoverageObserver:
    """Counts what the executions of this process do. Machines are told apart by their definitions."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], _Counted] = {}
        self._places: dict[int, _Place] = {}
        """By the ids of compiled states, which live as long as `_machines` has them."""
        self._machines: dict[int, StateMachine] = {}
        """By their ids, in the order in which they were last started."""
        self._left_by_catcher: set[int] = set()
        """The ids of frames whose state is being left by a catcher."""

    def recorded(self) -> list[Recorded]:
        """What was counted, each definition once, in the order in which they were first run."""
        return [
            of_value(counted.name, counted.definition, counted.hits)
            if counted.document is None
            else of_document(counted.document, counted.hits)
            for counted in list(self._counted.values())
        ]

    # -- what an engine tells -------------------------------------------------------------------------------------

    def began(self, machine: StateMachine, name: str) -> None:
        if self._machines.pop(id(machine), None) is None and id(_first(machine)) in self._places:
            # The processor of a map run, which its machine has told of.
            return
        self._machines[id(machine)] = machine
        if id(_first(machine)) in self._places:
            return
        hits = self._counted_for(machine, name).hits
        for state, path, fields in _states(machine, machine.definition, ()):
            self._places[id(state)] = _Place(goal_id(path), fields, hits)
        if len(self._machines) > _KEPT:
            self._forget(self._machines.pop(next(iter(self._machines))))

    def _counted_for(self, machine: StateMachine, name: str) -> _Counted:
        document, text = machine.document, encode(machine.definition)
        if document is not None and os.path.isfile(document.source):
            line, column = document.position(())
            key = (os.path.realpath(document.source), f"{line}:{column} {text}")
        else:
            document, key = None, (name, text)
        return self._counted.setdefault(key, _Counted(name, machine.definition, document))

    def _forget(self, machine: StateMachine) -> None:
        for state, _, _ in _states(machine, machine.definition, ()):
            del self._places[id(state)]

    def entered(self, state: State) -> None:
        place = self._places.get(id(state))
        if place is not None:
            place.reached()

    def left(self, state: State, frame: Frame) -> None:
        if id(frame) in self._left_by_catcher:
            self._left_by_catcher.discard(id(frame))
            return
        place = self._places.get(id(state))
        if place is not None and not isinstance(state, ChoiceState | SucceedState | FailState):
            place.reached("/End" if state.next is None else "/Next")

    def chose(self, state: ChoiceState, rule: ChoiceRule | None) -> None:
        place = self._places.get(id(state))
        if place is None:
            return
        for index, other in enumerate(state.choices):
            if other is rule:
                place.reached(f"/Choices[{index}] {TRUE}")
                return
            place.reached(f"/Choices[{index}] {FALSE}")
        if state.default is not None:
            place.reached("/Default")

    def failed(self, state: TaskState | ParallelState | MapState, error: StatesError, frame: Frame) -> None:
        place = self._places.get(id(state))
        if place is None:
            return
        if state.type == "Map":
            if frame.book is not None and frame.book.failed is not None:
                place.reached(f"/{_processor(place.fields)} {FAILING}")
        elif state.type == "Task" and error.error == TIMEOUT:
            for name in HEARTBEATS if error.heartbeat else TIME_LIMITS:
                if name in place.fields:
                    place.reached(f"/{name}")

    def retried(self, state: TaskState | ParallelState | MapState, error: StatesError, *, again: bool) -> None:
        place = self._places.get(id(state))
        retrier = next((one for one in state.retry if matches(one.error_equals, error)), None)
        if place is not None and retrier is not None:
            place.reached(f"/Retry[{retrier.index}] {RETRIED if again else EXHAUSTED}")

    def caught(self, state: TaskState | ParallelState | MapState, catcher: Catcher, frame: Frame) -> None:
        self._left_by_catcher.add(id(frame))
        place = self._places.get(id(state))
        if place is not None:
            index = next(index for index, other in enumerate(state.catch) if other is catcher)
            place.reached(f"/Catch[{index}]")

    def mapped(self, state: MapState, items: int, failed: int) -> None:
        place = self._places.get(id(state))
        if place is None:
            return
        place.reached(f"/{_processor(place.fields)} {sized(items)}")
        if failed:
            place.reached(f"/{_processor(place.fields)} {FAILING}")

    def timed_out(self, machine: StateMachine) -> None:
        place = self._places.get(id(_first(machine)))
        if place is not None and machine.timeout_s is not None:
            goal = goal_id(("TimeoutSeconds",))
            place.hits[goal] = place.hits.get(goal, 0) + 1


def _states(machine: StateMachine, value: JSON, path: Path) -> Iterator[tuple[State, Path, JSON]]:
    """All states of a machine and of what is nested in it, with where they stand."""
    for name, state in machine.states.items():
        fields, at = value["States"][name], (*path, "States", name)
        yield state, at, fields
        if isinstance(state, ParallelState):
            for index, branch in enumerate(state.branches):
                yield from _states(branch, fields["Branches"][index], (*at, "Branches", index))
        elif isinstance(state, MapState):
            processor = _processor(fields)
            yield from _states(state.processor, fields[processor], (*at, processor))


def _first(machine: StateMachine) -> State:
    return next(iter(machine.states.values()))


def _processor(fields: JSON) -> str:
    return next(name for name in PROCESSORS if name in fields)
