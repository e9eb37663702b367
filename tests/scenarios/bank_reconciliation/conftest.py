"""The scenario's own modules, loaded as its functions load each other: by bare name, from their folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import moto  # noqa: F401 - before any client is made, or moto would not answer it
import pytest

SCENARIO = Path(__file__).parents[3] / "scenarios" / "bank_reconciliation"
FOLDERS = [SCENARIO, SCENARIO / "functions"]
NAMES = [path.stem for folder in FOLDERS for path in sorted(folder.glob("*.py"))]


@pytest.fixture(scope="session")
def modules() -> Iterator[SimpleNamespace]:
    """Every module of the scenario, by name. boto3 needs a region and keys, but nothing leaves the process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*map(str, FOLDERS), *sys.path])
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # Another scenario may have modules of the same names; each gets its own, and puts the others' back.
        for name in NAMES:
            patch.delitem(sys.modules, name, raising=False)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
        for name in NAMES:
            patch.delitem(sys.modules, name)
