"""Makes the files that are uploaded, and tells which of their rows are bad."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

HEADER = "order,country,item,channel,priority,ordered,shipped,units"
COUNTRIES = ("Germany", "Peru", '"Korea, South"', "Kenya", "Côte d'Ivoire", "Tuvalu")
ITEMS = 1_000
"""So many items have financial data."""
BAD_PERCENT = 1
ROWS_A_PIECE = 2_000

BAD = (
    ("units", "0"),
    ("ordered", "2021-02-30"),
    ("priority", "X"),
    ("order", "12"),
    ("country", ""),
    ("item", "I9999"),
)
"""What is wrong with bad rows. Of the last item there is no financial data, which only the API knows."""


def row(n: int, random: Random) -> tuple[str, str | None]:
    """The n-th row, and which of its columns is bad."""
    ordered = date(2021, 1, 1) + timedelta(random.randrange(270))
    columns = {
        "order": f"{100_000_000 + n}",
        "country": COUNTRIES[random.randrange(len(COUNTRIES))],
        "item": f"I{random.randrange(ITEMS):04d}",
        "channel": ("Online", "Offline")[random.randrange(2)],
        "priority": "HMLC"[random.randrange(4)],
        "ordered": ordered.isoformat(),
        "shipped": (ordered + timedelta(random.randrange(50))).isoformat(),
        "units": str(random.randrange(1, 10_000)),
    }
    bad = None
    if random.randrange(100) < BAD_PERCENT:
        bad, value = BAD[random.randrange(len(BAD))]
        columns[bad] = value
    return ",".join(columns.values()) + "\n", bad


def _file(rows: int, random: Random) -> Iterator[bytes]:
    yield f"{HEADER}\n".encode()
    for first in range(0, rows, ROWS_A_PIECE):
        yield "".join(row(n, random)[0] for n in range(first, min(rows, first + ROWS_A_PIECE))).encode()


def rows_240(_n: int, random: Random) -> bytes:
    """A file for trying things out."""
    return b"".join(_file(240, random))


def rows_10_000(_n: int, random: Random) -> bytes:
    """The smaller of the published files."""
    return b"".join(_file(10_000, random))


def rows_100_000(_n: int, random: Random) -> bytes:
    """The larger one."""
    return b"".join(_file(100_000, random))


def numbers_of_bad_rows(rows: int, random: Random) -> dict[int, str]:
    """Which rows of such a file are bad, by their numbers from 1, each with the column that is."""
    told = (row(n, random)[1] for n in range(rows))
    return {number: column for number, column in enumerate(told, 1) if column is not None}
