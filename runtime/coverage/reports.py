"""Which reports are wanted, as an option says it, and where they go: the edge that reads sources and writes files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepsim.runtime.coverage.recorded import Recorded, text_of
from stepsim.runtime.coverage.report_html import html_report
from stepsim.runtime.coverage.report_json import json_report
from stepsim.runtime.coverage.report_term import term_report
from stepsim.runtime.coverage.report_xml import xml_report

TERM, TERM_MISSING = "term", "term-missing"

_TARGETS: Mapping[str, str] = {"html": "asl-htmlcov", "json": "asl-coverage.json", "xml": "asl-coverage.xml"}
"""Where a report goes that says nothing else: a folder or a file."""

FORMS = "term, term-missing, html[:FOLDER], json[:FILE], xml[:FILE]"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report, and where it goes; a terminal's goes nowhere else."""

    form: str
    target: Path | None = None


def wanted(text: str) -> Wanted:
    """A report as it is asked for: ``xml:build/coverage.xml``. Raises ValueError."""
    form, colon, target = text.partition(":")
    if form in (TERM, TERM_MISSING) and not colon:
        return Wanted(form)
    if form in _TARGETS and (target or not colon):
        return Wanted(form, Path(target or _TARGETS[form]))
    raise ValueError(f"{text!r} is none of the reports: {FORMS}")


def report(reports: Sequence[Wanted], records: Sequence[Recorded], root: Path, folder: Path, now_ms: int) -> list[str]:
    """Write the reports that are files into `folder`; returns the lines of those that are for the terminal.

    Definitions are named from `root`; `now_ms` is the time that is written.
    """
    lines: list[str] = []
    for one in reports:
        if one.target is None:
            lines += term_report(records, root, with_missing=one.form == TERM_MISSING)
            continue
        target = folder / one.target / "index.html" if one.form == "html" else folder / one.target
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_WRITTEN[one.form](records, root, now_ms), encoding="utf-8")
        shown = target.relative_to(folder) if target.is_relative_to(folder) else target
        lines.append(f"{one.form.upper()} written to {shown}")
    return lines


def _html(records: Sequence[Recorded], root: Path, _now_ms: int) -> str:
    sources: dict[tuple[str, int, str], str] = {}
    for record in records:
        path = Path(record.file)
        if not record.file:
            sources[record.key] = text_of(record.definition)
        elif path.is_file():
            sources[record.key] = path.read_text(encoding="utf-8")
    return html_report(records, root, sources)


_WRITTEN: Mapping[str, Callable[[Sequence[Recorded], Path, int], str]] = {
    "html": _html,
    "json": lambda records, root, _now_ms: json_report(records, root),
    "xml": xml_report,
}
