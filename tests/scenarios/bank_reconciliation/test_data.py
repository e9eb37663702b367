"""The generators: two files that tell of the same payments, and the truth about them."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest

PAIRS = 3_000


def stream(n: int) -> Random:
    return Random(f"42/{n}")


def test_the_same_stream_makes_the_same_files(modules: SimpleNamespace) -> None:
    """A pair follows from its number and its stream, whichever of its files is read first."""
    data = modules.data
    data._pair.cache_clear()
    internal, bank = data.internal_file(7, stream(7)), data.bank_file(7, stream(7))
    data._pair.cache_clear()
    assert data.bank_file(7, stream(7)) == bank
    assert data.internal_file(7, stream(7)) == internal
    assert data.bank_file(7, Random("43/7")) != bank


def test_a_bank_file_holds_1_to_40_transactions_with_ids_of_their_own(modules: SimpleNamespace) -> None:
    """Every bank file can be read, and names each of its 1 to 40 transactions once."""
    sizes = set()
    for n in range(PAIRS):
        transactions = modules.statement.parse(modules.data.bank_file(n, stream(n)))
        assert len({transaction.id for transaction in transactions}) == len(transactions)
        sizes.add(len(transactions))
    assert sizes >= set(range(1, 40))
    assert sizes <= set(range(1, 41))


def test_matching_finds_what_the_generator_knows_of_each_pair(modules: SimpleNamespace) -> None:
    """For every pair the matches, the exceptions by side and reason, and the failures are the generator's."""
    data = modules.data
    rates: dict[str, dict[str, float]] = {}
    for (day, currency), rate in data.RATES.items():
        rates.setdefault(day, {})[currency] = rate
    reasons, failures = set(), set()
    for n in range(PAIRS):
        known = data.truth(n, stream(n))
        bank = modules.statement.parse(data.bank_file(n, stream(n)))
        if known.failure:
            with pytest.raises(modules.statement.UnusableFile) as caught:
                modules.statement.parse(data.internal_file(n, stream(n)))
            assert caught.value.reason == known.failure
            failures.add(known.failure)
            continue
        internal = modules.statement.parse(data.internal_file(n, stream(n)))
        found = modules.matching.reconcile(bank, internal, rates)
        kinds = {kind: len(getattr(found, kind)) for kind in ("exact", "tolerance", "fx", "split")}
        assert kinds == {kind: known.matches[kind] for kind in kinds}, n
        exceptions: dict[tuple[str, str], int] = {}
        for unmatched in found.exceptions:
            where = unmatched.side, unmatched.reason
            exceptions[where] = exceptions.get(where, 0) + 1
        assert exceptions == known.exceptions, n
        assert (len(bank), len(internal)) == (known.bank, known.internal)
        reasons.update(known.exceptions)
    assert failures == {"EMPTY_FILE", "UNREADABLE_FILE"}
    assert len(reasons) == 9, "every way to differ occurs"


def test_every_counterparty_that_is_warned_of_exists(modules: SimpleNamespace) -> None:
    """The fraud service's names are names that the files can hold."""
    assert len(modules.data.FLAGGED) == 3
