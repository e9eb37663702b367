"""Parallel and inline Map: branches beside each other in one execution and one history.

Event order is AWS's (recorded): all iterations that may start at once are announced first; a failure aborts what still
runs, and everything written then points back to the event that failed; a States.Runtime in a branch ends the whole
execution without any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from stepsim.asl.errors import StatesError
from stepsim.asl.expression import Expression
from stepsim.asl.machine import MapState, ParallelState, StateMachine
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime.effects import Fork, Program
from stepsim.runtime.frame import Frame
from stepsim.runtime.resume import ResumePoint, StoppedFork

RunStates: TypeAlias = Callable[[StateMachine, Payload, Frame], Program]

_ABORTED_TYPES = frozenset({"Task", "Wait", "Parallel", "Map"})


class Branches:
    """The branches of one fork: which are still open, what the others returned, and how the last one ended."""

    __slots__ = ("failed", "last_event", "last_state_event", "open", "outputs")

    def __init__(self, started_id: int) -> None:
        self.open: dict[int, Frame] = {}
        self.outputs: dict[int, Payload] = {}
        """Kept only where the execution's history is: a redrive does not run these again."""
        self.failed: tuple[int, Frame] | None = None
        self.last_event = started_id
        self.last_state_event = started_id


def run_parallel(state: ParallelState, effective: Payload, frame: Frame, run_states: RunStates) -> Program:
    """All branches of a Parallel with the same input. Returns the array of their outputs, in branch order."""
    book, stopped = _open(frame)
    if stopped is None:
        book.last_event = frame.trail.add("ParallelStateStarted")

    def branches() -> Iterator[Program]:
        for index, machine in enumerate(state.branches):
            if index not in book.outputs:
                inner = _inner(frame, book, stopped, index)
                yield _branch(book, index, inner, run_states(machine, effective, inner))

    outputs: list[Payload] = yield from _forked(Fork(branches()), book, frame, lambda: _abort(book, frame, None))
    return _joined(outputs, "ParallelStateSucceeded", book, frame)


def run_inline_map(state: MapState, effective: Payload, frame: Frame, run_states: RunStates) -> Program:
    """All iterations of an inline Map. Returns the array of their outputs, in item order."""
    items: list[JSON] = state.items(effective.value, frame)
    if frame.engine.observer is not None:
        frame.engine.observer.mapped(state, len(items), 0)
    limits = (state.max_concurrency(effective.value, frame) or None, frame.engine.inline_concurrency)
    limit = min((limit for limit in limits if limit is not None), default=None)
    book, stopped = _open(frame)
    if stopped is None:
        book.last_event = book.last_state_event = frame.trail.add("MapStateStarted", {"length": len(items)})

    def iterations() -> Iterator[Program]:
        for index, item in enumerate(items):
            if index in book.outputs:
                continue
            shown = {"Index": index, "Value": item}
            selector = state.item_selector
            payload = Payload(item if selector is None else select(selector, effective.value, shown, frame))
            inner = _inner(frame, book, stopped, index, shown)
            if inner.resume is None:
                inner.trail.previous = book.last_state_event
                inner.trail.add("MapIterationStarted", {"name": state.name, "index": index})
            yield _iteration(state, book, index, inner, run_states(state.processor, payload, inner))

    outputs: list[Payload] = yield from _forked(
        Fork(iterations(), limit), book, frame, lambda: _abort(book, frame, state.name)
    )
    return _joined(outputs, "MapStateSucceeded", book, frame)


def _open(frame: Frame) -> tuple[Branches, StoppedFork | None]:
    """The book of an attempt, and the fork that a redrive goes on with."""
    point = frame.take_resume()
    stopped = None if point is None else point.fork
    book = frame.book = Branches(0)
    if stopped is not None:
        book.outputs = {index: end for index, end in stopped.branches.items() if isinstance(end, Payload)}
        book.last_event, book.last_state_event = stopped.last_event, stopped.last_state_event
    return book, stopped


def _inner(frame: Frame, book: Branches, stopped: StoppedFork | None, index: int, map_item: JSON = None) -> Frame:
    """The frame of a branch that starts, or that goes on where it stopped."""
    inner = frame.branch(index, map_item)
    end = None if stopped is None else stopped.branches.get(index)
    if isinstance(end, ResumePoint):
        inner.resume, inner.variables = end, end.variables
    book.open[index] = inner
    return inner


def _joined(outputs: list[Payload], event: str, book: Branches, frame: Frame) -> Payload:
    """The fork has succeeded: its outputs, with those from before a redrive where they belong."""
    if len(outputs) < len(book.outputs):
        outputs = [book.outputs[index] for index in range(len(book.outputs))]
    frame.trail.previous = book.last_event
    frame.trail.block_succeeded(event, book.last_event)
    return join(outputs)


def select(selector: Expression, effective: JSON, shown: JSON, frame: Frame) -> JSON:
    """What ItemSelector makes of an item: it sees the map's input and context, and the item in ``$$.Map.Item``."""
    outer, frame.map_item = frame.map_item, shown
    try:
        return selector(effective, frame)
    finally:
        frame.map_item = outer


def join(outputs: list[Payload]) -> Payload:
    """The array of outputs; texts that came in from outside stay as they are within it."""
    if len(outputs) == 1 and outputs[0].has_text:
        return Payload([outputs[0].value], f"[{outputs[0].text}]")
    return Payload([output.value for output in outputs])


def _branch(book: Branches, index: int, inner: Frame, program: Program) -> Program:
    try:
        output = yield from program
    except StatesError:
        if book.failed is None:
            book.failed = (index, inner)
        raise
    del book.open[index]
    if inner.trail.kept:
        book.outputs[index] = output
    book.last_event = inner.trail.previous
    return output


def _iteration(state: MapState, book: Branches, index: int, inner: Frame, program: Program) -> Program:
    output = yield from _branch(book, index, inner, program)
    book.last_state_event = inner.trail.previous
    book.last_event = inner.trail.add("MapIterationSucceeded", {"name": state.name, "index": index})
    return output


def _forked(fork: Fork, book: Branches, frame: Frame, abort: Callable[[], None]) -> Program:
    try:
        outputs = yield fork
    except StatesError as error:
        if book.failed is not None:
            frame.trail.previous = book.failed[1].trail.previous
        if not error.terminal and book.failed is not None:
            abort()
        raise
    return outputs


def _abort(book: Branches, frame: Frame, map_name: str | None) -> None:
    """Write the end of every open branch, beginning with the one that failed; `map_name` is None in a Parallel."""
    assert book.failed is not None
    failed_index, failed = book.failed
    trail = frame.trail
    if map_name is not None:
        trail.aside("MapIterationFailed", {"name": map_name, "index": failed_index})
    if failed.state_type in ("Task", "Wait"):
        trail.aside(f"{failed.state_type}StateAborted")
    for index, inner in book.open.items():
        if index == failed_index:
            continue
        if map_name is not None:
            trail.aside("MapIterationAborted", {"name": map_name, "index": index})
        # A sibling may fail before this one has entered its first state.
        if inner.visit and inner.state_type in _ABORTED_TYPES:
            trail.aside(f"{inner.state_type}StateAborted")
