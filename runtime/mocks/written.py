"""A mock configuration file as it is written: AWS's own keys, and ours below ``stepsim``."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

Time = Annotated[str | int | float, Meta(description="120ms, 40s, 1.5m, 2h, 1d")]


class Throw(Struct, frozen=True, forbid_unknown_fields=True):
    """The error of an attempt."""

    Error: str
    Cause: str | None = None


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """What an attempt comes to: exactly one of both."""

    Return: Any | msgspec.UnsetType = msgspec.UNSET
    Throw: Throw | None = None


class OwnAnswer(Answer, frozen=True, forbid_unknown_fields=True):
    """As Answer; and when, and with what before."""

    never: Annotated[bool, Meta(description="instead of Return and Throw: no answer comes")] = False
    delay: Annotated[Time, Meta(description="how long the answer takes")] = 0
    heartbeat_every: Annotated[Time | None, Meta(description="of callbacks and activities, until the answer")] = None
    taken_after: Annotated[Time, Meta(description="when a worker takes an activity's task")] = 0
    worker: Annotated[str | None, Meta(description="the workerName of ActivityStarted")] = None
    submitted: Annotated[
        Any | msgspec.UnsetType, Meta(description="the output of TaskSubmitted, for .sync and .waitForTaskToken")
    ] = msgspec.UNSET
    refused: Annotated[bool, Meta(description="the error is the request's own: TaskSubmitFailed")] = False


Response: TypeAlias = dict[str, Answer]
OwnResponse: TypeAlias = Annotated[
    dict[str, OwnAnswer], Meta(description="by attempt: 0, or 1-2 for the second and the third")
]


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """A response for some items or batches of a Map."""

    response: Annotated[str | OwnResponse, Meta(description="a name, or the response itself")]
    item: Annotated[int, Meta(ge=0, description="the index of the item or batch, from 0")] | None = None
    key: Annotated[str | None, Meta(description="the Key of the S3 object, or the item where it is a text")] = None
    where: Annotated[dict[str, Any], Meta(description="fields of the item and their values: order.sku: A-7")] = {}


OwnCase: TypeAlias = Annotated[
    dict[str, str | OwnResponse | list[Rule]],
    Meta(description="by state: the name of a response, the response itself, or rules for items and batches"),
]


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """The test cases of a state machine."""

    TestCases: dict[str, dict[str, str]] = {}


class Own(Struct, frozen=True, forbid_unknown_fields=True):
    """What stepsim adds."""

    strict: Annotated[bool, Meta(description="a mock that is never used makes a run fail")] = False
    validate_responses: Annotated[bool, Meta(description="responses must have the shapes of their APIs")] = False
    responses: Annotated[dict[str, OwnResponse], Meta(description="by name, as MockedResponses are")] = {}
    test_cases: Annotated[
        dict[str, dict[str, OwnCase]], Meta(description="by machine and name, on top of TestCases")
    ] = {}


class MockConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A mock configuration file."""

    StateMachines: dict[str, Machine] = {}
    MockedResponses: dict[str, Response] = {}
    stepsim: Own = Own()


class Mocks(Struct, frozen=True, forbid_unknown_fields=True):
    """The mocks of a scenario: a test case of a file, some written here, or both."""

    file: Annotated[str | None, Meta(description="a mock configuration file, relative to this file")] = None
    test_case: Annotated[str | None, Meta(description="a test case of it: NAME, or MACHINE#NAME")] = None
    strict: Annotated[bool, Meta(description="a mock that is never used makes the run fail")] = False
    validate_responses: Annotated[bool, Meta(description="responses must have the shapes of their APIs")] = False
    responses: Annotated[dict[str, OwnResponse], Meta(description="by name")] = {}
    states: OwnCase = {}
