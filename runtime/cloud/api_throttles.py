"""How many requests API Gateway takes: of the account in a region, and of a method as its stage says.

docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html: token buckets; a method's own
limits go before those of its stage, which hold for each method by itself, and these before the account's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.cloud.token_bucket import TokenBucket

_NOBODY_SAID = (2_000, 1_000.0)
"""What moto fills in where a stage has settings that say nothing of throttling; on AWS it is the account's limits."""


class ApiThrottles:
    """The buckets of an account's REST APIs."""

    def __init__(self, quotas: Quotas) -> None:
        self._burst, self._rate = quotas["apigateway_bucket"], quotas["apigateway_rate"]
        self._accounts: dict[str, TokenBucket] = {}
        self._methods: dict[tuple[object, ...], TokenBucket] = {}

    def take(self, place: tuple[str, str, str], path: str, method: str, settings: Any, now_ms: int) -> bool:
        """Whether a request is let through.

        `place` is its region, API and stage, `path` the resource's; `settings` are the stage's methodSettings in moto.
        """
        limits = _limits(settings, path, method)
        if limits is not None:
            bucket = self._methods.get((*place, path, method, limits))
            if bucket is None:
                bucket = self._methods[(*place, path, method, limits)] = TokenBucket(*limits, now_ms)
            if not bucket.take(now_ms):
                return False
        if self._burst is None or self._rate is None:
            return True
        account = self._accounts.get(place[0])
        if account is None:
            account = self._accounts[place[0]] = TokenBucket(self._burst, self._rate, now_ms)
        return account.take(now_ms)


def _limits(settings: Mapping[str, Mapping[str, Any]], path: str, method: str) -> tuple[float, float] | None:
    """The burst and the rate of a method; None where only the account's hold."""
    for key in (f"{path.replace('/', '~1')}/{method}", "*/*"):
        found = settings.get(key)
        if found is None:
            continue
        burst, rate = float(found.get("throttlingBurstLimit", -1)), float(found.get("throttlingRateLimit", -1))
        if burst >= 0 and rate >= 0 and (burst, rate) != _NOBODY_SAID:
            return burst, rate
    return None
