"""JSON for programs: its text, and the files it goes to."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from stepsim.runtime.json_output import can_replace, json_text, refuse_unwritable, write_json


def test_members_keep_their_order() -> None:
    """The text is indented, in the value's own order, with characters as they are and a newline at the end."""
    assert json_text({"b": [1, "é"], "a": {}}) == '{\n  "b": [\n    1,\n    "é"\n  ],\n  "a": {}\n}\n'


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    """JSON allows half of a pair; the text that comes out is still UTF-8."""
    assert json_text(["\ud83d"]) == '[\n  "\\ud83d"\n]\n'


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A report goes over an older one through a link, too, and leaves nothing beside it."""
    (tmp_path / "real.json").write_text("old, and longer than the new text")
    (tmp_path / "link.json").symlink_to("real.json")
    write_json([], str(tmp_path / "link.json"))
    assert (tmp_path / "real.json").read_text() == "[]\n"
    assert sorted(os.listdir(tmp_path)) == ["link.json", "real.json"]
    assert (tmp_path / "link.json").is_symlink()


def test_a_device_is_written_and_not_replaced(tmp_path: Path) -> None:
    """What is no file takes one report, at the end."""
    write_json([], os.devnull)
    assert not can_replace(os.devnull)
    assert not can_replace("-")
    assert can_replace(str(tmp_path / "new.json"))


def test_an_older_report_stays_until_there_is_a_new_one(tmp_path: Path) -> None:
    """To check a target is to touch nothing: neither an older report nor a new name."""
    older = tmp_path / "older.json"
    older.write_text("{}")
    refuse_unwritable(str(older), "--json")
    refuse_unwritable(str(tmp_path / "new.json"), "--json")
    assert (older.read_text(), os.listdir(tmp_path)) == ("{}", ["older.json"])


@pytest.mark.parametrize(("target", "reason"), [("", "it is a folder"), ("none/a.json", "there is no folder")])
def test_what_cannot_be_written_is_refused(tmp_path: Path, target: str, reason: str) -> None:
    """The message names the target and the reason."""
    with pytest.raises(click.BadParameter, match=reason):
        refuse_unwritable(str(tmp_path / target), "--json")
