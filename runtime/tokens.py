"""Task tokens: who waits on which, and what became of those nobody waits on yet.

A function may send its answer before the execution has got as far as waiting for it, so an answer is kept until the
wait begins.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import Payload, decode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.scheduler import Scheduler, Ticket


class TaskTokens:
    """The task tokens of an account."""

    __slots__ = ("_answers", "_closed", "_dice", "_open", "_scheduler")

    def __init__(self, scheduler: Scheduler, dice: Dice) -> None:
        self._scheduler = scheduler
        self._dice = dice
        self._open: dict[str, Ticket | None] = {}
        self._answers: dict[str, Payload | StatesError] = {}
        self._closed: set[str] = set()

    def open(self, *names: object) -> str:
        """A new token for the attempt of these names."""
        number = self._dice.integer("task-token", *names).to_bytes(16, "big")
        token = base64.b64encode(b"stepsim-task-token:" + number).decode()
        self._open[token] = None
        return token

    def wait(self, token: str, ticket: Ticket) -> None:
        """Answer the ticket when the token is used; at once where it was used already."""
        answer = self._answers.pop(token, None)
        if answer is None:
            self._open[token] = ticket
        else:
            self._complete(ticket, answer)

    def close(self, token: str) -> None:
        """Nobody waits on the token any more: using it from now on is TaskTimedOut."""
        self._answers.pop(token, None)
        self._open.pop(token, None)
        self._closed.add(token)

    def succeed(self, token: str, output: str) -> None:
        """SendTaskSuccess. Raises ApiError InvalidOutput, InvalidToken or TaskTimedOut."""
        try:
            value = decode(output)
        except ValueError as error:
            raise ApiError("InvalidOutput", f"Invalid Output: '{error}'") from None
        self._answer(token, Payload(value, output))

    def fail(self, token: str, error: str | None, cause: str | None) -> None:
        """SendTaskFailure. Raises ApiError InvalidToken or TaskTimedOut."""
        self._answer(token, StatesError(error, cause))

    def heartbeat(self, token: str) -> None:
        """SendTaskHeartbeat. Raises ApiError InvalidToken or TaskTimedOut."""
        ticket = self._ticket(token)
        if ticket is not None and not self._scheduler.heartbeat(ticket):
            raise _timed_out()

    def _answer(self, token: str, answer: Payload | StatesError) -> None:
        ticket = self._ticket(token)
        if token in self._answers:
            raise _timed_out()
        if ticket is None:
            self._answers[token] = answer
            return
        if not self._scheduler.is_open(ticket):
            raise _timed_out()
        self.close(token)
        self._complete(ticket, answer)

    def _ticket(self, token: str) -> Ticket | None:
        if token in self._open:
            return self._open[token]
        raise _timed_out() if token in self._closed else ApiError("InvalidToken", "Invalid Token: 'Invalid token'")

    def _complete(self, ticket: Ticket, answer: Payload | StatesError) -> None:
        if isinstance(answer, StatesError):
            self._scheduler.complete(ticket, None, answer)
        else:
            self._scheduler.complete(ticket, answer)


def _timed_out() -> ApiError:
    return ApiError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


def token_operations(tokens: TaskTokens) -> dict[str, Callable[[dict[str, Any], str], dict[str, Any]]]:
    """SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat, as the gate serves operations."""

    def success(params: dict[str, Any], region: str) -> dict[str, Any]:  # noqa: ARG001
        tokens.succeed(params["taskToken"], params["output"])
        return {}

    def failure(params: dict[str, Any], region: str) -> dict[str, Any]:  # noqa: ARG001
        tokens.fail(params["taskToken"], params.get("error"), params.get("cause"))
        return {}

    def heartbeat(params: dict[str, Any], region: str) -> dict[str, Any]:  # noqa: ARG001
        tokens.heartbeat(params["taskToken"])
        return {}

    return {"SendTaskSuccess": success, "SendTaskFailure": failure, "SendTaskHeartbeat": heartbeat}
