"""The SQLite file: its tables, and every statement that is ever made. It knows rows and bytes, and no records.

A file in a directory outlives the process: WAL, and one process at a time. A temporary one holds what no longer fits
into memory; SQLite deletes it by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "stepsim.sqlite"

FORMAT = 3
"""The version of the tables below; a file of another version is refused."""

_APPLICATION = 0x73746570
"""What SQLite's header says whose file it is: "step"."""

_PAGE = 100
"""How many rows of a list are read at once."""

_TABLES = """
CREATE TABLE machines (arn TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE activities (arn TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE revisions (key INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE executions (
    seq INTEGER PRIMARY KEY,
    arn TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    moved_ms INTEGER NOT NULL,
    stop_ms INTEGER,
    revision INTEGER NOT NULL,
    events INTEGER NOT NULL,
    input BLOB NOT NULL,
    output BLOB,
    facts BLOB NOT NULL
);
CREATE INDEX newest ON executions (owner, moved_ms, seq);
CREATE INDEX oldest ON executions (stop_ms) WHERE stop_ms IS NOT NULL;
CREATE TABLE events (
    execution INTEGER NOT NULL,
    first_id INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (execution, first_id)
);
CREATE TABLE points (execution INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE map_runs (arn TEXT PRIMARY KEY, execution_arn TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX opened ON map_runs (execution_arn);
CREATE TABLE objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, facts BLOB NOT NULL, body BLOB, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE parts (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (bucket, key, number)
);
CREATE TABLE items (
    tablename TEXT NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (tablename, key)
) WITHOUT ROWID;
"""

_EXECUTION = "seq, arn, owner, status, moved_ms, stop_ms, revision, events, input, output, facts"


class ArchiveError(Exception):
    """The file cannot be used; the message is one sentence that says why."""


class ExecutionRow(NamedTuple):
    """An execution as it is stored."""

    seq: int
    arn: str
    owner: str
    """The ARN of its machine or, for a child, of its map run: what lists are made of."""
    status: str
    moved_ms: int
    """What lists are sorted by."""
    stop_ms: int | None
    revision: int
    events: int
    """How many there are in its history."""
    input: bytes
    output: bytes | None
    facts: bytes


class Place(NamedTuple):
    """Where an execution stands in lists, newest first."""

    moved_ms: int
    seq: int


LATEST = Place(1 << 62, 1 << 62)
"""Before all others."""


class Archive:
    """An open file. Raises ArchiveError for whatever SQLite cannot do."""

    def __init__(self, connection: sqlite3.Connection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._execute = connection.execute
        self._last_execution = 0
        self._last_revision = 0

    @classmethod
    def open(cls, directory: Path) -> Archive:
        """The file of a directory, both made where they are missing."""
        path = directory / FILE_NAME
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArchiveError(f"{directory} cannot be used to persist: {error.strerror or error}.") from None
        archive: Archive | None = None
        try:
            archive = cls(sqlite3.connect(path, timeout=0, isolation_level=None), str(path))
            archive._claim()
        except (sqlite3.Error, ArchiveError) as error:
            if archive is not None:
                archive._connection.close()
            raise _explained(error, path) from None
        return archive

    @classmethod
    def temporary(cls) -> Archive:
        """A file that nobody sees and that is gone when it is closed, or with the process."""
        archive = cls(sqlite3.connect("", isolation_level=None), "the temporary archive")
        archive._execute("PRAGMA journal_mode = OFF")
        archive._execute("PRAGMA synchronous = OFF")
        archive._execute("PRAGMA cache_size = -8192")
        archive._connection.executescript(_TABLES)
        return archive

    def _claim(self) -> None:
        """Take the file for this process, and make its tables or see that they are ours."""
        execute = self._execute
        # Exclusive: two servers in one directory would each believe that they know it all.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; only a power cut may cost the last moments.
        execute("PRAGMA synchronous = NORMAL")
        execute("BEGIN IMMEDIATE")
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            execute("COMMIT")
            self._connection.executescript(
                f"BEGIN; PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {FORMAT}; {_TABLES} COMMIT;"
            )
            execute("BEGIN IMMEDIATE")
        elif application != _APPLICATION:
            raise ArchiveError(f"{self._place} is not a database of stepsim's.")
        elif version != FORMAT:
            raise ArchiveError(
                f"{self._place} was written by another version of stepsim "
                f"(its format is {version}, this one reads {FORMAT}): use that one, or another directory."
            )
        self._last_execution = execute("SELECT coalesce(max(seq), 0) FROM executions").fetchone()[0]
        self._last_revision = execute("SELECT coalesce(max(key), 0) FROM revisions").fetchone()[0]
        execute("COMMIT")

    def close(self) -> None:
        """Give the file up."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is there afterwards, or none of it."""
        try:
            self._execute("BEGIN")
            try:
                yield
            except BaseException:
                self._execute("ROLLBACK")
                raise
            self._execute("COMMIT")
        except sqlite3.Error as error:
            raise _explained(error, self._place) from error

    # -- machines, activities, revisions --------------------------------------------------------------------------

    def put_machine(self, arn: str, body: bytes) -> None:
        """Write a machine, or write it anew."""
        self._execute("INSERT INTO machines VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", (arn, body))

    def delete_machine(self, arn: str) -> None:
        """Forget a machine; its executions stay until their time is over."""
        self._execute("DELETE FROM machines WHERE arn = ?", (arn,))

    def machines(self) -> list[bytes]:
        """All machines in the order in which they were made."""
        return [body for (body,) in self._execute("SELECT body FROM machines ORDER BY rowid")]

    def put_activity(self, arn: str, body: bytes) -> None:
        """Write an activity, or write it anew."""
        self._execute(
            "INSERT INTO activities VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", (arn, body)
        )

    def delete_activity(self, arn: str) -> None:
        """Forget an activity."""
        self._execute("DELETE FROM activities WHERE arn = ?", (arn,))

    def activities(self) -> list[bytes]:
        """All activities in the order in which they were made."""
        return [body for (body,) in self._execute("SELECT body FROM activities ORDER BY rowid")]

    def add_revision(self, body: bytes) -> int:
        """Write a machine's revision; returns its key."""
        self._last_revision += 1
        self._execute("INSERT INTO revisions VALUES (?, ?)", (self._last_revision, body))
        return self._last_revision

    def revision(self, key: int) -> bytes:
        """A revision by its key."""
        body: bytes = self._execute("SELECT body FROM revisions WHERE key = ?", (key,)).fetchone()[0]
        return body

    # -- executions -----------------------------------------------------------------------------------------------

    def next_seq(self) -> int:
        """A number for an execution that is going to be written: they grow in the order of starts."""
        self._last_execution += 1
        return self._last_execution

    def put_execution(self, row: ExecutionRow) -> None:
        """Write an execution, or write it anew under its number."""
        self._execute(f"INSERT OR REPLACE INTO executions ({_EXECUTION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def execution(self, arn: str) -> ExecutionRow | None:
        """An execution by its ARN."""
        row = self._execute(f"SELECT {_EXECUTION} FROM executions WHERE arn = ?", (arn,)).fetchone()
        return None if row is None else ExecutionRow(*row)

    def newest_first(self, owner: str, place: Place, status: str | None) -> Iterator[ExecutionRow]:
        """The executions of a machine, or the children of a map run, from a place on; rows may be written meanwhile.

        With a status, only those that have it.
        """
        compared = "<="
        while True:
            rows = self._execute(
                f"SELECT {_EXECUTION} FROM executions WHERE owner = ? AND (moved_ms, seq) {compared} (?, ?) "
                f"AND status = coalesce(?, status) ORDER BY moved_ms DESC, seq DESC LIMIT {_PAGE}",
                (owner, *place, status),
            ).fetchall()
            for row in rows:
                yield ExecutionRow(*row)
            if len(rows) < _PAGE:
                return
            compared, place = "<", Place(rows[-1][4], rows[-1][0])

    def running(self) -> list[ExecutionRow]:
        """What had not ended when the file was written last."""
        rows = self._execute(f"SELECT {_EXECUTION} FROM executions WHERE stop_ms IS NULL ORDER BY seq")
        return [ExecutionRow(*row) for row in rows]

    def delete_execution(self, arn: str) -> None:
        """Forget an execution, its history and its map runs."""
        found = self._execute("SELECT seq FROM executions WHERE arn = ?", (arn,)).fetchone()
        if found is not None:
            self._delete(found[0], arn)

    def _delete(self, seq: int, arn: str) -> None:
        self._delete_where("owner IN (SELECT arn FROM map_runs WHERE execution_arn = ?)", arn)
        self._execute("DELETE FROM map_runs WHERE execution_arn = ?", (arn,))
        self._execute("DELETE FROM events WHERE execution = ?", (seq,))
        self.delete_point(seq)
        self._execute("DELETE FROM executions WHERE seq = ?", (seq,))

    def delete_executions(self, machine_arn: str) -> None:
        """Forget the executions of a machine, their map runs and the children of these."""
        runs = "FROM map_runs WHERE execution_arn IN (SELECT arn FROM executions WHERE owner = ?)"
        self._delete_where(f"owner IN (SELECT arn {runs})", machine_arn)
        self._execute(f"DELETE {runs}", (machine_arn,))
        self._delete_where("owner = ?", machine_arn)

    def _delete_where(self, condition: str, parameter: str) -> None:
        for table in ("events", "points"):
            self._execute(
                f"DELETE FROM {table} WHERE execution IN (SELECT seq FROM executions WHERE {condition})", (parameter,)
            )
        self._execute(f"DELETE FROM executions WHERE {condition}", (parameter,))

    def purge(self, before_ms: int) -> None:
        """Forget the executions that ended before a moment."""
        old = self._execute("SELECT seq, arn FROM executions WHERE stop_ms < ?", (before_ms,)).fetchall()
        for seq, arn in old:
            self._delete(seq, arn)

    # -- histories ------------------------------------------------------------------------------------------------

    def count_events(self, execution: int, events: int) -> None:
        """Note how many events the history of a running execution has."""
        self._execute("UPDATE executions SET events = ? WHERE seq = ?", (events, execution))

    def delete_events(self, execution: int) -> None:
        """Forget a history that is going to be written anew."""
        self._execute("DELETE FROM events WHERE execution = ?", (execution,))

    def add_events(self, execution: int, first_id: int, body: bytes) -> None:
        """Write a page of events that follow on what is there."""
        self._execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?)", (execution, first_id, body))

    def event_page(self, execution: int, event_id: int) -> tuple[int, bytes]:
        """The page that an event is on, and the id of the page's first event."""
        first_id, body = self._execute(
            "SELECT first_id, body FROM events WHERE execution = ? AND first_id <= ? ORDER BY first_id DESC LIMIT 1",
            (execution, event_id),
        ).fetchone()
        return first_id, body

    # -- where running executions stand ---------------------------------------------------------------------------

    def put_point(self, execution: int, body: bytes) -> None:
        """Write where a running execution stands."""
        self._execute("INSERT OR REPLACE INTO points VALUES (?, ?)", (execution, body))

    def point(self, execution: int) -> bytes | None:
        """Where an execution stood when it was written last."""
        found = self._execute("SELECT body FROM points WHERE execution = ?", (execution,)).fetchone()
        return None if found is None else found[0]

    def delete_point(self, execution: int) -> None:
        """Forget where an execution stood: it has ended."""
        self._execute("DELETE FROM points WHERE execution = ?", (execution,))

    # -- what lies in the account ---------------------------------------------------------------------------------

    def put_object(self, bucket: str, key: str, facts: bytes, body: bytes | None, parts: Iterable[bytes] = ()) -> None:
        """Write an object of a bucket; a body of None says that there is none.

        One that is too large for a row, which holds 1 GB, comes in `parts`.
        """
        self._execute("DELETE FROM parts WHERE bucket = ? AND key = ?", (bucket, key))
        self._execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (bucket, key, facts, body))
        for number, part in enumerate(parts):
            self._execute("INSERT INTO parts VALUES (?, ?, ?, ?)", (bucket, key, number, part))

    def parts(self, bucket: str, key: str) -> Iterator[bytes]:
        """The parts of an object that was written in parts, in their order."""
        rows = self._execute("SELECT body FROM parts WHERE bucket = ? AND key = ? ORDER BY number", (bucket, key))
        for (part,) in rows:
            yield part

    def objects(self) -> Iterator[tuple[str, str, bytes, bytes | None]]:
        """Bucket, key, facts and body of all objects that were written. Nothing may be written meanwhile."""
        yield from self._execute("SELECT bucket, key, facts, body FROM objects")

    def put_item(self, table: str, key: str, record: bytes | None) -> None:
        """Write an item of a table, or forget it."""
        if record is None:
            self._execute("DELETE FROM items WHERE tablename = ? AND key = ?", (table, key))
        else:
            self._execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (table, key, record))

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Table and record of all items that were written. Nothing may be written meanwhile."""
        yield from self._execute("SELECT tablename, record FROM items")

    # -- map runs -------------------------------------------------------------------------------------------------

    def put_map_run(self, arn: str, execution_arn: str, body: bytes) -> None:
        """Write a map run, or write it anew."""
        self._execute(
            "INSERT INTO map_runs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            (arn, execution_arn, body),
        )

    def map_run(self, arn: str) -> bytes | None:
        """A map run by its ARN."""
        found = self._execute("SELECT body FROM map_runs WHERE arn = ?", (arn,)).fetchone()
        return None if found is None else found[0]

    def map_runs_of(self, execution_arn: str) -> list[bytes]:
        """The map runs that an execution opened, newest first."""
        rows = self._execute("SELECT body FROM map_runs WHERE execution_arn = ? ORDER BY rowid DESC", (execution_arn,))
        return [body for (body,) in rows]

    def map_runs(self) -> list[bytes]:
        """All map runs, in the order in which they were opened."""
        return [body for (body,) in self._execute("SELECT body FROM map_runs ORDER BY rowid")]


def _explained(error: Exception, place: object) -> ArchiveError:
    """What SQLite said, as one sentence for whoever named the directory."""
    if isinstance(error, ArchiveError):
        return error
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ArchiveError(f"{place} is in use by another process.")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return ArchiveError(f"{place} is not a database, or a damaged one: {error}.")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return ArchiveError(f"{place} cannot be opened and written: {error}.")
    return ArchiveError(f"{place} cannot be written: {error}.")
