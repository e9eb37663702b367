"""What pytest loads at its start: the options of coverage. It imports nothing of ours until one of them is used."""

from __future__ import annotations

import argparse

import pytest

_FORMS = "term, term-missing, html[:FOLDER], json[:FILE] or xml[:FILE] (Cobertura)"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of coverage."""
    group = parser.getgroup("stepsim", "state machines of AWS Step Functions")
    group.addoption(
        "--asl-cov",
        metavar="PATH",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="measure which states and branches of state machines are run: of those in a definition, a template or a "
        "folder (more than once: all of them), or of all that are run",
    )
    group.addoption(
        "--asl-cov-report",
        metavar="FORM",
        action="append",
        default=[],
        type=_form,
        help=f"{_FORMS}; more than once: each of them (term)",
    )
    group.addoption(
        "--asl-cov-fail-under",
        metavar="PERCENT",
        type=_percent,
        default=None,
        help="fail where less is covered",
    )
    group.addoption(
        "--asl-cov-append",
        metavar="FILE",
        nargs="?",
        const=".asl-coverage",
        default=None,
        help="add to what earlier runs have left in a file (.asl-coverage), and leave it there",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure, where that is asked for."""
    if not config.getoption("asl_cov"):
        for option in ("report", "fail_under", "append"):
            if config.getoption(f"asl_cov_{option}") not in (None, []):
                raise pytest.UsageError(f"--asl-cov-{option.replace('_', '-')} needs --asl-cov")
        return
    if config.option.collectonly:
        return
    from stepsim.runtime.coverage.session import AslCoverage

    config.pluginmanager.register(AslCoverage(config), "stepsim-asl-cov")


def _form(text: str) -> str:
    from stepsim.runtime.coverage.reports import wanted

    try:
        wanted(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return percent
