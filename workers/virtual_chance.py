"""Chance for handlers: each invocation draws from a generator of its own, whatever the others do meanwhile.

``random``'s functions, ``os.urandom`` and what is built on it (``uuid.uuid4``, ``secrets``, ``random.SystemRandom``)
belong to the invocation whose code calls. Outside handlers they are as ever, but ``random``'s shared generator is
seeded, for libraries that bound its functions when they were imported. Generators that a library keeps to itself
(numpy's global one) stay that library's.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import Random
from typing import Any

from greenlet import getcurrent

from stepsim.workers.greenlets import HandlerGreenlet
from stepsim.workers.patching import Patch, installed

_real_urandom = os.urandom
_real_uuid1 = uuid.uuid1

_NODE = 0x0E_51_ED_00_00_01
"""The network address in a handler's version-1 UUIDs: locally administered, the same on every machine."""


def _own() -> Random | None:
    current = getcurrent()
    if type(current) is HandlerGreenlet and current.activity is not None:
        return current.activity.chance
    return None


def _twin(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def draw(*args: Any, **kwargs: Any) -> Any:
        own = _own()
        return real(*args, **kwargs) if own is None else getattr(own, name)(*args, **kwargs)

    return draw


def _urandom(size: int, /) -> bytes:
    own = _own()
    return _real_urandom(size) if own is None else own.randbytes(size)


def _uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
    own = _own()
    if own is None:
        return _real_uuid1(node, clock_seq)
    return _real_uuid1(_NODE if node is None else node, own.getrandbits(14) if clock_seq is None else clock_seq)


CHANCE_TWINS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    name: (real, _twin(name, real))
    for name, real in vars(random).items()
    if isinstance(getattr(real, "__self__", None), Random) and not name.startswith("_")
}
"""``random``'s functions that draw from its shared generator: name -> (the function, what stands in for it)."""

_PATCHES: list[Patch] = [
    *((random, name, twin) for name, (_, twin) in CHANCE_TWINS.items()),
    (os, "urandom", _urandom),
    (random, "_urandom", _urandom),
    (uuid, "uuid1", _uuid1),
]


@contextmanager
def own_chance(seed: int) -> Iterator[None]:
    """Install all of it, with random's shared generator seeded and, at the end, in the state it was in."""
    state = random.getstate()
    random.seed(seed)
    try:
        with installed(_PATCHES):
            yield
    finally:
        random.setstate(state)
