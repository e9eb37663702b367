"""What keeps executions beside the operations: the children of map runs, and what becomes of a deleted machine's."""

from __future__ import annotations

from typing import Literal, TypeAlias

from stepsim.runtime.api.records import ExecutionRecord, Home, MachineRecord
from stepsim.runtime.api.registry import Registries, Registry
from stepsim.runtime.api.starting import note_end, note_start
from stepsim.runtime.execution import Execution
from stepsim.runtime.map_children import StoppedRun
from stepsim.runtime.map_run import MapRun

MapRunsKept: TypeAlias = Literal["all", "listed", "failed", "none"]
"""Whether map runs and their children are kept. `listed`: the account lists the runs, too, for a report. `failed`: it
does, and of the children only those are kept that did not succeed."""


class ExecutionKeeper:
    """Keeps the map runs and children of all homes in their stores, as executions like others."""

    def __init__(self, registries: Registries, *, map_runs: MapRunsKept = "all") -> None:
        self._registries = registries
        self._all = map_runs != "failed"
        if map_runs != "none":
            registries.account.keep_map_runs(self, listed=map_runs != "all")
        registries.observers.machine_deleting.append(self._fail_executions)
        registries.observers.machine_deleted.append(self._discard_executions)

    def opened(self, run: MapRun) -> None:
        """A map run begins."""
        self._home(run.arn).store.add_map_run(run)

    def map_run(self, arn: str) -> MapRun | None:
        """A map run that is to be redriven."""
        return self._home(arn).store.live_map_run(arn)

    def stopped_map_run(self, arn: str) -> StoppedRun | None:
        """As `map_run`, of one that only the archive has."""
        return self._home(arn).store.stopped_map_run(arn)

    def settled(self, run: MapRun) -> None:
        """A map run has ended."""
        self._home(run.arn).store.map_run_settled(run)

    def adopted(self, run: MapRun, child: Execution) -> None:
        """A child that only the archive had is to be run again."""
        registry = self._home(run.arn)
        parent = registry.execution(run.parent.arn)
        registry.store.hold(ExecutionRecord(child, parent.record, parent.revision, map_run=run))

    def started(self, run: MapRun, child: Execution) -> None:
        """A child begins, or begins again."""
        registry = self._home(run.arn)
        parent = registry.execution(run.parent.arn)
        note_start(registry, ExecutionRecord(child, parent.record, parent.revision, map_run=run))

    def ended(self, run: MapRun, child: Execution) -> None:
        """A child has ended, whatever way."""
        registry = self._home(run.arn)
        record = registry.execution(child.me.arn)
        if child.status == "SUCCEEDED" and not self._all:
            registry.store.let_go_child(child.me.arn)
        note_end(registry, record, keep=self._all or child.status != "SUCCEEDED")

    def _fail_executions(self, machine: MachineRecord) -> None:
        # They fail at their next event, which is not written any more (measured).
        for running in self._home(machine.arn).store.running(machine.arn):
            running.execution.history.refuse(f"State machine {machine.name} has been deleted")

    def _discard_executions(self, machine: MachineRecord) -> None:
        # With a machine go its executions: AWS knows none of them any more (measured).
        self._home(machine.arn).store.discard_all(machine.arn)

    def _home(self, arn: str) -> Registry:
        _, _, _, region, account_id, _ = arn.split(":", 5)
        return self._registries[Home(account_id, region)]
