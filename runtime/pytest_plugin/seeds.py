"""The seed of a test session: the same in all of xdist's workers, and told where a test fails."""

from __future__ import annotations

import random

import pytest

_SEED: pytest.StashKey[int] = pytest.StashKey()


def seed_of(config: pytest.Config) -> int:
    """The seed that all runs of this session have. Raises UsageError for one that is no number."""
    if _SEED not in config.stash:
        config.stash[_SEED] = _seed(config)
    return config.stash[_SEED]


def _seed(config: pytest.Config) -> int:
    given: str | None = config.getoption("stepsim_seed")
    from_controller: dict[str, int] = getattr(config, "workerinput", {})
    if "stepsim_seed" in from_controller:
        return from_controller["stepsim_seed"]
    if given is None:
        return 0
    if given == "random":
        return random.SystemRandom().randrange(1, 1_000_000)
    try:
        return int(given)
    except ValueError:
        raise pytest.UsageError(f"--stepsim-seed: a whole number or `random` expected, not {given!r}") from None
