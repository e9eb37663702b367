"""Gathers what is wrong with a definition, and puts it in the order of its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepsim.asl.errors import Problem
from stepsim.asl.parse import Document, Path

SCHEMA = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem whose line and column nobody has looked up yet."""

    code: str
    message: str
    path: Path | None
    """What AWS reports as location; None where it reports none."""
    at: Path
    """What to point at in the text: often a part of what AWS names."""
    severity: Literal["error", "warning"]
    suggestion: str | None


class Findings:
    """Everything found so far. Positions cost time, so they are looked up at the end, and only if there are any."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def error(
        self,
        message: str,
        path: Path | None,
        suggestion: str | None = None,
        *,
        at: Path | None = None,
        code: str = SCHEMA,
    ) -> None:
        """Note an error; `at` is where it stands in the text, if that is not the path itself."""
        self.found.append(Finding(code, message, path, (path or ()) if at is None else at, "error", suggestion))

    def warning(self, code: str, message: str, path: Path, suggestion: str | None = None) -> None:
        """Note what AWS accepts although it will hurt."""
        self.found.append(Finding(code, message, path, path, "warning", suggestion))

    def problems(self, document: Document) -> list[Problem]:
        """All of it, in the order of the text."""
        problems = list(document.problems)
        for finding in self.found:
            line, column = document.position(finding.at)
            problems.append(
                Problem(
                    finding.code,
                    finding.message,
                    "" if finding.path is None else location(finding.path),
                    line,
                    column,
                    finding.severity,
                    finding.suggestion,
                )
            )
        problems.sort(key=lambda problem: (problem.line, problem.column))
        return problems


def location(path: Path) -> str:
    """A path as AWS writes it: ``/States/Load/Retry[0]/ErrorEquals``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in path) or "/"
