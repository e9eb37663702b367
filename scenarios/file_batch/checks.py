"""What must be true when a run is over."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from moto.ses.models import ses_backends

ACCOUNT, REGION = "123456789012", "us-east-1"


def every_row_is_written_or_rejected(outcome: Any) -> None:
    """For each upload: each order of the input is once in its merged file, in the input's order, or in the table."""
    files = outcome.buckets["orders"]
    rejected = outcome.tables["rejected-rows"]
    merged = merged_files(outcome)
    assert merged, "no file was merged"
    for key in merged:
        _, name, batch = key.removesuffix(".csv").split("/")
        numbers = {item["number"] for item in rejected if item["batch"] == batch}
        given = orders(files[f"input/{name}.csv"])
        expected = [order for number, order in enumerate(given, 1) if number not in numbers]
        found = orders(files[key])
        assert found == expected, f"{key}: {len(found)} rows, where {len(expected)} are expected"


def mails_lead_to_the_files(outcome: Any) -> None:
    """Each merged file is linked to by one mail, which went to the recipient."""
    messages = ses_backends[ACCOUNT][REGION].sent_messages
    links = [urlsplit(link) for message in messages for link in re.findall(r"https://\S+", message.body)]
    linked = sorted(unquote(link.path).lstrip("/") for link in links)
    assert linked == merged_files(outcome), f"linked: {linked}"
    for link in links:
        assert link.netloc.split(".")[0] == "orders", link.netloc
        assert re.search("(Signature|X-Amz-Signature)=", link.query), "a link is not signed"
    assert all(message.destinations["ToAddresses"] == ["orders@example.com"] for message in messages)


def merged_files(outcome: Any) -> list[str]:
    """Their keys."""
    return sorted(key for key in outcome.buckets["orders"] if key.startswith("output/"))


def orders(body: bytes) -> list[str]:
    """A file's first column."""
    return [row[0] for row in csv.reader(io.StringIO(body.decode()))][1:]
