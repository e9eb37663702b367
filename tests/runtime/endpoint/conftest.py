"""An emulator without a server: requests go in as data, answers come out as data, and time passes when it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice
from stepsim.runtime.emulator import Emulator
from stepsim.runtime.endpoint.endpoint import Cancel
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse

ROLE = "arn:aws:iam::123456789012:role/test"
PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}


def signed(service: str, *, region: str = "us-east-1", key: str = "test") -> dict[str, str]:
    """The header of a request that an SDK has signed."""
    scope = f"{key}/20260105/{region}/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


class Client:
    """Sends requests to an emulator."""

    PASS = PASS
    WAIT = WAIT
    signed = staticmethod(signed)

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def begin(self, request: HttpRequest) -> tuple[list[HttpResponse], Cancel]:
        """Send a request: where its answer comes, and how to give it up."""
        answers: list[HttpResponse] = []
        cancel = self.emulator.answer(request, answers.append)
        if not answers:
            self.emulator.driver.advance()
        return answers, cancel

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        """The answer to a request that is answered at once."""
        answers, _ = self.begin(HttpRequest(method, target, {"host": "localhost:4566", **(headers or {})}, body))
        assert len(answers) == 1
        return answers[0]

    def s3(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        """The answer to a signed request to S3."""
        return self.send(method, target, {**signed("s3"), **(headers or {})}, body)

    def target(
        self, target: str, params: dict[str, Any], headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of a call of a JSON service."""
        response = self.send("POST", "/", {"x-amz-target": target, **(headers or {})}, json.dumps(params).encode())
        return response.status, json.loads(response.body)

    def states(self, operation: str, **params: Any) -> dict[str, Any]:
        """The answer to a call of Step Functions that succeeds."""
        status, answer = self.target(f"AWSStepFunctions.{operation}", params)
        assert status == 200, answer
        return answer

    def machine(self, definition: dict[str, Any], kind: str = "STANDARD") -> str:
        """The ARN of a new machine."""
        made = self.states(
            "CreateStateMachine", name="machine", definition=json.dumps(definition), roleArn=ROLE, type=kind
        )
        return str(made["stateMachineArn"])

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        scheduler = self.emulator.account.scheduler
        scheduler.advance(scheduler.now_ms + int(seconds * 1000))


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an empty account."""
    dice = Dice(1)
    with Cloud(seed=1, latency=Latency(dice, off=True)) as cloud:
        emulator = Emulator(cloud, dice, ())
        yield Client(emulator)
        emulator.archivist.close()
