"""An execution store that holds what runs and what ended lately, and looks for everything else in the archive."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING

from stepsim.runtime.api.execution_store import ExecutionStore, moved_ms
from stepsim.runtime.api.records import ExecutionRecord
from stepsim.runtime.map_children import StoppedRun
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.persistence.archive import LATEST, Place

if TYPE_CHECKING:
    from stepsim.runtime.api.registry import Registry
    from stepsim.runtime.persistence.archivist import Archivist


class ArchivingStore(ExecutionStore):
    """The executions of one home, in memory and in the archive."""

    def __init__(self, registry: Registry, archivist: Archivist) -> None:
        super().__init__()
        self._registry = registry
        self._archivist = archivist

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, record: ExecutionRecord) -> None:
        super().add(record)
        self._archivist.begun(record)

    def ended(self, record: ExecutionRecord) -> None:
        super().ended(record)
        if record.execution.me.express and record.map_run is None:
            # Nobody can ask for it any more: AWS describes no Express execution that was started by itself.
            self._remove(record.execution.me.arn)
        else:
            self._archivist.ended(self, record)

    def discard(self, arn: str) -> None:
        super().discard(arn)
        self._archivist.forget(arn)

    def discard_all(self, machine_arn: str) -> None:
        self._archivist.forget_all(machine_arn)
        super().discard_all(machine_arn)

    def let_go(self, arn: str) -> tuple[ExecutionRecord | None, list[MapRun]]:
        """Hold an execution no longer, nor its map runs. Returns them: they are, or will be, in the archive."""
        record = self._remove(arn)
        runs = self._map_runs_of.pop(arn, [])
        for run in runs:
            del self._map_runs[run.arn]
        return record, runs

    def add_map_run(self, run: MapRun) -> None:
        super().add_map_run(run)
        self._archivist.map_run_changed(run)

    def map_run_settled(self, run: MapRun) -> None:
        self._archivist.map_run_changed(run)

    # -- reading --------------------------------------------------------------------------------------------------

    def get(self, arn: str) -> ExecutionRecord | None:
        return super().get(arn) or self._archivist.execution(self._registry, arn)

    def of_machine(
        self, machine_arn: str, *, first: str | None = None, status: str | None = None
    ) -> Iterator[ExecutionRecord]:
        place, present = LATEST, self._present(machine_arn)
        if first is not None:
            held = self._records.get(first)
            if held is not None:
                # What ended at the same time and is archived comes after what is held, as `merge` has it below.
                place, present = Place(moved_ms(held), LATEST.seq), super().of_machine(machine_arn, first=first)
            else:
                found = self._archivist.place(first)
                if found is None:
                    return iter(())
                place = found
                present = (record for record in present if moved_ms(record) < found.moved_ms)
        archived = self._archivist.newest_first(self._registry, machine_arn, place, status, self._records.__contains__)
        return merge(present, archived, key=lambda record: -moved_ms(record))

    def map_run(self, arn: str) -> MapRun | None:
        return super().map_run(arn) or self._archivist.map_run(arn)

    def stopped_map_run(self, arn: str) -> StoppedRun | None:
        children = (record.execution for record in self.of_map_run(arn))
        return self._archivist.stopped_map_run(arn, children)

    def map_runs_of(self, execution_arn: str) -> list[MapRun]:
        present = super().map_runs_of(execution_arn)
        arns = {run.arn for run in present}
        return present + [run for run in self._archivist.map_runs_of(execution_arn) if run.arn not in arns]
