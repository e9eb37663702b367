"""Input transformers."""

from __future__ import annotations

from typing import Any

import pytest

from stepsim.runtime.triggers.batches import RECORD, failed_messages
from stepsim.runtime.triggers.event_texts import ObjectCreated, scheduled
from stepsim.runtime.triggers.templates import compile_template, input_template

EVENT = {"detail": {"object": {"key": 'a "b"', "size": 3}, "tags": ["x", "y"], "on": True, "nothing": None}}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ({"key": "<$.detail.object.key>"}, {"key": 'a "b"'}),
        ("<$.detail.object.size>", 3),
        ("<$.detail.tags[1]>", "y"),
        ("<$.detail.tags[*]>", ["x", "y"]),
        ("s3://b/<$.detail.object.key>?<$.detail.object.size>", 's3://b/a "b"?3'),
        ("<$.detail.nowhere>", None),
        ("<$.detail.tags[7]>", None),
        ("-<$.detail.nowhere>-<$.detail.nothing>-", "---"),
        ("<$.detail.object>!", '{"key":"a \\"b\\"","size":3}!'),
        (["<$.detail.on>", 1, None, "plain <text>"], [True, 1, None, "plain <text>"]),
        ("<$>", EVENT),
    ],
)
def test_holes_are_filled(template: Any, filled: Any) -> None:
    """With the value itself where there is nothing else, as text within a text."""
    assert compile_template(template)(EVENT) == filled


def test_a_message_is_looked_into() -> None:
    """Names that a message does not have lead into its body."""
    template = {"key": "<$.detail.key>", "id": "<$.messageId>", "again": "<$.body.detail.key>", "own": "<$['detail']>"}
    message = {"messageId": "m", "body": {"detail": {"key": "k"}}}
    expected = {"key": "k", "id": "m", "again": "k", "own": {"key": "k"}}
    made = input_template(template, RECORD)
    assert (made.fill(message), made.looks_around) == (expected, True)
    assert not input_template({"key": "<$.detail.key>", "again": "<$.body>"}, RECORD).looks_around
    assert input_template("<$>", RECORD).looks_around


@pytest.mark.parametrize("path", ["<$.a b>", "<$$.Execution.Id>", "<$variable>"])
def test_what_is_no_path_into_an_event(path: str) -> None:
    """It is refused beforehand."""
    with pytest.raises(ValueError, match=r"bracket|leads into no event"):
        compile_template(path)


LANDED = ObjectCreated("inbox", "in/a b&ü.txt", 12, "d41d8c", "PutObject", 1_767_578_400_123, 7, "0-1-2-3")


def test_the_event_of_an_object() -> None:
    """As S3 sends it to EventBridge: keys as they are, the reason an operation."""
    event: Any = LANDED.on_bus().value
    assert event["detail-type"] == "Object Created"
    assert event["time"] == "2026-01-05T02:00:00Z"
    assert event["resources"] == ["arn:aws:s3:::inbox"]
    detail = event["detail"]
    assert detail["bucket"] == {"name": "inbox"}
    assert (detail["object"]["key"], detail["object"]["size"]) == ("in/a b&ü.txt", 12)
    assert detail["reason"] == "PutObject"


def test_the_notification_of_an_object() -> None:
    """As S3 sends it to functions and queues: keys are URL-encoded, the reason is an event's name."""
    notification: Any = LANDED.as_notification("mine").value
    [record] = notification["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["eventTime"] == "2026-01-05T02:00:00.123Z"
    assert record["s3"]["object"]["key"] == "in%2Fa+b%26%C3%BC.txt"
    assert record["s3"]["configurationId"] == "mine"


def test_sequencers_grow() -> None:
    """A later object has a greater one."""
    later = ObjectCreated("b", "k", 0, "", "PutObject", LANDED.at_ms, 8, "")
    assert LANDED.sequencer < later.sequencer
    assert len(LANDED.sequencer) == len(later.sequencer) == 18


def test_the_event_of_a_schedule() -> None:
    """The scheduler's own, and that of a rule."""
    own: Any = scheduled("id", "nightly", 1_767_578_400_000, via_bus=False).value
    assert (own["source"], own["detail"]) == ("aws.scheduler", "{}")
    rule: Any = scheduled("id", "nightly", 1_767_578_400_000, via_bus=True).value
    assert (rule["source"], rule["detail"], rule["detail-type"]) == ("aws.events", {}, "Scheduled Event")


@pytest.mark.parametrize(
    ("payload", "failed"),
    [
        ('{"batchItemFailures": [{"itemIdentifier": "b"}]}', {"b"}),
        ('{"batchItemFailures": []}', set()),
        ("null", set()),
        ("{}", set()),
        ('{"batchItemFailures": [{"itemIdentifier": "z"}]}', {"a", "b"}),
        ('{"batchItemFailures": [{}]}', {"a", "b"}),
        ("nonsense", {"a", "b"}),
    ],
)
def test_which_messages_failed(payload: str, failed: set[str]) -> None:
    """Those that are named; all of them where the answer makes no sense."""
    assert failed_messages(payload, ["a", "b"], reports=True) == failed
    assert failed_messages(payload, ["a", "b"], reports=False) == frozenset()
