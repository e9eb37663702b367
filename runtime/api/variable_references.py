"""Which states of a definition refer to which variables: ``variableReferences`` of DescribeStateMachine."""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import variables_of
from stepsim.asl.validate_transitions import sub_machines
from stepsim.asl.validate_variables import reads_of


def variable_references(definition: JSON) -> Mapping[str, list[str]]:
    """The names that each state of a valid definition reads, in alphabetical order as AWS was recorded to give them.

    States inside Map and Parallel states stand beside the others; those that read none are left out.
    """
    references: dict[str, list[str]] = {}
    machines = [definition]
    while machines:
        for name, state in machines.pop()["States"].items():
            machines += [machine for _, machine, _ in sub_machines(name, state)]
            names = {variable for _, text in reads_of(state) for variable in variables_of(text)}
            if names:
                references[name] = sorted(names)
    return references
