"""Step Functions' own calls of S3, for ItemReader and ResultWriter: what S3 throttles is asked for again."""

from __future__ import annotations

from typing import Any

from stepsim.runtime.cloud.call import Answer, CallSite
from stepsim.runtime.cloud.s3_rates import SLOW_DOWN
from stepsim.runtime.item_source import PerformCall

_BACK_OFF_MS = 1_000
"""How long AWS's own client waits is not published: about what its SDKs do after the first throttle."""


def patient(perform: PerformCall) -> PerformCall:
    """The same calls, of which no throttled one fails: it takes longer. An injected SlowDown is left as it is."""

    def call(service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        answer = perform(service, operation, params, site=site)
        if answer.error is None or (answer.error.code, answer.error.message) != (SLOW_DOWN.code, SLOW_DOWN.message):
            return answer
        site.goes_on = True
        try:
            again = perform(service, operation, params, site=site)
        finally:
            site.goes_on = False
        return Answer(again.response, again.error, answer.latency_ms + _BACK_OFF_MS + again.latency_ms)

    return call
