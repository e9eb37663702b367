"""How a goal may be reached: plans that differ from one that came near it, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from stepsim.asl.errors import ALL, HEARTBEAT_TIMEOUT, TASK_FAILED, TIMEOUT, StatesError
from stepsim.asl.machine import Catcher, MapState, ParallelState, Retrier, TaskState
from stepsim.runtime.coverage.goals import FAILING, MANY, ONE, RETRIED, TRUE, ZERO, Goal
from stepsim.runtime.explore.arms import DEFAULT, Assignment
from stepsim.runtime.explore.places import ABSENT, INPUT, Content, Place, Sized, put
from stepsim.runtime.explore.plans import HANGS, UNNAMED, Answer, Answers, Plan, returns, sequence
from stepsim.runtime.explore.subject import Subject
from stepsim.runtime.machine_tests.answers import Fails, Returns
from stepsim.runtime.retry import matches

_INDEX = re.compile(r"/(?:Choices|Retry|Catch)\[(\d+)\]")
_SIZES = {ZERO: 0, ONE: 1, MANY: 2}
_Handlers: TypeAlias = Sequence[Retrier | Catcher]


def proposals(goal: Goal, plan: Plan, subject: Subject) -> Iterator[Plan]:
    """Plans that may reach a goal; `plan` comes to its state, or is the start."""
    index = _INDEX.search(goal.id)
    number = int(index[1]) if index else 0
    state = subject.states.get(goal.state)
    if goal.kind == "choice":
        yield from _choice(goal, number, plan, subject)
    elif goal.kind == "map":
        yield from _map(goal, plan, subject)
    elif goal.kind == "timeout":
        for task in [goal.state] if isinstance(state, TaskState) else list(subject.tasks):
            yield answered(plan, task, [HANGS])
            yield answered(plan, task, [HANGS], then=True)
    elif isinstance(state, TaskState | MapState | ParallelState):
        handlers: _Handlers = state.retry if goal.kind == "retry" else state.catch
        if goal.kind in ("retry", "catch"):
            once = goal.kind == "retry" and goal.id.endswith(RETRIED)
            yield from _handled(state, handlers, number, plan, subject, once=once)
        else:
            # A way out that no plan has taken: what is answered is as at the start.
            yield (
                replace(plan, answers={**plan.answers, **{goal.state: subject.start.answers[goal.state]}})
                if (goal.state in subject.start.answers)
                else subject.start
            )


def answered(plan: Plan, task: str, given: Sequence[Answer], *, then: bool = False) -> Plan:
    """The plan with other answers of a Task; `then`: before those that it has."""
    answers = sequence(given, plan.answers[task]) if then else Answers(tuple(given))
    return replace(plan, answers={**plan.answers, task: answers})


def assigned(plan: Plan, assignment: Sequence[tuple[Place, Content | Sized]], *, first_only: bool = False) -> Plan:
    """The plan with something else at places; `first_only`: only in the first answers of Tasks."""
    given, answers = plan.input, dict(plan.answers)
    for place, content in sorted(assignment, key=lambda one: len(one[0].steps)):
        if place.source == INPUT:
            given = put(given, place.steps, content)
        elif place.source in answers:
            before = answers[place.source].given
            after = tuple(
                returns(put(one.result, place.steps, content)) if isinstance(one, Returns) else one for one in before
            )
            answers[place.source] = Answers((after[0], *before) if first_only else after)
    return Plan(given, answers)


def without(plan: Plan, place: Place) -> Plan:
    """The plan with nothing at a place."""
    return assigned(plan, [(place, ABSENT)])


def error_names(state: TaskState | MapState | ParallelState) -> list[str]:
    """The errors that a state's Retry and Catch name, and one that nobody does."""
    named = [name for one in state.retry for name in one.error_equals]
    named += [name for one in state.catch for name in one.error_equals]
    return list(dict.fromkeys([*(_thrown(name) for name in named), UNNAMED]))


def failing(name: str, state: TaskState | MapState | ParallelState) -> Answer:
    """The answer that ends an attempt of a Task with an error."""
    if name in (TIMEOUT, HEARTBEAT_TIMEOUT) and isinstance(state, TaskState) and _has_limit(state, name):
        return HANGS
    return Fails(name)


def _has_limit(state: TaskState, name: str) -> bool:
    return state.heartbeat_s is not None if name == HEARTBEAT_TIMEOUT else state.timeout_s is not None


def _thrown(name: str) -> str:
    """An error that an element of ErrorEquals covers."""
    return UNNAMED if name in (ALL, TASK_FAILED) else name


def _choice(goal: Goal, number: int, plan: Plan, subject: Subject) -> Iterator[Plan]:
    arms = subject.arms.get(goal.state, {})
    if not goal.id.endswith(("true", "false")):
        wanted = [DEFAULT]
    elif goal.id.endswith(TRUE):
        wanted = [number]
    else:
        wanted = [arm for arm in arms if arm > number or arm == DEFAULT]
    found: list[Assignment] = [assignment for arm in wanted for assignment in arms.get(arm, ())]
    for assignment in found:
        yield assigned(plan, assignment)
    for assignment in found:
        if any(place.source != INPUT for place, _ in assignment):
            yield assigned(plan, assignment, first_only=True)


def _map(goal: Goal, plan: Plan, subject: Subject) -> Iterator[Plan]:
    special = next((name for name in _SIZES if goal.id.endswith(name)), None)
    if special is not None:
        place = subject.reading.items.get(goal.state)
        if place is not None:
            yield assigned(plan, [(place, Sized(_SIZES[special]))])
        return
    assert goal.id.endswith(FAILING)
    for task in subject.reading.within.get(goal.state, ()):
        for name in reversed(error_names(subject.tasks[task])):
            yield answered(plan, task, [failing(name, subject.tasks[task])])


def _handled(
    state: TaskState | MapState | ParallelState,
    handlers: _Handlers,
    number: int,
    plan: Plan,
    subject: Subject,
    *,
    once: bool,
) -> Iterator[Plan]:
    """Plans in which a state fails with an error that this handler covers, and none before it."""
    names = [_thrown(name) for name in handlers[number].error_equals]
    names += [name for name in (UNNAMED, TASK_FAILED, TIMEOUT) if name not in names]
    for name in dict.fromkeys(names):
        error = StatesError(TIMEOUT if name == HEARTBEAT_TIMEOUT else name, None, heartbeat=name == HEARTBEAT_TIMEOUT)
        first = next((index for index, one in enumerate(handlers) if matches(one.error_equals, error)), None)
        if first != number:
            continue
        if isinstance(state, TaskState):
            yield answered(plan, state.name, [failing(name, state)], then=once)
            if once:
                yield answered(plan, state.name, [failing(name, state)] * 2, then=True)
            continue
        for task in subject.reading.within.get(state.name, ()):
            yield answered(plan, task, [Fails(name)], then=once)


__all__ = ["answered", "assigned", "error_names", "failing", "proposals", "without"]
