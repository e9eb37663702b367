"""``java.util.Random``'s first double for a seed: what AWS's ``$random(seed)`` gives (measured)."""

from __future__ import annotations

_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1


def first_double(seed: int) -> float:
    """The first ``nextDouble()`` of ``new java.util.Random(seed)``, in [0, 1)."""
    state = (seed ^ _MULTIPLIER) & _MASK
    state = (state * _MULTIPLIER + 0xB) & _MASK
    high = state >> (48 - 26)
    state = (state * _MULTIPLIER + 0xB) & _MASK
    low = state >> (48 - 27)
    return ((high << 27) + low) / (1 << 53)
