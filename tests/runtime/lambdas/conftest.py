"""An account whose functions run for real: moto, a process pool, the system clock, and Lambda between them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

import anyio
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from stepsim.asl.payload import Payload
from stepsim.runtime.account import Account
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.cloud.cloud import Cloud
from stepsim.runtime.cloud.latency import Latency
from stepsim.runtime.dice import Dice
from stepsim.runtime.endpoint.request import HttpRequest, HttpResponse
from stepsim.runtime.execution import Execution
from stepsim.runtime.functions import Functions
from stepsim.runtime.lambdas.invocation import InvokeResponse
from stepsim.runtime.lambdas.lambdas import AT_HOME, Lambdas
from stepsim.runtime.process_functions import open_process_pool
from stepsim.runtime.realtime import Driver, now_ms
from stepsim.runtime.statistics import Statistics
from stepsim.workers.pool import ProcessPool

ROLE = "arn:aws:iam::123456789012:role/lambda"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class WatchedDriver(Driver):
    """A driver that says when something may have happened."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.happened = anyio.Event()

    def advance(self) -> None:
        """Let it be now, and say so."""
        super().advance()
        happened, self.happened = self.happened, anyio.Event()
        happened.set()


class Stand:
    """Lambda for one test file."""

    def __init__(self, cloud: Cloud, code_folder: Path) -> None:
        self.cloud = cloud
        self.code_folder = code_folder
        dice = Dice(0)
        self.statistics = Statistics()
        self.functions = Functions([], dice, self.statistics)
        self.account = Account(
            dice=dice,
            statistics=self.statistics,
            functions=self.functions,
            call=cloud.perform,
            models={},
            start_ms=now_ms(),
        )
        self.failures: list[Exception] = []
        self.driver = WatchedDriver(self.account.scheduler, self.failures.append)
        self.pool: ProcessPool
        self.pools_asked_for = 0
        self.lambdas = Lambdas(
            cloud, self.functions, self.account.scheduler, dice, self._the_pool, code_folders=[code_folder]
        )

    def _the_pool(self) -> ProcessPool:
        self.pools_asked_for += 1
        return self.pool

    @staticmethod
    def zipped(files: Mapping[str, str]) -> bytes:
        """A deployment package."""
        written = BytesIO()
        with ZipFile(written, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return written.getvalue()

    # -- clients -------------------------------------------------------------------------------------------------

    def call(self, operation: str, home: tuple[str, str] = AT_HOME, **params: Any) -> Any:
        """A control-plane operation, as an endpoint passes it on to moto."""
        prepared = self.lambdas.before(operation, params, home)
        return self.cloud.client("lambda", home[1])._make_api_call(operation, prepared)

    def create(self, name: str, code: str | Mapping[str, str], home: tuple[str, str] = AT_HOME, **settings: Any) -> str:
        """A function of the module ``index``, or of a package's files; its ARN."""
        files = {"index.py": code} if isinstance(code, str) else code
        made = self.call(
            "CreateFunction",
            home,
            **{
                "FunctionName": name,
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Role": ROLE,
                "Code": {"ZipFile": self.zipped(files)},
                "Timeout": 20,
                **settings,
            },
        )
        arn: str = made["FunctionArn"]
        return arn

    async def answer(self, params: dict[str, Any], home: tuple[str, str] = AT_HOME) -> InvokeResponse | ApiError:
        """What Invoke answers."""
        answers: list[InvokeResponse | ApiError] = []
        answered = anyio.Event()

        def reply(answer: InvokeResponse | ApiError) -> None:
            answers.append(answer)
            answered.set()

        self.lambdas.invoke(params, home, reply)
        with anyio.fail_after(30):
            await answered.wait()
        assert not self.failures
        return answers[0]

    async def invoke(self, name: str, event: Any = None, **params: Any) -> InvokeResponse:
        """The response to Invoke."""
        answer = await self.answer({"FunctionName": name, "Payload": json.dumps(event).encode(), **params})
        assert isinstance(answer, InvokeResponse), answer
        return answer

    async def value(self, name: str, event: Any = None, **params: Any) -> Any:
        """What a function returned."""
        response = await self.invoke(name, event, **params)
        assert response.function_error is None, response.payload
        return json.loads(response.payload)

    async def run(self, definition: Any, value: Any = None) -> Execution:
        """An execution that has ended."""
        ended = anyio.Event()
        name = f"run-{self.account.scheduler.now_ms}-{id(ended)}"
        execution = self.account.start_execution(definition, Payload(value), machine_name="machine", name=name)
        execution.when_ended.append(lambda _execution: ended.set())
        with anyio.fail_after(30):
            await ended.wait()
        assert not self.failures
        return execution

    async def until(self, holds: Callable[[], Any]) -> Any:
        """What a look finds, once it finds something: looked at whenever something may have happened."""
        with anyio.fail_after(30):
            while not (found := holds()):
                await self.driver.happened.wait()
        assert not self.failures
        return found

    def logged(self, group: str) -> list[str]:
        """All lines of a log group, in the order of its streams."""
        logs = self.cloud.client("logs")
        try:
            streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        lines: list[str] = []
        for stream in streams:
            name = stream["logStreamName"]
            events = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
            lines += [event["message"] for event in events]
        return lines

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """A queue: its URL and its ARN."""
        sqs = self.cloud.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def received(self, url: str) -> list[dict[str, Any]]:
        """The messages that a queue has now."""
        sqs = self.cloud.client("sqs")
        messages: list[dict[str, Any]] = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        return messages

    # -- what handlers ask for -------------------------------------------------------------------------------------

    def http(self, request: HttpRequest, reply: Callable[[HttpResponse], None]) -> None:
        """The endpoint that handlers reach: Invoke is ours, everything else moto's."""
        parts = request.path.split("/")
        if parts[1:3] == ["2015-03-31", "functions"] and parts[-1] == "invocations":
            self._invoke(unquote(parts[3]), request, reply)
            return
        url = f"https://{request.headers['host']}{request.target}"
        headers = HTTPHeaders.from_dict(request.headers)
        answer = self.cloud.answer_http(AWSPreparedRequest(request.method, url, headers, request.body, False))
        reply(HttpResponse(answer.status_code, dict(answer.headers), answer.content))

    def _invoke(self, name: str, request: HttpRequest, reply: Callable[[HttpResponse], None]) -> None:
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")

        def answered(answer: InvokeResponse | ApiError) -> None:
            if isinstance(answer, ApiError):
                error = json.dumps({"message": answer.message}).encode()
                reply(HttpResponse(answer.status, {"x-amzn-errortype": answer.code}, error))
            else:
                headers = {} if answer.function_error is None else {"x-amz-function-error": answer.function_error}
                reply(HttpResponse(answer.status, headers, answer.payload))

        params = {"FunctionName": name, "InvocationType": kind, "Payload": request.body}
        self.lambdas.invoke(params, AT_HOME, answered)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The backend that the pool runs on."""
    return "asyncio"


@pytest.fixture(scope="module")
async def stand(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    """One account for all tests of a file."""
    async with AsyncExitStack() as parts:
        cloud = parts.enter_context(Cloud(latency=Latency(Dice(0), off=True)))
        cloud.client("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=TRUST)
        made = Stand(cloud, tmp_path_factory.mktemp("code"))
        made.pool = await parts.enter_async_context(open_process_pool(cloud, 4, answer_http=made.http, lazy=True))
        tasks = await parts.enter_async_context(anyio.create_task_group())
        parts.enter_context(made.lambdas.installed())
        tasks.start_soon(made.driver.run)
        yield made
        tasks.cancel_scope.cancel()
