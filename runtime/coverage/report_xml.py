"""Coverage as Cobertura XML, which CI servers and review tools read: files, their lines, and conditions on these."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as Xml

from stepsim.runtime.coverage.recorded import Recorded
from stepsim.runtime.coverage.titles import file_title
from stepsim.runtime.coverage.totals import LineGoals, lines_of

_DOCTYPE = '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'


def xml_report(records: Sequence[Recorded], root: Path, now_ms: int) -> str:
    """The text of the report. A line is hit where its state or field was; goals that share one are its conditions.

    Definitions without a file are left out: there are no lines that a reader could look at. `now_ms` is when.
    """
    files: dict[str, list[Recorded]] = {}
    for record in records:
        if record.file:
            files.setdefault(file_title(record.file, root), []).append(record)
    lines = {name: lines_of(files[name]) for name in sorted(files)}
    every = [line for each in lines.values() for line in each]
    coverage = Xml.Element("coverage", _rates(every, totals=True))
    coverage.set("complexity", "0")
    coverage.set("version", f"stepsim {version('stepsim')}")
    coverage.set("timestamp", str(now_ms))
    Xml.SubElement(Xml.SubElement(coverage, "sources"), "source").text = str(root.resolve())
    packages = Xml.SubElement(coverage, "packages")
    for folder in sorted({str(PurePosixPath(name).parent) for name in lines}):
        within = [name for name in lines if str(PurePosixPath(name).parent) == folder]
        own = [line for name in within for line in lines[name]]
        package = Xml.SubElement(packages, "package", {"name": folder, **_rates(own), "complexity": "0"})
        classes = Xml.SubElement(package, "classes")
        for name in within:
            _class(classes, name, lines[name])
    Xml.indent(coverage)
    return f'<?xml version="1.0" ?>\n{_DOCTYPE}\n{Xml.tostring(coverage, encoding="unicode")}\n'


def _class(classes: Xml.Element, name: str, lines: Sequence[LineGoals]) -> None:
    told = {"name": PurePosixPath(name).name, "filename": name, **_rates(lines), "complexity": "0"}
    told_lines = Xml.SubElement(classes, "class", told)
    Xml.SubElement(told_lines, "methods")
    within = Xml.SubElement(told_lines, "lines")
    for line in lines:
        attributes = {"number": str(line.line), "hits": str(line.hits)}
        if _has_conditions(line):
            percent = 100 * line.covered // len(line.goals)
            attributes["branch"] = "true"
            attributes["condition-coverage"] = f"{percent}% ({line.covered}/{len(line.goals)})"
        Xml.SubElement(within, "line", attributes)


def _has_conditions(line: LineGoals) -> bool:
    return len(line.goals) > 1


def _rates(lines: Sequence[LineGoals], *, totals: bool = False) -> dict[str, str]:
    hit = sum(1 for line in lines if line.hits)
    conditions = [line for line in lines if _has_conditions(line)]
    branches = sum(len(line.goals) for line in conditions)
    taken = sum(line.covered for line in conditions)
    counts = {"lines-covered": hit, "lines-valid": len(lines), "branches-covered": taken, "branches-valid": branches}
    return {
        "line-rate": _rate(hit, len(lines)),
        "branch-rate": _rate(taken, branches),
        **({name: str(count) for name, count in counts.items()} if totals else {}),
    }


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.4g}" if whole else "1"
