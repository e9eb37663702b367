"""Which machine is tested: a value, a text, a file, or one of a template's; each read and compiled once a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from stepsim.asl.machine import MapState, ParallelState, StateMachine
from stepsim.asl.parse import parse
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.definition import Definition, load_definition, walk
from stepsim.runtime.definition_source import DefinitionSource, EmbeddedDefinition
from stepsim.runtime.scenario_types import MachineSpec, Scenario

MachineType: TypeAlias = Literal["STANDARD", "EXPRESS"]

DefinitionGiven: TypeAlias = "Mapping[str, JSON] | str | Path"
"""A definition as a value, as JSON text, or the path of a file: a definition (JSON or YAML) or a template."""

_NAME = "machine"
_KEPT = 256
"""How many definitions a process keeps compiled."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine that the account has besides the one that is tested."""

    definition: DefinitionGiven
    type: MachineType = "STANDARD"
    substitutions: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A definition, compiled, and what is asked of it at each run."""

    definition: Definition
    states: tuple[str, ...]
    """The names of all its states, those of branches and iterations among them."""
    distributed: bool
    """True where it has a distributed Map."""


def as_path(given: DefinitionGiven) -> Path | None:
    """The file that is meant; None where the definition itself is given."""
    if isinstance(given, Path):
        return given
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        return Path(given)
    return None


def scenario_of(
    given: DefinitionGiven,
    resource: str | None,
    substitutions: Mapping[str, JSON],
    machine_type: MachineType | None,
    base_dir: Path | None,
) -> tuple[Scenario, Loaded]:
    """The scenario that a test's own answers are added to: bare, or with all that a template says of the account.

    Raises DefinitionError, or ProjectError of a template.
    """
    path = as_path(given)
    if path is None:
        if resource is not None:
            raise ValueError(f"resource={resource!r} names a machine of a template, and the definition itself is given")
        loaded = load(given, substitutions, machine_type or "STANDARD")
        folder = base_dir or Path()
        return _bare(_NAME, Path(_NAME), folder, substitutions, machine_type, loaded), loaded
    if resource is None and not _is_project(path):
        loaded = load(path, substitutions, machine_type or "STANDARD")
        return _bare(
            path.stem.split(".")[0], path, base_dir or path.parent, substitutions, machine_type, loaded
        ), loaded
    return _of_project(path, resource, substitutions, machine_type)


def _bare(
    name: str,
    source: Path,
    folder: Path,
    substitutions: Mapping[str, JSON],
    machine_type: MachineType | None,
    loaded: Loaded,
) -> Scenario:
    return Scenario(
        name, source, folder, substitutions, machine_type or "STANDARD", prices=None, loaded=loaded.definition
    )


def _is_project(path: Path) -> bool:
    from stepsim.runtime.projects.kinds import is_project  # only where files are named

    return path.is_dir() or is_project(path)


def _of_project(
    path: Path, resource: str | None, parameters: Mapping[str, JSON], machine_type: MachineType | None
) -> tuple[Scenario, Loaded]:
    from stepsim.runtime.projects.load import load_project
    from stepsim.runtime.projects.to_scenario import scenario_of_project

    scenario = scenario_of_project(load_project(path, parameters), resource).scenario
    if machine_type is not None:
        scenario = replace(scenario, type=machine_type)
    loaded = _loaded(load_definition(scenario.definition, scenario.substitutions, scenario.type))
    # A test starts the machine itself; what else could start it is left out.
    return replace(scenario, triggers=(), arrivals=(), prices=None, loaded=loaded.definition), loaded


def machine_spec(given: DefinitionGiven | Machine) -> MachineSpec:
    """Another machine of the account."""
    machine = given if isinstance(given, Machine) else Machine(given)
    substitutions = machine.substitutions or {}
    source = as_path(machine.definition) or Path(_NAME)
    loaded = load(machine.definition, substitutions, machine.type)
    return MachineSpec(source, machine.type, substitutions, loaded.definition)


def load(given: DefinitionGiven, substitutions: Mapping[str, JSON], machine_type: MachineType) -> Loaded:
    """A definition, read and compiled at its first use. Raises DefinitionError with everything wrong with it."""
    path = as_path(given)
    filled = encode(dict(substitutions)) if substitutions else ""
    if path is None:
        return _load_text(given if isinstance(given, str) else encode(given), filled, machine_type)
    try:
        state = path.stat()
    except OSError:
        # Its own words for a file that is not there are load_definition's.
        return _loaded(load_definition(path, substitutions, machine_type))
    return _load_file(path, state.st_mtime_ns, state.st_size, filled, machine_type)


@lru_cache(_KEPT)
def _load_text(text: str, substitutions: str, machine_type: MachineType) -> Loaded:
    document = parse(text, "the definition", form="json")
    source: DefinitionSource = EmbeddedDefinition(Path("the definition"), document.value, document)
    return _loaded(load_definition(source, _filled(substitutions), machine_type))


@lru_cache(_KEPT)
def _load_file(path: Path, mtime_ns: int, size: int, substitutions: str, machine_type: MachineType) -> Loaded:  # noqa: ARG001
    return _loaded(load_definition(path, _filled(substitutions), machine_type))


def _filled(text: str) -> Mapping[str, JSON]:
    from stepsim.asl.payload import decode

    found: Mapping[str, JSON] = decode(text) if text else {}
    return found


def _loaded(definition: Definition) -> Loaded:
    machine = definition.machine
    distributed = any(isinstance(state, MapState) and state.distributed is not None for state in walk(machine))
    return Loaded(definition, tuple(_names(machine)), distributed)


def _names(machine: StateMachine) -> Iterator[str]:
    for name, state in machine.states.items():
        yield name
        if isinstance(state, MapState):
            yield from _names(state.processor)
        elif isinstance(state, ParallelState):
            for branch in state.branches:
                yield from _names(branch)
