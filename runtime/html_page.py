"""HTML from plain values: a page with its style, headings, tables. Every text is escaped here, and only here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --dim: #888; --bad: #dc2626; --good: #059669; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1000px; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: right; vertical-align: top; }
th { color: var(--dim); font-weight: 500; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.dim { color: var(--dim); }
svg { width: 100%; height: auto; }
svg text { fill: currentColor; font-size: 11px; }
.grid { stroke: var(--line); }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; }
"""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, text: str, kind: str = "") -> Html:
    """An element around a text, with a class of the style's."""
    marked = f' class="{kind}"' if kind else ""
    return Html(f"<{tag}{marked}>{text if isinstance(text, Html) else escape(text)}</{tag}>")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """A table, its first column aligned to the left; without rows, nothing."""
    lines = ["".join(element("td", cell) for cell in row) for row in rows]
    if not lines:
        return Html()
    head = f"<tr>{''.join(element('th', header) for header in headers)}</tr>" if headers else ""
    return Html(f"<table>{head}{''.join(f'<tr>{line}</tr>' for line in lines)}</table>\n")


def section(title: str, *parts: Html) -> Html:
    """A heading and what stands below it; nothing where there is nothing."""
    body = "".join(parts)
    return Html(f"{element('h2', title)}\n{body}\n" if body else "")


def legend(names: Iterable[tuple[str, str]]) -> Html:
    """Names with their colours."""
    shown = "".join(f'<span><i style="background:{colour}"></i> {escape(name)}</span>' for name, colour in names)
    return Html(f'<p class="legend">{shown}</p>')


def page(title: str, *parts: Html) -> str:
    """A whole page. It loads nothing."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{"".join(parts)}</body></html>\n'
