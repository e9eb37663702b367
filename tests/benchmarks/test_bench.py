"""The benchmarks run: each in its quick size, whatever it measures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).with_name("bench.py")


@pytest.mark.benchmark
@pytest.mark.parametrize(
    "name",
    [
        "children",
        "large",
        "growth",
        "calls",
        "listing",
        "readers",
        "real_map",
        "pipeline",
        "inline_map",
        "startup",
        "machine_tests",
    ],
)
def test_each_benchmark_measures_something(name: str) -> None:
    """A benchmark ends with a table; 1 is a bar that was missed, and anything else an error."""
    ended = subprocess.run(
        [sys.executable, str(BENCH), name, "--quick"], capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode in (0, 1), ended.stderr
    assert not ended.stderr
    assert len(ended.stdout.splitlines()) > 1
