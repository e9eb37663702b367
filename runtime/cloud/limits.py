"""What a service can take: limits that the gate asks before it lets a call through.

A limit belongs to an operation (``athena.StartQueryExecution``) or to all of a service's (``s3.*``). What it refuses is
answered with AWS's error and met by botocore's own retries, or by the state machine's. Limits that depend on what an
operation finds (DynamoDB's units) are kept where it finds it, and raise the same errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from stepsim.runtime.cloud.call import ApiError, CallSite
from stepsim.runtime.cloud.token_bucket import TokenBucket

Limit: TypeAlias = Callable[[str, dict[str, Any], CallSite, int], ApiError | None]
"""The operation, boto3's parameters, who asks, and ms of the run in; AWS's refusal, or None to let it pass."""

Limits: TypeAlias = Mapping[str, Limit]
"""By ``service.Operation`` or ``service.*``; the former goes first."""


def limit_of(limits: Limits, service: str, operation: str) -> Limit | None:
    """What limits an operation."""
    return limits.get(f"{service}.{operation}") or limits.get(f"{service}.*")


def rate_limit(bucket: float | None, per_second: float | None, refusal: ApiError) -> Limit | None:
    """A limit on how often an operation is called; None where one of its quotas is off.

    `refusal` is what AWS answers above it.
    """
    if bucket is None or per_second is None:
        return None
    tokens = TokenBucket(bucket, per_second)

    def limit(_operation: str, _params: dict[str, Any], _site: CallSite, now_ms: int) -> ApiError | None:
        return None if tokens.take(now_ms) else refusal

    return limit
