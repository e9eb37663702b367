"""What was counted, put together, written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepsim.asl.parse import parse
from stepsim.runtime.coverage.recorded import (
    Recorded,
    Unreadable,
    attributed,
    fits,
    merged,
    of_document,
    of_value,
    read,
    with_earlier,
    write,
)

ONE = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
OTHER = ONE.replace('"A"', '"B"')


def in_file(path: Path, text: str, **hits: int) -> Recorded:
    """A definition that stands in a file."""
    path.write_text(text)
    return of_document(parse(text, str(path)), {f"/States/{state}": count for state, count in hits.items()})


def test_hits_of_one_definition_add_up(tmp_path: Path) -> None:
    """What two workers have counted of a file is one record."""
    (together,) = merged([in_file(tmp_path / "a.asl.json", ONE, A=2), in_file(tmp_path / "a.asl.json", ONE, A=3)])
    assert together.hits == {"/States/A": 5}


def test_definitions_without_a_file_are_told_apart_by_what_they_say() -> None:
    """The same name is not enough to be the same."""
    one, other = parse(ONE).value, parse(OTHER).value
    records = [of_value("m", one, {"/States/A": 1}), of_value("m", other, {}), of_value("m", one, {"/States/A": 1})]
    assert [dict(record.hits) for record in merged(records)] == [{"/States/A": 2}, {}]


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """A record comes back as it was."""
    records = [in_file(tmp_path / "a.asl.json", ONE, A=2), of_value("m", parse(OTHER).value, {"/States/B": 1})]
    assert read(write(records)) == records


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"stepsim_asl_coverage": 99, "definitions": []}'])
def test_what_is_no_coverage_cannot_be_read(text: str) -> None:
    """Neither other files nor those of other versions are taken for it."""
    with pytest.raises(Unreadable):
        read(text)


def test_earlier_counts_are_dropped_where_the_definition_has_changed(tmp_path: Path) -> None:
    """Lines and rules of a text that is no more say nothing about the new one."""
    same, changed = tmp_path / "same.asl.json", tmp_path / "changed.asl.json"
    earlier = [in_file(same, ONE, A=1), in_file(changed, ONE, A=1), in_file(tmp_path / "gone.asl.json", ONE, A=1)]
    (tmp_path / "gone.asl.json").unlink()
    together = with_earlier([in_file(changed, OTHER, B=1)], earlier)
    assert {Path(record.file).name: dict(record.hits) for record in together} == {
        "changed.asl.json": {"/States/B": 1},
        "same.asl.json": {"/States/A": 1},
    }


def test_a_definition_without_a_file_counts_for_the_file_it_was_made_from(tmp_path: Path) -> None:
    """What a client has created of a definition, with its placeholders filled in, covers that definition."""
    text = ONE.replace('"Type"', '"Comment": "for ${Stage}", "Type"')
    run = of_value("created", parse(text.replace("${Stage}", "test")).value, {"/States/A": 2})
    other = of_value("other", parse(OTHER).value, {"/States/B": 1})
    found = attributed([in_file(tmp_path / "a.asl.json", text, A=1), run, other])
    assert [(record.name, dict(record.hits)) for record in found] == [
        ("", {"/States/A": 3}),
        ("other", {"/States/B": 1}),
    ]


@pytest.mark.parametrize(
    ("written", "run", "alike"),
    [
        ("${A}", {"any": "thing"}, True),
        ("arn:${A}:x", "arn:aws:x", True),
        ("arn:${A}:x", "arn:aws:y", False),
        ("arn:${A}:x", 1, False),
        ({"a": [1, "${B}"]}, {"a": [1, 2]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": 1}, {"b": 1}, False),
        (1, True, False),
    ],
)
def test_placeholders_fit_what_they_may_become(written: Any, run: Any, alike: bool) -> None:
    """Everything else has to be the same."""
    assert fits(written, run) is alike
