"""How many requests API Gateway lets through."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.cloud.api_throttles import ApiThrottles
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, NO_QUOTAS, changed

PLACE = "us-east-1", "api", "stage"


def taken(throttles: ApiThrottles, times: int, settings: Any = None, path: str = "/a", now_ms: int = 0) -> int:
    """How many of so many requests at once are let through."""
    return sum(throttles.take(PLACE, path, "GET", settings or {}, now_ms) for _ in range(times))


def setting(burst: int, rate: float) -> dict[str, Any]:
    return {"throttlingBurstLimit": burst, "throttlingRateLimit": rate}


def test_an_account_has_a_bucket_for_each_region() -> None:
    """5,000 at once and 10,000 a second, over all its APIs."""
    throttles = ApiThrottles(AWS_QUOTAS)
    assert taken(throttles, 6_000) == 5_000
    assert taken(throttles, 1_000, path="/b", now_ms=10) == 100
    assert throttles.take(("eu-west-1", "api", "stage"), "/a", "GET", {}, 10)
    assert taken(ApiThrottles(NO_QUOTAS), 6_000) == 6_000


def test_a_stage_limits_each_of_its_methods() -> None:
    """One that has limits of its own goes by those."""
    throttles = ApiThrottles(changed(NO_QUOTAS, {"apigateway_bucket": 10, "apigateway_rate": 0}))
    settings = {"*/*": setting(2, 1), "~1a~1{id}/GET": setting(5, 1)}
    assert [taken(throttles, 9, settings, path) for path in ("/b", "/c", "/a/{id}")] == [2, 2, 5]
    assert taken(throttles, 9, settings, "/b", 1_000) == 1
    assert taken(throttles, 9, settings, "/d", 1_000) == 0


def test_settings_of_something_else_limit_nothing() -> None:
    """moto fills in figures where a stage only logs, say."""
    throttles = ApiThrottles(NO_QUOTAS)
    assert taken(throttles, 3_000, {"*/*": setting(2_000, 1_000.0)}) == 3_000
    assert taken(throttles, 10, {"*/*": setting(-1, -1)}) == 10
