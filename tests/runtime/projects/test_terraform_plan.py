"""The JSON of `terraform show -json`, as a project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stepsim.asl.payload import JSON
from stepsim.runtime import runner
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.to_scenario import scenario_of_project

Write = Callable[[dict[str, str]], Path]


def test_a_plan_is_what_it_says(write: Write) -> None:
    """With the modules below; a definition that it does not know is told."""
    machine = {"type": "aws_sfn_state_machine", "name": "x", "address": "aws_sfn_state_machine.x"}
    text = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    queue = {"type": "aws_sqs_queue", "name": "q", "address": "module.a.aws_sqs_queue.q", "values": {"name": "work"}}

    def plan(values: dict[str, JSON]) -> str:
        root = {"resources": [{**machine, "values": values}], "child_modules": [{"resources": [queue]}]}
        return json.dumps({"terraform_version": "1.9.0", "planned_values": {"root_module": root}})

    folder = write({"plan.json": plan({"name": "planned", "definition": text}), "unknown.json": plan({"name": "x"})})
    project = load_project(folder / "plan.json")
    assert [*project.queues] == ["work"]
    assert runner.simulate(scenario_of_project(project).scenario)["execution"]["status"] == "SUCCEEDED"
    with pytest.raises(ProjectError, match=r"does not know the definition before it is applied .*name the folder of"):
        scenario_of_project(load_project(folder / "unknown.json"))
