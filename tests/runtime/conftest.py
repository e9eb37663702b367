"""A laboratory for executions: a scheduler in virtual time, and functions that are plain Python lambdas."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stepsim.asl.compile import compile_machine
from stepsim.asl.errors import StatesError
from stepsim.asl.payload import Payload, encode
from stepsim.runtime.cli import main
from stepsim.runtime.cloud.call import Answer, ApiError, CallSite
from stepsim.runtime.dice import Dice
from stepsim.runtime.engine import Engine
from stepsim.runtime.execution import Execution
from stepsim.runtime.fiber import Ticket
from stepsim.runtime.frame import Identity
from stepsim.runtime.map_quotas import NO_MAP_QUOTAS, AwaitOpening
from stepsim.runtime.map_run import MapRun
from stepsim.runtime.map_runs import MapRuns
from stepsim.runtime.requests import AwaitToken, InvokeFunction
from stepsim.runtime.scheduler import Scheduler
from stepsim.runtime.services.integrations import Tasks
from stepsim.runtime.statistics import Statistics
from stepsim.runtime.tokens import TaskTokens
from stepsim.workers.worker import InvocationResult

PREFIX = "arn:aws:states:us-east-1:123456789012"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"

Handler = Callable[[Any], Any]


class Refused(Exception):
    """Raised by a laboratory function: an errorType and an errorMessage."""


@dataclass
class Run:
    """A finished execution and what it left behind."""

    execution: Execution
    statistics: Statistics
    map_runs: list[MapRun]
    scheduler: Scheduler
    tokens: TaskTokens
    calls: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.execution.status

    @property
    def output(self) -> Any:
        assert self.execution.output is not None, (self.execution.status, self.execution.error, self.execution.cause)
        return self.execution.output.value

    @property
    def seconds(self) -> float:
        assert self.execution.stop_ms is not None
        return (self.execution.stop_ms - self.execution.me.start_ms) / 1000

    @property
    def trace(self) -> list[str]:
        """The history as ``4<-3 MapIterationStarted{0}``: id, previous id, type, and what tells siblings apart."""
        return [_line(event.id, event.previous_event_id, event.type, event.details or {}) for event in self.history]

    @property
    def history(self) -> list[Any]:
        return list(self.execution.history)

    def details(self, event_type: str) -> dict[str, Any]:
        """The details of the first event of a type."""
        return next(event.details for event in self.history if event.type == event_type)


def _line(event_id: int, previous: int, event_type: str, details: Mapping[str, Any]) -> str:
    mark = details["index"] if "index" in details else details.get("length")
    return f"{event_id}<-{previous} {event_type}" + ("" if mark is None else f"{{{mark}}}")


class Laboratory:
    """Runs definitions. A function takes its event and returns a value, or raises Refused; each call takes 1 s."""

    Refused = Refused

    def __init__(self) -> None:
        self.s3: dict[str, bytes] = {}
        self.duration_ms = 1_000
        self.quotas = NO_MAP_QUOTAS

    @staticmethod
    def task(function: str = "f", **fields: Any) -> dict[str, Any]:
        """A Task that calls a laboratory function by ARN; it is an end unless it has a Next."""
        end = {} if "Next" in fields else {"End": True}
        return {"Type": "Task", "Resource": FUNCTION + function, **end, **fields}

    @staticmethod
    def each(state: str = "Work", *, config: Any = None, retry: Any = None, **fields: Any) -> dict[str, Any]:
        """A Map whose iterations are one state, which calls the function Work. Further fields are the Map's."""
        work = Laboratory.task("Work", **({} if retry is None else {"Retry": retry}))
        processor = {**({} if config is None else {"ProcessorConfig": config}), **Laboratory.machine(**{state: work})}
        end = {} if "Next" in fields else {"End": True}
        return {"Type": "Map", "ItemProcessor": processor, **end, **fields}

    @staticmethod
    def machine(**states: Any) -> dict[str, Any]:
        """A machine of these states, starting at the first."""
        return {"StartAt": next(iter(states)), "States": states}

    def call(self, service: str, operation: str, params: dict[str, Any], *, site: CallSite) -> Answer:
        """A one-bucket S3 that answers at once."""
        assert (service, params["Bucket"]) == ("s3", "bucket"), (service, params)
        if operation == "HeadBucket":
            return Answer({})
        if operation == "PutObject":
            self.s3[params["Key"]] = params["Body"]
            return Answer({})
        assert operation == "GetObject"
        if params["Key"] not in self.s3:
            return Answer(None, ApiError("NoSuchKey", "The specified key does not exist.", 404))
        return Answer({"Body": io.BytesIO(self.s3[params["Key"]])})

    def run(
        self,
        definition: Any,
        value: Any = None,
        *,
        functions: Mapping[str, Handler] | None = None,
        during: Callable[[Run], None] | None = None,
        text: str | None = None,
        seed: int = 0,
        express: bool = False,
    ) -> Run:
        """Run a definition to its end; `during(run)` is called when nothing has happened yet."""
        calls: list[tuple[str, Any]] = []

        def perform(ticket: Ticket, request: Any) -> None:
            if isinstance(request, InvokeFunction):
                answer = _invoke(functions or {}, request, calls)
                scheduler.complete_at(scheduler.now_ms + self.duration_ms, ticket, answer)
            elif isinstance(request, AwaitToken):
                tokens.wait(request.token, ticket)
            elif isinstance(request, AwaitOpening):
                request.openings.wait(ticket, request.run)

        scheduler = Scheduler(perform, 1_767_578_400_000)
        dice = Dice(seed)
        tokens = TaskTokens(scheduler, dice)
        map_runs = MapRuns(self.call, self.quotas)
        statistics = Statistics()
        engine = Engine(scheduler, dice, statistics, Tasks().perform, map_runs.run, tokens)
        payload = Payload.of_text(text) if text is not None else Payload({} if value is None else value)
        me = Identity(
            f"{PREFIX}:execution:machine:one",
            "one",
            f"{PREFIX}:stateMachine:machine",
            "machine",
            payload,
            scheduler.now_ms,
            express=express,
        )
        execution = Execution(engine, compile_machine(definition), me)
        run = Run(execution, statistics, map_runs.opened, scheduler, tokens, calls)
        fiber = scheduler.spawn(execution.program(), None, execution.deadline_ms)
        if during is not None:
            during(run)
        while not fiber.ended:
            deadline_ms = scheduler.next_deadline()
            assert deadline_ms is not None
            scheduler.advance(deadline_ms)
        return run


def _invoke(functions: Mapping[str, Handler], request: InvokeFunction, calls: list[tuple[str, Any]]) -> Any:
    event = Payload.of_text(request.event).value
    name = request.site.function
    calls.append((name, event))
    try:
        return InvocationResult(encode(functions[name](event)))
    except Refused as refused:
        error_type, message = refused.args
        return InvocationResult(encode({"errorMessage": message, "errorType": error_type}), "Unhandled")
    except ApiError as error:
        return error
    except StatesError as error:
        raise AssertionError("a function cannot raise StatesError") from error


@pytest.fixture
def cli() -> Callable[..., Result]:
    """The command line in this process: what it did with these arguments. Raises what a command lets through."""
    return lambda *arguments: CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory()


class LocalServer:
    """A web server of this machine: answers as `answer` says, (status, headers, body), and remembers what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], str]] = []
        """Method, path with query, headers and body of each request."""
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda path: (200, {}, b"")
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                server.got.append((self.command, self.path, dict(self.headers), body))
                status, headers, content = server.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def local_server() -> Iterator[LocalServer]:
    server = LocalServer()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()
