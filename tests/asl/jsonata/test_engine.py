"""Which engine runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stepsim.asl.jsonata.engine import CHOICE, ENGINES

TELL = "from stepsim.asl.jsonata.engine import chosen_engine; print(chosen_engine())"


def chosen(wanted: str, code: str = TELL) -> subprocess.CompletedProcess[str]:
    """What a process says whose environment names an engine."""
    environment = {**os.environ, CHOICE: wanted}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_the_environment_chooses(engine_name: str) -> None:
    """By the name of the package."""
    assert chosen(engine_name).stdout.strip() == engine_name


def test_jlens_is_preferred() -> None:
    """Where nothing is said."""
    assert chosen("").stdout.strip() == ENGINES[0]


def test_the_other_engine_stands_in() -> None:
    """Where jlens is not there."""
    pytest.importorskip("jsonata2py", reason="the engine of the extra `jsonata2py`")
    hidden = (
        "import importlib.util as u; find = u.find_spec; u.find_spec = lambda n: None if n == 'jlens' else find(n);"
    )
    assert chosen("", hidden + TELL).stdout.strip() == "jsonata2py"


def test_an_engine_that_is_not_known_is_named() -> None:
    """With those that are."""
    told = chosen("mylens").stderr
    assert "STEPSIM_JSONATA=mylens: there is no such JSONata engine; write jlens or jsonata2py" in told
