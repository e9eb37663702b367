"""What people's templates say, whatever they are written in: machines, functions, and the account around them.

Names are those of the local account. What cannot be had offline is a hole (``${Name}``), with a finding that tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from stepsim.asl.payload import JSON
from stepsim.runtime.definition_source import DefinitionSource
from stepsim.runtime.projects.findings import Finding, Site
from stepsim.runtime.projects.kinds import Kind
from stepsim.runtime.scenario_types import QueueSpec, TableSpec


@dataclass(frozen=True, slots=True)
class ProjectMachine:
    """A state machine."""

    id: str
    """What the template calls it: a logical id, an address, a key."""
    name: str
    """In the account."""
    site: Site
    definition: DefinitionSource | None
    """None where it cannot be had: `findings` say why."""
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    substitutions: Mapping[str, JSON] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    """What keeps it from being run, and what its owner should know."""


@dataclass(frozen=True, slots=True)
class InlineCode:
    """Code that stands in the template."""

    text: str


@dataclass(frozen=True, slots=True)
class NoCode:
    """Why there is none on this computer, and what to do instead."""

    reason: str


Code: TypeAlias = Path | InlineCode | NoCode
"""Where a function's code is: a folder, the template, or not at hand."""


@dataclass(frozen=True, slots=True)
class ProjectFunction:
    """A Lambda function."""

    id: str
    name: str
    site: Site
    runtime: str
    handler: str
    code: Code
    memory_mb: int = 128
    timeout_s: int = 3
    env: Mapping[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    layers: tuple[Path, ...] = ()
    """The folders of its layers, as they lie beside the template."""
    dlq: str | None = None
    """The name of the queue that gets the events which it could not work off."""


@dataclass(frozen=True, slots=True)
class ProjectTrigger:
    """What starts a machine or invokes a function."""

    site: Site
    written: Mapping[str, JSON]
    """As a scenario file has it under ``cloud.triggers``; `start` is a machine's name in the account."""


@dataclass(frozen=True, slots=True)
class ProjectApi:
    """Something that answers HTTP: nobody calls it in a run."""

    id: str
    site: Site
    type: str


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that was found, in the order of the files."""

    root: Path
    """The file or folder that was named."""
    kind: Kind
    machines: Mapping[str, ProjectMachine] = field(default_factory=dict)
    """By what the template calls them; so are the functions."""
    functions: Mapping[str, ProjectFunction] = field(default_factory=dict)
    tables: Mapping[str, TableSpec] = field(default_factory=dict)
    """By name in the account; so are queues."""
    queues: Mapping[str, QueueSpec] = field(default_factory=dict)
    buckets: tuple[str, ...] = ()
    triggers: tuple[ProjectTrigger, ...] = ()
    activities: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    event_buses: tuple[str, ...] = ()
    apis: tuple[ProjectApi, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What is left out, and why; of a machine, see there."""
