"""Money: published sums come out, parts add up to the whole, and tiers are of the whole."""

from __future__ import annotations

import pytest

from stepsim.runtime.cloud.prices import LIST_PRICES, SERVICES, changed
from stepsim.runtime.cost import MapItems, Usage, Use, cost


def states(entry: str, quantity: float, state: str | None = None) -> Use:
    """A use on the bill of Step Functions."""
    return Use(f"states.{entry}", quantity, "states", state)


def test_a_million_standard_children_of_three_states_cost_seventy_five_dollars() -> None:
    """Three million transitions and the Map's own."""
    assert cost(Usage((states("transition", 3_000_001),)), LIST_PRICES)["total_usd"] == 75.000025


def test_a_million_express_children_cost_a_dollar_of_requests_and_two_of_time() -> None:
    """Two seconds each at 64 MB are 125,000 GB-seconds."""
    bill = cost(
        Usage((states("express_request", 1_000_000), states("express_gb_second", 1_000_000 * 2 * 0.0625))), LIST_PRICES
    )
    assert bill["lines"] == {
        "states.express_request": {"quantity": 1_000_000, "usd": 1.0},
        "states.express_gb_second": {"quantity": 125_000, "usd": 2.08375},
    }
    assert bill["total_usd"] == 3.08375


def test_a_step_of_express_time_costs_what_aws_publishes() -> None:
    """64 MB for 100 ms are $0.0000001042."""
    assert LIST_PRICES["states.express_gb_second"] * 0.0625 * 0.1 == pytest.approx(0.0000001042, abs=1e-10)


def test_nothing_used_has_the_same_keys() -> None:
    """An expectation about a service that was not used has a zero to be held against."""
    bill = cost(Usage(), LIST_PRICES)
    assert bill["by_service"] == dict.fromkeys(SERVICES, 0.0)
    assert (bill["total_usd"], bill["waste"]["share"]) == (0.0, 0.0)
    assert list(bill) == ["total_usd", "by_service", "by_state", "map_runs", "waste", "lines", "prices"]


def test_free_transitions_make_the_others_cheaper_on_average() -> None:
    """The first 4,000 are free, and every state has its share of that."""
    usage = Usage((states("transition", 3_000, "A"), states("transition", 5_000, "B")))
    bill = cost(usage, changed({"states.free_transitions": 4_000}))
    assert bill["total_usd"] == 0.1
    assert bill["by_state"] == {"A": 0.0375, "B": 0.0625}
    assert cost(Usage((states("transition", 3_000),)), changed({"states.free_transitions": 4_000}))["total_usd"] == 0


def test_express_time_gets_cheaper_beyond_its_tiers() -> None:
    """1,000 GB-hours at the first price, 4,000 at the second, and one at the third."""
    hours = cost(Usage((states("express_gb_second", 5_001 * 3_600),)), LIST_PRICES)["total_usd"]
    assert hours == pytest.approx(3_600_000 * 0.00001667 + 14_400_000 * 0.00000833 + 3_600 * 0.00000456)


def test_a_map_costs_what_its_states_cost() -> None:
    """The Map's own and that of the states inside it, divided by the items."""
    usage = Usage(
        (
            states("express_request", 10, "Each"),
            Use("lambda.request", 10, "lambda", "Work"),
            states("transition", 7, "Other"),
        ),
        maps={"Each": MapItems(1_000, frozenset({"Each", "Work"}))},
    )
    found = cost(usage, LIST_PRICES)["map_runs"]["Each"]
    assert found == {"total_usd": 0.000012, "items": 1_000, "per_million_items_usd": 0.012}


def test_waste_is_a_share_of_the_bill() -> None:
    """What led to nothing is summed by kind."""
    retried = states("transition", 100, "A")
    usage = Usage((states("transition", 400, "A"),), (("retries", retried), ("failed_children", retried)))
    assert cost(usage, LIST_PRICES)["waste"] == {
        "total_usd": 0.005,
        "share": 0.5,
        "retries_usd": 0.0025,
        "failed_attempts_usd": 0.0,
        "failed_children_usd": 0.0025,
    }
