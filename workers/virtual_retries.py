"""botocore's retries inside handlers: the jitter and the quota of each invocation are its own.

On Lambda every environment has clients of its own. Here one client of a module serves all invocations at the same time:
without this, the retries of some would use up the quota of the others. Clients made before virtual time began keep
their state on themselves; a property of their class is found before that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent

from stepsim.workers.greenlets import Activity, HandlerGreenlet
from stepsim.workers.patching import Patch
from stepsim.workers.virtual_chance import CHANCE_TWINS


def _root() -> Activity | None:
    current = getcurrent()
    return current.activity.root if type(current) is HandlerGreenlet and current.activity is not None else None


def _jitter(_backoff: object) -> Callable[..., Any]:
    return CHANCE_TWINS["random"][1]


def _keep_jitter(backoff: object, source: object) -> None:
    vars(backoff)["_random"] = source


def _available(quota: Any) -> int:
    root = _root()
    if root is None:
        available: int = vars(quota)["_available_capacity"]
    else:
        available = root.belongings.get(quota, quota._max_capacity)
    return available


def _keep_available(quota: Any, capacity: int) -> None:
    root = _root()
    if root is not None:
        root.belongings[quota] = capacity
        # A client that a handler makes may serve the hub later.
        vars(quota).setdefault("_available_capacity", capacity)
    else:
        vars(quota)["_available_capacity"] = capacity


def retry_patches() -> list[Patch]:
    """What is replaced while virtual time is active."""
    from botocore.retries.quota import RetryQuota
    from botocore.retries.standard import ExponentialBackoff

    return [
        (ExponentialBackoff, "_random", property(_jitter, _keep_jitter)),
        (RetryQuota, "_available_capacity", property(_available, _keep_available)),
    ]
