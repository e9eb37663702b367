"""From quantities to money: the report's ``cost``. Pure: what was used comes in, prices come in, a table goes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from stepsim.runtime.cloud.prices import AS_OF, REGION, SERVICES, Prices, price_of

Waste: TypeAlias = Literal["retries", "failed_attempts", "failed_children"]

WASTES: tuple[Waste, ...] = ("retries", "failed_attempts", "failed_children")


@dataclass(frozen=True, slots=True)
class Use:
    """So much of one thing that is billed, by an entry of the prices."""

    entry: str
    quantity: float
    service: str
    """Whose bill it stands on: a Batch job on Fargate is Batch's."""
    state: str | None = None
    """The state that caused it, where one did."""


@dataclass(frozen=True, slots=True)
class MapItems:
    """A distributed Map as a part of the bill: what its states cost belongs to its items."""

    items: int
    states: frozenset[str]
    """The Map itself and every state inside it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run has used."""

    uses: tuple[Use, ...] = ()
    wasted: tuple[tuple[Waste, Use], ...] = ()
    """The part of `uses` that led to nothing, each once."""
    maps: Mapping[str, MapItems] = field(default_factory=dict)
    """By the Map state's name."""


def cost(usage: Usage, prices: Prices) -> dict[str, Any]:
    """The bill, in USD with six decimals; the same keys in the same order whatever was used.

    Where a price depends on the whole quantity (tiers, free transitions), every part pays the average.
    """
    quantities = _summed((use.entry, use.quantity) for use in usage.uses)
    bills = {entry: price_of(entry, quantity, prices) for entry, quantity in quantities.items()}

    def usd(use: Use) -> float:
        whole = quantities[use.entry]
        return bills[use.entry] * use.quantity / whole if whole else 0.0

    total = sum(bills.values())
    by_service = _summed((use.service, usd(use)) for use in usage.uses)
    by_state = _summed((use.state, usd(use)) for use in usage.uses if use.state)
    return {
        "total_usd": _usd(total),
        "by_service": {service: _usd(by_service.get(service, 0.0)) for service in SERVICES},
        "by_state": {state: _usd(found) for state, found in by_state.items()},
        "map_runs": {name: _of_items(found, by_state) for name, found in usage.maps.items()},
        "waste": _waste(usage, usd, total),
        "lines": {
            entry: {"quantity": round(quantities[entry], 6), "usd": _usd(bills[entry])}
            for entry in prices
            if quantities.get(entry)
        },
        "prices": {"region": REGION, "as_of": AS_OF},
    }


def _summed(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    table: dict[str, float] = {}
    for name, number in pairs:
        table[name] = table.get(name, 0.0) + number
    return table


def _usd(amount: float) -> float:
    return round(amount, 6)


def _of_items(found: MapItems, by_state: Mapping[str, float]) -> dict[str, Any]:
    total = sum(amount for state, amount in by_state.items() if state in found.states)
    per_million = total / found.items * 1_000_000 if found.items else 0.0
    return {"total_usd": _usd(total), "items": found.items, "per_million_items_usd": _usd(per_million)}


def _waste(usage: Usage, usd: Callable[[Use], float], total: float) -> dict[str, float]:
    kinds = _summed((kind, usd(use)) for kind, use in usage.wasted)
    wasted = sum(kinds.values())
    return {
        "total_usd": _usd(wasted),
        "share": round(wasted / total, 6) if total else 0.0,
        **{f"{kind}_usd": _usd(kinds.get(kind, 0.0)) for kind in WASTES},
    }
