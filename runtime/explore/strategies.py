"""Hypothesis strategies for a machine: inputs that its branches are after, and what its Tasks may answer.

They need the extra ``explore``: ``pip install 'stepsim[explore]'``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepsim.asl.payload import JSON
from stepsim.runtime.explore.places import ABSENT, EACH, INPUT, Content, Place, Sized
from stepsim.runtime.explore.plans import HANGS, Answer, Answers, Plan, returns
from stepsim.runtime.explore.proposals import assigned, error_names, failing
from stepsim.runtime.explore.subject import Subject, subject_of
from stepsim.runtime.machine_tests.answers import Returns
from stepsim.runtime.machine_tests.subject import DefinitionGiven

try:
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    if error.name != "hypothesis":
        raise
    raise ModuleNotFoundError(
        "exploring needs Hypothesis, which is not installed: pip install 'stepsim[explore]'", name="hypothesis"
    ) from None

_ATTEMPTS = 3
_ITEMS = 3


def inputs(definition: DefinitionGiven) -> st.SearchStrategy[JSON]:
    """Inputs that reach the branches of a machine: at each place that it reads, what its comparisons tell apart.

    Now and then something is missing, or of another type. Raises DefinitionError.
    """
    return _documents(subject_of(definition), INPUT)


def failures(definition: DefinitionGiven, errors: bool = True) -> st.SearchStrategy[dict[str, Answers]]:
    """What the Tasks of a machine answer, as ``mocks`` of `run_machine`: one answer an attempt, the last for the rest.

    An answer is a result in which something is at each place that later states read; an error that Retry or Catch name;
    one that nobody names; or none at all, where the Task has a time limit. Without `errors` there are only results.
    """
    subject = subject_of(definition)
    return st.fixed_dictionaries({task: _answers(subject, task, errors=errors) for task in subject.start.answers})


def sampled_plans(subject: Subject, count: int, number: int) -> list[Plan]:
    """So many random plans, always the same of a seed."""
    found: list[Plan] = []
    if count <= 0:
        return found
    answers = st.fixed_dictionaries({task: _answers(subject, task, errors=True) for task in subject.start.answers})

    @seed(number)
    @settings(
        database=None,
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_documents(subject, INPUT), answers)
    def collect(value: JSON, mocks: Mapping[str, Answers]) -> None:
        found.append(Plan(value, dict(mocks)))

    collect()
    return found


def _answers(subject: Subject, task: str, *, errors: bool) -> st.SearchStrategy[Answers]:
    state = subject.tasks[task]
    results: st.SearchStrategy[Answer] = _documents(subject, task).map(returns)
    if not errors:
        return st.tuples(results).map(Answers)
    wrong: list[Answer] = [failing(name, state) for name in error_names(state)]
    if state.timeout_s is not None and HANGS not in wrong:
        wrong.append(HANGS)
    one = st.one_of(results, st.sampled_from(wrong))
    return st.lists(one, min_size=1, max_size=_ATTEMPTS).map(lambda several: Answers(tuple(several)))


def _documents(subject: Subject, source: str) -> st.SearchStrategy[JSON]:
    """A document with something at each place of a source."""
    places = sorted((place for place in subject.candidates if place.source == source), key=lambda one: len(one.steps))
    contents = {str(index): _contents(subject, place) for index, place in enumerate(places)}

    def document(chosen: Mapping[str, Any]) -> JSON:
        pairs = [(place, chosen[str(index)]) for index, place in enumerate(places)]
        if source == INPUT:
            return assigned(Plan({}, {}), pairs).input
        made = assigned(Plan({}, {source: Answers((returns({}),))}), pairs).answers[source].given[0]
        assert isinstance(made, Returns)
        return made.result

    return st.fixed_dictionaries(contents).map(document)


def _contents(subject: Subject, place: Place) -> st.SearchStrategy[Content | Sized]:
    candidates = subject.candidates[place]
    deeper = any(
        other.source == place.source and other.steps[: len(place.steps) + 1] == (*place.steps, EACH)
        for other in subject.candidates
    )
    present = [content for content in candidates if content is not ABSENT]
    if deeper:
        return st.integers(0, _ITEMS).map(Sized)
    # Mostly something is there: what is missing ends most executions at once.
    return st.sampled_from([*present, *present, *present, ABSENT])


__all__ = ["failures", "inputs", "sampled_plans"]
