"""Athena's queries in time: how many there may be, how long each is queued and runs, and how much data it scans.

Queued and running queries together are limited, and so are the calls that start them
(docs.aws.amazon.com/athena/latest/ug/service-limits.html). Nothing is scanned here: a scenario's models say what a
query does. aws.amazon.com/athena/pricing: by the MB, and for 10 at least; statements that only define are free.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

from stepsim.runtime.cloud.call import ACCOUNT_ID, ApiError, FallThrough
from stepsim.runtime.cloud.latency import Latency, drawn_ms
from stepsim.runtime.cloud.limits import Limit, rate_limit
from stepsim.runtime.cloud.quotas import Quotas
from stepsim.runtime.dice import Dice
from stepsim.workers.durations import Duration

Operations = dict[str, Callable[[dict[str, Any], str], dict[str, Any]]]

LEAST_BILLED_MB = 10

_TOO_MANY = ApiError(
    "TooManyRequestsException",
    "You have exceeded the limit for the number of queries you can run concurrently. Please reduce the number of "
    "concurrent queries submitted by this account. Contact customer support to request a concurrent query limit "
    "increase.",
    extra={"Reason": "CONCURRENT_QUERY_LIMIT_EXCEEDED"},
)
_THROTTLED = ApiError("ThrottlingException", "Rate exceeded")
_START = frozenset(
    (
        "QueryString", "ClientRequestToken", "QueryExecutionContext", "ResultConfiguration", "WorkGroup",
        "ExecutionParameters",
    )
)  # fmt: skip
_DEFINES = re.compile(r"\s*(?:ALTER|CREATE|DESCRIBE|DROP|MSCK|SHOW)\b", re.IGNORECASE)
_SELECTS = re.compile(r"\bSELECT\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QueryModel:
    """What a scenario says of some queries."""

    query: str = "*"
    """A pattern of their text."""
    workgroup: str | None = None
    duration: Duration | None = None
    """From the queue to the end; None: as the table of latencies has it."""
    scanned_bytes: int = 0

    def covers(self, text: str, workgroup: str) -> bool:
        """Whether a query is one of them."""
        return (self.workgroup is None or self.workgroup == workgroup) and _pattern(self.query).match(text) is not None


@dataclass(slots=True)
class Query:
    """A query's life, in ms of the run."""

    submitted_ms: int
    begins_ms: int
    ends_ms: int
    scanned_bytes: int
    cancelled: bool = False

    def state(self, now_ms: int) -> str:
        """As GetQueryExecution says it."""
        if self.cancelled:
            return "CANCELLED"
        return "QUEUED" if now_ms < self.begins_ms else "RUNNING" if now_ms < self.ends_ms else "SUCCEEDED"


class Queries:
    """The queries of an account."""

    def __init__(self, quotas: Quotas, clock: Callable[[], int]) -> None:
        self._most = quotas["athena_active_queries"]
        self._clock = clock
        self.models: tuple[QueryModel, ...] = ()
        """The first that covers a query holds."""
        self._active: list[tuple[int, str]] = []
        """When those end that are queued or run, and their ids: a heap. What was cancelled is out of it."""
        self._queries: dict[str, Query] = {}
        self._times: dict[str, int] = {}
        """How often each text was started."""

    def model(self, text: str, workgroup: str) -> QueryModel:
        """What is known of a query."""
        return next((model for model in self.models if model.covers(text, workgroup)), _UNKNOWN)

    def billed_mb(self, params: dict[str, Any]) -> int:
        """The MB that a StartQueryExecution call is billed for. Nobody has checked its parameters yet."""
        text = str(params.get("QueryString"))
        if _DEFINES.match(text) and not _SELECTS.search(text):
            return 0
        scanned = self.model(text, str(params.get("WorkGroup", "primary"))).scanned_bytes
        return max(LEAST_BILLED_MB, -(-scanned // (1024 * 1024)))

    def has_room(self) -> bool:
        """Whether one more query may be queued."""
        now_ms, active = self._clock(), self._active
        while active and active[0][0] <= now_ms:
            heappop(active)
        return self._most is None or len(active) < self._most

    def start(self, query_id: str, text: str, workgroup: str, latency: Latency, dice: Dice) -> Query:
        """Note a query that was accepted."""
        number = self._times[text] = self._times.get(text, 0) + 1
        model = self.model(text, workgroup)
        now_ms = self._clock()
        begins_ms = now_ms + latency.of("athena.queue", text, number)
        if model.duration is None:
            takes_ms = latency.of("athena.query", text, number)
        else:
            takes_ms = drawn_ms(model.duration, dice.draw("athena", text, number))
        query = self._queries[query_id] = Query(now_ms, begins_ms, begins_ms + takes_ms, model.scanned_bytes)
        heappush(self._active, (query.ends_ms, query_id))
        return query

    def stop(self, query_id: str) -> None:
        """Cancel a query that has not ended."""
        query, now_ms = self._queries[query_id], self._clock()
        if query.cancelled or now_ms >= query.ends_ms:
            return
        self._active.remove((query.ends_ms, query_id))
        self._active.sort()
        query.cancelled, query.ends_ms = True, now_ms

    def operations(self, latency: Latency, dice: Dice) -> Operations:
        """What the gate answers calls with: moto's queries, which take their time."""

        def start(params: dict[str, Any], region: str) -> dict[str, Any]:
            backend = _backend(region)
            workgroup, text = params.get("WorkGroup", "primary"), params.get("QueryString")
            if not params.keys() <= _START or type(text) is not str or workgroup not in backend.work_groups:
                raise FallThrough
            if not self.has_room():
                raise _TOO_MANY
            config = params.get("ResultConfiguration")
            query_id: str = backend.start_query_execution(
                query=text,
                context=params.get("QueryExecutionContext"),
                # moto writes the name of the result into it.
                config=None if config is None else dict(config),
                workgroup=params.get("WorkGroup"),
                execution_parameters=params.get("ExecutionParameters"),
            )
            self.start(query_id, text, workgroup, latency, dice)
            return {"QueryExecutionId": query_id}

        def get(params: dict[str, Any], region: str) -> dict[str, Any]:
            return {"QueryExecution": _described(self._looked_at(params, region), self._queries, self._clock())}

        def stop(params: dict[str, Any], region: str) -> dict[str, Any]:
            self.stop(self._looked_at(params, region).id)
            return {}

        def results(params: dict[str, Any], region: str) -> dict[str, Any]:
            self._looked_at(params, region)
            raise FallThrough

        return {
            "StartQueryExecution": start,
            "GetQueryExecution": get,
            "StopQueryExecution": stop,
            "GetQueryResults": results,
        }

    def _looked_at(self, params: dict[str, Any], region: str) -> Any:
        """moto's query that parameters name, which says of itself what is true now."""
        query_id = params.get("QueryExecutionId")
        query = self._queries.get(query_id) if type(query_id) is str else None
        execution = None if query is None else _backend(region).executions.get(query_id)
        if query is None or execution is None:
            raise FallThrough
        # moto would move it on whenever somebody looks at it.
        execution._transitions = []
        execution.status = query.state(self._clock())
        return execution


_UNKNOWN = QueryModel()


def limits(quotas: Quotas) -> dict[str, Limit]:
    """What the gate asks before a query is started."""
    limit = rate_limit(quotas["athena_start_bucket"], quotas["athena_start_rate"], _THROTTLED)
    return {} if limit is None else {"athena.StartQueryExecution": limit}


@lru_cache(maxsize=256)
def _pattern(query: str) -> re.Pattern[str]:
    return re.compile(translate(query), re.IGNORECASE)


def _backend(region: str) -> Any:
    from moto.athena.models import athena_backends  # heavy, and seldom needed

    return athena_backends[ACCOUNT_ID][region]


def _described(execution: Any, queries: dict[str, Query], now_ms: int) -> dict[str, Any]:
    """A query as GetQueryExecution has it."""
    query = queries[execution.id]
    begins_ms, ends_ms = min(now_ms, query.begins_ms, query.ends_ms), min(now_ms, query.ends_ms)
    ended = now_ms >= query.ends_ms
    status = {"State": execution.status, "SubmissionDateTime": _moment(execution.start_time)}
    if ended:
        status["CompletionDateTime"] = _moment(execution.start_time + (query.ends_ms - query.submitted_ms) / 1000)
    described = {
        "QueryExecutionId": execution.id,
        "Query": execution.query,
        "StatementType": "DDL" if _DEFINES.match(execution.query) else "DML",
        "ResultConfiguration": execution.config,
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": execution.context,
        "Status": status,
        "Statistics": {
            "EngineExecutionTimeInMillis": ends_ms - begins_ms,
            "DataScannedInBytes": query.scanned_bytes if ended else 0,
            "TotalExecutionTimeInMillis": ends_ms - query.submitted_ms,
            "QueryQueueTimeInMillis": begins_ms - query.submitted_ms,
            "ServicePreProcessingTimeInMillis": 0,
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        },
        "WorkGroup": execution.workgroup.name if execution.workgroup else "primary",
        "ExecutionParameters": execution.execution_parameters,
    }
    return {name: value for name, value in described.items() if value is not None}


def _moment(epoch_s: float) -> datetime:
    from stepsim.runtime.cloud.stored import UTC_OF_BOTO  # brings dateutil along

    return datetime.fromtimestamp(epoch_s, UTC_OF_BOTO)
