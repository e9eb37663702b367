"""What definitions and their files are called in reports."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from stepsim.runtime.coverage.recorded import Recorded


def file_title(file: str, root: Path) -> str:
    """A file as it is named from a folder; in full where it lies outside of it. Slashes on every system."""
    relative = os.path.relpath(file, os.path.realpath(root))
    return (file if relative.startswith(os.pardir) else relative).replace(os.sep, "/")


def title(record: Recorded, root: Path) -> str:
    """A definition: its file, with the line where it begins in a template; its machine's name where it has no file."""
    if not record.file:
        return f"{record.name} (of no file)"
    named = file_title(record.file, root)
    return named if record.line == 1 else f"{named}:{record.line}"


def in_order(records: Iterable[Recorded], root: Path) -> list[tuple[str, Recorded]]:
    """Definitions with their titles: those of files by name, then the others."""
    titled = [(title(record, root), record) for record in records]
    return sorted(titled, key=lambda each: (not each[1].file, each[1].file, each[1].line, each[0]))
