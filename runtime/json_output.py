"""What a command writes for programs: indented JSON on standard output, or in a file known to be writable."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import msgspec

from stepsim.asl.payload import JSON, written

STDOUT = "-"
"""Where a program reads from a pipe."""


def json_text(value: JSON) -> str:
    """The value's JSON in lines of two blanks' indent, its members in their order, with a newline at the end."""
    try:
        return msgspec.json.format(msgspec.json.encode(value, enc_hook=written), indent=2).decode() + "\n"
    except UnicodeEncodeError:
        # A lone surrogate, which JSON allows: written as the escape that it came as.
        return json.dumps(value, indent=2) + "\n"


def refuse_unwritable(target: str, option: str) -> None:
    """Raise click's BadParameter if the target cannot be written: before a long run, not after it.

    Nothing is written yet, so that a run that cannot start leaves an older file as it is.
    """
    if target == STDOUT:
        return
    path = Path(target)
    if path.is_dir():
        reason = "it is a folder"
    elif path.exists():
        reason = "" if os.access(path, os.W_OK) else "permission denied"
    elif not path.parent.is_dir():
        reason = f"there is no folder {path.parent}"
    else:
        reason = "" if os.access(path.parent, os.W_OK | os.X_OK) else f"permission denied in {path.parent}"
    if reason:
        raise click.BadParameter(f"{target} cannot be written: {reason}.", param_hint=option)


def write_json(value: JSON, target: str) -> None:
    """Write the value to a file, or to standard output where the target is ``-``. Raises OSError.

    A file is replaced as a whole: whoever reads it, or ends this program, finds the old text or the new one.
    """
    data = json_text(value).encode()
    if target == STDOUT:
        click.echo(data, nl=False)
        return
    path = Path(target).resolve()
    if not can_replace(target):
        path.write_bytes(data)
        return
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


def can_replace(target: str) -> bool:
    """True for a file that can be written more than once: no pipe and no device."""
    path = Path(target)
    return target != STDOUT and (path.is_file() or not path.exists())
