"""What somebody wants to know, or to keep, of a run; and why one cannot start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from stepsim.runtime.account import Account
from stepsim.runtime.cloud.faults import Strike
from stepsim.runtime.execution import Execution
from stepsim.runtime.mocks.running import MockRun
from stepsim.runtime.snapshot import Snapshot

if TYPE_CHECKING:
    from stepsim.runtime.cloud.cloud import Cloud
    from stepsim.runtime.time_series import TimeSeries
    from stepsim.runtime.triggers.triggered_run import TriggeredRun

Report: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Watch:
    """What somebody wants to know, or to keep, of a run."""

    progress: Callable[[Snapshot], None] | None = None
    """Called about ten times a second of wall time."""
    partial: Callable[[Report], None] | None = None
    """Called every two seconds of wall time with the report so far: what it holds survives whatever ends the run."""
    save: Path | None = None
    """A folder for what the run leaves in the account; see `saved.save_account`."""
    strike: Callable[[Strike], None] | None = None
    """Called for each time that a fault strikes."""
    series: TimeSeries | None = None
    """Takes note of what a simulation does over its time."""
    opened: Callable[[Cloud], None] | None = None
    """Called with the account, where there is one, before anything runs in it."""
    started: Callable[[Execution], None] | None = None
    """Called with each execution before its first event; with those of map runs, too, where they are kept."""
    ended: Callable[[Ended], None] | None = None
    """Called when the run is over and its account still there."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over."""

    execution: Execution | TriggeredRun
    account: Account
    cloud: Cloud | None
    mocks: MockRun | None
    report: Report


NOTHING_WATCHED = Watch()


class RunError(Exception):
    """A run cannot start: the message says what is missing and what to do."""
