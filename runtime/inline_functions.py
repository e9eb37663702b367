"""A scenario's handlers in virtual time: greenlets on the scheduler's timeline, their AWS calls through the gate."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.dice import Dice
from stepsim.runtime.scenario_types import FunctionSpec, Scenario
from stepsim.runtime.scheduler import Scheduler
from stepsim.workers.durations import Duration
from stepsim.workers.handler import HandlerReference
from stepsim.workers.inline import InlineWorker, current_invocation, pause
from stepsim.workers.modelled import Model, ModelledWorker, count_items
from stepsim.workers.scripted import Script, ScriptedWorker
from stepsim.workers.virtual_time import VirtualTime, loading
from stepsim.workers.worker import Invocation, Worker


class _Timeline:
    """The scheduler as workers see it, once there is one."""

    __slots__ = ("scheduler", "start_ms")

    def __init__(self, start_ms: int) -> None:
        self.scheduler: Scheduler | None = None
        self.start_ms = start_ms

    def now_ms(self) -> int:
        return self.start_ms if self.scheduler is None else self.scheduler.now_ms

    def call_at(self, due_ms: int, callback: Callable[[], None]) -> None:
        assert self.scheduler is not None
        self.scheduler.call_at(due_ms, callback)

    def leap(self, due_ms: int) -> bool:
        assert self.scheduler is not None
        return self.scheduler.leap(due_ms)


class InlineFunctions:
    """Makes the workers of a simulation, and turns virtual time on for as long as it runs."""

    def __init__(self, scenario: Scenario, dice: Dice, cloud: Cloud | None) -> None:
        self._scenario = scenario
        self._dice = dice
        self._timeline = _Timeline(scenario.start_ms)
        self._virtual_time = VirtualTime(self._timeline, seed=scenario.seed)
        self._cloud = cloud

    def code(self, _name: str, spec: FunctionSpec) -> Worker:
        """The worker of a function. Raises HandlerError where its code cannot be loaded."""
        if spec.script is not None:
            return self._scripted(spec.script, spec)
        assert spec.handler is not None
        code_dir = spec.code_dir or self._scenario.base_dir
        # Behind everything else, and for good: handlers import while they run, too.
        sys.path += [str(path) for path in spec.search_paths if str(path) not in sys.path]
        reference = HandlerReference.parse(spec.handler, code_dir)
        with loading():
            handler = reference.load(spec.env)
        return InlineWorker(
            handler,
            self._virtual_time,
            extra_ms=self._extra_ms(spec.duration),
            variables=spec.env,
            task_root=code_dir.resolve(),
        )

    def _scripted(self, script: Script, spec: FunctionSpec) -> ScriptedWorker:
        draw = self._dice.draw
        return ScriptedWorker(
            script,
            [
                ModelledWorker(step, self._timeline, lambda invocation, purpose: draw(purpose, *invocation.names))
                if isinstance(step, Model)
                else InlineWorker(step, self._virtual_time, extra_ms=self._extra_ms(spec.duration), variables=spec.env)
                for step in script.steps
            ],
        )

    def _extra_ms(self, duration: Duration) -> Callable[[Invocation], int] | None:
        """What the model adds to what AWS calls take."""
        if duration.constant_ms == 0:
            return None
        if duration.constant_ms is not None:
            constant_ms = duration.constant_ms
            return lambda invocation: constant_ms
        draw = self._dice.draw

        def extra_ms(invocation: Invocation) -> int:
            items = count_items(invocation.event) if duration.per_item_ms else 0
            return duration.sample_ms(draw("duration", *invocation.names), items)

        return extra_ms

    def start(self, scheduler: Scheduler, parts: ExitStack) -> None:
        """Let time be virtual, and AWS calls of handlers pass the gate, until `parts` is left."""
        self._timeline.scheduler = scheduler
        parts.enter_context(self._virtual_time)
        if self._cloud is not None:
            self._cloud.gate.current_site = current_site
            self._cloud.gate.pause = pause
            self._cloud.before_call = self._virtual_time.show_now


def current_site() -> CallSite | None:
    """Who makes the AWS call that is being made: the invocation that runs, if any does."""
    invocation: Any = current_invocation()
    return None if invocation is None else invocation.site
