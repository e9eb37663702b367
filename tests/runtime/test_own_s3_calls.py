"""What Step Functions itself asks of S3, when S3 is asked for too much."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.cloud.call import Answer, ApiError, CallSite
from stepsim.runtime.cloud.s3_rates import SLOW_DOWN
from stepsim.runtime.own_s3_calls import patient


def test_a_throttled_call_takes_longer_and_does_not_fail() -> None:
    """It goes on with the call that was counted; a SlowDown that a scenario injects is left as it is."""
    seen: list[bool] = []

    def perform(service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        seen.append(site.goes_on)
        if site.goes_on:
            return Answer({"KeyCount": 0}, None, 5)
        return Answer(None, SLOW_DOWN if operation == "ListObjectsV2" else ApiError("SlowDown", "", 503), 40)

    site = CallSite()
    answer = patient(perform)("s3", "ListObjectsV2", {}, site=site)
    assert (answer.response, answer.error, answer.latency_ms) == ({"KeyCount": 0}, None, 1_045)
    refused = patient(perform)("s3", "GetObject", {}, site=site)
    assert refused.error is not None
    assert (seen, site.goes_on) == ([False, True, False], False)
