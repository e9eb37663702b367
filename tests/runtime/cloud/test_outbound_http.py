"""Which hosts may be called, and what comes back."""

from __future__ import annotations

import pytest

from stepsim.runtime.cloud.outbound_http import ALLOW_HOSTS, HttpCall, HttpFailure, Outbound, may_be_called, send


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("localhost", True), ("127.0.0.1", True), ("x.localhost", True), ("example.com", False), ("", False)],
)
def test_only_this_machine_may_be_called(host: str, allowed: bool) -> None:
    """Unless the user names more."""
    assert may_be_called(host) is allowed


def test_the_user_may_name_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """But never AWS's own hosts."""
    monkeypatch.setenv(ALLOW_HOSTS, "example.com, s3.amazonaws.com")
    assert may_be_called("example.com")
    assert not may_be_called("s3.amazonaws.com")


@pytest.mark.parametrize("url", ["https://example.com/", "nonsense", "http://169.254.169.254/"])
def test_others_are_refused_without_a_look(url: str) -> None:
    """The message names the way out."""
    failure = send(HttpCall("GET", url))
    assert isinstance(failure, HttpFailure)
    assert failure.refused
    assert ALLOW_HOSTS in failure.message


def test_an_answer_in_place() -> None:
    """It is there when the call returns."""
    answers: list[object] = []
    Outbound().send_in_place(HttpCall("GET", "http://127.0.0.1:9/"), answers.append)
    assert isinstance(answers[0], HttpFailure)
