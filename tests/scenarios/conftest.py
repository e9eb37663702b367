"""A scenario's own modules, loaded as its functions load each other: by bare name, from their folders."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import moto  # noqa: F401 - before any client is made, or moto would not answer it
import pytest

LoadModules: TypeAlias = Callable[[Path], AbstractContextManager[SimpleNamespace]]


@contextmanager
def _modules_of(scenario: Path) -> Iterator[SimpleNamespace]:
    folders = [scenario, scenario / "functions"]
    names = [path.stem for folder in folders for path in sorted(folder.glob("*.py"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*map(str, folders), *sys.path])
        # boto3 needs a region and keys, but nothing leaves the process.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # Another scenario may have modules of the same names; each gets its own, and puts the others' back.
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
        for name in names:
            del sys.modules[name]


@pytest.fixture(scope="session")
def load_modules() -> LoadModules:
    """Loads every module of a scenario's folder, and forgets them afterwards."""
    return _modules_of
