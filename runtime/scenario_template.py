"""A scenario's ``definition: {template, resource, parameters}``: the template below what the scenario itself says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from stepsim.asl.payload import JSON
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.to_scenario import ProjectScenario, scenario_of_project
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_FILE, Checker
from stepsim.runtime.scenario_types import Scenario
from stepsim.runtime.triggers.schedules import is_recurring

T = TypeVar("T")

_PATH = ("definition",)


@dataclass(frozen=True, slots=True)
class TemplateScenario:
    """What a template gives, and the ids by which it calls its functions."""

    made: ProjectScenario
    function_names: Mapping[str, str]
    """The name in the account by the logical id."""

    @property
    def scenario(self) -> Scenario:
        """Its scenario, as if nothing else were said."""
        return self.made.scenario

    def over(self, members: Mapping[str, T], own: Mapping[str, T]) -> dict[str, T]:
        """A scenario's members over the template's; a function may be called by its logical id, too."""
        return {**members, **{self.function_names.get(name, name): member for name, member in own.items()}}

    def with_its_own(self, value: Mapping[str, JSON], functions: Mapping[str, object]) -> dict[str, JSON]:
        """A scenario file's value with the template's triggers before its own, and with the names of its functions.

        Schedules that never end need an end: without ``until`` or arrivals they are left out.
        """
        cloud = value.get("cloud")
        cloud = cloud if isinstance(cloud, dict) else {}
        ends = value.get("until") is not None or bool(value.get("arrivals"))
        triggers = [
            trigger
            for trigger in self.made.triggers
            if ends or "schedule" not in trigger or not is_recurring(str(trigger["schedule"]))
        ]
        named: dict[str, JSON] = {name: {} for name in functions}
        return {
            **value,
            "functions": named,
            "cloud": {**cloud, "triggers": [*triggers, *(cloud.get("triggers") or [])]},
        }

    def merged(self, scenario: Scenario, *, typed: bool) -> Scenario:
        """A scenario with what its template says and it doesn't; `typed`: it says what type its machine is."""
        below = self.scenario
        return replace(
            scenario,
            substitutions={**below.substitutions, **scenario.substitutions},
            type=scenario.type if typed else below.type,
            activities=tuple(dict.fromkeys((*below.activities, *scenario.activities))),
            topics=below.topics,
            event_buses=below.event_buses,
            findings=self.made.findings,
        )


def template_of(
    definition: Mapping[str, JSON], functions: Collection[str], base_dir: Path, checker: Checker
) -> TemplateScenario | None:
    """The template that a scenario names, which has functions of these names; None where the checker has a problem."""
    name = definition.get("template")
    resource, parameters = definition.get("resource"), definition.get("parameters") or {}
    if not isinstance(name, str) or not isinstance(parameters, dict):
        return None
    path = base_dir / name
    if not path.exists():
        checker.add(MISSING_FILE, f"there is no file or folder {path}", (*_PATH, "template"))
        return None
    try:
        project = load_project(path, parameters)
        made = scenario_of_project(project, resource if isinstance(resource, str) else None, replaced=functions)
    except ProjectError as error:
        for finding in error.findings:
            checker.add(INVALID_VALUE, str(finding), _PATH)
        return None
    return TemplateScenario(made, {function.id: function.name for function in project.functions.values()})
