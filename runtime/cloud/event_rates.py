"""How often EventBridge lets itself be asked: above its rate, PutEvents is throttled (EventBridge user guide, quotas).

Its invocations of targets have a rate, too; above it they wait. See ``triggers/deliveries.py``.
"""

from __future__ import annotations

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.limits import Limit, rate_limit
from stepsim.runtime.cloud.quotas import Quotas


def limits(quotas: Quotas) -> dict[str, Limit]:
    """What the gate asks before PutEvents."""
    rate = quotas["events_put_rate"]
    limit = rate_limit(rate, rate, ApiError("ThrottlingException", "Rate exceeded", 400))
    return {} if limit is None else {"events.PutEvents": limit}
