"""The parameters of an integration, checked against what it takes."""

from __future__ import annotations

from collections.abc import Collection

from stepsim.asl.errors import StatesError, runtime_error
from stepsim.asl.payload import JSON, encode
from stepsim.runtime.services.task import TaskCall


def check_parameters(call: TaskCall, known: Collection[str], required: Collection[str] = ()) -> dict[str, JSON]:
    """The task's parameters. Raises States.Runtime, as AWS does, for an unknown field or a missing one."""
    parameters = call.input.value
    if not isinstance(parameters, dict):
        raise unusable(parameters, "Parameters must be a JSON object")
    for name in parameters:
        if name not in known:
            raise unusable(parameters, f'The field "{name}" is not supported by Step Functions')
    for name in required:
        if name not in parameters:
            raise unusable(parameters, f"The field '{name}' is required but was missing")
    return parameters


def unusable(parameters: JSON, why: str) -> StatesError:
    """The end of an execution whose task cannot use its parameters (recorded); no event of the task is written."""
    return runtime_error(f"The Parameters '{encode(parameters)}' could not be used to start the Task: [{why}]")
