"""What was found on reading somebody's templates: problems with the file that each stands in.

ProjectError    a template cannot be used; carries every Finding
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepsim.asl.errors import Problem

UNREADABLE = "UNREADABLE_TEMPLATE"
UNRESOLVED = "UNRESOLVED_REFERENCE"
UNKNOWN_NAME = "UNKNOWN_NAME"
NOT_SUPPORTED = "NOT_SUPPORTED"
MISSING_FILE = "MISSING_FILE"
INVALID_VALUE = "INVALID_VALUE"
UNUSED_SUBSTITUTION = "UNUSED_SUBSTITUTION"
MISSING_SUBSTITUTION = "MISSING_SUBSTITUTION"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and the file that its line and column are of."""

    file: Path
    problem: Problem

    def as_warning(self) -> Finding:
        """The same, where what it is about can be run without it."""
        return replace(self, problem=replace(self.problem, severity="warning"))

    def __str__(self) -> str:
        problem = self.problem
        place = f"{self.file}:{problem.line}:{problem.column}"
        where = f" at {problem.path}" if problem.path else ""
        hint = f" ({problem.suggestion})" if problem.suggestion else ""
        return f"{place}: {problem.message}{where}{hint}"


class ProjectError(Exception):
    """Templates cannot be used. ``findings`` holds everything that is wrong with them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, findings)))


@dataclass(frozen=True, slots=True)
class Site:
    """Where something stands: a file, a line and a column (from 1), and what it is called there."""

    file: Path
    line: int
    column: int
    id: str
    """The logical id, or the address."""
    path: str = ""
    """The steps that lead there: ``/Resources/Flow/Properties/DefinitionUri``."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} ({self.id})"

    def error(self, code: str, message: str, suggestion: str | None = None) -> Finding:
        """Something wrong with it that keeps it from being used."""
        return Finding(self.file, Problem(code, message, self.path, self.line, self.column, suggestion=suggestion))

    def warning(self, code: str, message: str, suggestion: str | None = None) -> Finding:
        """Something about it that its owner should know."""
        problem = Problem(code, message, self.path, self.line, self.column, "warning", suggestion)
        return Finding(self.file, problem)
