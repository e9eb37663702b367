"""endpoint/long_polls.py: who waits for a message gets it when it comes, and nobody waits with them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from stepsim.runtime.endpoint.request import HttpRequest

FORM = "application/x-www-form-urlencoded"


def queue(client: Any, **attributes: str) -> str:
    """The URL of a new queue."""
    url = client.target("AmazonSQS.CreateQueue", {"QueueName": "work", "Attributes": attributes})[1]["QueueUrl"]
    assert isinstance(url, str)
    return url


def receive(url: str, **more: Any) -> HttpRequest:
    """A ReceiveMessage in JSON."""
    body = json.dumps({"QueueUrl": url, **more}).encode()
    return HttpRequest("POST", "/", {"x-amz-target": "AmazonSQS.ReceiveMessage", "host": "localhost"}, body)


def receive_by_form(url: str, **more: Any) -> HttpRequest:
    """The same in SQS's older protocol."""
    form = {"Action": "ReceiveMessage", "Version": "2012-11-05", "QueueUrl": url, **more}
    return HttpRequest("POST", "/", {"content-type": FORM, "host": "localhost"}, urlencode(form).encode())


@pytest.mark.parametrize("ask", [receive, receive_by_form])
def test_a_message_ends_the_wait(client: Any, ask: Any) -> None:
    """It is delivered soon after it has come."""
    url = queue(client)
    answers, _ = client.begin(ask(url, WaitTimeSeconds=20))
    client.advance(5)
    assert answers == []
    client.target("AmazonSQS.SendMessage", {"QueueUrl": url, "MessageBody": "hello"})
    client.advance(0.1)
    assert b"hello" in answers[0].body


@pytest.mark.parametrize("ask", [receive, receive_by_form])
def test_the_wait_ends_without_a_message(client: Any, ask: Any) -> None:
    """With an empty answer, when its time is over."""
    answers, _ = client.begin(ask(queue(client), WaitTimeSeconds=2))
    client.advance(1.9)
    assert answers == []
    client.advance(0.2)
    assert (answers[0].status, b"essage>" in answers[0].body or b"Messages" in answers[0].body) == (200, False)


def test_a_queue_may_say_how_long_to_wait(client: Any) -> None:
    """Where the request says nothing."""
    url = queue(client, ReceiveMessageWaitTimeSeconds="3")
    answers, _ = client.begin(receive(url))
    client.advance(2.9)
    assert answers == []
    client.advance(0.2)
    assert answers[0].status == 200
    assert len(client.begin(receive(url, WaitTimeSeconds=0))[0]) == 1


def test_who_has_gone_takes_no_message(client: Any) -> None:
    """It stays for the next."""
    url = queue(client)
    answers, cancel = client.begin(receive(url, WaitTimeSeconds=20))
    cancel()
    client.target("AmazonSQS.SendMessage", {"QueueUrl": url, "MessageBody": "hello"})
    client.advance(1)
    assert answers == []
    assert b"hello" in client.begin(receive(url))[0][0].body


def test_a_queue_that_goes_ends_the_wait(client: Any) -> None:
    """With SQS's error."""
    url = queue(client)
    answers, _ = client.begin(receive(url, WaitTimeSeconds=20))
    client.target("AmazonSQS.DeleteQueue", {"QueueUrl": url})
    client.advance(0.1)
    assert answers[0].status == 400


@pytest.mark.parametrize("wait", [21, -1, "x", None, []])
def test_a_wait_that_is_none_is_motos_to_refuse(client: Any, wait: Any) -> None:
    """It is answered at once."""
    assert len(client.begin(receive(queue(client), WaitTimeSeconds=wait))[0]) == 1


def test_a_body_that_is_no_json_is_answered(client: Any) -> None:
    """With an error, not with silence."""
    request = HttpRequest("POST", "/", {"x-amz-target": "AmazonSQS.ReceiveMessage", "host": "localhost"}, b"\xff{")
    assert client.begin(request)[0][0].status >= 400
