"""What one evaluation may take, and AWS's words for an expression that takes more. Every engine keeps to it.

Counts come first, so that a run is the same on every machine; the clock is the last resort.
"""

from __future__ import annotations

MAX_DEPTH = 100
"""Levels of expressions inside one another, those of called functions included (measured: 100 pass, 101 do not)."""

MAX_ELEMENTS = 873_782
"""Elements of the longest array (measured)."""

MAX_BYTES = MAX_ELEMENTS * 8
"""The largest string, and the largest result (measured: a string of 2^22 characters passes, one of 2^23 does not)."""

MAX_STEPS = 10_000_000
"""Steps of one evaluation: about half a second of work, where AWS has a bound of one second."""

TIMEOUT_MS = 1_000
"""AWS's own bound. Only work that no count covers gets there: a regular expression that backtracks without end."""

TOO_DEEP = (
    "Stack overflow error: Check for non-terminating recursive function.  "
    f"Consider rewriting as tail-recursive. Depth={MAX_DEPTH + 1} max={MAX_DEPTH}"
)
TOO_LARGE = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
TOO_LONG = "Expression evaluation timeout: Check for infinite loop"
