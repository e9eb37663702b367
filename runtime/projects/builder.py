"""A project under construction: what a reader of templates adds to, file by file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.findings import INVALID_VALUE, Finding, Site
from stepsim.runtime.projects.kinds import Kind
from stepsim.runtime.projects.project import (
    Project,
    ProjectApi,
    ProjectFunction,
    ProjectMachine,
    ProjectTrigger,
)
from stepsim.runtime.scenario_types import QueueSpec, TableSpec


class ProjectBuilder:
    """Collects what is found. Something whose id is taken already gets its stack's name before it."""

    def __init__(self) -> None:
        self.machines: dict[str, ProjectMachine] = {}
        self.functions: dict[str, ProjectFunction] = {}
        self.tables: dict[str, TableSpec] = {}
        self.queues: dict[str, QueueSpec] = {}
        self.buckets: dict[str, None] = {}
        self.activities: dict[str, None] = {}
        self.topics: dict[str, None] = {}
        self.event_buses: dict[str, None] = {}
        self.triggers: list[ProjectTrigger] = []
        self.apis: list[ProjectApi] = []
        self.findings: list[Finding] = []

    def add_machine(self, machine: ProjectMachine) -> None:
        """Add a machine; one whose name is taken is told of and left out."""
        taken = next((one for one in self.machines.values() if one.name == machine.name), None)
        if taken is None:
            self.machines[machine.id] = machine
        else:
            message = f"{machine.name!r} is the name of a state machine already: {taken.site}"
            self.findings.append(machine.site.warning(INVALID_VALUE, message))

    def add_function(self, function: ProjectFunction) -> None:
        """Add a function; one whose name is taken is told of and left out."""
        taken = next((one for one in self.functions.values() if one.name == function.name), None)
        if taken is None:
            self.functions[function.id] = function
        else:
            message = f"{function.name!r} is the name of a function already: {taken.site}"
            self.findings.append(function.site.warning(INVALID_VALUE, message))

    def trigger(self, site: Site, written: Mapping[str, JSON]) -> None:
        """Add what starts something; as a scenario file writes it."""
        self.triggers.append(ProjectTrigger(site, {"name": site.id, **written}))

    def built(self, root: Path, kind: Kind) -> Project:
        """The project. Of its triggers only those stay whose bucket or queue is in it, too."""
        return Project(
            root,
            kind,
            self.machines,
            self.functions,
            self.tables,
            self._queues(),
            tuple(self.buckets),
            tuple(trigger for trigger in self.triggers if self._is_known(trigger.written)),
            tuple(self.activities),
            tuple(self.topics),
            tuple(self.event_buses),
            tuple(self.apis),
            tuple(self.findings),
        )

    def _queues(self) -> dict[str, QueueSpec]:
        """A dead-letter queue that lies elsewhere is made here, too: moto would refuse its queue otherwise."""
        missing = [queue.dlq for queue in self.queues.values() if queue.dlq is not None]
        return {**{name: QueueSpec() for name in missing}, **self.queues}

    def _is_known(self, written: Mapping[str, JSON]) -> bool:
        machines = {machine.name for machine in self.machines.values()}
        functions = {function.name for function in self.functions.values()}
        queue = written.get("queue")
        via = written.get("via") or []
        hops = [hop["sqs"] for hop in via if isinstance(hop, dict)]
        return (
            written.get("start", next(iter(machines), None)) in machines | {None}
            and written.get("invoke", next(iter(functions), None)) in functions | {None}
            and (written.get("bucket") is None or written["bucket"] in self.buckets)
            and (queue is None or queue["queue"] in self.queues)
            and all(hop in self.queues for hop in hops)
        )
