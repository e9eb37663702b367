"""How many of a pool's environments run at once."""

from __future__ import annotations

import os

SHORT_MS = 10.0
"""Where invocations usually take less, more of them run at once than there are processors."""

MORE = 8
"""As many more."""

_WEIGHT = 1 / 8
"""How much one invocation counts in what is usual."""


class Room:
    """One environment for each processor, or as many as were asked for.

    Where nobody asked, short invocations get more: their environments often wait, for the next invocation or an answer,
    until this process has done with another's, and a processor would have nothing to do meanwhile. Long invocations get
    no more than there are processors: they would take longer, and some their function's timeout.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.processes = processes or os.cpu_count() or 1
        """How many run at once in any case."""
        self._more = 0 if processes else MORE
        self._usual_ms = SHORT_MS

    @property
    def limit(self) -> int:
        """How many it may ever be."""
        return self.processes + self._more

    @property
    def most(self) -> int:
        """How many may run at once now."""
        return self.limit if self._usual_ms < SHORT_MS else self.processes

    def took(self, duration_ms: float) -> None:
        """An invocation has ended, and took so long."""
        self._usual_ms += (min(duration_ms, 10 * SHORT_MS) - self._usual_ms) * _WEIGHT
