"""Validates one row, by a table of what each column must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any


class InvalidRow(Exception):
    """A row that cannot be used; the message says all that is wrong with it."""


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text) is not None
    except ValueError:
        return False


COLUMNS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "order": ("nine digits", _matches(r"\d{9}")),
    "country": ("a name of 50 characters at the most", _matches(r".{1,50}")),
    "item": ("an item's id", _matches(r"I\d{4}")),
    "channel": ("Online or Offline", _matches("Online|Offline")),
    "priority": ("one of H, M, L, C", _matches("[HMLC]")),
    "ordered": ("a date", _is_date),
    "shipped": ("a date", _is_date),
    "units": ("a whole number from 1 to 99999", _matches(r"[1-9]\d{0,4}")),
}
"""What each column must be, and whether a text is that."""


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Whether a row is valid. Raises InvalidRow."""
    wrong = [
        f"{name}: {event[name]!r} is not {what}" if name in event else f"{name} is missing"
        for name, (what, holds) in COLUMNS.items()
        if name not in event or not holds(event[name])
    ]
    if "more" in event:
        wrong.append(f"more columns than {len(COLUMNS)}")
    if not wrong and event["shipped"] < event["ordered"]:
        wrong.append("shipped before it was ordered")
    if wrong:
        raise InvalidRow("; ".join(wrong))
    return {"response": "success"}
