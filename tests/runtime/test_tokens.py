"""Task tokens: an answer reaches whoever waits, early ones are kept, late ones refused, and nothing is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.asl.errors import StatesError
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.effects import Invoke, Program
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.tokens import TaskTokens


class Desk:
    """A scheduler whose requests are tokens to wait for."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(lambda ticket, token: self.tokens.wait(token, ticket))
        self.tokens = TaskTokens(self.scheduler, Dice(0))
        self.answers: list[Any] = []

    def wait(self, token: str, **limits: int) -> None:
        """Let a fiber wait for a token."""

        def program() -> Program:
            try:
                self.answers.append((yield Invoke(token, **limits)).text)
            except StatesError as error:
                self.answers.append((error.error, error.cause))

        self.scheduler.spawn(program())
        self.scheduler.advance(self.scheduler.now_ms)

    def advance(self, now_ms: int = 0) -> list[Any]:
        self.scheduler.advance(max(now_ms, self.scheduler.now_ms))
        return self.answers


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refused(code: str, call: Any, *arguments: Any) -> str:
    with pytest.raises(ApiError) as raised:
        call(*arguments)
    assert raised.value.code == code
    return raised.value.message


def test_an_output_reaches_the_waiting_task_byte_for_byte(desk: Desk) -> None:
    """Also where it comes before the wait begins."""
    late, early = desk.tokens.open("late"), desk.tokens.open("early")
    desk.wait(late)
    desk.tokens.succeed(late, '{"a": 1}')
    desk.tokens.succeed(early, "[ ]")
    desk.wait(early)
    assert desk.advance() == ['{"a": 1}', "[ ]"]


def test_a_failure_needs_neither_error_nor_cause(desk: Desk) -> None:
    """What is missing stays missing."""
    for name, error, cause in (("a", "Boom", "why"), ("b", None, None)):
        token = desk.tokens.open(name)
        desk.wait(token)
        desk.tokens.fail(token, error, cause)
    assert desk.advance() == [("Boom", "why"), (None, None)]


def test_a_token_is_used_once(desk: Desk) -> None:
    """Before the wait and after it."""
    token = desk.tokens.open("a")
    desk.tokens.succeed(token, "1")
    text = "Task Timed Out: 'Provided task does not exist anymore'"
    assert refused("TaskTimedOut", desk.tokens.succeed, token, "2") == text
    desk.wait(token)
    desk.tokens.close(token)
    assert refused("TaskTimedOut", desk.tokens.fail, token, None, None) == text
    assert refused("TaskTimedOut", desk.tokens.heartbeat, token) == text
    assert desk.advance() == ["1"]


def test_an_answer_between_two_looks_at_a_job_is_kept(desk: Desk) -> None:
    """The token is open as long as its attempt is under way, waiting or not."""
    token = desk.tokens.open("a")
    desk.wait(token, deadline_ms=10)
    desk.advance(10)
    desk.tokens.succeed(token, "1")
    desk.wait(token)
    assert desk.advance() == [("States.Timeout", None), "1"]


def test_closed_tokens_leave_nothing_behind(desk: Desk) -> None:
    """Their seal tells that they were ours."""
    tokens = [desk.tokens.open("a", number) for number in range(100)]
    for token in tokens:
        desk.tokens.succeed(token, "1")
        desk.tokens.close(token)
    assert len(desk.tokens) == 0
    assert len(set(tokens)) == 100
    refused("TaskTimedOut", desk.tokens.heartbeat, tokens[0])


@pytest.mark.parametrize("token", ["token", "AAAA", "", "c3RlcHNpbS10YXNrLXRva2VuOg==", "é"])
def test_a_token_that_nobody_gave_out_is_invalid(desk: Desk, token: str) -> None:
    """Whatever it looks like."""
    assert refused("InvalidToken", desk.tokens.succeed, token, "1") == "Invalid Token: 'Invalid token'"


def test_another_accounts_token_is_invalid(desk: Desk) -> None:
    """Its seal is not ours."""
    stranger = TaskTokens(desk.scheduler, Dice(1)).open("a")
    refused("InvalidToken", desk.tokens.heartbeat, stranger)


def test_an_output_that_is_no_json_is_refused(desk: Desk) -> None:
    """The task goes on waiting."""
    token = desk.tokens.open("a")
    desk.wait(token)
    refused("InvalidOutput", desk.tokens.succeed, token, "{")
    desk.tokens.succeed(token, "{}")
    assert desk.advance() == ["{}"]


def test_heartbeats_put_off_the_silence(desk: Desk) -> None:
    """Each starts it anew; a heartbeat before the wait does no harm."""
    token = desk.tokens.open("a")
    desk.tokens.heartbeat(token)
    desk.wait(token, heartbeat_ms=10)
    for now_ms in (8, 16, 24):
        desk.advance(now_ms)
        desk.tokens.heartbeat(token)
    assert desk.advance(33) == []
    assert desk.advance(34) == [("States.Timeout", None)]
