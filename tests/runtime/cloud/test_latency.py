from __future__ import annotations

from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice


def test_latencies_stay_within_their_bounds_and_reach_them() -> None:
    """Every whole millisecond between the bounds comes up, and no other."""
    latency = Latency(Dice(1))
    bounds = latency.bounds("dynamodb", "GetItem")
    assert bounds == (3, 10)
    assert {latency.draw(bounds, CallSite("run"), number) for number in range(300)} == set(range(3, 11))


def test_the_narrowest_name_wins() -> None:
    """An operation's own figures, else its service's, else the rest's; a scenario's before the table's."""
    latency = Latency(Dice(1), {"s3.HeadObject": (1, 1), "*": (7, 7)})
    assert latency.bounds("s3", "HeadObject") == (1, 1)
    assert latency.bounds("s3", "GetObject") == (20, 60)
    assert latency.bounds("athena", "StartQueryExecution") == (7, 7)


def test_off_is_nothing_at_all() -> None:
    """Switched off, calls take no time."""
    assert Latency(Dice(1), off=True).bounds("s3", "GetObject") == (0, 0)
