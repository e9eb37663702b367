"""What a person sees of a run: a live line while it goes on, and numbers and durations in words.

Imports no more than the standard library: a run that nobody watches pays for nothing.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from stepsim.runtime.snapshot import Snapshot

_REDRAW_S = 0.1
_RATE_OVER_S = 3.0
_ERASE = "\r\x1b[K"


def number(value: float) -> str:
    """A count with separators for thousands: ``123,400``, ``12.5``."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def duration(seconds: float) -> str:
    """A duration as people say it: ``240 ms``, ``12.3 s``, ``14 min 32 s``, ``3 h 05 min``, ``2 d 04 h``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes // 1440} d {minutes // 60 % 24:02} h"


def clock_time(milliseconds: int) -> str:
    """Time since a start as a clock shows it: ``00:12:31``."""
    seconds = milliseconds // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def printable(text: str) -> str:
    """The text with its control characters written out: what a function raised must not drive a terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


def can_redraw(stream: TextIO) -> bool:
    """True for a terminal that can take a line back."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class ProgressLine:
    """One line at the end of a terminal, drawn anew about ten times a second and taken away at the end."""

    def __init__(self, stream: TextIO, now_s: Callable[[], float] = monotonic, columns: int | None = None) -> None:
        self._stream = stream
        self._now_s = now_s
        self._columns = columns
        self._drawn_s: float | None = None
        self._seen: deque[tuple[float, int]] = deque()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn_s is not None:
            self._write("")

    def show(self, snapshot: Snapshot) -> None:
        """Draw how far the run has come, unless that was just done."""
        now_s = self._now_s()
        if self._drawn_s is not None and now_s - self._drawn_s < _REDRAW_S:
            return
        self._drawn_s = now_s
        columns = self._columns or shutil.get_terminal_size().columns
        self._write(progress_text(snapshot, self._rate(snapshot, now_s), columns - 1))

    def _rate(self, snapshot: Snapshot, now_s: float) -> float | None:
        """Items, or transitions where there are none, a second of wall time over the last three seconds."""
        count = snapshot.items_done + snapshot.items_failed if _has_items(snapshot) else snapshot.state_transitions
        seen = self._seen
        if seen and count < seen[-1][1]:
            seen.clear()  # The first items came: what was counted so far were transitions.
        seen.append((now_s, count))
        while len(seen) > 2 and now_s - seen[0][0] > _RATE_OVER_S:
            seen.popleft()
        passed_s = now_s - seen[0][0]
        return (count - seen[0][1]) / passed_s if passed_s > 0 else None

    def _write(self, text: str) -> None:
        self._stream.write(_ERASE + text)
        self._stream.flush()


def progress_text(snapshot: Snapshot, rate: float | None, columns: int) -> str:
    """The progress line: whole parts of it, as many as fit."""
    if _has_items(snapshot):
        parts = _item_parts(snapshot)
    else:
        parts = [f"running · states entered {number(snapshot.state_transitions)}"]
    if rate is not None:
        parts.append(f"{rate:,.0f}/s")
    clock = "virtual" if snapshot.clock == "virtual" else "time"
    parts.append(f"{clock} {clock_time(snapshot.elapsed_ms)}")
    while len(parts) > 1 and len(" · ".join(parts)) > columns:
        # The first part says most; the clock comes next.
        del parts[-2 if len(parts) > 2 else -1]
    return " · ".join(parts)[:columns]


def _has_items(snapshot: Snapshot) -> bool:
    return snapshot.items_total is not None or bool(
        snapshot.items_done or snapshot.items_running or snapshot.items_failed
    )


def _item_parts(snapshot: Snapshot) -> list[str]:
    finished = number(snapshot.items_done + snapshot.items_failed)
    total = "" if snapshot.items_total is None else f"/{number(snapshot.items_total)}"
    parts = [f"items {finished}{total}", f"{number(snapshot.items_running)} running"]
    if snapshot.items_failed:
        parts.append(f"{number(snapshot.items_failed)} failed")
    return parts
