"""workers/lambda_errors.py: the texts of Lambda's own errors."""

from __future__ import annotations

import json

import pytest

from stepsim.workers.lambda_errors import crashed, error_payload, exit_reason, stack_trace, timed_out


def test_a_timeout_names_its_seconds() -> None:
    """Seconds have two decimals."""
    assert timed_out("id", 3000) == (
        '{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 3.00 seconds"}'
    )


def test_a_crash_is_an_exit_error() -> None:
    """It has the service's name for it, which Step Functions reports."""
    assert crashed("id", 3) == (
        '{"errorType":"Runtime.ExitError",'
        '"errorMessage":"RequestId: id Error: Runtime exited with error: exit status 3"}'
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
        (-31, "Runtime exited with error: signal: signal 31"),
    ],
)
def test_exit_reasons(status: int, reason: str) -> None:
    """A runtime's end is worded as Lambda's supervisor words it."""
    assert exit_reason(status) == reason


def test_an_error_object_is_spaced_and_keeps_letters() -> None:
    """The runtime's own errors have Python's spacing and the four keys in order."""
    assert error_payload("ü", "E", "id", []) == (
        '{"errorMessage": "ü", "errorType": "E", "requestId": "id", "stackTrace": []}'
    )


def test_stack_frames_have_no_carets() -> None:
    """A frame is its file, line, function and source line."""
    try:
        json.loads("{")
    except ValueError as error:
        first, *_ = stack_trace(error.__traceback__)
    assert first == (
        f'  File "{__file__}", line {test_stack_frames_have_no_carets.__code__.co_firstlineno + 3}, '
        'in test_stack_frames_have_no_carets\n    json.loads("{")\n'
    )
