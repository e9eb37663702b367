"""The state loop, and one function for each type of state.

`run_states` is a generator of effects that reads like the specification. States that wait for nothing (Pass, Choice,
Succeed, Fail) are plain functions; the others are generators. The interpreter does not know what time it is, what a
task does or how a map run works: it asks the frame's engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stepsim.asl.errors import DATA_LIMIT_EXCEEDED, QUERY_EVALUATION_ERROR, RUNTIME, StatesError, runtime_error
from stepsim.asl.machine import (
    Assignment,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    StateMachine,
    SucceedState,
    TaskState,
    WaitState,
)
from stepsim.asl.payload import JSON, Payload, encode
from stepsim.runtime.branches import run_inline_map, run_parallel
from stepsim.runtime.effects import Program, Sleep
from stepsim.runtime.frame import Frame
from stepsim.runtime.retry import RetryCounters, find_catcher
from stepsim.runtime.variable_limits import check_assigned

Step: TypeAlias = "tuple[str | None, Payload, dict[str, JSON] | None]"
"""The next state (None: the end), what it gets, and the variables that were assigned."""

Retryable: TypeAlias = TaskState | ParallelState | MapState

BREATH = 32
"""So many states in a row take at least a millisecond: a loop of them must not stop the clock, nor everybody else."""


def run_states(machine: StateMachine, payload: Payload, frame: Frame) -> Program:
    """Run a machine, a branch or an iteration from its StartAt, or from where its frame goes on after a redrive.

    Returns the output `Payload`; raises StatesError.
    """
    if frame.resume is not None:
        return run_on(machine, frame.resume.state, frame.resume.raw, frame)
    return run_on(machine, machine.start_at, payload, frame)


def run_on(
    machine: StateMachine,
    start_at: str,
    payload: Payload,
    frame: Frame,
    visited: int = 0,
    failed: StatesError | None = None,
) -> Program:
    """As `run_states`, from the state `start_at` on, when so many were visited.

    With `failed` the frame is in that state, a Task, already, and its first attempt has failed with this error.
    """
    states, engine, trail = machine.states, frame.engine, frame.trail
    statistics, scheduler = engine.statistics, engine.scheduler
    history = None if frame.me.express else trail.history
    transitions = None if frame.me.express else engine.transitions
    observer = engine.observer
    state = states[start_at]
    while True:
        if visited and visited % BREATH == 0 and failed is None:
            yield Sleep(scheduler.now_ms + 1)
        name, kind = state.name, state.type
        plain = _PLAIN.get(kind)
        if plain is None and kind == "Map" and state.refuses and state.refuses(payload.value, frame):  # type: ignore[union-attr]
            # AWS ends the execution there, and not even the entry into the state is in its history (recorded).
            raise StatesError(RUNTIME, "MaxConcurrency cannot be negative.", unrecorded=True)
        if transitions is not None and failed is None:
            throttled_ms = transitions.delay_ms(scheduler.now_ms)
            if throttled_ms:
                yield Sleep(scheduler.now_ms + throttled_ms)
        counters = statistics.states.get(name) or statistics.state(name)
        if failed is None:
            counters.entered += 1
            statistics.state_transitions += 1
            if history is not None:
                counters.billed += 1
                history.billed_entries += 1
        try:
            if failed is None:
                frame.enter(name, kind, payload)
                if observer is not None:
                    observer.entered(state)
            if plain is None:
                following, output, assigned = yield from _WAITING[kind](state, payload, frame, failed)
                failed = None
            else:
                following, output, assigned = plain(state, payload, frame)
                if output is not payload and output.too_large:
                    raise data_limit(name)
        except StatesError as error:
            counters.failed += 1
            raise frame.explain(error) from None
        counters.succeeded += 1
        counters.durations.lasted(scheduler.now_ms - frame.entered_ms)
        if observer is not None:
            observer.left(state, frame)
        if assigned is None:
            trail.exited(kind, name, output)
        else:
            frame.variables = {**frame.variables, **assigned}
            trail.exited(kind, name, output, {key: encode(value) for key, value in assigned.items()})
        if following is None:
            return output
        payload, state = output, states[following]
        visited += 1


def data_limit(name: str) -> StatesError:
    """More than 262,144 bytes where AWS allows no more (recorded text)."""
    return StatesError(
        DATA_LIMIT_EXCEEDED,
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )


def assign(assignment: Assignment | None, subject: Payload, frame: Frame) -> dict[str, JSON] | None:
    """The variables an Assign field gives values to; None where there is no such field."""
    if assignment is None:
        return None
    values = assignment(subject, frame)
    check_assigned(values, frame.variables, frame.state)
    return values


# -- states that wait for nothing ---------------------------------------------------------------------------------


def _run_pass(state: PassState, raw: Payload, frame: Frame) -> Step:
    result = state.flow.enter(raw, frame)
    if state.result is not None:
        result = state.result
    return state.next, state.flow.leave(raw, result, frame), assign(state.assign, result, frame)


def _run_choice(state: ChoiceState, raw: Payload, frame: Frame) -> Step:
    flow = state.flow
    effective = flow.enter(raw, frame)
    observer = frame.engine.observer
    for rule in state.choices:
        if rule.test(effective.value, frame):
            if observer is not None:
                observer.chose(state, rule)
            following, assignment = rule.next, rule.assign
            flow = rule.flow or flow
            break
    else:
        if observer is not None:
            observer.chose(state, None)
        if state.default is None:
            # Documented as States.NoChoiceMatched; AWS itself reports this (measured).
            raise runtime_error("Failed to transition out of the state. The state does not point to a next state.")
        following, assignment = state.default, state.assign
    return following, flow.leave(raw, effective, frame), assign(assignment, effective, frame)


def _run_succeed(state: SucceedState, raw: Payload, frame: Frame) -> Step:
    return None, state.flow.leave(raw, state.flow.enter(raw, frame), frame), None


def _run_fail(state: FailState, raw: Payload, frame: Frame) -> Step:
    error = None if state.error is None else state.error(raw.value, frame)
    cause = None if state.cause is None else state.cause(raw.value, frame)
    raise StatesError(error, cause)


_PLAIN: dict[str, Callable[..., Step]] = {
    "Pass": _run_pass,
    "Choice": _run_choice,
    "Succeed": _run_succeed,
    "Fail": _run_fail,
}


# -- states that wait ---------------------------------------------------------------------------------------------


def _run_wait(state: WaitState, raw: Payload, frame: Frame, _failed: None) -> Program:
    effective = state.flow.enter(raw, frame)
    yield Sleep(state.until_ms(effective.value, frame, frame.engine.scheduler.now_ms))
    output, assigned = state.flow.leave(raw, effective, frame), assign(state.assign, effective, frame)
    if output is not raw and output.too_large:
        raise data_limit(state.name)
    return state.next, output, assigned


def _run_retryable(state: Retryable, raw: Payload, frame: Frame, failed: StatesError | None) -> Program:
    """A Task, Parallel or Map: attempts until one succeeds, or retriers are exhausted and a catcher takes over.

    `failed`: how the first attempt has failed already.
    """
    retries: RetryCounters | None = None
    frame.retry_count = 0
    while True:
        if state.type == "Task" and state.resource.pattern:
            frame.token = frame.engine.tokens.open(frame.me.arn, *frame.names)
        try:
            if failed is not None:
                raise failed
            effective = state.flow.enter(raw, frame)
            if effective is not raw and effective.too_large:
                raise data_limit(state.name)
            result: Payload = yield from _ATTEMPTS[state.type](state, effective, frame)
            output = state.flow.leave(raw, result, frame)
            if output is not raw and output.too_large:
                raise data_limit(state.name)
            assigned = assign(state.assign, result, frame)
            frame.trail.leave_block()
            return state.next, output, assigned
        except StatesError as error:
            frame.explain(error)
            observer = frame.engine.observer
            if observer is not None:
                observer.failed(state, error, frame)
            if error.terminal:
                raise
            retries = retries or RetryCounters()
            wait_ms = retries.next_delay_ms(state.retry, error, frame.draw) if state.retry else None
            if observer is not None:
                observer.retried(state, error, again=wait_ms is not None)
            if wait_ms is None:
                return _caught(state, raw, error, frame)
            counters = frame.engine.statistics.state(state.name)
            counters.retries[error.error or ""] += 1
        finally:
            if frame.token is not None:
                frame.engine.tokens.close(frame.token)
        failed = None
        frame.retry_count += 1
        yield Sleep(frame.engine.scheduler.now_ms + wait_ms)
        transitions = None if frame.me.express else frame.engine.transitions
        if transitions is not None:
            throttled_ms = transitions.delay_ms(frame.engine.scheduler.now_ms)
            if throttled_ms:
                yield Sleep(frame.engine.scheduler.now_ms + throttled_ms)
        # Who was ended while it waited has made no transition.
        frame.engine.statistics.state_transitions += 1
        if not frame.me.express:
            counters.billed += 1
            counters.billed_retries += 1


def _caught(state: Retryable, raw: Payload, error: StatesError, frame: Frame) -> Step:
    """The catcher's way out of a state, or the error again where no catcher covers it."""
    failed_at = frame.trail.previous
    if state.type != "Task":
        frame.trail.add(f"{state.type}StateFailed")
    catcher = find_catcher(state.catch, error)
    if catcher is None:
        raise error
    frame.engine.statistics.state(state.name).caught[error.error or ""] += 1
    frame.book = frame.map_run = None
    given = error_output(error)
    try:
        output, assigned = catcher.flow(raw, given, frame), assign(catcher.assign, given, frame)
    except StatesError as second:
        if state.type != "Task" and second.error == QUERY_EVALUATION_ERROR:
            # It points where the first failure did, and the state fails once more (measured).
            frame.trail.previous = failed_at
            frame.explain(second)
            frame.trail.add(f"{state.type}StateFailed")
        raise
    if output is not raw and output.too_large:
        raise data_limit(state.name)
    if frame.engine.observer is not None:
        frame.engine.observer.caught(state, catcher, frame)
    return catcher.next, output, assigned


def error_output(error: StatesError) -> Payload:
    """What a catcher gets: a time-out has an empty Cause, an error without a name has neither, as nulls (recorded)."""
    cause = "" if error.cause is None and error.error is not None else error.cause
    return Payload({"Error": error.error, "Cause": cause})


def _attempt_task(state: TaskState, effective: Payload, frame: Frame) -> Program:
    return frame.engine.perform_task(state, effective, frame)


def _attempt_parallel(state: ParallelState, effective: Payload, frame: Frame) -> Program:
    return run_parallel(state, effective, frame, run_states)


def _attempt_map(state: MapState, effective: Payload, frame: Frame) -> Program:
    if state.distributed is not None:
        return frame.engine.run_map(state, state.distributed, effective, frame)
    return run_inline_map(state, effective, frame, run_states)


_ATTEMPTS: dict[str, Callable[..., Program]] = {
    "Task": _attempt_task,
    "Parallel": _attempt_parallel,
    "Map": _attempt_map,
}

_WAITING: dict[str, Callable[..., Program]] = {
    "Task": _run_retryable,
    "Wait": _run_wait,
    "Parallel": _run_retryable,
    "Map": _run_retryable,
}
