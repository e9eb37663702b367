"""How many executions a run has started, and how they ended: the report's ``executions``.

Children of map runs are counted by their map runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stepsim.runtime.api.records import ExecutionRecord
from stepsim.runtime.statistics import Durations

_NAMES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timed_out", "ABORTED": "aborted"}


@dataclass(slots=True)
class _Machine:
    """The executions of one machine."""

    started: int = 0
    ended: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_NAMES.values(), 0))
    durations: Durations = field(default_factory=Durations)


class ExecutionCounts:
    """Counts executions; its methods are observers of the registries."""

    def __init__(self) -> None:
        self._machines: dict[str, _Machine] = {}

    def started(self, record: ExecutionRecord) -> None:
        """An execution begins."""
        if record.map_run is None:
            self._machine(record).started += 1

    def ended(self, record: ExecutionRecord) -> None:
        """An execution has ended."""
        execution = record.execution
        if record.map_run is not None or execution.stop_ms is None:
            return
        machine = self._machine(record)
        machine.ended[_NAMES[execution.status]] += 1
        machine.durations.add(execution.stop_ms - execution.me.start_ms)

    def report(self) -> dict[str, Any]:
        """All together, and by machine."""
        by_machine = {name: _told(machine) for name, machine in sorted(self._machines.items())}
        whole = {
            name: sum(one[name] for one in by_machine.values()) for name in ("started", *_NAMES.values(), "running")
        }
        durations = Durations.merged(machine.durations for machine in self._machines.values())
        return {**whole, "duration_ms": durations.summary(), "by_machine": by_machine}

    def _machine(self, record: ExecutionRecord) -> _Machine:
        name = record.record.name
        machine = self._machines.get(name)
        if machine is None:
            machine = self._machines[name] = _Machine()
        return machine


def _told(machine: _Machine) -> dict[str, Any]:
    running = machine.started - sum(machine.ended.values())
    return {"started": machine.started, **machine.ended, "running": running, "duration_ms": machine.durations.summary()}
