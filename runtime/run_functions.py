"""A run's functions: what runs each, its limits, and how long its environments take to begin."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from stepsim.runtime.api.records import Home
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Function, Functions, StrikeFunction
from stepsim.runtime.lambdas.asynchronous import EventInvoke
from stepsim.runtime.lambdas.places import NO_SCALING, simulated_scaling
from stepsim.runtime.scenario_types import FunctionSpec, Scenario
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.watch import RunError
from stepsim.workers.durations import NOTHING, Duration, parse_duration
from stepsim.workers.handler import HandlerError
from stepsim.workers.modelled import Model, ModelledError
from stepsim.workers.scripted import ScriptedModel

Code: TypeAlias = Callable[[str, FunctionSpec], Any]
"""From a function's name and what is said of it to the worker that runs it; it raises HandlerError."""

COLD_START = parse_duration({"uniform": {"min_ms": 100, "max_ms": 400}})
"""How long an environment of a function takes to begin that does not say: what is typical of Python and Node functions
without heavy modules. AWS publishes no figure."""


@dataclass(frozen=True, slots=True)
class FunctionMaker:
    """Makes an account's functions of what a scenario says of them."""

    scenario: Scenario
    clock: Literal["virtual", "real"]
    code: Code
    """What runs a function that has a handler."""
    called: Collection[str]
    """The functions that definitions name: these must be there."""

    def functions(
        self, dice: Dice, statistics: Statistics, latency: Latency, strike: StrikeFunction | None
    ) -> Functions:
        """All of them. Raises RunError where the code of one cannot be loaded."""
        scenario = self.scenario
        return Functions(
            [
                *(self._function(name, spec) for name, spec in scenario.functions.items()),
                *(self._function(name, spec, in_lambda=False) for name, spec in scenario.jobs.items()),
            ],
            dice,
            statistics,
            concurrency=_whole(scenario.quotas["lambda_concurrency"]),
            scaling=simulated_scaling(scenario.quotas) if self.clock == "virtual" else NO_SCALING,
            strike=strike,
            overhead_ms=latency.bounds("lambda", "Invoke"),
        )

    def _function(self, name: str, spec: FunctionSpec, *, in_lambda: bool = True) -> Function:
        try:
            runs = self.code(name, spec) if spec.has_code else self.model(spec)
        except HandlerError as error:
            if name in self.called or not spec.defined_at:
                place = f", {spec.defined_at}," if spec.defined_at else ""
                raise RunError(f"The function {name}{place} cannot be run: {error}") from error
            # A template has functions that no execution comes to: who invokes such a one is told.
            runs = self.model(spec.failing(str(error)))
        return Function(
            name,
            runs,
            spec.timeout_ms,
            spec.memory_mb,
            spec.reserved_concurrency,
            in_lambda,
            cold_start=self._cold_start(spec) if in_lambda else NOTHING,
            event_invoke=_event_invoke(spec),
        )

    def _cold_start(self, spec: FunctionSpec) -> Duration:
        if self.clock != "virtual":
            return NOTHING
        if spec.cold_start is not None:
            return spec.cold_start
        return COLD_START if self.scenario.latency else NOTHING

    def model(self, spec: Any) -> Model:
        """What stands in for a function or a task without code."""
        if isinstance(spec, FunctionSpec) and spec.script is not None:
            return ScriptedModel(spec.script)
        # What a model takes is virtual time; on the system clock it answers at once.
        return Model(
            returns=spec.returns,
            echo=getattr(spec, "echo", False),
            duration=spec.duration if self.clock == "virtual" else NOTHING,
            errors=[ModelledError(error.error, error.probability, error.cause) for error in spec.errors],
        )


def _whole(quota: float | None) -> int | None:
    return None if quota is None else int(quota)


def _event_invoke(spec: FunctionSpec) -> EventInvoke:
    """What becomes of the events that a scenario's function is sent."""
    if spec.dlq is None and spec.on_failure is None:
        return EventInvoke()
    from stepsim.runtime.lambdas.destinations import to_queues

    home = Home(ACCOUNT_ID, DEFAULT_REGION)
    arns = [
        None if name is None else f"arn:aws:sqs:{home.region}:{home.account_id}:{name}"
        for name in (spec.dlq, spec.on_failure)
    ]
    return to_queues(*arns)


def no_code(name: str, spec: FunctionSpec) -> Any:
    """For runs without handlers."""
    raise AssertionError(f"{name} has the handler {spec.handler}")
