"""Task tokens: who waits on which, and what became of those nobody waits on yet.

A function may send its answer before the execution has got as far as waiting for it, so an answer is kept until the
wait begins. A token carries a seal that only this account can make: one that nobody waits on any more is known as ours
without being remembered, however long the account lives.
"""

from __future__ import annotations

import base64
import binascii

from stepsim.asl.errors import StatesError
from stepsim.asl.payload import Payload, decode
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.scheduler import Scheduler

_MARK = b"stepsim-task-token:"
_NUMBER_BYTES = 16
_SEAL_BYTES = 8


class TaskTokens:
    """The task tokens of an account."""

    __slots__ = ("_answers", "_dice", "_open", "_scheduler")

    def __init__(self, scheduler: Scheduler, dice: Dice) -> None:
        self._scheduler = scheduler
        self._dice = dice
        self._open: dict[str, Ticket | None] = {}
        self._answers: dict[str, Payload | StatesError] = {}

    def open(self, *names: object) -> str:
        """A new token for the attempt of these names; the moment is one of them."""
        number = self._dice.integer("task-token", *names, self._scheduler.now_ms).to_bytes(_NUMBER_BYTES, "big")
        token = base64.b64encode(_MARK + number + self._seal(number)).decode()
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

    def __len__(self) -> int:
        """How many tokens are open."""
        return len(self._open)

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
        if ticket is not None:
            self._scheduler.heartbeat(ticket)

    def _answer(self, token: str, answer: Payload | StatesError) -> None:
        ticket = self._ticket(token)
        if token in self._answers:
            raise _timed_out()
        if ticket is None or not self._scheduler.is_open(ticket):
            # The attempt is not waiting yet, or looks after its job between two waits.
            self._answers[token] = answer
            return
        self.close(token)
        self._complete(ticket, answer)

    def _ticket(self, token: str) -> Ticket | None:
        if token in self._open:
            return self._open[token]
        raise _timed_out() if self._is_ours(token) else ApiError("InvalidToken", "Invalid Token: 'Invalid token'")

    def _is_ours(self, token: str) -> bool:
        try:
            data = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        number, seal = data[len(_MARK) : -_SEAL_BYTES], data[-_SEAL_BYTES:]
        return data.startswith(_MARK) and len(number) == _NUMBER_BYTES and seal == self._seal(number)

    def _seal(self, number: bytes) -> bytes:
        return self._dice.integer("task-token-seal", number.hex()).to_bytes(16, "big")[:_SEAL_BYTES]

    def _complete(self, ticket: Ticket, answer: Payload | StatesError) -> None:
        if isinstance(answer, StatesError):
            self._scheduler.complete(ticket, None, answer)
        else:
            self._scheduler.complete(ticket, answer)


def _timed_out() -> ApiError:
    return ApiError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
