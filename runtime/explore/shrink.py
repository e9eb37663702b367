"""The smallest plan that still does what one did: what can be taken away is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from stepsim.asl.payload import JSON
from stepsim.runtime.explore.plans import Answers, Laboratory, Plan, Ran, returns
from stepsim.runtime.machine_tests.answers import Returns

_RUNS = 40
"""So many executions a plan at the most."""


def shrunk(ran: Ran, laboratory: Laboratory, holds: Callable[[Ran], bool]) -> Ran:
    """A run of a smaller plan of which the same holds; the run itself where there is none."""
    best, until = ran, laboratory.runs + _RUNS
    again = True
    while again and laboratory.runs < until:
        again = False
        for plan in _smaller(best.plan):
            if laboratory.runs >= until:
                break
            if plan.size >= best.plan.size:
                continue
            found = laboratory.run(plan)
            if holds(found):
                best, again = found, True
                break
    return best


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans with less in them, the boldest first."""
    for value in _less(plan.input):
        yield replace(plan, input=value)
    for task, answers in plan.answers.items():
        given = answers.given
        for index, one in enumerate(given):
            if len(given) > 1:
                yield _with(plan, task, (*given[:index], *given[index + 1 :]))
            if isinstance(one, Returns):
                for value in _less(one.result):
                    yield _with(plan, task, (*given[:index], returns(value), *given[index + 1 :]))


def _with(plan: Plan, task: str, given: tuple[object, ...]) -> Plan:
    return replace(plan, answers={**plan.answers, task: Answers(given)})  # type: ignore[arg-type]


def _less(value: JSON) -> Iterator[JSON]:
    """Values with something taken away, outer things first."""
    if isinstance(value, dict):
        if len(value) > 1:
            yield {}
        for name in value:
            yield {key: member for key, member in value.items() if key != name}
        for name, member in value.items():
            yield from ({**value, name: less} for less in _less(member))
    elif isinstance(value, list):
        if value:
            yield []
        if len(value) > 1:
            yield value[:1]
        for index, element in enumerate(value):
            yield from ([*value[:index], less, *value[index + 1 :]] for less in _less(element))
