"""Markdown as code hosts show it: texts that stay what they are, tables, and what is folded away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stepsim.runtime.console import printable

_SPECIAL = re.compile(r"[\\`*_\[\]|~@$<>&]|:(?=//)")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;", ":": "&#58;"}
"""As entities: what would begin a tag, mention somebody, or make a link of an address, whatever stands before it."""
_TICKS = re.compile("`+")


def plain(text: str) -> str:
    """A text that means nothing in Markdown, on one line."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), _one_line(text))


def code(text: str) -> str:
    """A text as code, on one line; safe within a table."""
    line = _one_line(text).replace("|", "\\|")
    if not line:
        return ""
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(line)), default=0))
    blank = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{blank}{line}{blank}{ticks}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """The lines of a table; cells are Markdown already. All columns but the first `left` are set to the right."""
    ruler = [":--" if index < left else "--:" for index in range(len(headers))]
    return [_row(headers), _row(ruler), *map(_row, rows), ""]


def folded(title: str, lines: Iterable[str]) -> list[str]:
    """Lines that are shown when somebody asks for them."""
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "</details>", ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())
