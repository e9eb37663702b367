"""What became of the mocks of a run: for its report, its summary and its warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stepsim.runtime.mocks.answers import Finding
from stepsim.runtime.mocks.running import MockRun


def describe_mocks(mocks: MockRun, findings: Iterable[Finding]) -> dict[str, Any]:
    """The report's ``mocks``: which test case it was, how often each state was answered, and what was never used."""
    return {
        "machine": mocks.case.machine,
        "test_case": mocks.case.name,
        "strict": mocks.case.strict,
        "answered": mocks.used,
        "unused": [
            {
                "state": unused.state,
                "what": unused.what,
                "file": unused.origin.source,
                "line": unused.origin.line,
                "column": unused.origin.column,
                "key": unused.origin.key,
            }
            for unused in mocks.unused()
        ],
        "warnings": [
            {
                "message": finding.message,
                "suggestion": finding.suggestion,
                "file": finding.origin.source,
                "line": finding.origin.line,
                "column": finding.origin.column,
                "key": finding.origin.key,
            }
            for finding in findings
        ],
    }


def mock_warnings(report: Mapping[str, Any]) -> Iterator[str]:
    """The warnings of a report about its mocks, a sentence each; one place is told of once."""
    mocks = report.get("mocks")
    if mocks is None:
        return
    told: set[str] = set()
    for warning in mocks["warnings"]:
        hint = f" ({warning['suggestion']})" if warning["suggestion"] else ""
        told.add(_place(warning))
        yield f"{_place(warning)}: {warning['message']}{hint}"
    for unused in mocks["unused"]:
        if _place(unused) not in told:
            yield f"{_place(unused)}: {unused['what']} of the state {unused['state']!r} was never used"


def _place(entry: Mapping[str, Any]) -> str:
    place = f"{entry['file']}:{entry['line']}:{entry['column']}" if entry["line"] else entry["file"]
    return f"{place}: {entry['key']}"
