"""What pytest loads at its start: options, markers, fixtures and hooks. It imports nothing of ours until it is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stepsim.runtime.machine_tests.golden import Golden
    from stepsim.runtime.pytest_plugin.fixture import Stepsim

_MARKERS = (
    "stepsim(definition=None, **options): what the stepsim fixture runs; options are those of run_machine",
    "stepsim_cases(mock_file, machine=None): run the test once for each test case of a mock configuration file",
)

RUNS: pytest.StashKey[list[str]] = pytest.StashKey()
"""What is said of each of a test's runs where it fails."""
_SHOWN_RUNS = 4
"""So many of them are shown, the last ones: a test may run machines in a loop."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our command line options."""
    group = parser.getgroup("stepsim", "state machines of AWS Step Functions")
    group.addoption(
        "--stepsim-seed",
        metavar="SEED",
        default=None,
        help="seed of all runs: ids and dice come from it (a whole number, 0; or `random`)",
    )
    group.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="write the golden histories anew, in place of comparing with them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Our markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_report_header(config: pytest.Config) -> str | None:
    """The seed, where one was asked for."""
    if config.getoption("stepsim_seed") is None:
        return None
    from stepsim.runtime.pytest_plugin.seeds import seed_of

    return f"stepsim: seed {seed_of(config)}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give xdist's workers the seed of them all."""
    if node.config.getoption("stepsim_seed") is not None:
        from stepsim.runtime.pytest_plugin.seeds import seed_of

        node.workerinput["stepsim_seed"] = seed_of(node.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked with stepsim_cases, once for each test case."""
    marker = metafunc.definition.get_closest_marker("stepsim_cases")
    if marker is not None:
        from stepsim.runtime.pytest_plugin.cases import parametrize

        parametrize(metafunc, marker)


@pytest.fixture
def stepsim_case() -> str | None:
    """The test case that a test marked with stepsim_cases runs now; None elsewhere."""
    return None


@pytest.fixture
def stepsim(request: pytest.FixtureRequest, stepsim_case: str | None) -> Stepsim:
    """Runs state machines in virtual time: ``stepsim(definition, input, mocks=…) -> MachineResult``."""
    from stepsim.runtime.pytest_plugin.fixture import Stepsim

    return Stepsim(request, stepsim_case)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Iterator[Golden]:
    """The golden history of this test: ``assert result == golden``; ``--update-golden`` writes it."""
    from stepsim.runtime.pytest_plugin.goldens import open_golden

    with open_golden(request) as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Where a test fails, tell of its runs, and of the seed."""
    report: pytest.TestReport = yield
    if report.failed and report.when == "call":
        runs = item.stash.get(RUNS, [])
        if runs:
            earlier = [f"({len(runs) - _SHOWN_RUNS} more before)"] if len(runs) > _SHOWN_RUNS else []
            report.sections.append(("stepsim", "\n".join([*earlier, *runs[-_SHOWN_RUNS:]])))
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """How a path differs from a list of names, and a result from a golden history."""
    # Where nothing was run, there is nothing to be compared.
    if "stepsim.runtime.machine_tests.result" not in sys.modules:
        return None
    from stepsim.runtime.pytest_plugin.comparisons import explain

    return explain(op, left, right)
