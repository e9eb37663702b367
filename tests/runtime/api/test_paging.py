"""`stepsim.runtime.api.paging`."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from stepsim.runtime.api.paging import VALID_MS, page
from stepsim.runtime.api.records import Params
from stepsim.runtime.cloud.call import ApiError


def letters(items: Iterable[str], now_ms: int = 0, operation: str = "ListLetters", **params: object) -> tuple[str, str]:
    shown, token = page(items, dict(params), key=str, operation=operation, now_ms=now_ms)
    return "".join(shown), token or ""


def test_pages() -> None:
    """A list comes in pages of maxResults, and the last one has no token."""
    first, token = letters("abcde", maxResults=2)
    second, token = letters("abcde", maxResults=2, nextToken=token)
    third, end = letters("abcde", maxResults=2, nextToken=token)
    assert (first, second, third, end) == ("ab", "cd", "e", "")


@pytest.mark.parametrize("params", [{}, {"maxResults": 0}, {"maxResults": None}])
def test_default_size(params: Params) -> None:
    """A page has 100 items where nobody says, or says 0."""
    shown, token = letters(iter("x" * 101), **params)
    assert (len(shown), token != "") == (100, True)
    assert letters("x" * 100, **params) == ("x" * 100, "")


def test_changes_between_pages() -> None:
    """A page begins with the item that came next, wherever it stands by now; where it is gone, at its position."""
    _, token = letters("abcde", maxResults=2)
    assert letters("zabcde", nextToken=token) == ("cde", "")
    assert letters("cde", nextToken=token) == ("cde", "")
    assert letters("abde", nextToken=token) == ("de", "")


def test_invalid_tokens() -> None:
    """A token is of one request, and valid for 24 hours."""
    _, token = letters("abc", maxResults=1, of="one")
    assert letters("abc", VALID_MS - 1, of="one", nextToken=token) == ("bc", "")
    for now_ms, operation, params in (
        (VALID_MS, "ListLetters", {"of": "one", "nextToken": token}),
        (0, "ListLetters", {"of": "two", "nextToken": token}),
        (0, "ListNumbers", {"of": "one", "nextToken": token}),
        (0, "ListLetters", {"of": "one", "nextToken": "made up"}),
        (0, "ListLetters", {"of": "one", "nextToken": "e30="}),
    ):
        with pytest.raises(ApiError) as raised:
            letters("abc", now_ms, operation, **params)
        assert (raised.value.code, raised.value.message) == ("InvalidToken", "Invalid Token: 'Invalid token'")
