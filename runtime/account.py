"""A local account at work: machines, executions and map runs, tied to a scheduler, functions and the cloud.

This is where the knot is tied, once: the interpreter gets an engine, the engine's tasks get services, requests get a
performer, and nobody below knows the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Any, NamedTuple

from stepsim.asl.compile import compile_machine
from stepsim.asl.machine import StateMachine
from stepsim.asl.payload import JSON, Payload
from stepsim.runtime import observation
from stepsim.runtime.activities import Activities
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION, Answer, CallSite
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.faults import Faults
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.quotas import NO_QUOTAS
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Stopped
from stepsim.runtime.engine import Engine
from stepsim.runtime.execution import Execution
from stepsim.runtime.fiber import Fiber
from stepsim.runtime.frame import ROLE_ARN, Identity
from stepsim.runtime.functions import Functions
from stepsim.runtime.item_source import PerformCall
from stepsim.runtime.map_children import Keeper
from stepsim.runtime.map_quotas import NO_MAP_QUOTAS, MapQuotas
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.map_runs import MapRuns
from stepsim.runtime.performer import Performer
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.services.integrations import Tasks
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.tokens import TaskTokens
from stepsim.runtime.transitions import limited_transitions
from stepsim.workers.modelled import Model


class _Run(NamedTuple):
    """An execution that runs."""

    fiber: Fiber
    execution: Execution


class Account:
    """Executions on one scheduler. `call` is the gate's perform; `models` are the tasks that the scenario models."""

    def __init__(
        self,
        *,
        dice: Dice,
        statistics: Statistics,
        functions: Functions,
        call: PerformCall,
        models: Mapping[str, Model],
        faults: Faults | None = None,
        start_ms: int = 0,
        map_quotas: MapQuotas = NO_MAP_QUOTAS,
        capacity: Capacity | None = None,
        latency: Latency | None = None,
    ) -> None:
        """Without `capacity` nothing is limited, without `latency` nothing takes any time."""
        self.statistics = statistics
        self.dice = dice
        self._functions = functions
        self.performer = Performer(functions, lambda: self.tokens, lambda: self.activities, call, models, dice)
        self.scheduler = Scheduler(self.performer, start_ms)
        self.performer.scheduler = functions.scheduler = self.scheduler
        self.tokens = TaskTokens(self.scheduler, dice)
        self.activities = Activities(self.scheduler)
        tasks = Tasks(models, None if faults is None else faults.strike_task)
        self._map_runs = MapRuns(call, map_quotas)
        self._engine = Engine(
            self.scheduler, dice, statistics, tasks.perform, self._map_runs.run, self.tokens, self.activities
        )
        self._engine.direct = tasks.direct
        self._engine.observer = observation.current()
        self._engine.capacity = Capacity(NO_QUOTAS, lambda: 0) if capacity is None else capacity
        inline = self._engine.capacity.quotas["inline_map_concurrency"]
        self._engine.inline_concurrency = None if inline is None else max(1, int(inline))
        self._engine.transitions = limited_transitions(self._engine.capacity.quotas, statistics)
        self._engine.latency = Latency(dice, off=True) if latency is None else latency
        self._runs: dict[str, _Run] = {}
        """What runs, by ARN."""

    @property
    def map_runs(self) -> list[MapRun]:
        """All map runs, in the order in which they were opened; none where somebody else keeps them."""
        return self._map_runs.opened

    @property
    def unfinished(self) -> int:
        """How many invocations run that faults have asked for and that nobody waits for."""
        return self._functions.unfinished

    @property
    def pending_events(self) -> int:
        """How many events to functions are being worked off."""
        return self._functions.pending_events

    @property
    def engine(self) -> Engine:
        """What the account's executions run on."""
        return self._engine

    @property
    def running(self) -> int:
        """How many executions run; the children of map runs are not counted."""
        return len(self._runs)

    def keep_map_runs(self, keeper: Keeper, *, listed: bool = False) -> None:
        """Let somebody keep map runs and their children from now on; `listed`: `map_runs` has them all the same."""
        self._map_runs.keeper = keeper
        self._map_runs.listed = listed

    def start_execution(
        self,
        definition: JSON | StateMachine,
        payload: Payload,
        *,
        machine_name: str,
        name: str,
        express: bool = False,
        role_arn: str = ROLE_ARN,
    ) -> Execution:
        """Start an execution of a valid definition. It runs when the scheduler is driven."""
        machine = definition if isinstance(definition, StateMachine) else compile_machine(definition)
        prefix = f"arn:aws:states:{DEFAULT_REGION}:{ACCOUNT_ID}"
        arn = f"{prefix}:execution:{machine_name}:{name}"
        if express:
            arn = f"{prefix}:express:{machine_name}:{name}:{self.dice.uuid4('express', name)}"
        me = Identity(
            arn,
            name,
            f"{prefix}:stateMachine:{machine_name}",
            machine_name,
            payload,
            self.scheduler.now_ms,
            express=express,
            role_arn=role_arn,
        )
        execution = self.new_execution(machine, me)
        self.spawn(execution)
        return execution

    def new_execution(self, machine: StateMachine, me: Identity, *, keep_history: bool = True) -> Execution:
        """An execution that has not begun; `spawn` lets it."""
        return Execution(self._engine, machine, me, keep_history=keep_history)

    def spawn(self, execution: Execution) -> None:
        """Let an execution begin, or go on after its `redrive`. It runs when the scheduler is driven."""

        def ended(result: Any, error: Exception | None) -> None:  # noqa: ARG001
            # The program of an execution handles every end itself; anything else is a bug and propagates.
            if error is not None:
                raise error
            self._ended(execution)

        fiber = self.scheduler.spawn(execution.program(), ended, execution.deadline_ms)
        self._runs[execution.me.arn] = _Run(fiber, execution)

    def _ended(self, execution: Execution) -> None:
        self._runs.pop(execution.me.arn, None)
        for tell in execution.when_ended:
            tell(execution)

    def stop_execution(self, arn: str, error: str | None = None, cause: str | None = None) -> None:
        """Stop a running execution: it ends ABORTED, and so do its map runs."""
        run = self._runs.get(arn)
        if run is not None and not run.fiber.ended:
            self.scheduler.interrupt(run.fiber, Stopped(error, cause))

    def stop_executions(self, error: str, cause: str) -> None:
        """Stop all executions that run."""
        for arn in list(self._runs):
            self.stop_execution(arn, error, cause)

    def give_up(self, error: str, cause: str) -> None:
        """End the execution, ABORTED, in which the scheduler has come upon a mistake of ours; nothing, if in none."""
        fiber, self.scheduler.failing = self.scheduler.failing, None
        while fiber is not None and fiber.parent is not None:
            fiber = fiber.parent.owner
        run = next((run for run in self._runs.values() if run.fiber is fiber), None)
        if run is None:
            return
        if getgeneratorstate(run.fiber.program) != GEN_CLOSED:
            self.scheduler.interrupt(run.fiber, Stopped(error, cause))
            return
        self.scheduler.cancel(run.fiber)
        if run.execution.status == "RUNNING":
            run.execution.error, run.execution.cause = error, cause
            run.execution.abort()
        self._ended(run.execution)


def no_cloud(service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:  # noqa: ARG001
    """For runs without an account: names the call that nobody can answer."""
    raise LookupError(f"{service}.{operation} was called in a run without an AWS account")
