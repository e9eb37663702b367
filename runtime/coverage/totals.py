"""What was counted, summed up: figures of a definition, of its lines and of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepsim.runtime.coverage.goals import Goal
from stepsim.runtime.coverage.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is to cover, and how much of it was."""

    states: int = 0
    covered_states: int = 0
    branches: int = 0
    covered_branches: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.states + other.states,
            self.covered_states + other.covered_states,
            self.branches + other.branches,
            self.covered_branches + other.covered_branches,
        )

    @property
    def goals(self) -> int:
        """States and branches."""
        return self.states + self.branches

    @property
    def covered(self) -> int:
        """Those of them that were reached."""
        return self.covered_states + self.covered_branches

    @property
    def percent(self) -> float:
        """From 0 to 100: which share of states and branches was covered; 100 where there is nothing to cover."""
        return 100.0 * self.covered / self.goals if self.goals else 100.0


@dataclass(frozen=True, slots=True)
class LineGoals:
    """The goals on one line of a file, with their hits."""

    line: int
    goals: tuple[tuple[Goal, int], ...]

    @property
    def hits(self) -> int:
        """How often the line was come upon: that of its state or, where it has none, of what happened most."""
        states = [hits for goal, hits in self.goals if goal.is_state]
        return max(states or [hits for _, hits in self.goals])

    @property
    def covered(self) -> int:
        """How many of the goals were reached."""
        return sum(1 for _, hits in self.goals if hits)


def figures_of(records: Iterable[Recorded]) -> Figures:
    """The figures of some definitions together."""
    total = Figures()
    for record in records:
        for goal in record.goals:
            reached = int(goal.id in record.hits)
            total += Figures(1, reached) if goal.is_state else Figures(0, 0, 1, reached)
    return total


def missing(record: Recorded) -> list[Goal]:
    """What was never reached; of a state that was never entered, only that."""
    unreached = [goal for goal in record.goals if goal.id not in record.hits]
    never_entered = {goal.state for goal in unreached if goal.is_state}
    return [goal for goal in unreached if goal.is_state or goal.state not in never_entered]


def lines_of(records: Sequence[Recorded]) -> list[LineGoals]:
    """The lines of one file that have goals, of whatever definitions stand in it."""
    found: dict[int, list[tuple[Goal, int]]] = {}
    for record in records:
        for goal in record.goals:
            found.setdefault(goal.line, []).append((goal, record.hits.get(goal.id, 0)))
    return [LineGoals(line, tuple(found[line])) for line in sorted(found)]


def shown(percent: float) -> str:
    """A percentage without decimals: 100 and 0 are shown only where it is all and nothing."""
    if 0 < percent < 1:
        return "1 %"
    return f"{math.floor(percent)} %" if percent > 99 else f"{round(percent)} %"
