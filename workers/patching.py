"""Replacing attributes of modules and classes for a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_ABSENT = object()

Patch = tuple[Any, str, object]
"""An owner, the attribute's name, and what stands there meanwhile."""


@contextmanager
def installed(patches: Iterable[Patch]) -> Iterator[None]:
    """Put each value in its place, and whatever was there before back at the end, in reverse order."""
    before: list[Patch] = []
    try:
        for owner, name, value in patches:
            before.append((owner, name, vars(owner).get(name, _ABSENT)))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
