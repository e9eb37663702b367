"""Counts what passes the gate: the report's ``calls``."""

from __future__ import annotations

from stepsim.runtime.cloud.call import CallCounts

THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""The error codes by which AWS says: too fast. botocore waits and tries again on each of them."""


class Meter:
    """Call counts by ``service.Operation``. Each attempt counts: a retried call is billed as often as it is sent."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls: dict[str, CallCounts] = {}

    def counts(self, name: str) -> CallCounts:
        """The counts of one operation, made when first asked for."""
        return self.calls.setdefault(name, CallCounts())

    @staticmethod
    def error(counts: CallCounts, code: str) -> None:
        """Count an attempt that was answered with an error."""
        counts.errors[code] = counts.errors.get(code, 0) + 1
        if code in THROTTLES:
            counts.throttled += 1
