"""TestState's ``context``: a context object in place of that of an execution, with the members that it may have."""

from __future__ import annotations

from stepsim.asl.machine import State, TaskState
from stepsim.asl.payload import JSON, decode
from stepsim.runtime.cloud.call import ApiError

_KINDS: dict[str, tuple[type, ...]] = {"a string": (str,), "a number": (int,), "an object": (dict,)}

_ANY = ""

_MEMBERS: dict[str, dict[str, str]] = {
    "Execution": {
        "Id": "a string",
        "Input": _ANY,
        "Name": "a string",
        "RoleArn": "a string",
        "StartTime": "a string",
        "RedriveCount": "a number",
        "RedriveTime": "a string",
    },
    "State": {"EnteredTime": "a string", "Name": "a string", "RetryCount": "a number"},
    "StateMachine": {"Id": "a string", "Name": "a string"},
    "Task": {"Token": "a string"},
}


def read_context(text: str, state: State) -> JSON:
    """The context object of a test. Raises ApiError ValidationException for what it cannot have."""
    try:
        context = decode(text)
    except ValueError:
        context = None
    if not isinstance(context, dict):
        raise _invalid("it must be a JSON object")
    for name, value in context.items():
        if name == "Map":
            raise _invalid("'Map' field is not supported when mocking a Context object")
        if name not in _MEMBERS:
            raise _invalid(f"Field '{name}' is not allowed")
        _check(name, value, "an object")
        for member, inner in value.items():
            if member not in _MEMBERS[name]:
                raise _invalid(f"Field '{member}' is not allowed")
            _check(f"{name}.{member}", inner, _MEMBERS[name][member])
    if "Task" in context and not (isinstance(state, TaskState) and state.resource.pattern):
        raise _invalid(
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern"
        )
    return context


def _check(place: str, value: JSON, kind: str) -> None:
    if kind != _ANY and type(value) not in _KINDS[kind]:
        raise _invalid(f"{place} must be {kind}")


def _invalid(why: str) -> ApiError:
    return ApiError("ValidationException", f"Invalid Context object provided: {why}")
