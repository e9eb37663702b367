"""Makes a day's orders: one CSV file, a row an order, written as it is read; and the truth about it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

HEADER = "order_id,placed_at,customer,country,currency,amount"
COUNTRIES = (("DE", "EUR"), ("FR", "EUR"), ("GB", "GBP"), ("US", "USD"), ("CH", "CHF"))
BAD_AMOUNTS = ("", "n/a", "12.5.0", "-1.00")
BAD_PERCENT = 3
ROWS_A_PIECE = 5_000


def order(n: int, entropy: int) -> tuple[str, bool]:
    """The n-th row, and whether its amount is one."""
    country, currency = COUNTRIES[entropy % 5]
    entropy //= 5
    cents, entropy = entropy % 50_000 + 100, entropy // 50_000
    good = entropy % 100 >= BAD_PERCENT
    amount = f"{cents // 100}.{cents % 100:02d}" if good else BAD_AMOUNTS[entropy // 100 % 4]
    second = n % 86_400
    placed = f"2026-01-04T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    return f"{n},{placed},C{entropy // 400 % 9973:05d},{country},{currency},{amount}", good


def orders(exponent: int, random: Random) -> Iterator[bytes]:
    """The file ``1eN.csv``, of 10 to the power of N rows, in pieces."""
    yield f"{HEADER}\n".encode()
    total = 10**exponent
    for first in range(0, total, ROWS_A_PIECE):
        last = min(total, first + ROWS_A_PIECE)
        yield "".join(order(n, random.getrandbits(60))[0] + "\n" for n in range(first, last)).encode()


def truth(exponent: int, random: Random) -> dict[str, object]:
    """What must come out of that file: good and bad rows, and cents by currency."""
    totals: dict[str, int] = {}
    accepted = 0
    for n in range(10**exponent):
        row, good = order(n, random.getrandbits(60))
        if good:
            *_, currency, amount = row.split(",")
            totals[currency] = totals.get(currency, 0) + int(amount.replace(".", ""))
            accepted += 1
    return {"accepted": accepted, "rejected": 10**exponent - accepted, "cents": totals}
