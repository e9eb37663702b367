"""What one evaluation may take, and AWS's words for an expression that takes more. Every engine keeps to it.

Counts come first, so that a run is the same on every machine; the clock is the last resort. What an expression holds in
all cannot be counted: one that takes long goes on in a process of its own (`aside`), whose memory has a limit.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_DEPTH = 100
"""Levels of expressions inside one another, those of called functions included (measured: 100 pass, 101 do not)."""

MAX_ELEMENTS = 873_782
"""Elements of the longest array (measured)."""

MAX_BYTES = MAX_ELEMENTS * 8
"""The largest string, and the largest result (measured: a string of 2^22 characters passes, one of 2^23 does not)."""

MAX_STEPS = 10_000_000
"""Steps of one evaluation: about half a second of work, where AWS has a bound of one second."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine lets an evaluation take."""

    elements: int
    """Of the longest array."""
    bytes: int
    """Of the largest string, and of the result."""
    timeout_ms: int
    host_bytes: int | None
    """What our own functions may be given and give back in all; None for no limit."""


FIRST = Limits(1 << 16, 1 << 20, 40, 1 << 20)
"""Of an evaluation in this process: enough for most, and too little to become a burden."""

LAST = Limits(MAX_ELEMENTS, MAX_BYTES, 600, None)
"""Of one in a process of its own. The time of both and of what surrounds them is AWS's bound of one second."""

ALARM_MS = 650
"""When that process ends by itself, because an engine has not looked at the clock."""

ASIDE_MB = 256
"""What that process may hold, in MiB beyond what it holds when it starts."""

TOO_DEEP = (
    "Stack overflow error: Check for non-terminating recursive function.  "
    f"Consider rewriting as tail-recursive. Depth={MAX_DEPTH + 1} max={MAX_DEPTH}"
)
TOO_LARGE = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
TOO_LONG = "Expression evaluation timeout: Check for infinite loop"
