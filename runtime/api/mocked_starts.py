"""Executions of test cases: ``<stateMachineArn>#<TestCase>``, as Step Functions Local takes it, where mocks are given.

Without mocks there is no such suffix: on AWS a ``#`` is one more character of a name that no machine has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.execution import Execution
from stepsim.runtime.mocks.answers import MockFile
from stepsim.runtime.mocks.checking import checked
from stepsim.runtime.mocks.reading import MockConfigError, find_case
from stepsim.runtime.mocks.running import MockRun

if TYPE_CHECKING:
    from stepsim.runtime.api.starting import Target


class MockedStarts:
    """The test cases that executions may be started with. `tell` gets a sentence for each thing that looks wrong."""

    def __init__(self, file: MockFile, tell: Callable[[str], None]) -> None:
        self._file = file
        self._tell = tell
        self._told: set[str] = set()

    def mocks(self, target: Target, test_case: str) -> MockRun | None:
        """A test case of a machine, ready for one execution; None for the empty name, which runs without (measured).

        Raises ApiError ValidationException where there is no such case, or where the machine does not have its states.
        """
        if not test_case:
            return None
        try:
            case = find_case(self._file, target.record.name, f"{target.record.name}#{test_case}")
            warnings = checked(case, target.revision.machine)
        except LookupError as error:
            raise ApiError("ValidationException", str(error)) from None
        except MockConfigError as error:
            raise ApiError("ValidationException", str(error)) from None
        for warning in warnings:
            self._warn(str(warning))
        return MockRun(case)

    def watch(self, execution: Execution) -> None:
        """Tell at the end of an execution which of its mocks it did not use."""
        execution.when_ended.append(self._tell_unused)

    def _tell_unused(self, execution: Execution) -> None:
        if execution.me.mocks is not None:
            for unused in execution.me.mocks.unused():
                self._tell(f"{unused} by the execution {execution.me.name}")

    def _warn(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


def split_test_case(mocked: MockedStarts | None, machine_arn: str) -> tuple[str, str]:
    """A machine's ARN, and the name of a test case; the latter is empty where none is named."""
    if mocked is None:
        return machine_arn, ""
    arn, _, test_case = machine_arn.partition("#")
    return arn, test_case
