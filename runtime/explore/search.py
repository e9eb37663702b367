"""The search: from one plan on, what is not reached yet is aimed at, then what may break is broken; within a budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from stepsim.runtime.coverage.goals import Goal
from stepsim.runtime.explore.plans import UNNAMED, Laboratory, Plan, Ran
from stepsim.runtime.explore.proposals import answered, failing, proposals, without
from stepsim.runtime.explore.shrink import shrunk
from stepsim.runtime.explore.subject import Subject

_NEAR = 3
"""So many plans that come to a goal's state are tried as beginnings."""
_RANDOM_SHARE = 4
"""One of so many executions of the budget is a random one, where any is left."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An execution that ends as nobody meant it to: what comes of the smallest plan that was found for it."""

    ran: Ran
    how_often: int

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: state and error; of one that goes round in circles, where it was most often."""
        return self.ran.unhandled or (self.ran.busiest, "")


@dataclass(frozen=True, slots=True)
class Case:
    """A plan, and the goals that it is kept for."""

    ran: Ran
    goals: tuple[Goal, ...]


@dataclass(slots=True)
class Explored:
    """What was found."""

    subject: Subject
    seed: int
    executions: int = 0
    cases: list[Case] = field(default_factory=list)
    """As few as reach everything that was reached."""
    missed: list[Goal] = field(default_factory=list)
    unhandled: list[Finding] = field(default_factory=list)
    circles: list[Finding] = field(default_factory=list)


class Search:
    """One search."""

    def __init__(self, subject: Subject, seed: int, budget: int, events_max: int) -> None:
        self._subject = subject
        self._seed = seed
        self._budget = budget
        self._laboratory = Laboratory(subject.given, subject.substitutions, subject.buckets, seed, events_max)
        self._kept: list[Ran] = []
        """What has reached something new, in that order."""
        self._reached: set[str] = set()
        self._goals = {goal.id: goal for goal in subject.goals}
        self._unhandled: dict[tuple[str, str], list[Ran]] = {}
        self._circles: dict[str, list[Ran]] = {}

    def explore(self) -> Explored:
        """Search, choose few plans, and make them small."""
        self._try(self._subject.start)
        self._aim()
        self._break()
        self._roam()
        self._aim()
        self._straighten()
        return self._told()

    # -- looking --------------------------------------------------------------------------------------------------

    @property
    def _left(self) -> int:
        return self._budget - self._laboratory.runs

    def _try(self, plan: Plan) -> Ran | None:
        """Run a plan, and note what is new about it; None where nothing is left of the budget."""
        if self._left <= 0 and not self._laboratory.was_run(plan):
            return None
        ran = self._laboratory.run(plan)
        new = [goal for goal in ran.hits if goal in self._goals and goal not in self._reached]
        if new or not self._kept:
            self._reached.update(new)
            self._kept.append(ran)
        if ran.circles:
            self._circles.setdefault(ran.busiest, []).append(ran)
        elif ran.unhandled is not None:
            self._unhandled.setdefault(ran.unhandled, []).append(ran)
        return ran

    def _aim(self) -> None:
        """Aim at each goal that is not reached, until a whole round reaches nothing new."""
        before = -1
        while before != len(self._reached) and self._left > 0:
            before = len(self._reached)
            for goal in self._subject.goals:
                if goal.id not in self._reached:
                    self._aim_at(goal)

    def _aim_at(self, goal: Goal) -> None:
        near = [ran.plan for ran in self._kept if not goal.state or ran.entered[goal.state]]
        for plan in near[-_NEAR:] or [self._subject.start]:
            for proposal in proposals(goal, plan, self._subject):
                if self._laboratory.was_run(proposal):
                    continue
                ran = self._try(proposal)
                if ran is None or goal.id in self._reached:
                    return

    def _straighten(self) -> None:
        """Plans that go round in circles because a Task always answers the same: let it answer otherwise later on."""
        for ran in [one for one in self._kept if one.circles]:
            for plan in self._straightened(ran):
                found = self._try(plan)
                if found is None:
                    return
                if not found.circles and ran.hits & self._goals.keys() <= found.hits:
                    self._kept.append(found)
                    break

    def _straightened(self, ran: Ran) -> Iterator[Plan]:
        for other in self._kept:
            for task, answers in ran.plan.answers.items():
                if not other.circles and ran.attempts[task] > 1 and other.plan.answers[task] != answers:
                    yield answered(other.plan, task, answers.given[:1], then=True)

    def _break(self) -> None:
        """Let each Task fail with an error that nobody names, and take away each thing that is read."""
        for plan in self._broken():
            if self._try(plan) is None:
                return

    def _broken(self) -> Iterator[Plan]:
        for name, state in self._subject.tasks.items():
            coming = next((ran.plan for ran in self._kept if ran.entered[name]), None)
            if coming is not None and name in coming.answers:
                yield answered(coming, name, [failing(UNNAMED, state)])
        for place in self._subject.candidates:
            yield without(self._subject.start, place)

    def _roam(self) -> None:
        """Random plans, with a part of what is left."""
        from stepsim.runtime.explore.strategies import sampled_plans

        count = self._left // _RANDOM_SHARE
        for plan in sampled_plans(self._subject, count, self._seed):
            if self._try(plan) is None:
                return

    # -- telling --------------------------------------------------------------------------------------------------

    def _told(self) -> Explored:
        told = Explored(self._subject, self._seed, self._laboratory.runs)
        told.missed = [goal for goal in self._subject.goals if goal.id not in self._reached]
        for ran, goals in self._few():
            wanted = frozenset(goal.id for goal in goals)
            told.cases.append(Case(shrunk(ran, self._laboratory, partial(_does_as, ran, wanted)), goals))
        for key, runs in self._unhandled.items():
            least = min(runs, key=lambda ran: ran.plan.size)
            small = shrunk(least, self._laboratory, partial(_fails_as, key))
            told.unhandled.append(Finding(small, len(runs)))
        for runs in self._circles.values():
            least = min(runs, key=lambda ran: ran.plan.size)
            small = shrunk(least, self._laboratory, _circles)
            told.circles.append(Finding(small, len(runs)))
        return told

    def _few(self) -> Iterator[tuple[Ran, tuple[Goal, ...]]]:
        """As few of the plans that were kept as reach everything; those that end well go first."""
        missing = set(self._reached)
        waiting = list(self._kept)
        while missing and waiting:
            best = max(waiting, key=lambda ran: (len(ran.hits & missing), not ran.circles, -ran.plan.size))
            goals = tuple(goal for goal in self._subject.goals if goal.id in best.hits and goal.id in missing)
            waiting.remove(best)
            if not goals:
                return
            missing.difference_update(goal.id for goal in goals)
            yield best, goals


def _does_as(ran: Ran, wanted: frozenset[str], other: Ran) -> bool:
    """Another run reaches what is wanted, and ends in the same way."""
    ends = (other.status, other.error, other.circles) == (ran.status, ran.error, ran.circles)
    return ends and wanted <= other.hits


def _fails_as(key: tuple[str, str], other: Ran) -> bool:
    return other.unhandled == key


def _circles(other: Ran) -> bool:
    return other.circles


def explore(subject: Subject, seed: int = 0, budget: int = 500, events_max: int = 2_000) -> Explored:
    """Search a machine with so many executions; what they found is made small with a few more of them."""
    return Search(subject, seed, budget, events_max).explore()
