"""A function as a test has it: one answer an invocation, in their order; each a model's, or real code's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepsim.workers.handler import Handler
from stepsim.workers.modelled import Model
from stepsim.workers.worker import Done, Invocation, InvocationResult, Worker

Step: TypeAlias = Model | Handler
"""How one invocation is answered."""


@dataclass(frozen=True, slots=True)
class Script:
    """What becomes of a function's invocations."""

    steps: tuple[Step, ...]
    """In their order; the only one, where `repeats` is set, answers all of them."""
    exhausted: Callable[[int], Exception]
    """What is raised where nothing is said of an invocation, by its number from 1: it ends the run."""
    repeats: bool = False

    @property
    def has_code(self) -> bool:
        """True where any of it is code."""
        return any(not isinstance(step, Model) for step in self.steps)


class _Place:
    """How far a run has come in a script."""

    __slots__ = ("_number", "_script")

    def __init__(self, script: Script) -> None:
        self._script = script
        self._number = 0

    def next(self) -> int:
        """The index of the step for another invocation."""
        self._number += 1
        script = self._script
        if script.repeats:
            return 0
        if self._number > len(script.steps):
            raise script.exhausted(self._number)
        return self._number - 1


class ScriptedModel(Model):
    """A script without code."""

    __slots__ = ("_models", "_place")

    def __init__(self, script: Script) -> None:
        super().__init__()
        # Each invocation is answered by another step.
        self.always = None
        self._place = _Place(script)
        self._models = [step for step in script.steps if isinstance(step, Model)]

    def answer(self, draw: Callable[[str], float], event: str) -> tuple[int, InvocationResult]:
        """As the step that it is the turn of."""
        return self._models[self._place.next()].answer(draw, event)


class ScriptedWorker:
    """A script with code: a worker for each step. A Worker."""

    def __init__(self, script: Script, workers: Sequence[Worker]) -> None:
        self._place = _Place(script)
        self._workers = workers

    def invoke(self, invocation: Invocation, done: Done) -> None:
        """Have the step's worker run an invocation."""
        self._workers[self._place.next()].invoke(invocation, done)
