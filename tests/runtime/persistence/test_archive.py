"""The SQLite file: whose it is, and what is said where it cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from stepsim.runtime.persistence.archive import FILE_NAME, Archive, ArchiveError


def test_a_new_directory_is_made(tmp_path: Path) -> None:
    """A directory that is not there yet is as good as an empty one."""
    Archive.open(tmp_path / "a" / "b").close()
    Archive.open(tmp_path / "a" / "b").close()


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """The message names both formats and what to do."""
    Archive.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(ArchiveError, match=r"another version of stepsim \(its format is 7, this one reads 3\)"):
        Archive.open(tmp_path)


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    """It is left as it is."""
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(ArchiveError, match="not a database of stepsim's"):
        Archive.open(tmp_path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """A damaged file is named as such."""
    (tmp_path / FILE_NAME).write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ArchiveError, match="is not a database, or a damaged one"):
        Archive.open(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Damage behind a sound header is found when the file is opened or read."""
    Archive.open(tmp_path).close()
    path = tmp_path / FILE_NAME
    body = path.read_bytes()
    path.write_bytes(body[:100] + bytes(len(body) - 100))
    with pytest.raises(ArchiveError, match="is not a database, or a damaged one"):
        Archive.open(tmp_path)


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A path that leads to a file cannot hold the database."""
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="cannot be used to persist"):
        Archive.open(tmp_path / "file")


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A place that cannot be written to is named."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ArchiveError, match="cannot be opened and written"):
        Archive.open(tmp_path)


def test_two_cannot_have_one_directory(tmp_path: Path) -> None:
    """Each would believe that it knows it all."""
    first = Archive.open(tmp_path)
    with pytest.raises(ArchiveError, match="is in use by another process"):
        Archive.open(tmp_path)
    first.close()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """All of it is written, or none."""
    archive = Archive.open(tmp_path)

    def half() -> None:
        with archive.transaction():
            archive.put_machine("arn", b"{}")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        half()
    assert archive.machines() == []
    archive.close()
