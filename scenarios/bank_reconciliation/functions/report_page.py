"""The report for people: one HTML page that needs nothing else, in light or dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

LABELS = {
    "exact": "Exact",
    "tolerance": "Within a fee",
    "fx": "In another currency",
    "split": "Split payments",
    "MISSING_INTERNAL": "Not in the books",
    "MISSING_BANK": "Not at the bank",
    "DUPLICATE": "Booked twice",
    "AMOUNT_MISMATCH": "Another amount",
    "DATE_OUT_OF_RANGE": "Too far apart",
    "UNKNOWN_RATE": "No exchange rate",
    "MISSING_FILE": "Internal file missing",
    "EMPTY_FILE": "File empty",
    "UNREADABLE_FILE": "File unreadable",
}

STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085; --line: #e4e7ec; --ground: #f7f8fa; --card: #fff;
  --good: #16794c; --bad: #b42318; --bar: #3b6fd4 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #98a2b3; --line: #2b3344; --ground: #12161f;
  --card: #1a202c; --good: #4cc38a; --bad: #ff7a6e; --bar: #6f9bf0 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem } h2 { font-size: 1.05rem; margin: 0 0 .75rem }
p.run { color: var(--soft); margin: 0 0 2rem; overflow-wrap: anywhere }
.cards, .columns { display: grid; gap: 1rem; margin-bottom: 1rem }
.cards { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)) }
.columns { grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)) }
section, .cards > div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1.1rem }
.cards b { display: block; font-size: 1.65rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.cards span { color: var(--soft); font-size: .9rem } .good { color: var(--good) } .bad { color: var(--bad) }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
td { padding: .35rem 0; border-top: 1px solid var(--line) } tr:first-child td { border-top: 0 }
td:last-child { text-align: right; white-space: nowrap; padding-left: .75rem } td.bar { width: 35% }
td.bar i { display: block; height: .5rem; min-width: 2px; border-radius: .25rem; background: var(--bar) }
a { color: var(--bar) }
""".strip()


def render(run_id: str, business_date: str, totals: Mapping[str, Any], unfinished_pairs: int) -> str:
    """The page of a run. `totals` is what the aggregation returns."""
    cards = [
        _card(f"{totals['pairs']:,}", "pairs of files"),
        _card(_share_matched(totals), "of the bank's transactions matched"),
        _card(f"{sum(totals['exceptions'].values()):,}", "exceptions"),
        _card(f"{totals['failedPairs']:,}", "pairs failed", "bad" if totals["failedPairs"] else "good"),
        _card(f"{totals['flaggedTransactions']:,}", "with a flagged counterparty"),
    ]
    if unfinished_pairs:
        cards.append(_card(f"{unfinished_pairs:,}", "pairs without a result", "bad"))
    money = {currency: cents / 100 for currency, cents in totals["matchedCents"].items()}
    tables = [
        _section("Matches", _bars(totals["matches"])),
        _section("Exceptions", _bars(totals["exceptions"])),
        _section("Matched, by currency", _table({name: f"{amount:,.2f}" for name, amount in money.items()})),
        _section("Failed pairs", _bars(totals["failures"])),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bank reconciliation, {escape(business_date)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<main>
<h1>Bank reconciliation, {escape(business_date)}</h1>
<p class="run">Run {escape(run_id)} · <a href="summary.csv">totals</a> ·
<a href="exceptions.csv">every exception</a></p>
<div class="cards">
{"".join(cards)}
</div>
<div class="columns">
{"".join(tables)}
</div>
</main>
</body>
</html>
"""


def _share_matched(totals: Mapping[str, Any]) -> str:
    transactions = totals["transactions"]
    at_bank = transactions["bank"]
    return f"{100 * (at_bank - transactions['bankUnmatched']) / at_bank:.2f} %" if at_bank else "—"


def _card(figure: str, label: str, tone: str = "") -> str:
    return f'<div><b class="{tone}">{figure}</b><span>{escape(label)}</span></div>\n'


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}</section>\n"


def _bars(counts: Mapping[str, int]) -> str:
    largest = max(counts.values(), default=0) or 1
    rows = (
        f'<tr><td>{escape(LABELS.get(name, name))}</td><td class="bar">'
        f'<i style="width:{100 * count / largest:.1f}%"></i></td><td>{count:,}</td></tr>\n'
        for name, count in sorted(counts.items(), key=lambda entry: -entry[1])
    )
    return _rows("".join(rows))


def _table(values: Mapping[str, str]) -> str:
    return _rows("".join(f"<tr><td>{escape(name)}</td><td>{value}</td></tr>\n" for name, value in values.items()))


def _rows(rows: str) -> str:
    return f"<table>\n{rows}</table>\n" if rows else "<p>None.</p>\n"
