"""A worker with no code: how long a function takes, what it returns and how often it fails, as a scenario says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from stepsim.workers import lambda_errors
from stepsim.workers.durations import NOTHING, Duration
from stepsim.workers.greenlets import Timeline
from stepsim.workers.worker import Done, Invocation, InvocationResult


@dataclass(frozen=True, slots=True)
class ModelledError:
    """One way to fail: the error's name, how likely it is, and its message."""

    error: str
    probability: float
    cause: str = ""


class Model:
    """What is known of a function without its code."""

    __slots__ = ("_failures", "_failures_up_to", "_result", "always", "duration", "echo")

    def __init__(
        self,
        *,
        returns: object = None,
        echo: bool = False,
        duration: Duration = NOTHING,
        errors: Sequence[ModelledError] = (),
    ) -> None:
        """`returns` is the JSON value of every answer; with `echo` the event itself is. Raises ValueError where both
        are given, and for probabilities that are none or sum to more than 1."""
        if echo and returns is not None:
            raise ValueError("a modelled function has either `returns` or `echo`, not both")
        self.duration = duration
        self.echo = echo
        self._result = InvocationResult(msgspec.json.encode(returns).decode())
        self._failures: list[tuple[float, InvocationResult]] = []
        self._failures_up_to = 0.0
        for failure in errors:
            if not 0 <= failure.probability <= 1:
                raise ValueError(f"{failure.error}: {failure.probability!r} is not a probability from 0 to 1")
            # Rounded, so that 0.1 and 0.2 are 0.3.
            self._failures_up_to = round(self._failures_up_to + failure.probability, 12)
            self._failures.append((self._failures_up_to, _failure(failure)))
        if self._failures_up_to > 1:
            raise ValueError(f"the probabilities of a modelled function's errors sum to {self._failures_up_to:g}")
        self.always = None if echo or errors or duration.per_item_ms else self._result
        """The result of every invocation, where neither it nor the time depends on anything but one draw."""

    def answer(self, draw: Callable[[str], float], event: str) -> tuple[int, InvocationResult]:
        """How long one invocation takes in ms, and its result.

        ``draw("duration")`` and ``draw("error")`` are uniform numbers from [0, 1), asked for only where they matter.
        Results are shared: their duration_ms is 0. Where the time exceeds the function's timeout, see `overdue`.
        """
        duration = self.duration
        duration_ms = duration.constant_ms
        if duration_ms is None:
            items = count_items(event) if duration.per_item_ms else 0
            duration_ms = duration.sample_ms(draw("duration"), items)
        if self._failures:
            drawn = draw("error")
            if drawn < self._failures_up_to:
                return duration_ms, next(result for up_to, result in self._failures if drawn < up_to)
        return duration_ms, InvocationResult(event) if self.echo else self._result


def overdue(request_id: str, timeout_ms: int) -> InvocationResult:
    """The result of an invocation that took longer than its function may."""
    return InvocationResult(lambda_errors.timed_out(request_id, timeout_ms), "Unhandled", timeout_ms)


class ModelledWorker:
    """Answers invocations by a model, each after its duration. A Worker, on whatever clock the timeline keeps."""

    def __init__(self, model: Model, timeline: Timeline, draw: Callable[[Invocation, str], float]) -> None:
        """`draw(invocation, purpose)` is the uniform number that belongs to the invocation's names and the purpose."""
        self.model = model
        self._timeline = timeline
        self._draw = draw

    def invoke(self, invocation: Invocation, done: Done) -> None:
        """Start an invocation; `done` is called by the timeline."""
        duration_ms, result = self.model.answer(lambda purpose: self._draw(invocation, purpose), invocation.event)
        if duration_ms > invocation.timeout_ms:
            result = overdue(invocation.request_id, invocation.timeout_ms)
        else:
            result = replace(result, duration_ms=duration_ms)
        self._timeline.call_at(self._timeline.now_ms() + result.duration_ms, lambda: done(result))


def _failure(failure: ModelledError) -> InvocationResult:
    payload = {"errorMessage": failure.cause, "errorType": failure.error}
    return InvocationResult(msgspec.json.encode(payload).decode(), "Unhandled")


class _Batch(msgspec.Struct):
    """What a map with an ItemBatcher hands to its children, as far as it is counted."""

    Items: list[msgspec.Raw] = []


_decode_batch = msgspec.json.Decoder(_Batch).decode


def count_items(event: str) -> int:
    """How many items an event holds in ``Items``; 1 for an event that is no batch."""
    try:
        return len(_decode_batch(event).Items) or 1
    except msgspec.DecodeError:
        return 1
