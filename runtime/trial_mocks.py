"""What stands in for the work of a state under test: a result or an error, and what had happened before.

Nothing of the state's own work is done. What the state's fields say about it is evaluated all the same, so that their
mistakes come up: a Task's time-outs, and everything that a Map makes of its items (`trial_maps`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepsim.asl.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD, StatesError
from stepsim.asl.machine import MapState, ParallelState, TaskState
from stepsim.asl.payload import JSON, Payload
from stepsim.asl.resource import TaskResource
from stepsim.runtime.effects import Program
from stepsim.runtime.engine import PerformTask
from stepsim.runtime.frame import Frame
from stepsim.runtime.trial_maps import exceeded, inspect_map

Notes = dict[str, JSON]
"""What ``inspectionData`` will show, under the API's names."""

_NOTHING = TaskResource("", "integration")


@dataclass(frozen=True, slots=True)
class Mock:
    """A result, or the error that came instead of one."""

    result: Payload | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a test says of the moment in which its state is tried."""

    mock: Mock | None = None
    context: JSON = None
    """The context object, as it is to be; None: that of an execution made up for the test."""
    retries: int = 0
    """How often the retrier that takes the error has been used before."""
    failed_iterations: int | None = None
    """How many iterations of a Map have failed."""
    reader_data: str | None = None
    """What a Map's ItemReader would read."""


class Refusal(Exception):
    """The circumstances cannot be those of the state; the message is the API's."""


def stand_in(state: TaskState | ParallelState | MapState) -> TaskState:
    """A Task with the state's way in and way out, whose work is `mocked`; nothing is retried or caught."""
    if isinstance(state, TaskState):
        return TaskState(
            state.name, state.next, state.flow, state.assign, state.resource, (), (), None, None, state.credentials
        )
    return TaskState(state.name, state.next, state.flow, state.assign, _NOTHING, (), (), None, None, None)


def mocked(
    state: TaskState | ParallelState | MapState,
    mock: Mock,
    circumstances: Circumstances,
    notes: Notes,
    *,
    jsonata: bool,
) -> PerformTask:
    """The work of a state: its mock. Raises Refusal where more iterations of a Map have failed than there are."""

    def work(effective: Payload, frame: Frame) -> None:
        if isinstance(state, TaskState):
            _evaluate_limits(state, frame)
        elif isinstance(state, MapState):
            _work_on_items(state, effective, frame, mock, circumstances, notes, jsonata=jsonata)

    return _performing(work, mock)


def _performing(work: Callable[[Payload, Frame], None], mock: Mock) -> PerformTask:
    def perform(state: TaskState, effective: Payload, frame: Frame, /) -> Program:  # noqa: ARG001
        yield from ()  # a program, though it asks for nothing
        work(effective, frame)
        if mock.result is None:
            raise StatesError(mock.error, mock.cause)
        return mock.result

    return perform


def _evaluate_limits(state: TaskState, frame: Frame) -> None:
    for limit in (state.timeout_s, state.heartbeat_s, state.credentials):
        if limit is not None:
            limit(frame.raw.value, frame)


def _work_on_items(
    state: MapState,
    effective: Payload,
    frame: Frame,
    mock: Mock,
    circumstances: Circumstances,
    notes: Notes,
    *,
    jsonata: bool,
) -> None:
    iterations = inspect_map(state, effective.value, frame, circumstances.reader_data, notes, jsonata=jsonata)
    failed = circumstances.failed_iterations
    if failed is None:
        return
    if iterations is None and mock.result is not None and isinstance(mock.result.value, list):
        iterations = len(mock.result.value)
    if iterations is not None and failed > iterations:
        raise Refusal("Map iteration failure count must be less than or equal to the number of Map iterations")
    # An error that is mocked has already come of the tolerance (recorded).
    if mock.result is not None and exceeded(state, effective.value, frame, failed, iterations):
        raise StatesError(EXCEED_TOLERATED_FAILURE_THRESHOLD, "The specified tolerated failure threshold was exceeded")
