"""Random numbers drawn from names, never from a sequence.

One more fault, item or retry must not shift anybody else's dice, so a draw is a keyed hash of what it is for: the
execution, the state, the attempt, the purpose. The same seed and names give the same number on every machine.
"""

from __future__ import annotations

import uuid
from hashlib import blake2b
from struct import Struct

_SCALE = 1.0 / (1 << 53)
_LOW_53 = (1 << 53) - 1
_two_words = Struct(">QQ").unpack


class Dice:
    """The source of all chance in a run, made from one seed."""

    __slots__ = ("_hasher",)

    def __init__(self, seed: int | str) -> None:
        self._hasher = blake2b(key=str(seed).encode()[:64], digest_size=16)

    def _digest(self, names: tuple[object, ...]) -> bytes:
        hasher = self._hasher.copy()
        hasher.update("\x1f".join(map(str, names)).encode("utf-8", "surrogatepass"))
        return hasher.digest()

    def draw(self, *names: object) -> float:
        """A number in [0, 1) that belongs to these names."""
        return (int.from_bytes(self._digest(names)[:8], "big") >> 11) * _SCALE

    def of(self, name: str) -> float:
        """As `draw`, of one name that the caller has put together: the hot path's way."""
        hasher = self._hasher.copy()
        hasher.update(name.encode("utf-8", "surrogatepass"))
        return (int.from_bytes(hasher.digest()[:8], "big") >> 11) * _SCALE

    def pair(self, name: str) -> tuple[float, float]:
        """Two numbers in [0, 1) that belong to one name that the caller has put together."""
        hasher = self._hasher.copy()
        hasher.update(name.encode("utf-8", "surrogatepass"))
        first, second = _two_words(hasher.digest())
        return (first >> 11) * _SCALE, (second & _LOW_53) * _SCALE

    def integer(self, *names: object) -> int:
        """A 128-bit number that belongs to these names: a seed for generators that need one."""
        return int.from_bytes(self._digest(names), "big")

    def uuid4(self, *names: object) -> str:
        """A version-4 UUID that belongs to these names (execution, map run and request ids)."""
        return _uuid_text(self._digest(names), 4)

    def uuid3(self, *names: object) -> str:
        """A version-3 (name-based) UUID that belongs to these names: the names of a map run's children."""
        return _uuid_text(self._digest(names), 3)


_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def _uuid_text(digest: bytes, version: int) -> str:
    """The UUID of a version whose other bits are the digest's; ``uuid.UUID`` takes ten times as long to write it."""
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"


def name_uuid(text: str) -> str:
    """The version-3 UUID of a name, the same in every run: labels that a definition left out."""
    return str(uuid.uuid3(uuid.NAMESPACE_URL, text))
