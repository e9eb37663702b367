"""What a search has found as tests for pytest: one for each of the few plans, and for what nobody handles."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stepsim.asl.payload import JSON
from stepsim.runtime.coverage.goals import Goal
from stepsim.runtime.explore.plans import Answer, Answers, Ran
from stepsim.runtime.explore.search import Case, Explored, Finding
from stepsim.runtime.machine_tests.answers import Fails, Hangs, Returns

_WIDTH = 110
_SHOWN = 6
_TELLING = ("catch", "choice", "timeout", "retry", "map", "transition", "state")
"""Kinds of goals, those that a test is named after first."""
_PATH_MAX = 40
"""A longer path is not compared."""


def tests_of(explored: Explored, definition: str) -> str:
    """A module of tests; `definition` is the file's path relative to it."""
    names: set[str] = set()
    functions = [_case(case, names) for case in explored.cases if not case.ran.circles]
    functions += [_unhandled(finding, names) for finding in explored.unhandled]
    functions += [_circles(finding, names) for finding in explored.circles]
    body = "\n\n\n".join(functions)
    used = [name for name in ("Fails", "Hangs", "Returns") if f"{name}(" in body]
    reached = len(explored.subject.goals) - len(explored.missed)
    head = [
        f'"""{definition}: {reached} of {len(explored.subject.goals)} states and branches, as `stepsim explore '
        f"--seed {explored.seed}` has found them.",
        "",
        "What a test says is what the machine does, right or wrong: read it, rename it, and keep what is meant.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *([f"from stepsim.runtime.testing import {', '.join(used)}", ""] if used else []),
        f"DEFINITION = {_text(definition)}",
    ]
    if explored.subject.substitutions:
        head.append(f"SUBSTITUTIONS = {dict(explored.subject.substitutions)!r}")
    if explored.subject.buckets:
        head.append(f"BUCKETS = {_python({name: dict(one) for name, one in explored.subject.buckets.items()})}")
    more = "".join(
        f", {option}={option.upper()}"
        for option, given in (("substitutions", explored.subject.substitutions), ("buckets", explored.subject.buckets))
        if given
    )
    return "\n".join(head) + "\n\n\n" + body.replace("@MORE@", more) + "\n"


def _case(case: Case, names: set[str]) -> str:
    ordered = sorted(case.goals, key=lambda goal: _TELLING.index(goal.kind))
    name = _name(_words(ordered[0]), names)
    others = [_words(goal) for goal in ordered[1 : 1 + _SHOWN]]
    if len(ordered) > 1 + _SHOWN:
        others.append(f"and {len(ordered) - 1 - _SHOWN} more")
    return _function(name, [f"{_words(ordered[0])}.", *others], case.ran, _outcome(case.ran))


def _words(goal: Goal) -> str:
    """A goal that was reached."""
    said = goal.missing.replace("never had a", "has a").replace("never run", "is run").replace("never ", "")
    return f"{goal.state or 'the machine'}: {said}"


def _unhandled(finding: Finding, names: set[str]) -> str:
    state, error = finding.key
    name = _name(f"{error} in {state} is not handled", names)
    told = f"{error} in {state} ends the execution, and nothing handles it."
    return _function(name, [told], finding.ran, _outcome(finding.ran))


def _circles(finding: Finding, names: set[str]) -> str:
    name = _name(f"it goes round in circles at {finding.key[0]}", names)
    told = "It goes round in circles, until its history is full."
    return _function(name, [told], finding.ran, ['    assert result.error == "States.Runtime"'], once=False)


def _outcome(ran: Ran) -> list[str]:
    lines = [f"    assert result.status == {_text(ran.status)}"]
    if ran.error is not None:
        lines.append(f"    assert result.error == {_text(ran.error)}")
    if 0 < len(ran.path) <= _PATH_MAX:
        lines.append(f"    assert result.path == {_python(ran.path)}")
    return lines


def _function(name: str, told: Sequence[str], ran: Ran, outcome: Iterable[str], *, once: bool = True) -> str:
    """One test. `once`: the answers of a Task are as many as its attempts were."""
    first, *others = [line.replace("\\", "/").replace('"', "'") for line in told]
    lines = [f"def {name}(stepsim):", f'    """{textwrap.shorten(first, _WIDTH)}']
    if others:
        lines += ["", *(f"    {line}" for line in textwrap.wrap(f"And {'; '.join(others)}.", _WIDTH)), '    """']
    else:
        lines[-1] += '"""'
    mocks = {task: _mock(answers, ran.attempts[task] if once else 0) for task, answers in _used(ran)}
    given = "".join(f"        {_text(task)}: {mock},\n" for task, mock in mocks.items())
    lines.append(f"    given = {_python(ran.plan.input)}")
    lines += [f"    answers = {{\n{given}    }}"] if mocks else []
    lines.append(f"    result = stepsim(DEFINITION, given{', mocks=answers' if mocks else ''}@MORE@)")
    return "\n".join([*lines, *outcome])


def _used(ran: Ran) -> Iterator[tuple[str, Answers]]:
    """The answers that were asked for."""
    return ((task, answers) for task, answers in ran.plan.answers.items() if ran.attempts[task])


def _mock(answers: Answers, attempts: int) -> str:
    """Answers as `run_machine` takes them: one for all attempts where all are alike, else one an attempt."""
    given = [answers.given[min(index, len(answers.given) - 1)] for index in range(attempts)]
    if len({repr(one) for one in given}) <= 1:
        return _answer(answers.given[-1] if not given else given[0])
    return f"[{', '.join(map(_answer, given))}]"


def _answer(given: Answer) -> str:
    if isinstance(given, Hangs):
        return "Hangs()"
    if isinstance(given, Fails):
        return f"Fails({_text(given.error)})"
    assert isinstance(given, Returns)
    return f'Returns({_python(given.result)}, "NONE")'


def _python(value: JSON) -> str:
    """A JSON value as Python writes it, with the quotes that code has."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_python(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_python, value)) + "]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    """A text with double quotes, where that needs no more escapes."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written and "\\" not in written else written


def _name(words: str, taken: set[str]) -> str:
    """A function's name, no other one's."""
    plain = re.sub(r"\W+", "_", re.sub(r"\((?:.*?)\)", "", words).lower()).strip("_")
    stem = f"test_{plain[:80].rstrip('_')}"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    taken.add(name)
    return name
