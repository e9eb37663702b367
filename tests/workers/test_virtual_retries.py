"""botocore's retries in handlers."""

from __future__ import annotations

import time
from typing import Any

import boto3
import botocore.retries.standard
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from stepsim.workers.inline import InlineWorker, current_invocation, pause
from stepsim.workers.virtual_time import VirtualTime


def test_clients_made_before_draw_their_jitter_from_the_invocation(timeline: Any) -> None:
    """botocore's standard retries bound random.random early; in handlers they draw from the invocation's source."""
    backoff = botocore.retries.standard.ExponentialBackoff()
    early = vars(backoff)["_random"]
    context = botocore.retries.standard.RetryContext(attempt_number=2)
    payloads = []
    for _ in range(2):
        with VirtualTime(timeline) as virtual_time:
            worker = InlineWorker(lambda _event, _context: backoff.delay_amount(context), virtual_time)
            payloads.append(timeline.stage(virtual_time).call(worker).payload)
    assert payloads[0] == payloads[1]
    assert vars(backoff)["_random"] is early


def test_handlers_back_off_in_virtual_time(timeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Injected 503s make botocore back off on the timeline, by the same jitter in every run.

    Two hundred handlers share a client, as warm environments would not: one's retries do not use up another's quota.
    """
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def refuse_twice(request: Any, **_: Any) -> Any:
        tries.setdefault(request.headers["n"], []).append(time.monotonic())
        pause(10)
        status = 503 if len(tries[request.headers["n"]]) < 3 else 200
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw())

    def number(params: Any, **_: Any) -> None:
        invocation = current_invocation()
        assert invocation is not None
        params["headers"]["n"] = invocation.request_id

    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    client.meta.events.register("before-call.s3", number)
    client.meta.events.register("before-send.s3", refuse_twice)

    def handler(event: Any, _context: Any) -> Any:
        client.upload_file(__file__, "bucket", event)
        return time.time()

    runs = []
    for _ in range(2):
        tries: dict[str, list[float]] = {}
        results: list[Any] = []
        with VirtualTime(timeline) as virtual_time:
            worker = InlineWorker(handler, virtual_time)
            for n in range(200):
                timeline.stage(virtual_time).start(worker, results, '"key"', f"r-{n}")
            timeline.run()
        assert all(result.function_error is None for result in results), results[0].payload
        assert all(len(times) == 3 for times in tries.values())
        runs.append(tries)
    assert runs[0] == runs[1]
    assert len({tuple(times) for times in runs[0].values()}) > 1


class _Raw:
    """An empty response body."""

    def stream(self, **_: Any) -> list[bytes]:
        return []

    def read(self, *_: Any) -> bytes:
        return b""
