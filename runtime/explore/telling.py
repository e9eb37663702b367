"""What a search has found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator

from stepsim.asl.payload import JSON, encode
from stepsim.runtime.coverage.goals import Goal
from stepsim.runtime.explore.plans import Plan, Ran
from stepsim.runtime.explore.search import Explored, Finding

_INDENT = "    "
_COMMON = 3


def lines_of(explored: Explored, file: str) -> Iterator[str]:
    """The summary for people, line by line."""
    goals = explored.subject.goals
    reached = len(goals) - len(explored.missed)
    yield f"{file}  {reached} of {len(goals)} states and branches reached"
    yield f"  {explored.executions:,} executions · seed {explored.seed}"
    holes = [name for name, value in explored.subject.substitutions.items() if name == value]
    if holes:
        yield f"  filled with their own names: {', '.join(f'${{{name}}}' for name in holes)}"
    if explored.cases:
        yield from ("", "Reached by")
        for number, case in enumerate(explored.cases, 1):
            yield f"  {number}. {_ended(case.ran)}"
            yield from _given(case.ran.plan, case.ran)
            for goal in case.goals:
                if goal.kind != "state":
                    yield f"{_INDENT}  {goal.id}"
    if explored.missed:
        yield from ("", "Not reached")
        for goal in explored.missed:
            state = f"{goal.state}: " if goal.state else ""
            yield f"  {_place(file, goal)} {state}{goal.missing}"
    if explored.unhandled:
        yield from ("", "Errors that nothing handles")
        for finding in explored.unhandled:
            state, error = finding.key
            yield f"  {error} in {state}{_times(finding)}"
            if finding.ran.cause:
                yield f"{_INDENT}{' '.join(finding.ran.cause.split())}"
            yield from _given(finding.ran.plan, finding.ran)
    if explored.circles:
        yield from ("", "Round in circles")
        for finding in explored.circles:
            most = ", ".join(f"{name} ({times} times)" for name, times in finding.ran.entered.most_common(_COMMON))
            yield f"  {most}"
            yield from _given(finding.ran.plan, finding.ran)


def as_json(explored: Explored, file: str) -> dict[str, JSON]:
    """The same for programs."""
    return {
        "definition": file,
        "seed": explored.seed,
        "executions": explored.executions,
        "goals": len(explored.subject.goals),
        "reached": len(explored.subject.goals) - len(explored.missed),
        "cases": [{**_described(case.ran), "goals": [goal.id for goal in case.goals]} for case in explored.cases],
        "missed": [
            {"goal": goal.id, "state": goal.state, "message": goal.missing, "line": goal.line, "column": goal.column}
            for goal in explored.missed
        ],
        "unhandled": [{**_described(one.ran), "state": one.key[0]} for one in explored.unhandled],
        "circles": [{**_described(one.ran), "states": dict(one.ran.entered)} for one in explored.circles],
    }


def _described(ran: Ran) -> dict[str, JSON]:
    answers = {task: list(map(repr, given.given)) for task, given in ran.plan.answers.items() if ran.attempts[task]}
    return {
        "input": ran.plan.input,
        "answers": {task: repr(ran.plan.answers[task]) for task in answers},
        "status": ran.status,
        "error": ran.error,
        "cause": ran.cause,
    }


def _ended(ran: Ran) -> str:
    if ran.circles:
        return "it goes round in circles"
    return f"{ran.status} with {ran.error}" if ran.error else ran.status


def _given(plan: Plan, ran: Ran) -> Iterator[str]:
    yield f"{_INDENT}input {encode(plan.input)}"
    for task, answers in plan.answers.items():
        if ran.attempts[task]:
            yield f"{_INDENT}{task} answers {answers!r}"


def _place(file: str, goal: Goal) -> str:
    return f"{file}:{goal.line}:{goal.column}:"


def _times(finding: Finding) -> str:
    return f" ({finding.how_often} times)" if finding.how_often > 1 else ""
