"""Small charts as SVG text: steps over time, and bars of when something was at work."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TypeAlias

from stepsim.runtime.console import duration

Steps: TypeAlias = Sequence[tuple[int, float]]
"""Milliseconds and values; each value holds until the next one."""

_WIDTH = 960
_HEIGHT = 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 22
_NAMES = 240
"""What the names of bars take, in pixels."""
_ROW = 20
_TICKS = 6
_COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")


def colour(index: int) -> str:
    """The colour of the index-th series of a chart."""
    return _COLOURS[index % len(_COLOURS)]


class _Scale:
    """Where moments and values stand, in pixels."""

    def __init__(self, end_ms: int, left: int, bottom: int, most: float) -> None:
        self._end_ms = max(end_ms, 1)
        self._left = left
        self._most = most
        self.bottom = bottom

    def x(self, at_ms: float) -> float:
        return self._left + (_WIDTH - self._left - _RIGHT) * min(at_ms / self._end_ms, 1.0)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - _TOP) * value / self._most

    def ticks(self) -> list[str]:
        """The axis of time."""
        drawn = []
        for number in range(_TICKS + 1):
            at_ms = self._end_ms * number / _TICKS
            anchor = "start" if number == 0 else "end" if number == _TICKS else "middle"
            x = self.x(at_ms)
            drawn.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{self.bottom}"/>')
            drawn.append(_text(x, self.bottom + 15, anchor, duration(at_ms / 1000)))
        return drawn


def steps_chart(series: Sequence[tuple[str, Steps]], end_ms: int) -> str:
    """Lines that go in steps, from the start to `end_ms`; the index-th has the index-th `colour`."""
    most = max((value for _, steps in series for _, value in steps), default=0.0) or 1.0
    scale = _Scale(end_ms, _LEFT, _HEIGHT - _BOTTOM, most)
    parts = scale.ticks()
    for share in (0.0, 0.5, 1.0):
        y = scale.y(share * most)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, "end", _figure(share * most)))
    for index, (name, steps) in enumerate(series):
        path = _path(steps, scale, end_ms)
        title = f"<title>{escape(name)}</title>"
        parts.append(f'<path d="{path}" fill="none" stroke="{colour(index)}" stroke-width="1.5">{title}</path>')
    return _svg(_HEIGHT, parts)


def _figure(value: float) -> str:
    """A value at an axis: three digits tell enough where it is no whole number."""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"


def _path(steps: Steps, scale: _Scale, end_ms: int) -> str:
    if not steps:
        return ""
    (first_ms, first), *rest = steps
    drawn = [f"M{scale.x(first_ms):.1f} {scale.y(first):.1f}"]
    drawn += [f"H{scale.x(at_ms):.1f}V{scale.y(value):.1f}" for at_ms, value in rest]
    return "".join([*drawn, f"H{scale.x(end_ms):.1f}"])


def bars_chart(bars: Sequence[tuple[str, int, int]], end_ms: int) -> str:
    """A bar for each name, from one moment to another, one below the other."""
    height = _TOP + _ROW * len(bars) + _BOTTOM
    scale = _Scale(end_ms, _NAMES, height - _BOTTOM, 1.0)
    parts = scale.ticks()
    for row, (name, from_ms, to_ms) in enumerate(bars):
        y = _TOP + _ROW * row
        width = max(scale.x(to_ms) - scale.x(from_ms), 1.5)
        told = f"{name}: {duration(from_ms / 1000)} to {duration(to_ms / 1000)}"
        parts.append(_text(_NAMES - 8, y + 14, "end", name if len(name) <= 36 else name[:35] + "…"))
        parts.append(
            f'<rect x="{scale.x(from_ms):.1f}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="2" '
            f'fill="{colour(0)}"><title>{escape(told)}</title></rect>'
        )
    return _svg(height, parts)


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(parts)}</svg>'
