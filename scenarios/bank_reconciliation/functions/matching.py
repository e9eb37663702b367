"""Pairs the bank's transactions with the company's own. Pure: no AWS, no clock, the same answer every time.

1. exact      the same reference, currency and amount
2. tolerance  the same reference; booked within two days; the amount off by no more than a bank's fee
   fx         the same, in another currency: the amount as the rate of the bank's day makes it, to the cent
3. split      one transaction on one side, several of the same reference and currency on the other that add up to it

What stays is an exception with a reason. Each transaction ends in exactly one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from statement import Transaction

FEE_CENTS = 2_500
DATE_WINDOW = timedelta(days=2)
ROUNDING_CENTS = 1

BANK, INTERNAL = "BANK", "INTERNAL"

Rates = Mapping[str, Mapping[str, float]]
"""What a unit of each currency is worth in US dollars, by day (``2026-01-02``)."""

ByReference = dict[str, list[Transaction]]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An exception: a transaction without its counterpart. Two that should have matched are two exceptions."""

    side: str
    reason: str
    transaction: Transaction


@dataclass(slots=True)
class Reconciliation:
    """Where every transaction of a pair of files went. Matches name the bank's transaction first."""

    exact: list[tuple[Transaction, Transaction]] = field(default_factory=list)
    tolerance: list[tuple[Transaction, Transaction]] = field(default_factory=list)
    fx: list[tuple[Transaction, Transaction]] = field(default_factory=list)
    split: list[tuple[list[Transaction], list[Transaction]]] = field(default_factory=list)
    exceptions: list[Unmatched] = field(default_factory=list)


def reconcile(bank: Iterable[Transaction], internal: Iterable[Transaction], rates: Rates) -> Reconciliation:
    """Match two statements."""
    result = Reconciliation()
    open_bank, open_internal = _match_exactly(bank, internal, result)
    if not open_bank and not open_internal:
        return result
    left, right = _by_reference(open_bank), _by_reference(open_internal)
    _match_within_tolerance(left, right, rates, result)
    _match_splits(left, right, result)
    _explain(left, right, rates, result)
    return result


def _match_exactly(
    bank: Iterable[Transaction], internal: Iterable[Transaction], result: Reconciliation
) -> tuple[list[Transaction], list[Transaction]]:
    # Latest first in each list, so that pop() takes the earliest of two equal bookings.
    waiting: dict[tuple[str, int, str], list[Transaction]] = {}
    for entry in reversed(list(internal)):
        _, _, cents, currency, _, reference = entry
        key = (reference, cents, currency)
        if key in waiting:
            waiting[key].append(entry)
        else:
            waiting[key] = [entry]
    open_bank = []
    matched = result.exact
    for payment in bank:
        _, _, cents, currency, _, reference = payment
        entries = waiting.get((reference, cents, currency))
        if entries:
            matched.append((payment, entries.pop()))
        else:
            open_bank.append(payment)
    return open_bank, [entry for entries in waiting.values() for entry in reversed(entries)]


def _by_reference(transactions: Iterable[Transaction]) -> ByReference:
    groups: ByReference = {}
    for transaction in transactions:
        groups.setdefault(transaction.reference, []).append(transaction)
    return groups


def _match_within_tolerance(left: ByReference, right: ByReference, rates: Rates, result: Reconciliation) -> None:
    for reference, payments in left.items():
        entries = right.get(reference)
        if not entries:
            continue
        unmatched = []
        for payment in payments:
            entry = next((entry for entry in entries if not _why_not(payment, entry, rates)), None)
            if entry is None:
                unmatched.append(payment)
            else:
                entries.remove(entry)
                (result.tolerance if payment.currency == entry.currency else result.fx).append((payment, entry))
        left[reference] = unmatched


def _why_not(payment: Transaction, entry: Transaction, rates: Rates) -> str:
    """The reason why two transactions of one reference do not match; empty where they do."""
    if payment.currency == entry.currency:
        expected, allowed = payment.amount_cents, FEE_CENTS
    else:
        of_the_day = rates.get(payment.date.isoformat(), {})
        if payment.currency not in of_the_day or entry.currency not in of_the_day:
            return "UNKNOWN_RATE"
        expected = round(payment.amount_cents * of_the_day[payment.currency] / of_the_day[entry.currency])
        allowed = ROUNDING_CENTS
    if abs(entry.amount_cents - expected) > allowed:
        return "AMOUNT_MISMATCH"
    if abs(entry.date - payment.date) > DATE_WINDOW:
        return "DATE_OUT_OF_RANGE"
    return ""


def _match_splits(left: ByReference, right: ByReference, result: Reconciliation) -> None:
    for reference, payments in left.items():
        entries = right.get(reference, [])
        if min(len(payments), len(entries)) == 1 < max(len(payments), len(entries)) and _add_up(payments, entries):
            result.split.append((payments, entries))
            left[reference], right[reference] = [], []


def _add_up(payments: list[Transaction], entries: list[Transaction]) -> bool:
    one_currency = len({transaction.currency for transaction in (*payments, *entries)}) == 1
    return one_currency and sum(p.amount_cents for p in payments) == sum(e.amount_cents for e in entries)


def _explain(left: ByReference, right: ByReference, rates: Rates, result: Reconciliation) -> None:
    """Give every transaction that is left a reason: it stands against the first one left on the other side."""
    matches = [*result.exact, *result.tolerance, *result.fx]
    settled_bank = {_booking(payment) for payment, _ in matches if left.get(payment.reference)}
    settled_internal = {_booking(entry) for _, entry in matches if right.get(entry.reference)}
    for reference, payments in left.items():
        entries = right.get(reference)
        for payment in payments:
            reason = _why_not(payment, entries[0], rates) if entries else "MISSING_INTERNAL"
            if _booking(payment) in settled_bank:
                reason = "DUPLICATE"
            result.exceptions.append(Unmatched(BANK, reason, payment))
    for reference, entries in right.items():
        payments = left.get(reference, [])
        for entry in entries:
            reason = _why_not(payments[0], entry, rates) if payments else "MISSING_BANK"
            if _booking(entry) in settled_internal:
                reason = "DUPLICATE"
            result.exceptions.append(Unmatched(INTERNAL, reason, entry))


def _booking(transaction: Transaction) -> tuple[str, int, str]:
    return transaction.reference, transaction.amount_cents, transaction.currency
