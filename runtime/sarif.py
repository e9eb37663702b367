"""Problems as SARIF 2.1.0, the form in which code hosts and editors take the findings of a checker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stepsim.asl.errors import Problem
from stepsim.asl.validate_codes import CODES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(checked: Mapping[str, Sequence[Problem]], unread: Mapping[str, str], version: str) -> dict[str, Any]:
    """The SARIF log of one validation: each file's problems, and why other files could not be read."""
    codes = list(dict.fromkeys(problem.code for problems in checked.values() for problem in problems))
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "stepsim", "version": version, "rules": [_rule(code) for code in codes]}},
                "invocations": [
                    {"executionSuccessful": not unread, "toolExecutionNotifications": _notifications(unread.items())}
                ],
                # Python counts a string's code points; SARIF would take UTF-16's units otherwise.
                "columnKind": "unicodeCodePoints",
                "artifacts": [{"location": {"uri": artifact_uri(file)}} for file in checked],
                "results": [
                    _result(problem, file, codes.index(problem.code))
                    for file, problems in checked.items()
                    for problem in problems
                ],
            }
        ],
    }


def artifact_uri(file: str) -> str:
    """The URI of a file: relative as its path is, or of the scheme ``file`` where that is absolute."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _rule(code: str) -> dict[str, Any]:
    # Problems of scenarios have codes that say what they mean.
    text = CODES[code].meaning if code in CODES else f"{code.replace('_', ' ').capitalize()}."
    return {"id": code, "shortDescription": {"text": text}}


def _result(problem: Problem, file: str, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": artifact_uri(file)},
            "region": {"startLine": problem.line, "startColumn": problem.column},
        }
    }
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    text = problem.message if problem.suggestion is None else f"{problem.message.rstrip('.')}. {problem.suggestion}"
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": text},
        "locations": [location],
    }


def _notifications(unread: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "level": "error",
            "message": {"text": f"{file} cannot be read: {reason}"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": artifact_uri(file)}}}],
        }
        for file, reason in unread
    ]
