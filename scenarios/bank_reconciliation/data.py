"""Makes the bank's files, the company's own files, and the truth about them, all from one stream of chance.

The `random` of file n is the same for both buckets, so both sides tell of the same payments. Everything about a pair
follows from its number and from one draw of bytes: ten bytes a transaction, read as a row of small numbers.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from struct import Struct
from typing import Any

HEADER = "id,date,amount_cents,currency,counterparty,reference"
THIRD_PARTY = Path(__file__).parent / "third_party"
FIRST_DAY = date(2025, 12, 29)
EARLIEST = 14
"""Internal bookings lie up to so many days before the bank's first one."""
DAYS = [str(FIRST_DAY + timedelta(days=offset - EARLIEST)) for offset in range(EARLIEST + 7)]
ACCOUNTS = ["USD"] * 9 + ["EUR"] * 3 + ["GBP", "CHF", "CAD", "AUD"]
UNRATED = "SEK"
HOUSES = ("Sable Point", "Quillon", "Marrow & Finch", "Oakhollow", "Tern Island", "Brightwater", "Halden", "Vesper")
TRADES = ("Trading", "Freight", "Textiles", "Energy", "Foods", "Paper", "Labs", "Systems")
COUNTERPARTIES = [f"{house} {trade}" for house in HOUSES for trade in TRADES]
INDEX = [f"{i:02d}" for i in range(40)]

_ROWS = Struct("<IHHBB")
_HEAD_BYTES = 4
_ENTROPY_BYTES = _HEAD_BYTES + 40 * _ROWS.size


def _third_party(name: str) -> list[dict[str, str]]:
    with (THIRD_PARTY / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


RATES = {(row["date"], row["currency"]): float(row["usd"]) for row in _third_party("exchange_rates.csv")}
RATED = sorted({currency for _, currency in RATES})
FLAGGED = frozenset(COUNTERPARTIES.index(row["counterparty"]) for row in _third_party("fraud_flags.csv"))


@dataclass(slots=True)
class Truth:
    """What reconciling a pair must come to. An exception is one transaction; a match joins two or more."""

    failure: str = ""
    bank: int = 0
    internal: int = 0
    flagged: int = 0
    matches: Counter[str] = field(default_factory=Counter)
    matched_cents: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By side and reason."""


def bank_file(n: int, random: Random) -> bytes:
    """The bank's file n: 1 to 40 transactions of one account."""
    return _pair(n, random.randbytes(_ENTROPY_BYTES))[0]


def internal_file(n: int, random: Random) -> bytes:
    """The company's own file n: the same payments with gaps, duplicates, fees, other currencies and instalments."""
    return _pair(n, random.randbytes(_ENTROPY_BYTES))[1]


def truth(n: int, random: Random) -> Truth:
    """What is true of pair n."""
    return _pair(n, random.randbytes(_ENTROPY_BYTES))[2]


def truth_total(count: int, stream: Callable[[int], Random]) -> dict[str, Any]:
    """The totals of the pairs 0 to count - 1, in the shape of the run's own; `stream(n)` is the `random` of file n."""
    failures: Counter[str] = Counter()
    matches: Counter[str] = Counter()
    matched_cents: Counter[str] = Counter()
    exceptions: Counter[tuple[str, str]] = Counter()
    bank = internal = flagged = 0
    for n in range(count):
        pair = truth(n, stream(n))
        if pair.failure:
            failures[pair.failure] += 1
            continue
        bank += pair.bank
        internal += pair.internal
        flagged += pair.flagged
        matches.update(pair.matches)
        matched_cents.update(pair.matched_cents)
        exceptions.update(pair.exceptions)
    reasons: Counter[str] = Counter()
    sides: Counter[str] = Counter()
    for (side, reason), number in exceptions.items():
        reasons[reason] += number
        sides[side] += number
    return {
        "pairs": count,
        "reconciledPairs": count - failures.total(),
        "failedPairs": failures.total(),
        "failures": dict(sorted(failures.items())),
        "transactions": {
            "bank": bank,
            "bankUnmatched": sides["BANK"],
            "internal": internal,
            "internalUnmatched": sides["INTERNAL"],
        },
        "matches": {name: matches[name] for name in ("exact", "tolerance", "fx", "split")},
        "matchedCents": dict(sorted(matched_cents.items())),
        "exceptions": dict(sorted(reasons.items())),
        "flaggedTransactions": flagged,
    }


class _Pair:
    """Two files being written. A method for each way in which the books may differ from the bank."""

    __slots__ = ("bank", "currency", "internal", "n", "truth")

    def __init__(self, n: int, currency: str) -> None:
        self.n = n
        self.currency = currency
        self.bank = [HEADER]
        self.internal = [HEADER]
        self.truth = Truth()

    def at_bank(self, i: int, day: int, cents: int, who: int, part: str = "") -> None:
        at = INDEX[i]
        self.bank.append(
            f"B{self.n:06d}{at}{part},{DAYS[day]},{cents},{self.currency},{COUNTERPARTIES[who]},INV-{self.n:06d}-{at}"
        )
        if who in FLAGGED:
            self.truth.flagged += 1

    def in_books(self, i: int, day: int, cents: int, who: int, part: str = "", currency: str = "") -> None:
        at = INDEX[i]
        self.internal.append(
            f"L{self.n:06d}{at}{part},{DAYS[day]},{cents},{currency or self.currency},{COUNTERPARTIES[who]},"
            f"INV-{self.n:06d}-{at}"
        )

    def matched(self, kind: str, cents: int) -> None:
        self.truth.matches[kind] += 1
        self.truth.matched_cents[self.currency] += abs(cents)

    def excepted(self, reason: str, *sides: str) -> None:
        for side in sides:
            self.truth.exceptions[side, reason] += 1

    def shifted_date(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        self.at_bank(i, day, cents, who)
        self.in_books(i, day - 1 - detail % 2, cents, who)
        self.matched("exact", cents)

    def fee(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        after_fee = cents - 1 - detail % 2_500
        self.at_bank(i, day, after_fee, who)
        self.in_books(i, day - detail % 3, cents, who)
        self.matched("tolerance", after_fee)

    def other_currency(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        other = RATED[(RATED.index(self.currency) + 1 + detail % (len(RATED) - 1)) % len(RATED)]
        today = DAYS[day]
        self.at_bank(i, day, cents, who)
        converted = round(cents * RATES[today, self.currency] / RATES[today, other])
        self.in_books(i, day - detail % 3, converted, who, currency=other)
        self.matched("fx", cents)

    def instalments_in_books(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        self.at_bank(i, day, cents, who)
        # No part comes nearer to the whole than a fifth of it, or it would pass for the whole less a fee.
        first = cents * (20 + detail % 40) // 100
        parts = [first, (cents - first) // 2, cents - first - (cents - first) // 2]
        for letter, part in zip("abc", parts, strict=True):
            self.in_books(i, day - ord(letter) % 3, part, who, letter)
        self.matched("split", cents)

    def instalments_at_bank(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        first = cents * (20 + detail % 60) // 100
        self.at_bank(i, day, first, who, "a")
        self.at_bank(i, day, cents - first, who, "b")
        self.in_books(i, day, cents, who)
        self.matched("split", cents)

    def not_in_books(self, i: int, day: int, cents: int, who: int, _: int) -> None:
        self.at_bank(i, day, cents, who)
        self.excepted("MISSING_INTERNAL", "BANK")

    def not_at_bank(self, i: int, day: int, cents: int, who: int, _: int) -> None:
        self.in_books(i, day, cents, who)
        self.excepted("MISSING_BANK", "INTERNAL")

    def booked_twice(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        self.at_bank(i, day, cents, who)
        self.in_books(i, day, cents, who)
        self.in_books(i, day - detail % 2, cents, who, "d")
        self.matched("exact", cents)
        self.excepted("DUPLICATE", "INTERNAL")

    def other_amount(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        self.at_bank(i, day, cents, who)
        self.in_books(i, day, cents + 2_501 + detail % 30_000, who)
        self.excepted("AMOUNT_MISMATCH", "BANK", "INTERNAL")

    def too_early(self, i: int, day: int, cents: int, who: int, detail: int) -> None:
        self.at_bank(i, day, cents - 1 - detail % 2_500, who)
        self.in_books(i, day - 3 - detail % 12, cents, who)
        self.excepted("DATE_OUT_OF_RANGE", "BANK", "INTERNAL")

    def no_rate(self, i: int, day: int, cents: int, who: int, _: int) -> None:
        self.at_bank(i, day, cents, who)
        self.in_books(i, day, cents * 11, who, currency=UNRATED)
        self.excepted("UNKNOWN_RATE", "BANK", "INTERNAL")


# How often a payment takes each way, in 65,536ths; the rest, nine in ten, are the same on both sides.
DIFFERENCES: list[tuple[Callable[[_Pair, int, int, int, int, int], None], int]] = [
    (_Pair.shifted_date, 1_300),
    (_Pair.fee, 1_300),
    (_Pair.other_currency, 1_300),
    (_Pair.instalments_in_books, 500),
    (_Pair.instalments_at_bank, 200),
    (_Pair.not_in_books, 300),
    (_Pair.not_at_bank, 200),
    (_Pair.booked_twice, 250),
    (_Pair.other_amount, 200),
    (_Pair.too_early, 200),
    (_Pair.no_rate, 60),
]
_BOUNDS = list(accumulate(share for _, share in DIFFERENCES))
_DIFFERENT = _BOUNDS[-1]
EMPTY, CUT_OFF = 131, 262
"""Two internal files in a thousand are empty, and two end in the middle of a line; bounds in 65,536ths."""


@lru_cache(maxsize=4096)
def _pair(n: int, entropy: bytes) -> tuple[bytes, bytes, Truth]:
    """Both files of a pair and its truth. Kept for a while: whoever reads the one file soon reads the other."""
    currency = ACCOUNTS[entropy[1] % len(ACCOUNTS)]
    pair = _Pair(n, currency)
    bank, internal = pair.bank, pair.internal
    bank_id, internal_id, reference = f"B{n:06d}", f"L{n:06d}", f"INV-{n:06d}-"
    transactions = 1 + entropy[0] % 39
    exact = exact_cents = flagged = 0
    for i, (size, kind, detail, who, day) in enumerate(_ROWS.iter_unpack(entropy[_HEAD_BYTES:])):
        if len(bank) > transactions:
            break
        cents = 50_000 + size % 5_000_000 if size & 1 << 31 else -50_000 - size % 5_000_000
        who &= 63
        day = EARLIEST + day % 7
        if kind < _DIFFERENT:
            DIFFERENCES[bisect_right(_BOUNDS, kind)][0](pair, i, day, cents, who, detail)
            continue
        at = INDEX[i]
        line = f"{at},{DAYS[day]},{cents},{currency},{COUNTERPARTIES[who]},{reference}{at}"
        bank.append(bank_id + line)
        internal.append(internal_id + line)
        exact += 1
        exact_cents += abs(cents)
        if who in FLAGGED:
            flagged += 1
    return _finished(pair, entropy, exact, exact_cents, flagged)


def _finished(pair: _Pair, entropy: bytes, exact: int, exact_cents: int, flagged: int) -> tuple[bytes, bytes, Truth]:
    known, bank, internal = pair.truth, pair.bank, pair.internal
    known.bank, known.internal = len(bank) - 1, len(internal) - 1
    known.flagged += flagged
    if exact:
        known.matches["exact"] += exact
        known.matched_cents[pair.currency] += exact_cents
    # The books are in another order than the bank's.
    turn = 1 + entropy[0] % len(internal)
    internal[1:] = internal[turn:] + internal[1:turn]
    bank.append("")
    internal.append("")
    books = "\n".join(internal).encode()
    fate = entropy[2] << 8 | entropy[3]
    if fate < EMPTY:
        known.failure, books = "EMPTY_FILE", b""
    elif fate < CUT_OFF:
        known.failure, books = "UNREADABLE_FILE", books[:-40]
    return "\n".join(bank).encode(), books, known
