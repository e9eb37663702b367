"""The counters of a map run, and when its failures are too many."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Counts:
    """One of DescribeMapRun's two tables of counters."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timedOut: int = 0
    aborted: int = 0
    total: int = 0
    resultsWritten: int = 0
    failuresNotRedrivable: int = 0
    pendingRedrive: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(slots=True)
class MapCounts:
    """itemCounts and executionCounts, moved together."""

    items: Counts = field(default_factory=Counts)
    executions: Counts = field(default_factory=Counts)
    expected: int | None = None
    """How many items the run has in all; None while the reader has not come to the end."""
    forgiven: int = 0
    """Items that failed before a redrive and wait to be run again: they count as failed, and for no tolerance."""

    def start(self, items: int) -> None:
        table = self.items
        table.total += items
        table.running += items
        table = self.executions
        table.total += 1
        table.running += 1

    def succeed(self, items: int) -> None:
        table = self.items
        table.running -= items
        table.succeeded += items
        table = self.executions
        table.running -= 1
        table.succeeded += 1

    def fail(self, items: int) -> None:
        for table, number in ((self.items, items), (self.executions, 1)):
            table.running -= number
            table.failed += number

    def time_out(self, items: int) -> None:
        for table, number in ((self.items, items), (self.executions, 1)):
            table.running -= number
            table.timedOut += number

    def abort(self, items: int) -> None:
        for table, number in ((self.items, items), (self.executions, 1)):
            table.running -= number
            table.aborted += number

    def pend(self, items: int) -> None:
        """Count items that will never be started."""
        for table, number in ((self.items, items), (self.executions, 1)):
            table.total += number
            table.pending += number

    def recount(self, items: int, status: str) -> None:
        """Count a child that ended with this status before."""
        for table, number in ((self.items, items), (self.executions, 1)):
            table.total += number
            if status == "SUCCEEDED":
                table.succeeded += number
            elif status == "FAILED":
                table.failed += number
            elif status == "TIMED_OUT":
                table.timedOut += number
            else:
                table.aborted += number

    def redrive(self) -> None:
        """Begin again: what failed is forgiven until it has run once more."""
        self.forgiven = self.items.failed + self.items.timedOut

    def start_again(self, items: int, status: str) -> None:
        """Count a child that ended with this status before the redrive as running; its results are to be written."""
        for table, number in ((self.items, items), (self.executions, 1)):
            table.running += number
            table.resultsWritten = 0
            if status == "FAILED":
                table.failed -= number
            elif status == "TIMED_OUT":
                table.timedOut -= number
            else:
                table.aborted -= number
        if status != "ABORTED":
            self.forgiven -= items

    def unpend(self, items: int) -> None:
        """Uncount items that were never started, and will be now."""
        for table, number in ((self.items, items), (self.executions, 1)):
            table.total -= number
            table.pending -= number
            table.resultsWritten = 0

    def written(self) -> None:
        """All results are written: the pending ones count too, and also where nothing was exported (recorded)."""
        for table in (self.items, self.executions):
            table.resultsWritten = table.total


@dataclass(frozen=True, slots=True)
class Tolerance:
    """ToleratedFailureCount and ToleratedFailurePercentage; where only one is set, the other is ignored."""

    count: int | None = None
    percentage: float | None = None

    def exceeded(self, counts: MapCounts) -> bool:
        """True where more items have failed or timed out than is tolerated: strictly more, in items.

        A percentage is of all items of the run. While a file is still being read nobody knows how many those are, so
        it is judged when the reader has come to the end; a count, and a percentage of 0, are judged at once.
        """
        bad = counts.items.failed + counts.items.timedOut - counts.forgiven
        if not bad:
            return False
        if self.percentage == 0 or (self.count is None and self.percentage is None):
            return True
        if self.count is not None and bad > self.count:
            return True
        if self.percentage is None or counts.expected is None:
            return False
        return bad * 100 > self.percentage * counts.expected
