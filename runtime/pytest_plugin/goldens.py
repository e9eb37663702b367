"""Where the golden histories of tests lie: below ``golden``, beside the test's file, one file a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import pytest

from stepsim.runtime.machine_tests.golden import Golden
from stepsim.runtime.pytest_plugin.plugin import RUNS

_STRANGE = re.compile(r"[^\w.=+-]+", re.ASCII)


@contextmanager
def open_golden(request: pytest.FixtureRequest) -> Iterator[Golden]:
    """The golden history of the test that asks."""
    name = request.node.nodeid.partition("::")[2].replace("::", ".")
    file = request.path.parent / "golden" / request.path.stem / f"{file_name(name)}.json"
    told = request.node.stash.setdefault(RUNS, [])
    # pytest cuts short what an assertion explains; what has changed is told whole.
    yield Golden(
        file, update=request.config.getoption("update_golden"), tell=lambda lines: told.append("\n".join(lines))
    )


def file_name(name: str) -> str:
    """A test's name as that of a file, ``test_it[a]`` as ``test_it-a``; names that become the same are told apart."""
    # A hyphen is in no name of Python's: the first one is where the parameters begin.
    function, bracket, parameters = name.partition("[")
    name = f"{function}-{parameters.removesuffix(']')}" if bracket else name
    plain = _STRANGE.sub("_", name)
    if plain == name and len(plain) <= 120:
        return plain
    return f"{plain[:120].rstrip('_')}_{blake2b(name.encode(), digest_size=4).hexdigest()}"
