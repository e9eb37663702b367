"""The ``stepsim`` fixture: runs machines with what a test's marker says and what the call adds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.errors import DefinitionError
from stepsim.asl.payload import JSON
from stepsim.runtime.machine_tests.answers import Unanswered
from stepsim.runtime.machine_tests.recorded import HistoryError, Recorded
from stepsim.runtime.machine_tests.replay import ReplayResult, replay
from stepsim.runtime.machine_tests.result import MachineResult
from stepsim.runtime.machine_tests.run import run_machine
from stepsim.runtime.machine_tests.subject import DefinitionGiven, Machine, as_path
from stepsim.runtime.projects.findings import ProjectError
from stepsim.runtime.pytest_plugin.plugin import RUNS
from stepsim.runtime.pytest_plugin.seeds import seed_of
from stepsim.runtime.runner import RunError
from stepsim.runtime.scenario_check import ScenarioError

_FILES = ("mock_file", "base_dir")
_UNSAID: JSON = object()
"""Of an input that is not given: None is JSON."""
_MISTAKES = (DefinitionError, ScenarioError, RunError, ProjectError, HistoryError, Unanswered)
"""What a test's own words can be wrong about: told without a traceback through ours."""


class Stepsim:
    """Runs state machines in virtual time, as `run_machine` does.

    Paths are relative to the test's folder or, where there is no such file, to pytest's rootdir, as handlers are.
    """

    def __init__(self, request: pytest.FixtureRequest, case: str | None) -> None:
        self._config: pytest.Config = request.config
        self._node: pytest.Item = request.node
        self._folder: Path = request.path.parent
        self._case = case
        self.seed = seed_of(self._config)
        """The session's: `--stepsim-seed`."""
        self.results: list[MachineResult] = []
        """What was run in this test."""

    def __call__(
        self,
        definition: DefinitionGiven | None = None,
        input: JSON = _UNSAID,  # noqa: A002 - AWS's word
        **options: Any,
    ) -> MachineResult:
        """Run a machine to its end; `options` are those of `run_machine`.

        What is not given, the test's marker says: ``@pytest.mark.stepsim("orders.asl.json", mocks={…})``. Mocks,
        functions, tables and the like are put together, by name.
        """
        __tracebackhide__ = True
        told = self._told(definition, options)
        if input is not _UNSAID:
            told["input"] = input
        return self._noted(self._run(told))

    def replay(self, history: Recorded, definition: DefinitionGiven | None = None, **options: Any) -> ReplayResult:
        """Run a machine on the answers of a recorded history; see `stepsim.runtime.testing.replay`."""
        __tracebackhide__ = True
        told = self._told(definition, options)
        found = self._found(history) if isinstance(history, str | Path) else history
        mistake = ""
        try:
            replayed = replay(told.pop("definition"), found, **told)
        except _MISTAKES as error:
            mistake = str(error)
        if mistake:
            pytest.fail(mistake)
        self._noted(replayed.result)
        return replayed

    def _run(self, told: dict[str, Any]) -> MachineResult:
        """Every run of the fixture but replays."""
        __tracebackhide__ = True
        try:
            return run_machine(**told)
        except _MISTAKES as error:
            mistake = str(error)
        pytest.fail(mistake)

    def _noted(self, result: MachineResult) -> MachineResult:
        self.results.append(result)
        said = [f"{result!r}", *(f"    {line}" for line in str(result.path).splitlines())]
        said.append(f"    seed {result.seed}: pytest --stepsim-seed {result.seed} repeats it")
        self._node.stash.setdefault(RUNS, []).append("\n".join(said))
        return result

    def _told(self, definition: DefinitionGiven | None, options: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be run: markers of the class and the module first, then the test's own, then the call's."""
        told: dict[str, Any] = {"seed": self.seed, "base_dir": self._config.rootpath}
        for marker in reversed(list(self._node.iter_markers("stepsim"))):
            if len(marker.args) > 1:
                raise pytest.UsageError("@pytest.mark.stepsim takes one value without a name: the definition")
            _add(told, {**({"definition": marker.args[0]} if marker.args else {}), **marker.kwargs})
        cases = self._node.get_closest_marker("stepsim_cases")
        if cases is not None and self._case is not None:
            machine = cases.kwargs.get("machine", cases.args[1] if len(cases.args) > 1 else None)
            case = self._case if machine is None else f"{machine}#{self._case}"
            _add(told, {"mock_file": cases.kwargs.get("mock_file", next(iter(cases.args), None)), "test_case": case})
        _add(told, {**({} if definition is None else {"definition": definition}), **options})
        if told.get("definition") is None:
            raise pytest.UsageError(
                "no definition: write stepsim(definition, …) or @pytest.mark.stepsim(definition) on the test"
            )
        told["definition"] = self._found_definition(told["definition"])
        told |= {name: self._found(told[name]) for name in _FILES if told.get(name) is not None}
        if "machines" in told:
            told["machines"] = {name: self._found_machine(one) for name, one in told["machines"].items()}
        return told

    def _found_machine(self, given: DefinitionGiven | Machine) -> Machine:
        machine = given if isinstance(given, Machine) else Machine(given)
        return Machine(self._found_definition(machine.definition), machine.type, machine.substitutions)

    def _found_definition(self, given: DefinitionGiven) -> DefinitionGiven:
        path = as_path(given)
        return given if path is None else self._found(path)

    def _found(self, path: str | Path) -> Path:
        """A file that is named relative to the test or to the root."""
        beside = self._folder / path
        return beside if beside.exists() else self._config.rootpath / path


def _add(told: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Put together what two say; the latter goes before the former."""
    for name, value in more.items():
        before = told.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping) and name not in ("definition", "input")
        told[name] = {**before, **value} if both else value  # type: ignore[dict-item]
