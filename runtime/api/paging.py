"""Lists page by page: ``maxResults`` and ``nextToken``."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple, TypeVar
from zlib import crc32

import msgspec

from stepsim.asl.payload import encode
from stepsim.runtime.api.records import Params
from stepsim.runtime.cloud.call import ApiError

DEFAULT_PAGE = 100
"""How many items a page has where nobody says, or says 0."""

VALID_MS = 24 * 3600 * 1000
"""For how long a token can be used."""

Item = TypeVar("Item")


class _Token(NamedTuple):
    """Where a page ended."""

    request: int
    """A checksum of the other arguments, which must not change."""
    position: int
    """How many items stood before the next one."""
    key: str
    """The next one's."""
    issued_ms: int


_decoder = msgspec.json.Decoder(tuple[int, int, str, int])


def page(
    items: Iterable[Item],
    params: Params,
    *,
    key: Callable[[Item], str],
    operation: str,
    now_ms: int,
    begin: Callable[[str], Iterator[Item]] | None = None,
) -> tuple[list[Item], str | None]:
    """One page of a list, and the token of the next one (None after the last).

    `key` names an item among its like. A page begins with the item that came next when the token was made, wherever
    it stands by now, or at the same position where it is gone. Costs as many items as stand before the page's end, or
    only the page's where ``begin(key)`` finds the item: it gives the list from there on.
    Raises ApiError InvalidToken for a token that is not ours, of another request or older than 24 hours.
    """
    size = params.get("maxResults") or DEFAULT_PAGE
    request = _checksum(operation, params)
    position, rest = 0, iter(items)
    text = params.get("nextToken")
    if text is not None:
        token = _read(text)
        if token.request != request or not 0 <= now_ms - token.issued_ms < VALID_MS:
            raise _invalid()
        following_on = None if begin is None else begin(token.key)
        present = None if following_on is None else next(following_on, None)
        if following_on is not None and present is not None and key(present) == token.key:
            position, rest = token.position, chain((present,), following_on)
        else:
            position, rest = _from(token, rest, key)
    shown = list(islice(rest, size))
    for following in rest:
        return shown, _write(_Token(request, position + len(shown), key(following), now_ms))
    return shown, None


def _from(token: _Token, items: Iterator[Item], key: Callable[[Item], str]) -> tuple[int, Iterator[Item]]:
    """Where a page begins, and what is to be had from there."""
    passed: list[Item] = []
    for item in items:
        if key(item) == token.key:
            return len(passed), chain((item,), items)
        passed.append(item)
    return token.position, iter(passed[token.position :])


def _checksum(operation: str, params: Params) -> int:
    arguments = {name: value for name, value in params.items() if name not in ("maxResults", "nextToken")}
    return crc32(f"{operation} {encode(dict(sorted(arguments.items())))}".encode())


def _write(token: _Token) -> str:
    return urlsafe_b64encode(encode(token).encode()).decode()


def _read(text: str) -> _Token:
    try:
        return _Token(*_decoder.decode(urlsafe_b64decode(text)))
    except ValueError:  # neither base64 nor one of our tuples
        raise _invalid() from None


def _invalid() -> ApiError:
    return ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
