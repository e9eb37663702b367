"""Athena's queries: how many there may be, how long they take, and what they are billed for."""

from __future__ import annotations

import pytest

from stepsim.runtime.cloud.athena import Queries, QueryModel, limits
from stepsim.runtime.cloud.call import CallSite
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.cloud.quotas import AWS_QUOTAS, NO_QUOTAS, changed
from stepsim.runtime.dice import Dice
from stepsim.workers.durations import parse_duration

DICE = Dice(0)
LATENCY = Latency(DICE, {"athena.queue": (1_000, 1_000), "athena.query": (5_000, 5_000)})


class Account:
    """Queries with a clock to turn."""

    def __init__(self, most: float | None = None, *models: QueryModel, latency: Latency = LATENCY) -> None:
        self.now_ms = 0
        self.latency = latency
        self.queries = Queries(changed(NO_QUOTAS, {"athena_active_queries": most}), lambda: self.now_ms)
        self.queries.models = models

    def start(self, query_id: str, text: str = "SELECT 1") -> list[int]:
        """When a query begins and ends."""
        query = self.queries.start(query_id, text, "primary", self.latency, DICE)
        return [query.begins_ms, query.ends_ms]


def test_a_query_is_queued_runs_and_ends() -> None:
    """Each for as long as the latencies say."""
    account = Account()
    query = account.queries.start("q", "SELECT 1", "primary", LATENCY, DICE)
    states = [query.state(now_ms) for now_ms in (0, 999, 1_000, 5_999, 6_000)]
    assert states == ["QUEUED", "QUEUED", "RUNNING", "RUNNING", "SUCCEEDED"]


def test_a_model_says_how_long_its_queries_run() -> None:
    """The first that covers a query holds, also where calls take no time."""
    slow = QueryModel("*bank_files*", None, parse_duration("40s"), 5)
    account = Account(None, slow, QueryModel("*", "other"), latency=Latency(DICE, off=True))
    assert account.start("a", "select * from\nBANK_FILES where 1") == [0, 40_000]
    assert account.start("b") == [0, 0]
    assert account.queries.model("x", "other").workgroup == "other"


def test_what_is_queued_or_runs_is_limited() -> None:
    """What has ended or was cancelled makes room."""
    account = Account(2)
    for name in "ab":
        assert account.queries.has_room()
        account.start(name)
    assert not account.queries.has_room()
    account.queries.stop("a")
    account.queries.stop("a")
    assert account.queries.has_room()
    account.start("c")
    assert not account.queries.has_room()
    account.now_ms = 6_000
    assert account.queries.has_room()
    account.queries.stop("b")


def test_starts_have_a_rate() -> None:
    """80 at once, 20 a second."""
    limit = limits(AWS_QUOTAS)["athena.StartQueryExecution"]
    answers = [limit("StartQueryExecution", {}, CallSite(), now_ms) for now_ms in (*[0] * 81, 50)]
    assert [None if error is None else error.code for error in answers[79:]] == [None, "ThrottlingException", None]
    assert limits(NO_QUOTAS) == {}


@pytest.mark.parametrize(
    ("text", "billed_mb"),
    [
        ("SELECT 1", 10),
        ("select * from large", 21),
        ("select * from small", 10),
        ("DROP TABLE large", 0),
        ("show tables", 0),
        ("CREATE TABLE t AS SELECT * FROM large", 21),
        (None, 10),
    ],
)
def test_what_is_billed(text: str | None, billed_mb: int) -> None:
    """Every MB that was begun, ten at least; a definition is free, unless it selects."""
    mb = 1024 * 1024
    models = QueryModel("*from large", scanned_bytes=20 * mb + 1), QueryModel("select*", scanned_bytes=3 * mb)
    params = {} if text is None else {"QueryString": text}
    assert Account(None, *models).queries.billed_mb(params) == billed_mb
