"""The process's clocks on a time of their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from stepsim.workers.shown_clock import ShownClock


def test_the_process_shows_what_it_is_told() -> None:
    """The clocks stand at the start, follow when they are asked to, and are the real ones again in the end."""
    before, now_ms = time.time(), 1_000
    with ShownClock(now_ms) as clock:
        assert time.time() == 1
        show_now = clock.following(lambda: now_ms)
        now_ms = 61_500
        assert time.time() == 1
        show_now()
        assert (time.time(), datetime.now(UTC)) == (61.5, datetime(1970, 1, 1, 0, 1, 1, 500_000, UTC))
    assert time.time() >= before
