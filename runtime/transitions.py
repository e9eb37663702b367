"""State transitions of Standard executions, as far as AWS lets an account make them.

A transition that is throttled is no error: the state is entered later, in the order in which transitions were asked for
(docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, on state throttling). Each entry into a state is one,
and each retry; those of the Standard children of map runs are taken from the same bucket. Express executions have none.
"""

from __future__ import annotations

from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket
from stepsim.runtime.statistics import Statistics

_NEVER_MS = 366 * 24 * 3600 * 1000
"""Longer than an execution may last."""


class Transitions:
    """The bucket that they are taken from."""

    __slots__ = ("_bucket", "_statistics")

    def __init__(self, bucket: TokenBucket, statistics: Statistics) -> None:
        self._bucket = bucket
        self._statistics = statistics

    def delay_ms(self, now_ms: int) -> int:
        """Make one transition; after how many ms it is made."""
        if self._bucket.take(now_ms):
            return 0
        self._statistics.throttled_transitions += 1
        wait_ms = self._bucket.wait_ms(now_ms)
        return _NEVER_MS if wait_ms is None else wait_ms


def limited_transitions(quotas: Quotas, statistics: Statistics) -> Transitions | None:
    """What holds by an account's quotas; None where one of them is off."""
    size, per_second = quotas["state_transition_bucket"], quotas["state_transition_rate"]
    if size is None or per_second is None:
        return None
    return Transitions(TokenBucket(size, per_second), statistics)
