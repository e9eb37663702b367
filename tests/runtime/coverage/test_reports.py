"""Reports of coverage, in each form."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from stepsim.asl.parse import parse
from stepsim.runtime.coverage.recorded import Recorded, of_document, of_value
from stepsim.runtime.coverage.report_term import term_report
from stepsim.runtime.coverage.reports import Wanted, report, wanted
from stepsim.runtime.coverage.totals import shown

TEXT = """{
  "StartAt": "Check",
  "States": {
    "Check": {
      "Type": "Choice",
      "Choices": [
        {"Variable": "$.a", "IsNull": true, "Next": "Yes"}
      ],
      "Default": "No"
    },
    "Yes": {"Type": "Pass", "Next": "No", "Comment": "a <tag>"},
    "No": {"Type": "Succeed"}
  }
}
"""
HITS = {"/States/Check": 3, "/States/Check/Choices[0] false": 3, "/States/Check/Default": 3, "/States/No": 3}


@pytest.fixture
def records(tmp_path: Path) -> list[Recorded]:
    """A definition that is covered for the most part, and one without a file."""
    (tmp_path / "machines").mkdir()
    file = tmp_path / "machines" / "check.asl.json"
    file.write_text(TEXT)
    value = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    return [of_value("made", value, {"/States/A": 1}), of_document(parse(TEXT, str(file)), HITS)]


def test_the_terminal_shows_a_table_and_what_is_missing(records: list[Recorded], tmp_path: Path) -> None:
    """Of a state that was never entered nothing else is listed."""
    assert term_report(records, tmp_path, with_missing=True) == [
        "definition               states  missed  branches  missed  cover",
        "────────────────────────────────────────────────────────────────",
        "machines/check.asl.json       3       1         4       2   57 %",
        "made (of no file)             1       0         0       0  100 %",
        "────────────────────────────────────────────────────────────────",
        "total                         4       1         4       2   62 %",
        "",
        "machines/check.asl.json",
        "   7:9  Check  Choices[0] never true (Yes)",
        "  11:5  Yes    never entered",
    ]


def test_nothing_run_is_told(tmp_path: Path) -> None:
    """An empty table would look like success."""
    assert term_report([], tmp_path) == ["No state machine was run."]


def test_json_has_every_goal(records: list[Recorded], tmp_path: Path) -> None:
    """Goals have their place, their hits, and what is missing in words."""
    said = report([wanted("json:out/coverage.json")], records, tmp_path, tmp_path, 0)
    assert said == ["JSON written to out/coverage.json"]
    found = json.loads((tmp_path / "out" / "coverage.json").read_text())
    assert found["totals"] == {
        "states": 4,
        "covered_states": 3,
        "branches": 4,
        "covered_branches": 2,
        "percent": 62.5,
    }
    in_file, made = found["definitions"]
    assert (in_file["file"], made["file"], made["name"]) == ("machines/check.asl.json", None, "made")
    assert in_file["goals"][1] == {
        "id": "/States/Check/Choices[0] true",
        "kind": "choice",
        "state": "Check",
        "line": 7,
        "column": 9,
        "hits": 0,
        "missing": "Choices[0] never true (Yes)",
    }


def test_cobertura_has_the_lines_of_the_definition(records: list[Recorded], tmp_path: Path) -> None:
    """A line is hit as often as its state; goals that share a line are its conditions."""
    report([wanted("xml")], records, tmp_path, tmp_path, 1_700_000_000_000)
    root = Xml.parse(tmp_path / "asl-coverage.xml").getroot()
    assert (root.get("timestamp"), root.findtext("sources/source")) == ("1700000000000", str(tmp_path.resolve()))
    assert root.get("line-rate") == "0.8"
    assert (root.get("lines-covered"), root.get("lines-valid")) == ("4", "5")
    assert (root.get("branches-covered"), root.get("branches-valid")) == ("1", "4")
    (told,) = root.iter("class")
    assert (told.get("filename"), told.get("name")) == ("machines/check.asl.json", "check.asl.json")
    assert [line.attrib for line in told.iter("line")] == [
        {"number": "4", "hits": "3"},
        {"number": "7", "hits": "3", "branch": "true", "condition-coverage": "50% (1/2)"},
        {"number": "9", "hits": "3"},
        {"number": "11", "hits": "0", "branch": "true", "condition-coverage": "0% (0/2)"},
        {"number": "12", "hits": "3"},
    ]


class _Lines(HTMLParser):
    """The classes of the lines of a page's definitions, and all its text."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str] = []
        self.text = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = self._inside or tag == "pre"
        if tag == "span" and self._inside:
            self.kinds.append(dict(attrs)["class"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_marks_the_lines(records: list[Recorded], tmp_path: Path) -> None:
    """Each line of the source is covered, covered in part, missed, or nothing to cover."""
    report([wanted("html:page")], records, tmp_path, tmp_path, 0)
    page = _Lines()
    page.feed((tmp_path / "page" / "index.html").read_text())
    assert page.kinds[:14] == ["", "", "", "hit", "", "", "part", "", "hit", "", "miss", "hit", "", ""]
    assert 'a <tag>"' in page.text
    assert "Choices[0] never true (Yes)" in page.text


def test_a_source_that_is_gone_is_told(records: list[Recorded], tmp_path: Path) -> None:
    """The page is written all the same."""
    (tmp_path / "machines" / "check.asl.json").unlink()
    report([wanted("html")], records, tmp_path, tmp_path, 0)
    assert "no longer there" in (tmp_path / "asl-htmlcov" / "index.html").read_text()


@pytest.mark.parametrize("text", ["", "pdf", "term:file", "html:", "xml:"])
def test_other_reports_are_refused(text: str) -> None:
    """What is not known is an error that names what is."""
    with pytest.raises(ValueError, match="term-missing"):
        wanted(text)


def test_reports_go_where_they_are_sent() -> None:
    """A colon and a target, or a place of their own."""
    assert wanted("html") == Wanted("html", Path("asl-htmlcov"))
    assert wanted("xml:build/c.xml") == Wanted("xml", Path("build/c.xml"))
    assert wanted("term-missing") == Wanted("term-missing")


@pytest.mark.parametrize(
    ("percent", "text"), [(0, "0 %"), (0.2, "1 %"), (62.5, "62 %"), (99.9, "99 %"), (100, "100 %")]
)
def test_only_all_is_shown_as_100(percent: float, text: str) -> None:
    """A goal that is missing cannot be rounded away."""
    assert shown(percent) == text
