"""The errors of the language, and the names that AWS gives to run-time failures.

Exception
├── DefinitionError    a definition is wrong; carries every Problem
├── StatesError        an ASL error (error, cause): what Retry and Catch see, and nothing else is
└── PathNotFound       a path led nowhere; whoever evaluated it turns it into a StatesError with AWS's text

Anything outside this tree is a bug of stepsim, and propagates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
PERMISSIONS = "States.Permissions"
RUNTIME = "States.Runtime"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
BRANCH_FAILED = "States.BranchFailed"
NO_CHOICE_MATCHED = "States.NoChoiceMatched"
PARAMETER_PATH_FAILURE = "States.ParameterPathFailure"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"
ITEM_READER_FAILED = "States.ItemReaderFailed"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition or a scenario: what, where, and what to write instead."""

    code: str
    """AWS's code where it has one (``SCHEMA_VALIDATION_FAILED``), else ours."""
    message: str
    path: str
    """AWS's location: ``/States/Load/Retry[0]/ErrorEquals``; ``/`` is the definition itself."""
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1, in characters."""
    severity: Literal["error", "warning"] = "error"
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.line}:{self.column}: {self.severity} {self.code}: {self.message} at {self.path}{hint}"


class DefinitionError(Exception):
    """A definition cannot be used. ``problems`` holds everything wrong with it, in the order of the text."""

    def __init__(self, problems: Sequence[Problem], source: str = "definition") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(f"{source}:{problem}" for problem in self.problems))


class StatesError(Exception):
    """An error in the sense of the States Language: a name to match and a cause to read.

    ``error`` and ``cause`` are None where AWS reports neither (a SendTaskFailure without fields).
    ``by_interpreter`` is true for what the interpreter itself raises: AWS prefixes the cause of those with
    "An error occurred while executing the state '…' (entered at the event id #…). ". ``heartbeat`` marks a
    States.Timeout that was a missed heartbeat: AWS reports both alike, yet States.HeartbeatTimeout matches only these.
    ``location`` is the field whose evaluation failed; "" where that is the state's input itself. ``unrecorded`` marks
    an error that ends an execution without a word of it in the history.
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None = None,
        *,
        by_interpreter: bool = False,
        heartbeat: bool = False,
        location: str = "",
        unrecorded: bool = False,
    ) -> None:
        self.error = error
        self.cause = cause
        self.by_interpreter = by_interpreter
        self.heartbeat = heartbeat
        self.location = location
        self.unrecorded = unrecorded
        super().__init__(error, cause)

    @property
    def terminal(self) -> bool:
        """True for States.Runtime: it can be neither retried nor caught, and ends the whole execution."""
        return self.error == RUNTIME


def runtime_error(cause: str) -> StatesError:
    """A States.Runtime failure raised by the interpreter itself; the cause gets AWS's prefix later."""
    return StatesError(RUNTIME, cause, by_interpreter=True)


class PathNotFound(Exception):
    """A definite path, or the definite head of an indefinite one, that leads nowhere.

    ``args[0]`` is Jayway's own text (``No results for path: $['x']``, ``Missing property in path $['no']``,
    ``Filter: [0] can only be applied to arrays. Current context is: 1``).
    """
