"""What the account did, as tables of a report's page: executions, triggers, queues, containers, DynamoDB tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from stepsim.runtime.console import duration, number
from stepsim.runtime.html_page import Html, section, table

_Column: TypeAlias = tuple[str, str, Callable[[Any], str]]
"""A heading, the report's member, and how its value is written."""


def _share(value: float) -> str:
    return f"{value:.1%}"


_EXECUTIONS: Sequence[_Column] = [
    (name.replace("_", " "), name, number)
    for name in ("started", "succeeded", "failed", "timed_out", "aborted", "running")
]
_TRIGGERS: Sequence[_Column] = [
    ("events", "events", number),
    ("twice", "duplicates", number),
    ("delivered", "delivered", number),
    ("retried", "retried", number),
    ("dead-lettered", "dead_lettered", number),
    ("dropped", "dropped", number),
    ("batches", "batches", number),
    ("started", "started", number),
    ("invoked", "invoked", number),
    ("failed", "failed", number),
]
_QUEUES: Sequence[_Column] = [
    ("sent", "sent", number),
    ("taken over", "taken_over", number),
    ("received", "received", number),
    ("twice", "duplicates", number),
    ("dead-lettered", "dead_lettered", number),
    ("expired", "expired", number),
    ("left", "left", number),
    ("max depth", "max_depth", number),
    ("oldest", "max_age_s", duration),
]
_CONTAINERS: Sequence[_Column] = [
    ("launched", "launched", number),
    ("interrupted", "interrupted", number),
    ("peak", "max_concurrency_seen", number),
    ("vCPU hours", "vcpu_hours", "{:,.4g}".format),
]
_TABLES: Sequence[_Column] = [
    ("WCU", "consumed_wcu", number),
    ("RCU", "consumed_rcu", number),
    ("throttled writes", "throttled_writes", number),
    ("throttled reads", "throttled_reads", number),
    ("partitions", "partitions", number),
    ("splits", "splits", number),
]


def account_sections(report: Mapping[str, Any]) -> Iterator[Html]:
    """Those of the account that have something to show."""
    if report["executions"]["started"] > 1 or report["triggers"]:
        yield _section("Executions", "machine", _EXECUTIONS, report["executions"]["by_machine"])
    yield _section("Triggers", "trigger", _TRIGGERS, report["triggers"])
    yield _section("Queues", "queue", _QUEUES, report["queues"])
    yield _section("Containers", "family", _CONTAINERS, report["containers"])
    yield _section("DynamoDB tables", "table", _TABLES, dict(_with_indexes(report["tables"])))
    yield section("Throttled by DynamoDB", table(("table", "reason", "times"), list(_reasons(report["tables"]))))
    yield section("Hottest keys", table(("table", "key", "of writes", "throttled"), list(_keys(report["tables"]))))


def _section(title: str, noun: str, columns: Sequence[_Column], rows: Mapping[str, Mapping[str, Any]]) -> Html:
    """A table of rows by name; columns that hold nothing but 0 are left out."""
    shown = [column for column in columns if any(row[column[1]] for row in rows.values())]
    cells = [(name, *(write(row[member]) for _, member, write in shown)) for name, row in rows.items()]
    return section(title, table((noun, *(heading for heading, _, _ in shown)), cells))


def _with_indexes(tables: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, one in tables.items():
        yield name, one
        for index, its in one["indexes"].items():
            yield f"{name}, index {index}", its


def _reasons(tables: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, one in tables.items():
        for reason, times in one["throttles"].items():
            yield name, reason, number(times)


def _keys(tables: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """The keys of tables that were throttled: of the others they are of no interest."""
    for name, one in tables.items():
        for key in one["hottest_keys"] if one["throttles"] else []:
            yield name, str(key["key"]), _share(key["share"]), number(key["throttles"])
