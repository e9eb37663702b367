"""One row of the file in, one order out: names and numbers as the warehouse wants them."""

from __future__ import annotations

import re
from typing import Any

_AMOUNT = re.compile(r"(\d{1,9})\.(\d\d)")
_CURRENCIES = frozenset(["CHF", "EUR", "GBP", "USD"])


class InvalidOrder(ValueError):
    """The row cannot be an order; the message names its field."""


def handler(row: dict[str, str], _context: object) -> dict[str, Any]:
    """The order, its amount in cents. Raises InvalidOrder; trying such a row again would not help."""
    amount = _AMOUNT.fullmatch(row["amount"])
    if amount is None:
        raise InvalidOrder(f"order {row['order_id']}: amount is {row['amount']!r}")
    if row["currency"] not in _CURRENCIES:
        raise InvalidOrder(f"order {row['order_id']}: currency is {row['currency']!r}")
    day, _, time = row["placed_at"].partition("T")
    return {
        "order": int(row["order_id"]),
        "day": day,
        "time": time.rstrip("Z"),
        "customer": row["customer"],
        "country": row["country"],
        "currency": row["currency"],
        "cents": int(amount[1]) * 100 + int(amount[2]),
    }
