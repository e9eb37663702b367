"""What TestState tests: a state that stands alone, or one of a machine, wherever it stands; and the machine made of it.

`asl` sees a small machine: the state, and a Succeed state for everything that it may lead to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stepsim.asl.compile import compile_machine
from stepsim.asl.errors import DefinitionError
from stepsim.asl.machine import StateMachine
from stepsim.asl.parse import parse
from stepsim.asl.payload import JSON, encode
from stepsim.asl.validate_transitions import sub_machines, targets
from stepsim.runtime.api.definitions import compile_definition
from stepsim.runtime.api.records import Params
from stepsim.runtime.cloud.call import ApiError

DEFAULT_NAME = "StateName"
"""What a state is called that stands alone (recorded)."""


class Subject(NamedTuple):
    """The state under test."""

    name: str
    fields: JSON
    jsonata: bool
    language: str = "JSONPath"
    """That of the machine around, which what stands inside the state speaks."""

    @property
    def type(self) -> JSON:
        """The Type as it is written."""
        return self.fields.get("Type")


def find_subject(params: Params) -> Subject:
    """The state that is to be tested. Raises ApiError InvalidDefinition and ValidationException."""
    text: str = params["definition"]
    wanted = params.get("stateName")
    try:
        definition = parse(text).value
    except DefinitionError:
        definition = None
    if isinstance(definition, dict) and wanted is None:
        return Subject(DEFAULT_NAME, definition, definition.get("QueryLanguage") == "JSONata")
    # Refuses what is no machine, in the words of CreateStateMachine.
    definition = compile_definition(text, "STANDARD").definition
    language = definition.get("QueryLanguage", "JSONPath")
    for name, fields in states_of(definition):
        if name == wanted:
            return Subject(name, fields, fields.get("QueryLanguage", language) == "JSONata", language)
    raise ApiError("ValidationException", "State not found in definition")


def states_of(*machines: JSON) -> Iterator[tuple[str, JSON]]:
    """All states of valid machines, those inside others among them."""
    left = list(machines)
    while left:
        for name, fields in left.pop()["States"].items():
            yield name, fields
            left.extend(inner_machines(fields))


def inner_machines(fields: JSON) -> list[JSON]:
    """The machines inside a Map or Parallel state."""
    return [inner for _, inner, _ in sub_machines("", fields)]


def compile_subject(subject: Subject) -> StateMachine:
    """The state, and a Succeed state for everything that it leads to. Raises ApiError InvalidDefinition."""
    fields = {**subject.fields, "QueryLanguage": "JSONata"} if subject.jsonata else subject.fields
    following = {target: {"Type": "Succeed"} for _, target in targets(fields) if isinstance(target, str)}
    definition = {
        "QueryLanguage": subject.language,
        "StartAt": subject.name,
        "States": {**following, subject.name: fields},
    }
    compile_definition(encode(definition), "STANDARD")
    return compile_machine(definition)
