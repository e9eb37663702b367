"""A run's parts tied together: a scenario, its account, a clock; what starts, and what is told of it in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from stepsim.asl.payload import Payload, encode
from stepsim.runtime.account import Account, no_cloud
from stepsim.runtime.api.activities import create_activity
from stepsim.runtime.api.execution_keeper import MapRunsKept
from stepsim.runtime.api.put_events import event_operations
from stepsim.runtime.api.records import ExecutionRecord, Home, MachineRecord, MachineType, Revision
from stepsim.runtime.api.registry import Registries, Registry
from stepsim.runtime.api.starting import Target, begin
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import ACCOUNT_ID, DEFAULT_REGION
from stepsim.runtime.cloud.capacity import Capacity
from stepsim.runtime.cloud.faults import Faults
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.definition import Definition, load_definition
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.dice import Dice
from stepsim.runtime.execution import Execution
from stepsim.runtime.execution_counts import ExecutionCounts
from stepsim.runtime.expectations import Judge, not_judged
from stepsim.runtime.frame import ROLE_ARN
from stepsim.runtime.generators import GeneratorError
from stepsim.runtime.invariants import CheckError, judge, load_checks, outcome_of
from stepsim.runtime.map_quotas import map_quotas
from stepsim.runtime.mocks.checking import checked
from stepsim.runtime.mocks.reporting import describe_mocks
from stepsim.runtime.mocks.running import MockRun
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.report import RunFacts, make_report
from stepsim.runtime.run_functions import FunctionMaker
from stepsim.runtime.scenario_types import FunctionSpec, Scenario
from stepsim.runtime.scenario_use import refuse_idle_models
from stepsim.runtime.snapshot import snapshot
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.watch import Ended, Report, RunError, Watch

if TYPE_CHECKING:
    from stepsim.runtime.cloud.cloud import Cloud
    from stepsim.runtime.kept import Keeping, KeptRun
    from stepsim.runtime.triggers.triggered_run import TriggeredRun
    from stepsim.workers.shown_clock import ShownClock

_PARTIAL_S = 2.0
"""How often a run under way reports what it has done so far."""


def _refuse_what_is_not_kept(scenario: Scenario, kept: KeptRun) -> None:
    if scenario.type == "EXPRESS":
        raise RunError("An Express execution cannot be redriven, so there is nothing to keep its run for.")
    if scenario.is_triggered:
        raise RunError("A run with triggers or arrivals cannot be kept: what is on its way is not written down.")
    if scenario.mocks is not None:
        raise RunError("A run with mocks cannot be kept: which of their answers were given is not written down.")
    if kept.scenario != scenario.name:
        raise RunError(f"{kept.folder} keeps a run of {kept.scenario!r}, not of {scenario.name!r}.")


class Stage:
    """A run's parts, as far as both clocks have them in common."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Literal["virtual", "real"],
        watch: Watch,
        kept: KeptRun | None = None,
    ) -> None:
        self.started_s = perf_counter()
        self.kept = kept
        if kept is not None:
            _refuse_what_is_not_kept(scenario, kept)
        self.scenario = scenario
        self.clock = clock
        self.watch = watch
        self.dice = Dice(scenario.seed if kept is None else kept.dice_seed)
        self.statistics = Statistics()
        self.definition: Definition = scenario.loaded or load_definition(
            scenario.definition, scenario.substitutions, scenario.type
        )
        self.machines: dict[str, Definition] = {
            name: machine.loaded or load_definition(machine.definition, machine.substitutions, machine.type)
            for name, machine in scenario.machines.items()
        }
        self.mocks = None if scenario.mocks is None else MockRun(scenario.mocks)
        self.mock_warnings = [] if scenario.mocks is None else checked(scenario.mocks, self.definition.machine)
        self.faults: Faults | None = None
        try:
            self.checks = load_checks(scenario.expect, scenario.base_dir)
        except CheckError as error:
            raise RunError(str(error)) from error
        self.capacity = Capacity(scenario.quotas, self._run_ms)
        self.capacity.athena.models = scenario.athena
        self.capacity.fargate.spot_interruption_per_hour = {
            name: spec.spot_interruption_per_hour for name, spec in scenario.jobs.items()
        }
        # On the system clock a call takes the time that it takes.
        self.latency = Latency(self.dice, scenario.latencies, off=clock == "real" or not scenario.latency)
        self._account: Account | None = None
        self._registry: Registry
        self._execution: Execution | None = None
        self._counts = ExecutionCounts()
        self._keeping: Keeping | None = None
        self._shown: ShownClock | None = None
        for file, definition in self._definitions():
            missing = definition.missing_functions(scenario.functions, scenario.tasks)
            # A test case leaves out what its path does not come to.
            if not missing or (definition is self.definition and scenario.mocks is not None):
                continue
            raise RunError(
                f"{file.name} calls functions that nothing runs: {', '.join(missing)}. "
                f"Name each one's code, with `run --function {missing[0]}=module:handler` or in a scenario's functions."
            )
        refuse_idle_models(scenario, [*self._definitions()])
        if scenario.faults:
            self.faults = Faults(scenario.faults, self.dice, self._run_ms, watch.strike)

    def _definitions(self) -> Iterator[tuple[DefinitionSource, Definition]]:
        """The scenario's own definition, and those of the other machines."""
        yield self.scenario.definition, self.definition
        for name, definition in self.machines.items():
            yield self.scenario.machines[name].definition, definition

    @property
    def _calls_aws(self) -> bool:
        if any(state not in self._mocked for state in self.definition.aws_states):
            return True
        return any(definition.aws_states for definition in self.machines.values())

    @property
    def _called(self) -> set[str]:
        """The functions that the definitions name."""
        return {name for _, definition in self._definitions() for name in definition.functions}

    @property
    def _mocked(self) -> list[str]:
        """The states of the scenario's own machine that are mocked whatever they work on."""
        states = {} if self.scenario.mocks is None else self.scenario.mocks.states
        return [name for name, mocked in states.items() if mocked.response is not None or mocked.ask]

    def _run_ms(self) -> int:
        """Milliseconds since the run began."""
        return 0 if self._account is None else self._account.scheduler.now_ms - self.scenario.start_ms

    def open_cloud(self, parts: ExitStack) -> Cloud | None:
        """The account in moto, with the scenario's resources in it; None where nothing will call AWS."""
        scenario = self.scenario
        resources = scenario.buckets or scenario.tables or scenario.queues
        if not (resources or scenario.has_code or scenario.is_triggered or self._calls_aws):
            return None
        from stepsim.runtime.cloud_setup import SetupError, open_cloud

        if self.clock == "virtual":
            from stepsim.workers.shown_clock import ShownClock

            # What is there at first has been made when the run begins.
            self._shown = parts.enter_context(ShownClock(scenario.start_ms))
        try:
            cloud = parts.enter_context(open_cloud(scenario, self.latency, self.faults, self.capacity))
        except (GeneratorError, SetupError) as error:
            raise RunError(str(error)) from error
        if self.watch.opened is not None:
            self.watch.opened(cloud)
        return cloud

    def account(self, parts: ExitStack, cloud: Cloud | None, code: Callable[[str, FunctionSpec], Any]) -> Account:
        """The account, its functions run by what `code` makes of each that has a handler."""
        scenario = self.scenario
        maker = FunctionMaker(scenario, self.clock, code, self._called)
        strike = None if self.faults is None else self.faults.strike_function
        functions = maker.functions(self.dice, self.statistics, self.latency, strike)
        self._account = Account(
            dice=self.dice,
            statistics=self.statistics,
            functions=functions,
            call=no_cloud if cloud is None else cloud.perform,
            models={name: maker.model(task) for name, task in scenario.tasks.items()},
            faults=self.faults,
            start_ms=scenario.start_ms,
            map_quotas=map_quotas(
                scenario.quotas,
                self.latency.bounds("states", "map_run_start"),
                self.latency.bounds("states", "map_run_close"),
            ),
            capacity=self.capacity,
            latency=self.latency,
        )
        gate = None if cloud is None else cloud.gate
        step_functions = StepFunctions(self._account, gate, map_runs=self._map_runs_kept)
        if self.kept is not None:
            self._keep(self.kept, step_functions.registries, parts, cloud)
        elif self.scenario.keep_children != "none":
            parts.callback(Archivist(step_functions.registries).close)
        self._registry = step_functions.registries[Home(ACCOUNT_ID, DEFAULT_REGION)]
        self._registry.observers.execution_started.append(self._counts.started)
        if self.watch.started is not None:
            started = self.watch.started
            self._registry.observers.execution_started.append(lambda record: started(record.execution))
        self._registry.observers.execution_ended += [self._counts.ended, self._count_ended]
        self._fill(self._registry)
        if cloud is not None:
            if self.clock == "virtual":
                scheduler = self._account.scheduler
                cloud.queues.now_ms = lambda: scheduler.now_ms
                if self._shown is not None:
                    cloud.before_call = self._shown.following(lambda: scheduler.now_ms)
                cloud.fast_paths["athena"] = self.capacity.athena.operations(self.latency, self.dice)
            if self.scenario.has_code:
                self._invoke_from_code(cloud)
            cloud.fast_paths["stepfunctions"] = step_functions.gate_operations()
            cloud.fast_paths["events"] = event_operations(step_functions.registries)
        return self._account

    def _invoke_from_code(self, cloud: Cloud) -> None:
        """Let functions that code invokes be the scenario's, and never moto's, which runs none."""
        from stepsim.runtime.lambda_calls import refuse_invokes, serve_invokes

        assert self._account is not None
        if self.clock == "virtual":
            serve_invokes(cloud, self._account.scheduler, self.dice, self.latency)
        else:
            refuse_invokes(cloud)

    @property
    def _map_runs_kept(self) -> MapRunsKept:
        if self.kept is not None or self.scenario.keep_children == "all":
            return "listed"
        return "failed" if self.scenario.keep_children == "failed" else "none"

    def _keep(self, kept: KeptRun, registries: Registries, parts: ExitStack, cloud: Cloud | None) -> None:
        """Have everything written into the run's folder from now on; what is there already is there again."""
        from stepsim.runtime.kept import Keeping

        self._keeping = Keeping(kept, registries, parts)
        if cloud is not None:
            self._keeping.keep_account(parts)

    def _count_ended(self, ended: ExecutionRecord) -> None:
        execution, statistics = ended.execution, self.statistics
        if execution is self._execution or ended.map_run is not None:
            return
        statistics.history_events += len(execution.history)
        if execution.me.express and execution.stop_ms is not None:
            taken = statistics.express if execution.status == "SUCCEEDED" else statistics.failed_express
            taken.add(execution.stop_ms - execution.me.start_ms)

    def _fill(self, registry: Registry) -> None:
        """Make the scenario's machines and activities. What is not known of a machine is as where nobody says."""
        scenario = self.scenario
        self._machine(registry, scenario.name, scenario.type, self.definition)
        for name, spec in scenario.machines.items():
            self._machine(registry, name, spec.type, self.machines[name])
        for name in scenario.activities:
            create_activity(registry, {"name": name})

    def _machine(self, registry: Registry, name: str, machine_type: MachineType, definition: Definition) -> None:
        arn = registry.home.arn(f"stateMachine:{name}")
        if arn in registry.machines:
            # A redrive goes on with the definition that was begun with.
            return
        text = encode(definition.machine.definition)
        logging, tracing = {"level": "OFF", "includeExecutionData": False}, {"enabled": False}
        revision = Revision(None, text, definition.machine, ROLE_ARN, logging, tracing, None, registry.now_ms, {})
        registry.machines[arn] = MachineRecord(arn, name, machine_type, registry.now_ms, revision)
        registry.machine_changed(registry.machines[arn])

    def start(self, account: Account, cloud: Cloud | None) -> Execution | TriggeredRun:
        """Start what the scenario starts itself, and let come what comes from outside."""
        scenario = self.scenario
        if not scenario.is_triggered or cloud is None:
            self._execution = self._begin()
            return self._execution
        from stepsim.runtime.triggers.triggered_run import triggered_run

        own = self._begin() if scenario.starts_itself else None
        try:
            return triggered_run(scenario, account, self._registry, cloud, self.latency, own)
        except GeneratorError as error:
            raise RunError(str(error)) from error

    def _begin(self) -> Execution:
        """Start the scenario's execution, whose name comes from the seed; or redrive it."""
        scenario = self.scenario
        if self.kept is not None and self.kept.execution_arn is not None and self._keeping is not None:
            return self._keeping.redrive(self._registry)
        record = self._registry.machine(self._registry.home.arn(f"stateMachine:{scenario.name}"))
        name = self.dice.uuid4("execution", scenario.name)
        started = begin(
            self._registry, Target(record, record.revision), name, Payload(scenario.input), None, self.mocks
        )
        if self._keeping is not None:
            self._keeping.begun(started.execution)
        return started.execution

    def look(
        self, account: Account, execution: Execution | TriggeredRun, cloud: Cloud | None
    ) -> Callable[[], None] | None:
        """What the driver calls now and then; None where nobody watches."""
        progress, partial = self.watch.progress, self.watch.partial
        if progress is None and partial is None:
            return None
        reported_s = perf_counter()

        def look() -> None:
            nonlocal reported_s
            if progress is not None:
                progress(snapshot(account, execution, self.clock))
            if partial is not None and perf_counter() - reported_s > _PARTIAL_S:
                partial(self.report(account, execution, cloud))
                reported_s = perf_counter()

        return look

    def sample(self, account: Account, cloud: Cloud | None) -> Callable[[], None] | None:
        """What the simulation's driver calls whenever anything has happened; None where nobody draws it."""
        series = self.watch.series
        if series is None:
            return None
        calls = {} if cloud is None else cloud.gate.calls
        return partial(series.look, account, calls, self.scenario.start_ms)

    def end(self, account: Account, execution: Execution | TriggeredRun, cloud: Cloud | None) -> Report:
        """Report a run that has ended, and keep what is to be kept of it."""
        for run in account.map_runs:
            # Express children that run on are cut off where the run ends.
            run.cut_off()
        report = self.report(account, execution, cloud, self._judge(cloud))
        if self.watch.series is not None:
            calls = {} if cloud is None else cloud.gate.calls
            self.watch.series.end(account, calls, self.scenario.start_ms, execution)
        if self.watch.save is not None:
            from stepsim.runtime.saved import save_account, save_failed_children

            try:
                shown = execution if isinstance(execution, Execution) else execution.shown
                save_account(self.watch.save, shown, cloud)
                save_failed_children(self.watch.save, self._registry.store, account.map_runs)
            except OSError as error:
                raise RunError(f"What the run left cannot be written to {self.watch.save}: {error}") from error
        if self.watch.ended is not None:
            self.watch.ended(Ended(execution, account, cloud, self.mocks, report))
        return report

    def _judge(self, cloud: Cloud | None) -> Judge:
        """What the scenario's checks find in the account as it is now."""
        return lambda check, report: judge(check, self.checks[check], outcome_of(cloud, report))

    def report(
        self, account: Account, execution: Execution | TriggeredRun, cloud: Cloud | None, judging: Judge = not_judged
    ) -> Report:
        """The report of a run, as far as it has come; `judging` makes its checks."""
        facts = RunFacts(
            self.scenario.name,
            self.scenario.seed,
            self.clock,
            perf_counter() - self.started_s,
            {} if cloud is None else cloud.gate.calls,
            {} if cloud is None else cloud.tables(),
            None if self.mocks is None else describe_mocks(self.mocks, self.mock_warnings),
            {**self.scenario.functions, **self.scenario.jobs},
            self.scenario.prices,
            faults=() if self.faults is None else self.faults.report(),
            queues={} if cloud is None else cloud.queue_counts(),
            executions=self._counts.report(),
            triggers={} if isinstance(execution, Execution) else execution.report(),
            earlier=() if self._keeping is None else self._keeping.earlier,
        )
        return make_report(facts, execution, account.map_runs, self.statistics, self.scenario.expect, judging)
