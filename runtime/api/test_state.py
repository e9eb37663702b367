"""TestState: one state run by itself, really, with what happened to its data on the way. There are no mocks yet.

`asl` sees a small machine: the state, and a Succeed state for everything that it may lead to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from stepsim.asl.compile import compile_machine
from stepsim.asl.errors import DefinitionError
from stepsim.asl.machine import StateMachine, TaskState
from stepsim.asl.parse import parse
from stepsim.asl.payload import JSON, decode, encode
from stepsim.asl.validate_transitions import sub_machines, targets
from stepsim.runtime.api.definitions import compile_definition
from stepsim.runtime.api.records import Params, Reply, Response
from stepsim.runtime.api.registry import Registry
from stepsim.runtime.api.starting import read_input
from stepsim.runtime.api.state_inspection import inspected
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.frame import ROLE_ARN
from stepsim.runtime.trial import LIMIT_MS, Trial, TrialIdentity, try_state
from stepsim.runtime.waits import Cancel

DEFAULT_NAME = "StateName"
"""What a state is called that stands alone (recorded)."""

TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice")
"""The types of states that can be tested without a mock."""

_MOCKED = ("Parallel", "Map")


class _Tested(NamedTuple):
    name: str
    fields: JSON
    jsonata: bool


def test_state(registry: Registry, params: Params, reply: Reply) -> Cancel:
    """TestState. Raises ApiError InvalidDefinition, InvalidExecutionInput or ValidationException."""
    tested = _tested(params)
    _check_type(tested, params)
    machine = _machine(tested)
    _check_task(machine.states[tested.name], params)
    payload = read_input(params)
    variables = _variables(params.get("variables"))
    machine_name, name = registry.new_uuid("test-state-machine"), registry.new_uuid("test-state")
    me = TrialIdentity(
        registry.home.arn(f"express:{machine_name}:{name}"),
        name,
        registry.home.arn(f"stateMachine:{machine_name}"),
        machine_name,
        payload,
        registry.now_ms,
        express=True,
        role_arn=params.get("roleArn") or ROLE_ARN,
    )
    notes = {"input": payload.text}
    state = inspected(machine.states[tested.name], tested.fields, notes, jsonata=tested.jsonata)
    scheduler = registry.account.scheduler

    def ended(trial: Trial, error: Exception | None) -> None:
        if error is not None:
            raise error
        reply(_response(trial, notes, params))

    program = try_state(state, machine, me, variables, registry.account.engine)
    fiber = scheduler.spawn(program, ended, registry.now_ms + LIMIT_MS)
    return lambda: scheduler.cancel(fiber)


def _tested(params: Params) -> _Tested:
    """The state that is to be tested, wherever it stands."""
    text: str = params["definition"]
    try:
        definition = parse(text).value
    except DefinitionError:
        definition = None
    if not isinstance(definition, dict) or params.get("stateName") is not None:
        # Refuses what is no machine, in the words of CreateStateMachine.
        definition = compile_definition(text, "STANDARD").definition
        language = definition.get("QueryLanguage", "JSONPath")
        for name, fields in _states(definition):
            if name == params.get("stateName"):
                return _Tested(name, fields, fields.get("QueryLanguage", language) == "JSONata")
        raise ApiError("ValidationException", "State not found in definition")
    return _Tested(DEFAULT_NAME, definition, definition.get("QueryLanguage") == "JSONata")


def _states(machine: JSON) -> Iterator[tuple[str, JSON]]:
    """All states of a valid machine, those inside others among them."""
    machines = [machine]
    while machines:
        for name, fields in machines.pop()["States"].items():
            yield name, fields
            machines.extend(inner for _, inner, _ in sub_machines(name, fields))


def _check_type(tested: _Tested, params: Params) -> None:
    """Refuse types that cannot be tested, mocked or not, and what nobody can do here."""
    kind = tested.fields.get("Type")
    if kind not in (*TYPES, *_MOCKED):
        message = f"The field 'Type' should have one of these values: [{', '.join((*TYPES, *_MOCKED))}]"
        raise ApiError("InvalidDefinition", message)
    mock = params.get("mock")
    if mock is not None:
        if "result" in mock and "errorOutput" in mock:
            message = "A test mock should have only one of the following fields: [result, errorOutput]."
            raise ApiError("ValidationException", message)
        if kind not in ("Task", *_MOCKED):
            raise ApiError("ValidationException", f"State type '{kind}' is not supported when a mock is specified")
        if params.get("revealSecrets"):
            message = "TestState does not support RevealSecrets when a mock is specified."
            raise ApiError("ValidationException", message)
    elif "mapIterationFailureCount" in (params.get("stateConfiguration") or {}):
        message = "TestState does not support MapIterationFailureCount when a mock is not specified."
        raise ApiError("ValidationException", message)
    for name in ("mock", "context", "stateConfiguration", "revealSecrets"):
        if params.get(name):
            raise ApiError("ValidationException", f"stepsim does not support the parameter {name} of TestState yet")
    if kind in _MOCKED:
        names = ", ".join(TYPES)
        message = f"TestState API does not support Map or Parallel states. Supported state types include: [{names}]"
        raise ApiError("InvalidDefinition", message)


def _check_task(state: Any, params: Params) -> None:
    if not isinstance(state, TaskState):
        return
    if state.resource.pattern or state.resource.kind == "activity":
        what = "an activity" if state.resource.kind == "activity" else f"'.{state.resource.pattern}'"
        message = f"TestState does not support a Task state with {what} when a mock is not specified."
        raise ApiError("ValidationException", message)
    if params.get("roleArn") is None:
        raise ApiError("ValidationException", "RoleArn must be specified when testing a Task state")


def _machine(tested: _Tested) -> StateMachine:
    """The state, and a Succeed state for everything that it leads to. Raises ApiError InvalidDefinition."""
    fields = {**tested.fields, "QueryLanguage": "JSONata"} if tested.jsonata else tested.fields
    following = {target: {"Type": "Succeed"} for _, target in targets(fields) if isinstance(target, str)}
    definition = {"StartAt": tested.name, "States": {**following, tested.name: fields}}
    compile_definition(encode(definition), "STANDARD")
    return compile_machine(definition)


def _variables(text: str | None) -> dict[str, JSON]:
    if text is None:
        return {}
    try:
        variables: JSON = decode(text)
    except ValueError:
        variables = None
    if not isinstance(variables, dict):
        raise ApiError("ValidationException", "Variables must be a JSON object")
    return variables


def _response(trial: Trial, notes: dict[str, str], params: Params) -> Response:
    response: Response = {"status": trial.status}
    for name, value in (("nextState", trial.next), ("error", trial.error), ("cause", trial.cause)):
        if value is not None:
            response[name] = value
    if trial.output is not None:
        response["output"] = trial.output.text
    if params.get("inspectionLevel", "INFO") != "INFO":
        inspection: dict[str, Any] = dict(notes)
        if trial.variables:
            inspection["variables"] = encode(trial.variables)
        if trial.details:
            inspection["errorDetails"] = trial.details
        response["inspectionData"] = inspection
    return response
