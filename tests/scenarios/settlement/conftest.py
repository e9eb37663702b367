from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import pytest

SCENARIO = Path(__file__).parents[3] / "scenarios" / "settlement"


@pytest.fixture(scope="module")
def modules(load_modules: Callable[[Path], AbstractContextManager[SimpleNamespace]]) -> Iterator[SimpleNamespace]:
    """Every module of the scenario, by name."""
    with load_modules(SCENARIO) as loaded:
        yield loaded
