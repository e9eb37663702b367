"""Retry and Catch beyond their fields: what ErrorEquals may name, and in which order."""

from __future__ import annotations

from stepsim.asl import errors
from stepsim.asl.parse import Path, is_hole
from stepsim.asl.payload import JSON
from stepsim.asl.validate_findings import Findings
from stepsim.asl.validate_suggestions import did_you_mean

_NAMES = (
    errors.ALL,
    errors.TASK_FAILED,
    errors.TIMEOUT,
    errors.HEARTBEAT_TIMEOUT,
    errors.PERMISSIONS,
    errors.RUNTIME,
    errors.DATA_LIMIT_EXCEEDED,
    errors.INTRINSIC_FAILURE,
    errors.BRANCH_FAILED,
    errors.NO_CHOICE_MATCHED,
    errors.PARAMETER_PATH_FAILURE,
    errors.RESULT_PATH_MATCH_FAILURE,
    errors.QUERY_EVALUATION_ERROR,
    errors.EXCEED_TOLERATED_FAILURE_THRESHOLD,
    errors.ITEM_READER_FAILED,
    errors.RESULT_WRITER_FAILED,
    "States.Http.Socket",
)


def check_retry(retriers: JSON, path: Path, findings: Findings) -> None:
    """The ErrorEquals of a Retry."""
    _check(retriers, path, findings)


def check_catch(catchers: JSON, path: Path, findings: Findings) -> None:
    """The ErrorEquals of a Catch."""
    _check(catchers, path, findings)


def _check(rules: JSON, path: Path, findings: Findings) -> None:
    if type(rules) is not list:
        return
    for index, rule in enumerate(rules):
        names = rule.get("ErrorEquals") if type(rule) is dict else None
        if type(names) is not list:
            continue
        at = (*path, index, "ErrorEquals")
        if errors.ALL in names and (len(names) > 1 or index < len(rules) - 1):
            hint = "Write it as the only name of the last one."
            findings.error("States.ALL must appear alone and at end of list", at, hint)
        for place, name in enumerate(names):
            if type(name) is str and not is_hole(name):
                _check_name(name, (*at, place), findings)


def _check_name(name: str, path: Path, findings: Findings) -> None:
    if name.startswith("States.") and name not in _NAMES and not name.startswith("States.Http.StatusCode."):
        message = f"'{name}' is not an error that AWS raises, and names of one's own must not start with 'States.'"
        hint = did_you_mean(name, _NAMES, 0.6) or "Choose a name that does not start with 'States.'."
        findings.warning("UNKNOWN_ERROR_NAME", message, path, hint)
    elif name == errors.RUNTIME:
        message = "States.Runtime ends the execution: it can be neither retried nor caught"
        hint = "Remove it, and avoid the error: a Choice with IsPresent tells whether a field is there."
        findings.warning("NEVER_MATCHES", message, path, hint)
