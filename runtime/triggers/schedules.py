"""Schedule expressions of EventBridge: ``rate(5 minutes)``, ``cron(0 2 * * ? *)``, ``at(2026-01-05T02:00:00)``.

A cron expression has six fields (EventBridge Scheduler user guide, "Schedule types"): minutes, hours, day of month,
month, day of week, year; all in UTC. Exactly one of the two days is ``?``. Days of the week are 1 to 7 from Sunday.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from stepsim.asl.timestamp import parse_timestamp

_RATE = re.compile(r"rate\(\s*([1-9]\d*)\s+(minute|hour|day)s?\s*\)")
_UNITS_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_CRON = re.compile(r"cron\(\s*(.*?)\s*\)")
_AT = re.compile(r"at\(\s*(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\s*\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FORMS = "write rate(5 minutes), cron(0 2 * * ? *) or at(2026-01-05T02:00:00)"
_LAST_YEAR = 2199

Schedule: TypeAlias = Callable[[int, int], int | None]
"""When it is due: the run's start and a moment in, in ms; the first moment after that one out, None where none is."""

DayTest: TypeAlias = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a cron expression: its name, its range, and the words that it knows besides numbers."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text.upper() in self.words:
            return self.words.index(text.upper()) + 1
        if not text.isdecimal() or not self.low <= int(text) <= self.high:
            raise ValueError(f"{self.name}: {text!r} is no number from {self.low} to {self.high}")
        return int(text)

    def numbers(self, text: str) -> frozenset[int]:
        """What a list of numbers, ranges and steps names: ``1,10-20,0/15``."""
        found: set[int] = set()
        for part in text.split(","):
            span, slash, step = part.partition("/")
            first, dash, last = span.partition("-")
            if span == "*":
                low, high = self.low, self.high
            elif dash:
                low, high = self.number(first), self.number(last)
            else:
                low = self.number(first)
                high = self.high if slash else low
            if slash and (not step.isdecimal() or int(step) == 0):
                raise ValueError(f"{self.name}: {step!r} is no step")
            if high < low:
                # SAT-SUN goes around the week's end.
                found.update(range(low, self.high + 1))
                low = self.low
            found.update(range(low, high + 1, int(step) if slash else 1))
        return frozenset(found)


_MINUTE = _Field("minutes", 0, 59)
_HOUR = _Field("hours", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of week", 1, 7, _DAYS)
_YEAR = _Field("year", 1970, _LAST_YEAR)


def parse_schedule(text: str) -> Schedule:
    """The schedule that an expression means. Raises ValueError, with the forms there are."""
    rate = _RATE.fullmatch(text)
    if rate is not None:
        period_ms = int(rate[1]) * _UNITS_MS[rate[2]]
        return lambda start_ms, after_ms: start_ms + max(1, (after_ms - start_ms) // period_ms + 1) * period_ms
    cron = _CRON.fullmatch(text)
    if cron is not None:
        return _cron(text, cron[1].split())
    once = _AT.fullmatch(text)
    moment_ns = None if once is None else parse_timestamp(f"{once[1]}Z")
    if moment_ns is None:
        raise ValueError(f"{text!r} is no schedule; {_FORMS}")
    due_ms = moment_ns // 1_000_000
    return lambda _, after_ms: due_ms if due_ms > after_ms else None


def is_recurring(text: str) -> bool:
    """Whether a valid expression is due again and again."""
    return _AT.fullmatch(text) is None


def _cron(text: str, fields: list[str]) -> Schedule:
    if len(fields) != 6:
        raise ValueError(
            f"{text!r} has {len(fields)} fields, not minutes, hours, day of month, month, day of week, year"
        )
    minutes, hours = sorted(_MINUTE.numbers(fields[0])), sorted(_HOUR.numbers(fields[1]))
    months, years = _MONTH.numbers(fields[3]), _YEAR.numbers(fields[5])
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{text!r}: exactly one of day of month and day of week is ?")
    is_day = _days_of_month(fields[2]) if fields[4] == "?" else _days_of_week(fields[4])

    def due(_: int, after_ms: int) -> int | None:
        moment = datetime.fromtimestamp(after_ms // 60_000 * 60, UTC) + timedelta(minutes=1)
        day, first = moment.date(), (moment.hour, moment.minute)
        last_year = max(years)
        while day.year <= last_year:
            if day.year not in years or day.month not in months:
                day, first = _next_month(day), (0, 0)
                continue
            if is_day(day):
                for hour in hours:
                    for minute in minutes:
                        if (hour, minute) >= first:
                            found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                            return int(found.timestamp()) * 1000
            if day == date.max:
                return None
            day, first = day + timedelta(days=1), (0, 0)
        return None

    return due


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _last_day(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _days_of_month(text: str) -> DayTest:
    """``1,15``, ``*``, ``L`` (the month's last day), ``15W`` (the working day nearest to the 15th), ``LW``."""
    upper = text.upper()
    if upper == "L":
        return lambda day: day.day == _last_day(day)
    if upper.endswith("W"):
        number = None if upper == "LW" else _DAY.number(upper[:-1])
        return lambda day: day == _working_day(day, _last_day(day) if number is None else number)
    days = _DAY.numbers(text)
    return lambda day: day.day in days


def _working_day(month: date, number: int) -> date | None:
    """The working day nearest to a day of a month, within the month."""
    last = _last_day(month)
    if number > last:
        return None
    day = month.replace(day=number)
    if day.weekday() == 5:
        return day - timedelta(days=1) if number > 1 else day + timedelta(days=2)
    if day.weekday() == 6:
        return day + timedelta(days=1) if number < last else day - timedelta(days=2)
    return day


def _days_of_week(text: str) -> DayTest:
    """``MON-FRI``, ``*``, ``6L`` (the month's last Friday), ``L`` (Saturday), ``3#2`` (the month's second Tuesday)."""
    upper = text.upper()
    if upper.endswith("L"):
        weekday = 7 if upper == "L" else _WEEKDAY.number(upper[:-1])
        return lambda day: _weekday(day) == weekday and (upper == "L" or day.day + 7 > _last_day(day))
    if "#" in upper:
        name, _, which = upper.partition("#")
        weekday = _WEEKDAY.number(name)
        if which not in ("1", "2", "3", "4", "5"):
            raise ValueError(f"day of week: {which!r} is no number from 1 to 5")
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == int(which)
    days = _WEEKDAY.numbers(text)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    """1 is Sunday."""
    return day.isoweekday() % 7 + 1
