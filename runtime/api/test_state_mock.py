"""TestState's ``mock``, ``context`` and ``stateConfiguration``: read, and refused where they do not fit the state."""

from __future__ import annotations

from stepsim.asl.machine import MapState, ParallelState, State, TaskState
from stepsim.asl.payload import Payload
from stepsim.runtime.api.records import Params
from stepsim.runtime.api.test_state_context import read_context
from stepsim.runtime.api.test_state_subject import Subject, inner_machines, states_of
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.trial_maps import result_is_object
from stepsim.runtime.trial_mocks import Circumstances, Mock

TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice")
"""The types of states that can be tested without a mock."""

NESTED = ("Parallel", "Map")
"""Those that need one."""

MOCKED = ("Task", *NESTED)
"""Those that take one."""

_CONFIGURATION = ("retrierRetryCount", "errorCausedByState", "mapIterationFailureCount", "mapItemReaderData")


def refuse(message: str) -> ApiError:
    """The error of a request that does not fit together."""
    return ApiError("ValidationException", message)


def check_type(subject: Subject, params: Params) -> None:
    """Refuse types that cannot be tested, or not with, or without, a mock. Raises ApiError."""
    if subject.type not in (*TYPES, *NESTED):
        message = f"The field 'Type' should have one of these values: [{', '.join((*TYPES, *NESTED))}]"
        raise ApiError("InvalidDefinition", message)
    mock = params.get("mock")
    if mock is None:
        _check_unmocked(subject, params)
        return
    if ("result" in mock) == ("errorOutput" in mock):
        raise refuse("A test mock should have only one of the following fields: [result, errorOutput].")
    if subject.type not in MOCKED:
        raise refuse(f"State type '{subject.type}' is not supported when a mock is specified")
    if params.get("revealSecrets"):
        raise refuse("TestState does not support RevealSecrets when a mock is specified.")


def _check_unmocked(subject: Subject, params: Params) -> None:
    given = [name for name in _CONFIGURATION if name in (params.get("stateConfiguration") or {})]
    if params.get("context") is not None:
        given.append("context")
    if given:
        name = f"{given[0][0].upper()}{given[0][1:]}"
        raise refuse(f"TestState does not support {name} when a mock is not specified.")
    if subject.type in NESTED:
        names = ", ".join(TYPES)
        message = f"TestState API does not support Map or Parallel states. Supported state types include: [{names}]"
        raise ApiError("InvalidDefinition", message)


def check_unmocked_task(state: State, params: Params) -> None:
    """Refuse Tasks that cannot be tried without a mock. Raises ApiError ValidationException."""
    if not isinstance(state, TaskState):
        return
    if state.resource.pattern or state.resource.kind == "activity":
        what = "an activity" if state.resource.kind == "activity" else f"'.{state.resource.pattern}'"
        raise refuse(f"TestState does not support a Task state with {what} when a mock is not specified.")
    if params.get("roleArn") is None:
        raise refuse("RoleArn must be specified when testing a Task state")


def read_circumstances(subject: Subject, state: State, params: Params) -> Circumstances:
    """Mock, context object and configuration. Raises ApiError ValidationException."""
    mock = params.get("mock")
    if mock is None:
        return Circumstances()
    configuration = params.get("stateConfiguration") or {}
    _check_configuration(subject, state, configuration)
    return Circumstances(
        _error(mock["errorOutput"]) if "errorOutput" in mock else _result(state, mock),
        read_context(params["context"], state) if params.get("context") is not None else None,
        configuration.get("retrierRetryCount", 0),
        configuration.get("mapIterationFailureCount"),
        configuration.get("mapItemReaderData"),
    )


def _check_configuration(subject: Subject, state: State, configuration: Params) -> None:
    """Refuse what says nothing about this state. AWS's words for it are unconfirmed."""
    if "mapIterationFailureCount" in configuration and not isinstance(state, MapState):
        raise refuse("MapIterationFailureCount can only be specified for a Map state.")
    if "mapItemReaderData" in configuration:
        distributed = state.distributed if isinstance(state, MapState) else None
        if distributed is None or distributed.reader is None:
            raise refuse("MapItemReaderData can only be specified for a Map state with an ItemReader.")
    cause = configuration.get("errorCausedByState")
    if cause is not None:
        if subject.type not in NESTED:
            raise refuse("ErrorCausedByState can only be specified for a Map or Parallel state.")
        if cause not in dict(states_of(*inner_machines(subject.fields))):
            raise refuse("State not found in definition")


def _error(output: Params) -> Mock:
    if not output.get("error"):
        raise refuse("A mocked error output must have an error.")
    return Mock(error=output["error"], cause=output.get("cause"))


def _result(state: State, mock: Params) -> Mock:
    try:
        result = Payload.of_text(mock["result"])
    except (ValueError, RecursionError):
        raise refuse("Mocked result must be valid JSON.") from None
    value = result.value
    if isinstance(state, TaskState):
        if mock.get("fieldValidationMode", "STRICT") != "NONE":
            # botocore's models are loaded by those who need them.
            from stepsim.runtime.api.test_state_result import check_result

            check_result(state.resource, value, required=mock.get("fieldValidationMode") != "PRESENT")
    elif isinstance(state, MapState) and result_is_object(state):
        if not isinstance(value, dict):
            raise refuse("Mocked result must be a JSON object.")
    elif not isinstance(value, list):
        raise refuse("Mocked result must be an array.")
    elif isinstance(state, ParallelState) and len(value) != len(state.branches):
        raise refuse("Mocked result must contain the same number of items as number of Parallel branches.")
    return Mock(result)
