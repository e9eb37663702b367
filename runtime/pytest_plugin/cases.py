"""Tests that are run once for each test case of a mock configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepsim.runtime.machine_tests.run import mock_file_of
from stepsim.runtime.mocks.reading import MockConfigError
from stepsim.runtime.scenario_check import did_you_mean

_HOW = "@pytest.mark.stepsim_cases(mock_file, machine=…)"


def parametrize(metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
    """Run a test once for each test case that its marker means; a wrong file or machine is an error of the test."""
    __tracebackhide__ = True
    try:
        file, machine = _arguments(*marker.args, **marker.kwargs)
    except TypeError:
        pytest.fail(f"{_HOW} takes a file and perhaps a machine, not {marker.args} {marker.kwargs}", pytrace=False)
    folder = Path(str(metafunc.definition.path)).parent
    path = folder / file if (folder / file).exists() else metafunc.config.rootpath / file
    try:
        known = mock_file_of(path).cases
    except MockConfigError as error:
        pytest.fail(str(error), pytrace=False)
    if machine is None and len(known) != 1:
        pytest.fail(f"{path} has test cases of {', '.join(known) or 'no machine'}: say which, in {_HOW}", pytrace=False)
    name = machine or next(iter(known))
    if name not in known:
        hint = did_you_mean(name, known)
        message = f"{path} has no test cases for the state machine {name!r}"
        pytest.fail(message + (f" ({hint})" if hint else ""), pytrace=False)
    if "stepsim_case" not in metafunc.fixturenames:
        pytest.fail(f"{_HOW}: the test must use the fixture stepsim or stepsim_case", pytrace=False)
    metafunc.parametrize("stepsim_case", list(known[name]))


def _arguments(mock_file: str | Path, machine: str | None = None) -> tuple[str | Path, str | None]:
    return mock_file, machine
