"""Coverage as one HTML page that needs nothing else: a table, and each definition with its lines marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from stepsim.runtime.coverage.recorded import Recorded
from stepsim.runtime.coverage.titles import in_order
from stepsim.runtime.coverage.totals import LineGoals, figures_of, lines_of, shown
from stepsim.runtime.html_page import Html, element, page, table

_STYLE = Html("""<style>
pre { border: 1px solid var(--line); padding: .5rem 0; overflow-x: auto; font-size: 12px; }
pre span { display: flex; min-width: max-content; padding: 0 .8rem; border-left: 4px solid transparent; }
pre i { flex: none; width: 3.5em; color: var(--dim); font-style: normal; user-select: none; }
pre b { font-weight: 500; margin-left: auto; padding-left: 3rem; }
.hit { border-left-color: #059669; }
.part { border-left-color: #d97706; background: #d9770618; }
.miss { border-left-color: #dc2626; background: #dc262618; }
.part b { color: #d97706; }
.miss b { color: #dc2626; }
</style>
""")


def html_report(records: Sequence[Recorded], root: Path, sources: Mapping[tuple[str, int, str], str]) -> str:
    """The page. `sources` are the texts of the definitions' files, by the keys of what was recorded."""
    titled = in_order(records, root)
    parts = [_STYLE, element("h1", f"Coverage of state machines: {shown(figures_of(records).percent)}")]
    parts.append(table(("definition", "states", "missed", "branches", "missed", "cover"), _rows(titled)))
    for number, (name, record) in enumerate(titled):
        parts.append(Html(f'<h2 id="d{number}">{escape(name)}</h2>\n'))
        parts.append(_source(sources.get(record.key), lines_of([record])))
    return page("Coverage of state machines", *parts)


def _rows(titled: Iterable[tuple[str, Recorded]]) -> Iterable[Sequence[str]]:
    for number, (name, record) in enumerate(titled):
        figures = figures_of([record])
        yield (
            Html(f'<a href="#d{number}">{escape(name)}</a>'),
            str(figures.states),
            str(figures.states - figures.covered_states),
            str(figures.branches),
            str(figures.branches - figures.covered_branches),
            element("span", shown(figures.percent), "good" if figures.covered == figures.goals else "bad"),
        )


def _source(text: str | None, lines: Sequence[LineGoals]) -> Html:
    if text is None:
        return element("p", "The file is no longer there.", "dim")
    known = {line.line: line for line in lines}
    shown_lines = (_line(number, each, known.get(number)) for number, each in enumerate(text.splitlines(), 1))
    return Html(f"<pre>{''.join(shown_lines)}</pre>\n")


def _line(number: int, text: str, goals: LineGoals | None) -> str:
    kind, note = "", ""
    if goals is not None:
        kind = "hit" if goals.covered == len(goals.goals) else "part" if goals.covered else "miss"
        unreached = [goal for goal, hits in goals.goals if not hits]
        never_entered = {goal.state for goal in unreached if goal.is_state}
        never = [goal.missing for goal in unreached if goal.is_state or goal.state not in never_entered]
        note = f"<b>{escape('; '.join(never) if never else f'{goals.hits} ×')}</b>"
    return f'<span class="{kind}"><i>{number}</i>{escape(text) or " "}{note}</span>'
