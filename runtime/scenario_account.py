"""What a scenario says of its account as a whole: quotas and prices."""

from __future__ import annotations

from stepsim.asl.payload import JSON
from stepsim.runtime.cloud.prices import LIST_PRICES
from stepsim.runtime.cloud.quotas import NO_QUOTAS, QUOTAS, Quotas, changed
from stepsim.runtime.scenario_check import INVALID_VALUE, Checker, did_you_mean

_QUOTA_MAX = 1e12
"""Above it, floats and whole numbers go different ways."""


def quotas_of(written_quotas: JSON, defaults: Quotas, checker: Checker) -> Quotas:
    """The account's quotas: the defaults, with what is written set anew."""
    if written_quotas == "none":
        return NO_QUOTAS
    read: dict[str, float | None] = {}
    for name, value in written_quotas.items() if isinstance(written_quotas, dict) else ():
        path = ("quotas", name)
        quota = QUOTAS.get(name)
        if quota is None:
            checker.add(INVALID_VALUE, f"there is no quota {name!r}", path, did_you_mean(name, QUOTAS))
        elif value == "none":
            read[name] = None
        elif quota.unit == "ms":
            read[name] = checker.time_ms(value, path)
        elif isinstance(value, str):
            checker.add(INVALID_VALUE, f"is a number or none, not {value!r}: {quota.about}", path)
        elif value > _QUOTA_MAX:
            checker.add(INVALID_VALUE, f"{value:g} is more than any account has", path, "write none for no limit")
        else:
            read[name] = value
    return changed(defaults, read)


def check_prices(prices: JSON, checker: Checker) -> None:
    """Note prices of what has none."""
    for name in prices if isinstance(prices, dict) else ():
        if name not in LIST_PRICES:
            checker.add(INVALID_VALUE, f"there is no price {name!r}", ("prices", name), did_you_mean(name, LIST_PRICES))
