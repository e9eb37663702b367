"""Where an execution that did not succeed stopped, so that a redrive goes on from there.

It is plain data that the frames already hold, gathered once, when an execution has ended; whoever keeps no history
keeps none of it. States that had succeeded are not run again, nor are branches and iterations that had; retriers begin
anew (API reference of RedriveExecution; measured histories).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from stepsim.asl.payload import JSON, Payload

if TYPE_CHECKING:
    from stepsim.runtime.branches import Branches
    from stepsim.runtime.frame import Frame

BranchEnd: TypeAlias = "Payload | ResumePoint"
"""What a branch came to: its output, or where it stopped."""


@dataclass(frozen=True, slots=True)
class StoppedFork:
    """A Parallel or an inline Map that had begun: its branches by index, without those that entered no state."""

    branches: Mapping[int, BranchEnd]
    last_event: int
    last_state_event: int


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The state that an execution, a branch or an iteration was in, with all that it had when it entered it."""

    state: str
    raw: Payload
    variables: Mapping[str, JSON]
    entered_ms: int
    entered_id: int
    """The id of its StateEntered event, which is not written again."""
    visit: int
    fork: StoppedFork | None = None
    map_run_arn: str | None = None
    """The map run of a distributed Map, which is redriven rather than opened anew."""


def resume_point(frame: Frame) -> ResumePoint | None:
    """Where a frame stands; None where it has not entered a state, nor had before a redrive."""
    if not frame.visit:
        return frame.resume
    book, run = (frame.book, frame.map_run) if frame.state_type in ("Parallel", "Map") else (None, None)
    return ResumePoint(
        frame.state,
        frame.raw,
        frame.variables,
        frame.entered_ms,
        frame.entered_id,
        frame.visit,
        None if book is None else _stopped_fork(book),
        None if run is None else run.arn,
    )


def _stopped_fork(book: Branches) -> StoppedFork | None:
    branches: dict[int, BranchEnd] = dict(book.outputs)
    for index, inner in book.open.items():
        point = resume_point(inner)
        if point is not None:
            branches[index] = point
    # Where every branch had succeeded and the state failed all the same (its result was too large), all of them run
    # again (developer guide).
    return StoppedFork(branches, book.last_event, book.last_state_event) if book.open else None
