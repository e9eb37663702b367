"""The engines that tests of JSONata run against, each by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from stepsim.asl.jsonata.engine import ENGINES, engine
from stepsim.asl.jsonata.functions import PURE

Evaluate = Callable[..., Any]

NOW_MS = 1_767_578_400_000
"""2026-01-05T02:00:00Z."""


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The name of an engine, where it is installed."""
    name: str = request.param
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed: it is the optional engine of the extra `jsonata2py`")
    return name


@pytest.fixture
def evaluate(engine_name: str) -> Evaluate:
    """What an expression gives in the engine, with our functions and the variables."""

    def run(text: str, **variables: Any) -> Any:
        given = {name: function for name, function in PURE.items() if f"${name}" in text}
        return engine(engine_name)(text, given).evaluate({**given, **variables}, NOW_MS)

    return run
