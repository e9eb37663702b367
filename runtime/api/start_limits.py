"""How fast executions may be started, and how many may be open: what StartExecution is refused for.

docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html. Standard and Express machines have buckets of their
own; only Standard executions are counted as open, and RedriveExecution has to have room for one, too. Neither
StartSyncExecution nor children of map runs are limited so.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepsim.runtime.api.records import MachineType
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket

_BUCKETS: Mapping[MachineType, str] = {"STANDARD": "start_execution", "EXPRESS": "start_execution_express"}


class StartLimits:
    """What holds in one home; it is told what begins and what ends."""

    def __init__(self, quotas: Quotas) -> None:
        self._buckets = {kind: _bucket(quotas, name) for kind, name in _BUCKETS.items()}
        self._most_open = quotas["open_executions"]
        self.open = 0
        """Standard executions that run."""

    def check_rate(self, machine_type: MachineType, now_ms: int) -> None:
        """Take a call. Raises ApiError ThrottlingException, in words that AWS does not publish."""
        bucket = self._buckets[machine_type]
        if bucket is not None and not bucket.take(now_ms):
            raise ApiError("ThrottlingException", "Rate exceeded")

    def check_open(self, machine_type: MachineType) -> None:
        """Raises ApiError ExecutionLimitExceeded where no further execution may be open."""
        if machine_type == "STANDARD" and self._most_open is not None and self.open >= self._most_open:
            raise ApiError(
                "ExecutionLimitExceeded",
                "The maximum number of running executions has been reached. Running executions must end or be stopped "
                "before a new execution can be started.",
            )


def _bucket(quotas: Quotas, name: str) -> TokenBucket | None:
    size, per_second = quotas[f"{name}_bucket"], quotas[f"{name}_rate"]
    return None if size is None or per_second is None else TokenBucket(size, per_second)
