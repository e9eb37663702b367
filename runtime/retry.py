"""Which retrier takes an error, how long it waits, and which catcher takes over. Pure leaves.

Each retrier counts its own attempts over one visit of the state. The first retrier that matches decides: where it is
exhausted, later ones are not asked, and the error goes to the catchers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stepsim.asl.errors import ALL, HEARTBEAT_TIMEOUT, TASK_FAILED, TIMEOUT, StatesError
from stepsim.asl.machine import Catcher, Retrier


def matches(error_equals: tuple[str, ...], error: StatesError) -> bool:
    """True where a list of error names covers an error.

    States.ALL covers everything that is not terminal; States.TaskFailed everything but States.Timeout; a missed
    heartbeat is reported as States.Timeout and covered by either name.
    """
    for name in error_equals:
        if name == error.error or name == ALL:
            return True
        if name == TASK_FAILED and error.error != TIMEOUT:
            return True
        if name == HEARTBEAT_TIMEOUT and error.heartbeat:
            return True
    return False


class RetryCounters:
    """How often each retrier of a state was used during one visit."""

    __slots__ = ("_used",)

    def __init__(self, used: dict[int, int] | None = None) -> None:
        """`used`: how often retriers were used before, by their indexes."""
        self._used: dict[int, int] = {} if used is None else used

    def next_delay_ms(
        self, retriers: Sequence[Retrier], error: StatesError, draw: Callable[[str], float]
    ) -> int | None:
        """How long to wait before the next attempt; None where there is none. A FULL jitter draws its share."""
        for retrier in retriers:
            if matches(retrier.error_equals, error):
                used = self._used.get(retrier.index, 0)
                if used >= retrier.max_attempts:
                    return None
                self._used[retrier.index] = used + 1
                delay = delay_ms(retrier, used)
                return int(delay * draw("jitter")) if retrier.full_jitter else delay
        return None


def delay_ms(retrier: Retrier, used: int) -> int:
    """The wait before attempt used + 1 of a retrier: Interval × Rate^used, at most MaxDelaySeconds."""
    ceiling_ms = retrier.max_delay_ms if retrier.max_delay_ms is not None else _FOREVER_MS
    try:
        return int(min(retrier.interval_ms * retrier.backoff_rate**used, ceiling_ms))
    except OverflowError:
        return ceiling_ms


_FOREVER_MS = 31_622_400_000_000


def find_catcher(catchers: Sequence[Catcher], error: StatesError) -> Catcher | None:
    """The first catcher that covers the error."""
    for catcher in catchers:
        if matches(catcher.error_equals, error):
            return catcher
    return None
