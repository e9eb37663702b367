"""An account that can be stopped, killed and started again, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepsim.runtime.account import Account
from stepsim.runtime.api.records import Home, Params, Response
from stepsim.runtime.api.step_functions import StepFunctions
from stepsim.runtime.cloud.call import Answer, ApiError
from stepsim.runtime.dice import Dice
from stepsim.runtime.functions import Functions
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.statistics import Statistics

HOME = Home("123456789012", "us-east-1")
ROLE = "arn:aws:iam::123456789012:role/r"
NOW_MS = 1_767_578_400_000


class Server:
    """The service with an archive, called as its skins call it."""

    def __init__(self, directory: Path | None, seed: int, now_ms: int = NOW_MS, held_max: int = 1_000) -> None:
        dice, statistics = Dice(seed), Statistics()
        self.account = Account(
            dice=dice,
            statistics=statistics,
            functions=Functions([], dice, statistics),
            call=lambda service, operation, params, *, site: Answer({}),
            models={},
            start_ms=now_ms,
        )
        self.service = StepFunctions(self.account)
        self.registry_store = self.service.registries
        self.archivist = Archivist(self.service.registries, directory, held_max=held_max)

    def ask(self, operation: str, **params: Any) -> Response | ApiError:
        replies: list[Response | ApiError] = []
        self.service.call(operation, Params(params), HOME, replies.append)
        self.advance(0)
        self.archivist.commit()
        return replies[0]

    def call(self, operation: str, **params: Any) -> Response:
        reply = self.ask(operation, **params)
        assert isinstance(reply, dict), reply
        return reply

    def machine(self, definition: Any, name: str = "m", **params: Any) -> str:
        text = json.dumps(definition)
        made = self.call("CreateStateMachine", name=name, definition=text, roleArn=ROLE, **params)
        return str(made["stateMachineArn"])

    def start(self, machine: str, name: str, value: Any = None) -> str:
        started = self.call("StartExecution", stateMachineArn=machine, name=name, input=json.dumps(value))
        return str(started["executionArn"])

    def advance(self, ms: int) -> None:
        scheduler = self.account.scheduler
        scheduler.advance(scheduler.now_ms + ms)

    def pages(self, operation: str, member: str, **params: Any) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        while True:
            page = self.call(operation, **params)
            items += page[member]
            if "nextToken" not in page:
                return items
            params["nextToken"] = page["nextToken"]

    def told(self, arn: str) -> tuple[Response, list[Any]]:
        """All that the API says of an execution."""
        described = self.call("DescribeExecution", executionArn=arn)
        return described, self.pages("GetExecutionHistory", "events", executionArn=arn, maxResults=3)

    def held(self) -> int:
        """How many executions are in memory."""
        return sum(len(registry.store._records) for registry in self.service.registries)


Servers = Callable[..., Server]


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Makes servers, each with another seed, as each start has; those that are left are closed."""
    made: list[Server] = []

    def new(directory: Path | None = None, **options: Any) -> Server:
        server = Server(directory, len(made) + 1, **options)
        made.append(server)
        return server

    yield new
    for server in made:
        server.archivist._archive.close()
