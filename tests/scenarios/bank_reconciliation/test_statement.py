"""Reading a statement, and saying what is wrong with one that cannot be read."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

HEADER = b"id,date,amount_cents,currency,counterparty,reference\n"


def test_a_line_becomes_a_transaction(modules: SimpleNamespace) -> None:
    """Quoted fields, CRLF and a missing last newline are CSV like any other."""
    body = HEADER.replace(b"\n", b"\r\n") + b'B1,2026-01-02,-12345,EUR,"Finch, Sons & Co",INV-1'
    assert modules.statement.parse(body) == [
        ("B1", date(2026, 1, 2), -12345, "EUR", "Finch, Sons & Co", "INV-1"),
    ]


def test_a_file_may_hold_no_transactions(modules: SimpleNamespace) -> None:
    """A header alone is a day without payments."""
    assert modules.statement.parse(HEADER) == []


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b"", "EMPTY_FILE", "no content"),
        (b" \n", "EMPTY_FILE", "no content"),
        (b"id,date\n", "UNREADABLE_FILE", "line 1: the header"),
        (HEADER + b"B1,2026-01-02,1,EUR,X,R\nB2,2026-01-", "UNREADABLE_FILE", "line 3"),
        (HEADER + b"B1,2026-13-02,1,EUR,X,R\n", "UNREADABLE_FILE", "line 2: month must be in 1..12"),
        (HEADER + b"B1,2026-01-02,1.5,EUR,X,R\n", "UNREADABLE_FILE", "line 2: invalid literal"),
        (HEADER + b'B1,2026-01-02,1,EUR,"X,R\n', "UNREADABLE_FILE", "line 2: unexpected end of data"),
        (b"\xff\xfe", "UNREADABLE_FILE", "byte 0 is not UTF-8"),
    ],
)
def test_an_unusable_file_says_where(modules: SimpleNamespace, body: bytes, reason: str, detail: str) -> None:
    """The reason is one of three words, and the detail names the line."""
    with pytest.raises(modules.statement.UnusableFile) as caught:
        modules.statement.parse(body)
    assert caught.value.reason == reason
    assert detail in caught.value.detail
