"""What AWS accepts of one state although it will hurt, and what good practice would add."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepsim.asl.fields import Language
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.resource import TaskResource, parse_resource
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_warnings_choice import check_choice
from stepsim.asl.validate_warnings_map import check_map
from stepsim.asl.validate_warnings_templates import check_expression_literals, check_templates

Check = Callable[[dict[str, JSON], Path, Findings, Language], None]

_TIMEOUTS = ("TimeoutSeconds", "TimeoutSecondsPath")
_HEARTBEATS = ("HeartbeatSeconds", "HeartbeatSecondsPath")
_PASSING_FAULTS = (
    "States.ALL",
    "States.TaskFailed",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""Any of these in a Retry shows that its author thought of the service."""


def check_state_warnings(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:
    """Warn of what is allowed and most likely not meant."""
    for check in _CHECKS.get(str(state.get("Type")), ()):
        check(state, path, findings, language)


def _check_time_out(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:  # noqa: ARG001
    resource = _resource(state)
    if resource is None or any(name in state for name in _TIMEOUTS):
        return
    at = (*path, "Resource")
    if resource.kind == "activity" or resource.pattern == "waitForTaskToken":
        if not any(name in state for name in _HEARTBEATS):
            whom = "a worker" if resource.kind == "activity" else "whoever has the task token"
            message = f"Nothing ends the task if {whom} never answers"
            hint = "Write TimeoutSeconds, or HeartbeatSeconds if it sends heartbeats: a year passes otherwise."
            findings.warning("NO_TIMEOUT", message, at, hint)
    elif resource.pattern:
        message = "Nothing ends the task if its job never does"
        findings.warning("NO_JOB_TIMEOUT", message, at, "Write TimeoutSeconds: a year passes otherwise.")


def _check_service_retry(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:  # noqa: ARG001
    resource = _resource(state)
    if resource is None or not (resource.kind == "function" or (resource.service == "lambda" and not resource.sdk)):
        return
    retriers = state.get("Retry", [])
    if type(retriers) is not list or any(map(is_hole, retriers)):
        return
    for retrier in retriers:
        names = retrier.get("ErrorEquals") if type(retrier) is dict else None
        if type(names) is not list or any(name in _PASSING_FAULTS or is_hole(name) for name in names):
            return
    names = ", ".join(f'"{name}"' for name in _PASSING_FAULTS[2:])
    message = "A passing fault of Lambda, or throttling, fails the state: no Retry covers them"
    hint = f'Write "Retry": [{{"ErrorEquals": [{names}], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2}}].'
    findings.warning("NO_SERVICE_RETRY", message, (*path, "Resource"), hint)


def _check_wait(state: dict[str, JSON], path: Path, findings: Findings, language: Language) -> None:  # noqa: ARG001
    if state.get("Seconds") == 0 and type(state["Seconds"]) is int:
        message = "The state waits for no time at all"
        findings.warning("ZERO_WAIT", message, (*path, "Seconds"), "Write 1 or more, or remove the state.")


def _resource(state: dict[str, JSON]) -> TaskResource | None:
    text = state.get("Resource")
    if type(text) is not str or is_hole(text):
        return None
    try:
        return parse_resource(text)
    except ValueError:
        return None


_EVERYWHERE: tuple[Check, ...] = (check_templates, check_expression_literals)
_CHECKS: Mapping[str, tuple[Check, ...]] = {
    "Task": (_check_time_out, _check_service_retry, *_EVERYWHERE),
    "Wait": (_check_wait, *_EVERYWHERE),
    "Choice": (check_choice, *_EVERYWHERE),
    "Map": (check_map, *_EVERYWHERE),
    "Pass": _EVERYWHERE,
    "Parallel": _EVERYWHERE,
    "Succeed": _EVERYWHERE,
    "Fail": _EVERYWHERE,
}
