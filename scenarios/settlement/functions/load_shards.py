"""After: loads a file in Lambda (``handler``) or in a container (``main``)."""

from __future__ import annotations

import os
from typing import Any

from shards import load


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """The file that an execution was started for."""
    return load(event["bucket"], event["key"], event["shards"])


def main(_event: dict[str, Any], _context: object) -> None:
    """The file that the container's environment names."""
    load(os.environ["BUCKET"], os.environ["KEY"], int(os.environ["SHARDS"]))
