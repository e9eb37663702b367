"""When schedules are due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stepsim.runtime.triggers.schedules import is_recurring, parse_schedule

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)  # a Monday
START_MS = int(START.timestamp() * 1000)


def due(text: str, count: int) -> list[str]:
    """The first moments from the start on."""
    schedule, found, after_ms = parse_schedule(text), [], START_MS - 1
    for _ in range(count):
        moment_ms = schedule(START_MS, after_ms)
        if moment_ms is None:
            break
        found.append(datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%a %Y-%m-%d %H:%M"))
        after_ms = moment_ms
    return found


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("rate(5 minutes)", ["Mon 2026-01-05 02:05", "Mon 2026-01-05 02:10"]),
        ("rate(1 day)", ["Tue 2026-01-06 02:00", "Wed 2026-01-07 02:00"]),
        ("cron(0 2 * * ? *)", ["Mon 2026-01-05 02:00", "Tue 2026-01-06 02:00"]),
        ("cron(0/15 3-4 ? * MON-FRI *)", ["Mon 2026-01-05 03:00", "Mon 2026-01-05 03:15"]),
        ("cron(30 23 L * ? *)", ["Sat 2026-01-31 23:30", "Sat 2026-02-28 23:30"]),
        ("cron(0 8 1W * ? *)", ["Mon 2026-02-02 08:00", "Mon 2026-03-02 08:00"]),
        ("cron(0 8 LW * ? *)", ["Fri 2026-01-30 08:00", "Fri 2026-02-27 08:00"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["Fri 2026-01-30 10:15", "Fri 2026-02-27 10:15"]),
        ("cron(0 9 ? * 2#1 *)", ["Mon 2026-01-05 09:00", "Mon 2026-02-02 09:00"]),
        ("cron(0 0 29 FEB ? *)", ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]),
        ("cron(5,10 2 5 1 ? 2026)", ["Mon 2026-01-05 02:05", "Mon 2026-01-05 02:10"]),
        ("cron(0 12 ? * SAT-SUN *)", ["Sat 2026-01-10 12:00", "Sun 2026-01-11 12:00"]),
        ("at(2026-01-05T02:00:00)", ["Mon 2026-01-05 02:00"]),
        ("at(2025-01-05T02:00:00)", []),
        ("cron(0 2 * * ? 2020)", []),
    ],
)
def test_when_it_is_due(text: str, moments: list[str]) -> None:
    """The first two moments, in UTC."""
    assert due(text, 2) == moments


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rate(0 minutes)", "is no schedule"),
        ("every day", r"write rate\(5 minutes\)"),
        ("at(2026-13-05T02:00:00)", "is no schedule"),
        ("cron(0 2 * * ?)", "has 5 fields"),
        ("cron(0 2 * * * *)", "exactly one of day of month and day of week"),
        ("cron(0 2 ? * ? *)", "exactly one of day of month and day of week"),
        ("cron(60 2 * * ? *)", "minutes: '60' is no number from 0 to 59"),
        ("cron(0 2 ? * 0 *)", "day of week: '0' is no number from 1 to 7"),
        ("cron(0 2 ? * MON#6 *)", "'6' is no number from 1 to 5"),
        ("cron(0/0 2 * * ? *)", "'0' is no step"),
    ],
)
def test_what_is_no_schedule(text: str, why: str) -> None:
    """A mistake is told in words."""
    with pytest.raises(ValueError, match=why):
        parse_schedule(text)


def test_only_at_is_due_once() -> None:
    """The other two go on."""
    texts = ("rate(1 hour)", "cron(0 2 * * ? *)", "at(2026-01-05T02:00:00)")
    assert [is_recurring(text) for text in texts] == [True, True, False]
