"""The functions against moto: a run's totals are the truth, and nothing that happens twice changes them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

PAIRS = 60
EMPTY = 17
"""The number of a pair whose internal file is made empty, whatever its seed says."""
MISSING = 23
RUN = "run-1"
TABLE = "reconciliation"


def stream(n: int) -> Random:
    return Random(f"functions/{n}")


@pytest.fixture
def cloud(modules: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """An account with the scenario's buckets and table, one empty file, and one that is missing."""
    s3, dynamodb = modules.generate_reports.s3, modules.generate_reports.dynamodb
    with mock_aws():
        for bucket in ("bank-statements", "internal-files", "third-party", "reports"):
            s3.create_bucket(Bucket=bucket)
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        for n in range(PAIRS):
            bank, internal = modules.data.bank_file(n, stream(n)), modules.data.internal_file(n, stream(n))
            s3.put_object(Bucket="bank-statements", Key=f"bank_files/{n:06d}.csv", Body=bank)
            if n != MISSING:
                body = b"" if n == EMPTY else internal
                s3.put_object(Bucket="internal-files", Key=f"internal_files/{n:06d}.csv", Body=body)
        for path in modules.data.THIRD_PARTY.iterdir():
            s3.put_object(Bucket="third-party", Key=path.name, Body=path.read_bytes())
        yield SimpleNamespace(s3=s3, dynamodb=dynamodb)


def batches(modules: SimpleNamespace) -> list[dict[str, Any]]:
    """What the map hands its children: 25 files each."""
    fetched = modules.fetch_third_party.handler({"bucket": "third-party"}, None)
    batch_input = {"runId": RUN, "table": TABLE, "bankBucket": "bank-statements", "internalBucket": "internal-files"}
    items = [{"bankKey": f"bank_files/{n:06d}.csv", "internalKey": f"internal_files/{n:06d}.csv"} for n in range(PAIRS)]
    return [{"BatchInput": batch_input | fetched, "Items": items[i : i + 25]} for i in range(0, PAIRS, 25)]


def deliver(modules: SimpleNamespace) -> list[dict[str, Any]]:
    """Reconcile every batch and handle each failed pair, as the state machine does."""
    answers = [modules.reconcile_files.handler(batch, None) for batch in batches(modules)]
    for failed in (failed for answer in answers for failed in answer["failedPairs"]):
        modules.handle_failed.handler({"runId": RUN, "table": TABLE, "failedPair": failed}, None)
    return answers


def aggregate(modules: SimpleNamespace, cloud: SimpleNamespace, failed: list[Any] | None = None) -> dict[str, Any]:
    """Aggregate after a map run that left these failed children."""
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    if failed:
        files["FAILED"] = [{"Key": "map-runs/1/FAILED_0.json", "Size": 1}]
        cloud.s3.put_object(Bucket="reports", Key="map-runs/1/FAILED_0.json", Body=json.dumps(failed))
    manifest = {"DestinationBucket": "reports", "MapRunArn": "arn", "ResultFiles": files}
    cloud.s3.put_object(Bucket="reports", Key="map-runs/1/manifest.json", Body=json.dumps(manifest))
    written = {"ResultWriterDetails": {"Bucket": "reports", "Key": "map-runs/1/manifest.json"}}
    answer: dict[str, Any] = modules.aggregate_results.handler({"runId": RUN, "table": TABLE, "mapRun": written}, None)
    return answer


def truth(modules: SimpleNamespace) -> dict[str, Any]:
    """The generator's totals, without the two files that this test took away."""
    known: dict[str, Any] = modules.data.truth_total(PAIRS, stream)
    for n, reason in ((EMPTY, "EMPTY_FILE"), (MISSING, "MISSING_FILE")):
        pair = modules.data.truth(n, stream(n))
        assert not pair.failure
        known["reconciledPairs"] -= 1
        known["failedPairs"] += 1
        known["failures"][reason] = known["failures"].get(reason, 0) + 1
        known["flaggedTransactions"] -= pair.flagged
        known["transactions"]["bank"] -= pair.bank
        known["transactions"]["internal"] -= pair.internal
        for kind, count in pair.matches.items():
            known["matches"][kind] -= count
        for currency, cents in pair.matched_cents.items():
            known["matchedCents"][currency] -= cents
        for (side, reason_), count in pair.exceptions.items():
            known["exceptions"][reason_] -= count
            known["transactions"][f"{side.lower()}Unmatched"] -= count
    return known


def everything(cloud: SimpleNamespace) -> list[dict[str, Any]]:
    """The table's items, in the order of their keys."""
    items: list[dict[str, Any]] = cloud.dynamodb.scan(TableName=TABLE)["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def test_the_totals_are_the_truth_and_a_second_delivery_changes_nothing(
    modules: SimpleNamespace, cloud: SimpleNamespace
) -> None:
    """The aggregate of the table is what the generator knows, after one delivery of every batch and after two."""
    answers = deliver(modules)
    assert [answer["status"] for answer in answers] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert [(failed["pair"], failed["reason"]) for failed in answers[0]["failedPairs"]] == [
        ("000017", "EMPTY_FILE"),
        ("000023", "MISSING_FILE"),
    ]
    first = everything(cloud)
    assert len(first) == PAIRS
    assert aggregate(modules, cloud) == {"totals": truth(modules), "unfinishedPairs": 0}
    assert deliver(modules) == answers
    assert everything(cloud) == first


def test_a_run_does_not_see_another_ones_results(modules: SimpleNamespace, cloud: SimpleNamespace) -> None:
    """The results of a run are kept under its own id."""
    deliver(modules)
    assert list(modules.result_table.read(cloud.dynamodb, TABLE, "run-2")) == []


def test_a_pair_that_was_reconciled_since_does_not_become_failed(
    modules: SimpleNamespace, cloud: SimpleNamespace
) -> None:
    """A late word of a failure leaves a newer result alone; a later result replaces a failure."""
    answers = deliver(modules)
    missing = answers[0]["failedPairs"][1]
    body = modules.data.internal_file(MISSING, stream(MISSING))
    cloud.s3.put_object(Bucket="internal-files", Key=missing["internalKey"], Body=body)
    assert modules.reconcile_files.handler(batches(modules)[0], None)["reconciled"] == 24
    late = {"runId": RUN, "table": TABLE, "failedPair": missing}
    assert modules.handle_failed.handler(late, None) == {"pair": "000023", "recorded": False}
    assert aggregate(modules, cloud)["totals"]["failures"] == {"EMPTY_FILE": 1}


def test_pairs_of_failed_batches_are_counted_as_unfinished(modules: SimpleNamespace, cloud: SimpleNamespace) -> None:
    """A batch that failed within the tolerance is not forgotten: its pairs are told from the map run's files."""
    failed = [{"Input": json.dumps({"Items": [{}, {}, {}]})}, {"Input": json.dumps({"Items": [{}]})}]
    assert aggregate(modules, cloud, failed)["unfinishedPairs"] == 4


class Unprocessed:
    """A table that takes one item a call, and tells of the others as unprocessed."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
        ((table, requests),) = RequestItems.items()
        self.taken.append(requests[0]["PutRequest"]["Item"])
        return {"UnprocessedItems": {table: requests[1:]} if requests[1:] else {}}


def test_only_unprocessed_items_are_sent_again(modules: SimpleNamespace) -> None:
    """Every item arrives once, in calls of 25 at most; a table that stays busy fails the batch."""
    table, pauses = Unprocessed(), list[float]()
    modules.result_table.write(table, TABLE, ["a", "b", "c"], sleep=pauses.append)
    assert table.taken == ["a", "b", "c"]
    assert pauses == [0.05, 0.1]
    with pytest.raises(RuntimeError, match="15 items were still unprocessed after 10 tries"):
        modules.result_table.write(Unprocessed(), TABLE, list(range(25)), sleep=pauses.append)


class Page(HTMLParser):
    """The text of a page; fails where tags do not nest."""

    VOID = ("meta", "link", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_reports_say_what_the_table_says(modules: SimpleNamespace, cloud: SimpleNamespace) -> None:
    """The CSV files hold every total and every exception, and the page is HTML that shows them."""
    deliver(modules)
    event = {"runId": RUN, "businessDate": "2026-01-04", "table": TABLE, "bucket": "reports"}
    answer = modules.generate_reports.handler(event | aggregate(modules, cloud), None)
    known = truth(modules)
    assert (answer["totals"], answer["unfinishedPairs"]) == (known, 0)

    def read(name: str) -> str:
        text: str = cloud.s3.get_object(Bucket="reports", Key=answer["reports"][name])["Body"].read().decode()
        return text

    summary = dict(csv.reader(io.StringIO(read("summary"))))
    assert summary["pairs"] == str(PAIRS)
    assert summary["matches.exact"] == str(known["matches"]["exact"])
    exceptions = list(csv.DictReader(io.StringIO(read("exceptions"))))
    assert len(exceptions) == sum(known["exceptions"].values()) + 2
    assert [row["pair"] for row in exceptions] == sorted(row["pair"] for row in exceptions)
    page = Page(read("page"))
    assert f"{known['matches']['exact']:,}" in page.text
    assert "Internal file missing" in page.text
    stored = cloud.s3.head_object(Bucket="reports", Key=answer["reports"]["page"])
    assert stored["ContentType"] == "text/html; charset=utf-8"


def test_a_page_escapes_what_it_shows(modules: SimpleNamespace) -> None:
    """A run's name cannot put markup into the page."""
    totals = modules.aggregate_results.totals([])
    page = modules.report_page.render("<script>", "2026-01-04", totals, 3)
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "pairs without a result" in "".join(Page(page).text)
