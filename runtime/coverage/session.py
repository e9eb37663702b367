"""A pytest session that is measured: every account of the process watched, workers' counts put together, reports."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.coverage.observer import CoverageObserver
from stepsim.runtime.coverage.recorded import Recorded, Unreadable, merged, read, with_earlier, write
from stepsim.runtime.coverage.reports import TERM, report, wanted
from stepsim.runtime.coverage.selection import NoDefinition, named, selected
from stepsim.runtime.coverage.totals import figures_of
from stepsim.runtime.observation import observing
from stepsim.runtime.realtime import now_ms

_OUTPUT = "stepsim_asl_cov"
"""The name of what a worker of xdist hands over."""


class AslCoverage:
    """The plugin that `--asl-cov` registers: in the session's process, and in each of its workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_worker = hasattr(config, "workerinput")
        self._folder = config.invocation_params.dir
        self._paths = [self._folder / path for path in config.getoption("asl_cov") if path]
        self._named: list[Recorded] = []
        self._from_workers: list[Recorded] = []
        self._lines: list[str] = []
        self._failure = ""
        self._observer = CoverageObserver()
        self._watching = ExitStack()
        if not self._is_worker:
            try:
                self._named = named(self._paths)
            except NoDefinition as error:
                raise pytest.UsageError(f"--asl-cov: {error}") from None
        self._watching.enter_context(observing(self._observer))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of xdist has ended."""
        output = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if output is None:
            self._lines.append(f"{node.gateway.id} has ended without telling what its tests have covered.")
        else:
            self._from_workers = merged([*self._from_workers, *read(output)])

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what was counted, or report it."""
        records = merged([*self._observer.recorded(), *self._from_workers])
        if self._is_worker:
            self._config.workeroutput[_OUTPUT] = write(records)  # type: ignore[attr-defined]
            return
        try:
            records = self._with_earlier(records)
        except Unreadable as error:
            self._failure = str(error)
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
        self._report(selected(records, self._named, self._paths))
        if self._failure and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the reports that are for the terminal."""
        terminalreporter.section("coverage of state machines")
        for line in self._lines:
            terminalreporter.write_line(line)
        if self._failure:
            terminalreporter.write_line(self._failure, red=True, bold=True)

    def pytest_unconfigure(self) -> None:
        """Watch no longer."""
        self._watching.close()

    def _with_earlier(self, records: list[Recorded]) -> list[Recorded]:
        name = self._config.getoption("asl_cov_append")
        if name is None:
            return records
        file: Path = self._folder / name
        if file.exists():
            try:
                records = with_earlier(records, read(file.read_bytes()))
            except Unreadable as error:
                raise Unreadable(f"--asl-cov-append: {file} {error}") from None
        file.write_text(write(records), encoding="utf-8")
        return records

    def _report(self, records: list[Recorded]) -> None:
        forms = [wanted(form) for form in self._config.getoption("asl_cov_report") or [TERM]]
        self._lines += report(forms, records, self._config.rootpath, self._folder, now_ms())
        least = self._config.getoption("asl_cov_fail_under")
        if least is None:
            return
        percent = figures_of(records).percent if records else 0.0
        if percent < least:
            self._failure = f"FAIL: {percent:.2f} % of states and branches covered, less than {least:g} %"
        else:
            self._lines.append(f"{percent:.2f} % of states and branches covered, as much as {least:g} % or more")
