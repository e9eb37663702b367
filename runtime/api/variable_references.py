"""Which states of a definition refer to which variables: ``variableReferences`` of DescribeStateMachine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepsim.asl.payload import JSON
from stepsim.asl.validate_expressions import variables_of
from stepsim.asl.validate_jsonata import expressions_of
from stepsim.asl.validate_states import language_of
from stepsim.asl.validate_transitions import sub_machines
from stepsim.asl.validate_variables import reads_of


def variable_references(definition: JSON) -> Mapping[str, list[str]]:
    """The names that each state of a valid definition reads, in alphabetical order as AWS was recorded to give them.

    States inside Map and Parallel states stand beside the others; those that read none are left out.
    """
    language = language_of(definition, "JSONPath")
    references: dict[str, list[str]] = {}
    machines = [definition]
    while machines:
        for name, state in machines.pop()["States"].items():
            machines += [machine for _, machine, _ in sub_machines(name, state)]
            jsonata = language_of(state, language) == "JSONata"
            names = set(_in_jsonata(state) if jsonata else _in_jsonpath(state))
            if names:
                references[name] = sorted(names)
    return references


def _in_jsonpath(state: dict[str, JSON]) -> Iterator[str]:
    for _, text in reads_of(state):
        yield from variables_of(text)


def _in_jsonata(state: dict[str, JSON]) -> Iterator[str]:
    for _, text in expressions_of(state):
        # The engine is loaded by those who need it.
        from stepsim.asl.jsonata.query import check_query
        from stepsim.asl.jsonata.source import expression_text

        yield from check_query(expression_text(text)).variables
