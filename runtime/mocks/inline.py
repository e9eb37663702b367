"""The mocks of a scenario: a test case of a file, mocks written in place, or both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stepsim.asl.payload import JSON
from stepsim.runtime.key_path import KeyPath
from stepsim.runtime.mocks.answers import MockedCase, MockFile, Response
from stepsim.runtime.mocks.reading import CaseReader, find_case, load_mocks
from stepsim.runtime.mocks.written import Mocks, OwnAnswer
from stepsim.runtime.scenario_check import INVALID_VALUE, MISSING_KEY, Checker

_AT: KeyPath = ("mocks",)


def mocks_of(value: JSON, machine: str, checker: Checker, source: str, base_dir: Path) -> MockedCase | None:
    """The test case that a scenario's ``mocks`` mean for its own machine; None where problems were noted.

    `value` has the shape of `Mocks`. Raises MockConfigError where its file is wrong.
    """
    mocks = checker.converted(value, Mocks, _AT)
    if mocks is None or not _goes_together(mocks, checker):
        return None
    file = load_mocks(base_dir / mocks.file) if mocks.file is not None else MockFile(source)
    case = MockedCase(machine, mocks.test_case or "", source, {}, file.strict, file.validate_responses)
    if mocks.test_case is not None:
        try:
            case = find_case(file, machine, mocks.test_case)
        except LookupError as error:
            checker.add(INVALID_VALUE, str(error), (*_AT, "test_case"))
            return None
    reader = CaseReader(checker, source)
    responses = {**file.responses, **_responses(value, file.responses, reader, checker)}
    own = reader.states(value.get("states"), responses, (*_AT, "states"))
    states = reader.on_top(case.states, own, (*_AT, "states"))
    return replace(
        case,
        states=states,
        strict=case.strict or mocks.strict,
        validate_responses=case.validate_responses or mocks.validate_responses,
    )


def _goes_together(mocks: Mocks, checker: Checker) -> bool:
    if (mocks.file is None) == (mocks.test_case is None):
        if mocks.file is None and not mocks.states:
            checker.add(MISSING_KEY, "nothing is mocked", _AT, "write file and test_case, or states")
            return False
        return True
    present, missing = ("file", "test_case") if mocks.test_case is None else ("test_case", "file")
    checker.add(MISSING_KEY, f"{missing!r} is missing: file and test_case go together", (*_AT, present))
    return False


def _responses(
    value: Mapping[str, JSON], known: Mapping[str, Response], reader: CaseReader, checker: Checker
) -> dict[str, Response]:
    responses = reader.responses(value.get("responses"), OwnAnswer, (*_AT, "responses"))
    for name in responses:
        if name in known:
            checker.add(INVALID_VALUE, f"{name!r} stands in {known[name].origin}, too", (*_AT, "responses", name))
    return responses
