"""The matching rules, one by one, and the law that no transaction is lost or counted twice."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DAY = date(2026, 1, 2)
RATES = {"2026-01-02": {"USD": 1.0, "EUR": 1.08, "GBP": 1.25}}


@pytest.fixture
def outcome(modules: SimpleNamespace) -> Any:
    """Reconciles rows of (reference, cents, currency, days later); tells the matches, and the reasons by side."""

    def reconcile(bank: list[tuple[str, int, str, int]], internal: list[tuple[str, int, str, int]]) -> Any:
        def transactions(side: str, rows: list[tuple[str, int, str, int]]) -> list[Any]:
            return [
                modules.statement.Transaction(
                    f"{side}{i}", DAY + timedelta(days=days), cents, currency, "Who", reference
                )
                for i, (reference, cents, currency, days) in enumerate(rows)
            ]

        found = modules.matching.reconcile(transactions("b", bank), transactions("i", internal), RATES)
        matches = {kind: len(getattr(found, kind)) for kind in ("exact", "tolerance", "fx", "split")}
        reasons = [(unmatched.side, unmatched.reason) for unmatched in found.exceptions]
        return {kind: count for kind, count in matches.items() if count}, reasons

    return reconcile


@pytest.mark.parametrize(
    ("bank", "internal", "matches"),
    [
        ([("A", 100_00, "USD", 0)], [("A", 100_00, "USD", 0)], {"exact": 1}),
        ([("A", 100_00, "USD", 0)], [("A", 100_00, "USD", -9)], {"exact": 1}),
        ([("A", 975_00, "USD", 0)], [("A", 1000_00, "USD", 2)], {"tolerance": 1}),
        ([("A", -1025_00, "USD", 0)], [("A", -1000_00, "USD", -2)], {"tolerance": 1}),
        ([("A", 100_00, "EUR", 0)], [("A", 108_00, "USD", 1)], {"fx": 1}),
        ([("A", 100_00, "EUR", 0)], [("A", 86_40, "GBP", 0)], {"fx": 1}),
        ([("A", 100_00, "EUR", 0)], [("A", 86_41, "GBP", 0)], {"fx": 1}),
        ([("A", 900_00, "USD", 0)], [("A", 400_00, "USD", 0), ("A", 500_00, "USD", 6)], {"split": 1}),
        ([("A", 400_00, "USD", 0), ("A", 500_00, "USD", 6)], [("A", 900_00, "USD", 0)], {"split": 1}),
    ],
)
def test_what_matches(outcome: Any, bank: Any, internal: Any, matches: dict[str, int]) -> None:
    """A pair of statements that agrees by a rule leaves no exception."""
    assert outcome(bank, internal) == (matches, [])


@pytest.mark.parametrize(
    ("bank", "internal", "reasons"),
    [
        ([("A", 100_00, "USD", 0)], [], [("BANK", "MISSING_INTERNAL")]),
        ([], [("A", 100_00, "USD", 0)], [("INTERNAL", "MISSING_BANK")]),
        (
            [("A", 974_99, "USD", 0)],
            [("A", 1000_00, "USD", 0)],
            [("BANK", "AMOUNT_MISMATCH"), ("INTERNAL", "AMOUNT_MISMATCH")],
        ),
        (
            [("A", 990_00, "USD", 0)],
            [("A", 1000_00, "USD", 3)],
            [("BANK", "DATE_OUT_OF_RANGE"), ("INTERNAL", "DATE_OUT_OF_RANGE")],
        ),
        (
            [("A", 100_00, "EUR", 0)],
            [("A", 999_00, "SEK", 0)],
            [("BANK", "UNKNOWN_RATE"), ("INTERNAL", "UNKNOWN_RATE")],
        ),
        (
            [("A", 100_00, "EUR", 1)],
            [("A", 108_00, "USD", 1)],
            [("BANK", "UNKNOWN_RATE"), ("INTERNAL", "UNKNOWN_RATE")],
        ),
        (
            [("A", 100_00, "EUR", 0)],
            [("A", 108_02, "USD", 0)],
            [("BANK", "AMOUNT_MISMATCH"), ("INTERNAL", "AMOUNT_MISMATCH")],
        ),
    ],
)
def test_what_stays(outcome: Any, bank: Any, internal: Any, reasons: list[tuple[str, str]]) -> None:
    """A pair of statements that does not agree leaves exceptions with the reason."""
    assert outcome(bank, internal) == ({}, reasons)


def test_a_payment_that_is_booked_twice_matches_once(outcome: Any) -> None:
    """The second booking of a matched payment is a duplicate, on either side, also where a fee was taken."""
    twice = [("A", 100_00, "USD", 0), ("A", 100_00, "USD", 0)]
    assert outcome(twice[:1], twice) == ({"exact": 1}, [("INTERNAL", "DUPLICATE")])
    assert outcome(twice, twice[:1]) == ({"exact": 1}, [("BANK", "DUPLICATE")])
    assert outcome([("A", 99_00, "USD", 0)], twice) == ({"tolerance": 1}, [("INTERNAL", "DUPLICATE")])


def test_an_exact_match_goes_before_a_near_one(outcome: Any) -> None:
    """Of two bookings of one reference the one with the same amount is taken, wherever it stands."""
    bank = [("A", 100_00, "USD", 0)]
    assert outcome(bank, [("A", 99_00, "USD", 0), ("A", 100_00, "USD", 0)]) == (
        {"exact": 1},
        [("INTERNAL", "MISSING_BANK")],
    )


rows = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.integers(-4, 4).map(lambda hundreds: hundreds * 1_500),
        st.sampled_from(["USD", "EUR", "SEK"]),
        st.integers(-3, 3),
    ),
    max_size=8,
)


@given(bank=rows, internal=rows)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_every_transaction_ends_in_exactly_one_place(modules: SimpleNamespace, bank: Any, internal: Any) -> None:
    """Matches and exceptions together are the two files, nothing lost and nothing twice."""

    def transactions(side: str, rows: Any) -> list[Any]:
        return [
            modules.statement.Transaction(f"{side}{i}", DAY + timedelta(days=days), cents, currency, "Who", reference)
            for i, (reference, cents, currency, days) in enumerate(rows)
        ]

    left, right = transactions("b", bank), transactions("i", internal)
    found = modules.matching.reconcile(left, right, RATES)
    placed = [
        transaction for kind in (found.exact, found.tolerance, found.fx) for match in kind for transaction in match
    ]
    placed += [transaction for payments, entries in found.split for transaction in (*payments, *entries)]
    placed += [unmatched.transaction for unmatched in found.exceptions]
    assert Counter(placed) == Counter([*left, *right])
    assert all(unmatched.transaction.id[0] == unmatched.side[0].lower() for unmatched in found.exceptions)
