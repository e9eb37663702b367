"""runtime/transitions.py: throttled transitions are entered later, in order, and counted."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from stepsim.runtime.cloud.quotas import AWS_QUOTAS, LOCAL_QUOTAS, changed
from stepsim.runtime.cloud.token_bucket import TokenBucket
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.transitions import Transitions, limited_transitions


def test_five_thousand_at_once_and_a_second() -> None:
    """The bucket of us-east-1 (service-quotas.html): the 10,001st of one moment is made a second and a bit later."""
    statistics = Statistics()
    transitions = limited_transitions(AWS_QUOTAS, statistics)
    assert transitions is not None
    delays = [transitions.delay_ms(0) for _ in range(10_001)]
    assert delays[:5_000] == [0] * 5_000
    assert (delays[5_000], delays[9_999], delays[10_000]) == (1, 1_000, 1_001)
    assert statistics.throttled_transitions == 5_001


def test_off_is_no_limit() -> None:
    """Nothing is asked on the system clock, nor where a scenario turns one of the two off."""
    assert limited_transitions(LOCAL_QUOTAS, Statistics()) is None
    assert limited_transitions(changed(AWS_QUOTAS, {"state_transition_bucket": None}), Statistics()) is None


def test_a_rate_of_none_lets_nothing_more_through() -> None:
    """What comes after the bucket waits for longer than an execution may last."""
    transitions = Transitions(TokenBucket(1, 0), Statistics())
    assert [transitions.delay_ms(0) for _ in range(2)] == [0, 366 * 24 * 3600 * 1000]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 5, 40])), st.integers(1, 8), st.integers(1, 160))
def test_transitions_do_what_a_queue_would(gaps: list[int], size: int, rate: int) -> None:
    """Each is made in the first millisecond in which a queue, served one by one, comes to it."""
    # A rate whose share of a millisecond floats hold exactly.
    per_second = rate * 1_000 / 64
    transitions = Transitions(TokenBucket(size, per_second), Statistics())
    asked_ms = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    made_ms = [now_ms + transitions.delay_ms(now_ms) for now_ms in asked_ms]

    coming, queue, queued_ms = deque(asked_ms), deque[int](), []
    tokens, now_ms = Fraction(size), 0
    while coming or queue:
        while coming and coming[0] == now_ms:
            queue.append(coming.popleft())
        while queue and tokens >= 1:
            queue.popleft()
            tokens -= 1
            queued_ms.append(now_ms)
        now_ms += 1
        tokens += Fraction(rate, 64)
        if not queue:
            # Where somebody waits nothing runs over: it is taken within the millisecond.
            tokens = min(Fraction(size), tokens)
    assert made_ms == queued_ms
