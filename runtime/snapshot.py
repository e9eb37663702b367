"""How far a run has come: what a progress line shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepsim.runtime.account import Account
from stepsim.runtime.run_subject import RunSubject


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at a run under way. Items are those of all its map runs together."""

    clock: Literal["virtual", "real"]
    elapsed_ms: int
    """Since the execution started, on the run's own clock."""
    state_transitions: int
    items_done: int
    items_running: int
    items_failed: int
    """Failed, timed out or aborted; not among those done."""
    items_total: int | None
    """None while a reader has not come to its end, and where there is no map run."""


def snapshot(account: Account, execution: RunSubject, clock: Literal["virtual", "real"]) -> Snapshot:
    """Look at a run."""
    done = running = failed = total = 0
    known = bool(account.map_runs)
    for run in account.map_runs:
        items = run.counts.items
        done += items.succeeded
        running += items.running
        failed += items.failed + items.timedOut + items.aborted
        if run.counts.expected is None:
            known = False
        else:
            total += run.counts.expected
    return Snapshot(
        clock,
        account.scheduler.now_ms - execution.me.start_ms,
        account.statistics.state_transitions,
        done,
        running,
        failed,
        total if known else None,
    )
