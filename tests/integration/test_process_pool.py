"""workers/pool.py with real processes: whatever a handler does, the account is told what Lambda would tell."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from stepsim.workers.frames import (
    FALL_THROUGH,
    ApiFault,
    ApiReply,
    ApiRequest,
    HttpReply,
    HttpRequest,
)
from stepsim.workers.function_code import FunctionCode
from stepsim.workers.pool import ProcessPool
from stepsim.workers.process import StartMethod
from stepsim.workers.worker import Invocation, InvocationResult

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
CALL = Invocation(
    request_id="8f1d5c1e-0000-4000-8000-000000000001",
    function_name="Behave",
    function_arn="arn:aws:lambda:eu-west-1:123456789012:function:Behave",
    event="null",
    timeout_ms=20_000,
    memory_mb=256,
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The backend that the pool runs on."""
    return "asyncio"


class Bucket:
    """An account of one bucket: fast for S3, and HTTP for what falls through."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: list[HttpRequest] = []
        self.items: dict[str, object] = {}
        self.failures = 0
        self.on_invoke: Callable[[Callable[[HttpReply], None]], None] | None = None

    def api(self, request: ApiRequest, invocation: Invocation, reply: Callable[[ApiReply], None]) -> None:
        """Answer S3 and DynamoDB calls from dictionaries."""
        key = request.params.get("Key")
        match request.operation:
            case "PutObject":
                body = request.params["Body"]
                assert isinstance(body, bytes)
                self.objects[str(key)] = body
                reply(ApiReply({"ETag": '"e"'}))
            case "GetObject" if self.failures:
                reply(FALL_THROUGH)
            case "GetObject" if key in self.objects:
                reply(ApiReply({"ETag": '"e"', "Body": self.objects[str(key)]}))
            case "GetObject":
                reply(ApiReply(error=ApiFault("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})))
            case "PutItem":
                self.items["a"] = request.params["Item"]
                reply(ApiReply({}))
            case "GetItem":
                reply(ApiReply({"Item": self.items["a"]}))

    def http(self, request: HttpRequest, invocation: Invocation, reply: Callable[[HttpReply], None]) -> None:
        """Answer what isn't fast, failing as often as `failures` says."""
        self.requests.append(request)
        if request.operation == "Invoke":
            assert self.on_invoke is not None
            self.on_invoke(reply)
        elif self.failures:
            self.failures -= 1
            reply(HttpReply(503, {}, b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"))
        elif request.service == "s3":
            reply(HttpReply(200, {"ETag": '"slow"'}, b"over HTTP"))
        else:
            reply(HttpReply(200, {"content-type": "text/xml"}, _IDENTITY))


_IDENTITY = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)

FAST = ("s3.GetObject", "s3.PutObject", "dynamodb.GetItem", "dynamodb.PutItem")


@dataclass
class Lab:
    """A pool and the account behind it."""

    pool: ProcessPool
    bucket: Bucket

    def code(self, handler: str) -> FunctionCode:
        """The code of one of the handlers beside this file."""
        return FunctionCode("Behave", handler, HERE, environment={"TABLE": "t", "AWS_REGION": "nowhere"})

    async def run(self, handler: str, event: object = None, **changes: object) -> InvocationResult:
        """The result of one invocation of a function's own."""
        (result,) = await self.run_all(handler, [event], **changes)
        return result

    async def run_all(self, handler: str, events: list[object], **changes: object) -> list[InvocationResult]:
        """The results of invocations of one function, in the order in which they end."""
        worker = self.pool.worker(self.code(handler))
        results: list[InvocationResult] = []
        ended = anyio.Event()

        def done(result: InvocationResult) -> None:
            results.append(result)
            if len(results) == len(events):
                ended.set()

        for event in events:
            worker.invoke(replace(CALL, event=json.dumps(event), **changes), done)  # type: ignore[arg-type]
        with anyio.fail_after(30):
            await ended.wait()
        return results


@pytest.fixture(scope="module", params=["fork"])
async def lab(anyio_backend: str, request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """One pool for all tests of this file."""
    bucket = Bucket()
    method: StartMethod = request.param
    async with ProcessPool(
        2, api=bucket.api, http=bucket.http, fast_operations=FAST, start_method=method, max_environments=4
    ) as pool:
        yield Lab(pool, bucket)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_return_value_comes_back_as_json(lab: Lab) -> None:
    """What a handler returns is its payload, spaced as Python spaces JSON, big integers and all letters kept."""
    result = await lab.run("functions/behaviour:echo", {"a": [1, 12345678901234567890], "ü": None})
    assert result.payload == '{"a": [1, 12345678901234567890], "ü": null}'
    assert result.function_error is None


async def test_an_environment_stays_warm(lab: Lab) -> None:
    """One environment serves a function's calls one after the other, and its module's state lives on."""
    worker = lab.pool.worker(lab.code("functions/behaviour:count"))
    seen = []
    for _ in range(3):
        ended = anyio.Event()

        def done(result: InvocationResult, ended: anyio.Event = ended) -> None:
            seen.append(json.loads(result.payload))
            ended.set()

        worker.invoke(CALL, done)
        await ended.wait()
    assert [count for _, count in seen] == [1, 2, 3]
    assert len({pid for pid, _ in seen}) == 1


async def test_calls_beside_each_other_have_environments_of_their_own(lab: Lab) -> None:
    """Twenty calls at once on two processes: all are answered, by two environments."""
    results = await lab.run_all("functions/behaviour:count", [None] * 20)
    assert len({json.loads(result.payload)[0] for result in results}) == 2


async def test_context_and_environment_are_lambdas(lab: Lab) -> None:
    """A handler sees Lambda's context and variables, its own variables, and no credentials of this machine."""
    result = await lab.run("functions/behaviour:describe")
    seen = json.loads(result.payload)
    assert seen["request_id"] == CALL.request_id
    assert (seen["name"], seen["memory"], seen["arn"]) == ("Behave", "256", CALL.function_arn)
    assert seen["log_group"] == "/aws/lambda/Behave"
    assert 0 < seen["remaining"] <= CALL.timeout_ms
    assert seen["cwd"] == str(HERE)
    variables = seen["environment"]
    assert variables["TABLE"] == "t"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "Behave"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert variables["LAMBDA_TASK_ROOT"] == str(HERE)
    assert variables["TZ"] == ":UTC"
    assert variables["AWS_ACCESS_KEY_ID"] == "testing"


async def test_an_exception_is_an_error_object(lab: Lab) -> None:
    """A handler that raises ends in Lambda's error object, with the handler's own frames."""
    result = await lab.run("functions/behaviour.py:fail")
    error = json.loads(result.payload)
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert error["errorMessage"] == "kein Glück ☂"
    assert error["errorType"] == "ValueError"
    assert error["requestId"] == CALL.request_id
    (frame,) = error["stackTrace"]
    assert frame.startswith(f'  File "{HERE}/functions/behaviour.py", line ')
    assert frame.endswith(', in fail\n    raise ValueError("kein Glück ☂")\n')
    assert result.function_error == "Unhandled"
    assert "[ERROR] ValueError: kein Glück ☂" in result.log


async def test_an_overdue_handler_is_killed(lab: Lab) -> None:
    """A handler that outlasts its function's timeout ends in Sandbox.Timedout."""
    result = await lab.run("functions/behaviour:hang", timeout_ms=300)
    assert result.payload == (
        '{"errorType":"Sandbox.Timedout",'
        f'"errorMessage":"RequestId: {CALL.request_id} Error: Task timed out after 0.30 seconds"}}'
    )
    assert result.function_error == "Unhandled"
    assert result.duration_ms >= 300
    assert result.log.endswith("\tStatus: timeout\n")


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        ("exit_three", "Runtime exited with error: exit status 3"),
        ("exit_zero", "Runtime exited without providing a reason"),
        ("exit_hard", "Runtime exited with error: exit status 7"),
        ("segfault", "Runtime exited with error: signal: segmentation fault"),
        ("overflow_stack", "Runtime exited with error: signal: segmentation fault"),
        ("close_everything", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_crash_is_an_exit_error(lab: Lab, handler: str, reason: str) -> None:
    """A process that ends under its handler ends in a message of the service: it has no stack trace."""
    result = await lab.run(f"functions/behaviour:{handler}")
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {CALL.request_id} Error: {reason}",
    }
    assert result.function_error == "Unhandled"


async def test_a_crash_harms_nobody_else(lab: Lab) -> None:
    """Calls of another function, beside and after crashes, all return."""
    results: list[InvocationResult] = []
    async with anyio.create_task_group() as tasks:

        async def crash() -> None:
            await lab.run_all("functions/behaviour:exit_hard", [None] * 6)

        tasks.start_soon(crash)
        results = await lab.run_all("functions/behaviour:echo", list(range(40)))
    assert sorted(int(result.payload) for result in results) == list(range(40))


async def test_what_isnt_json_is_a_marshal_error(lab: Lab) -> None:
    """A set can't be marshalled; Lambda says so, without a stack trace."""
    result = await lab.run("functions/behaviour:a_set")
    assert json.loads(result.payload) == {
        "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
        "errorType": "Runtime.MarshalError",
        "requestId": CALL.request_id,
        "stackTrace": [],
    }


async def test_a_response_over_the_limit_is_refused(lab: Lab) -> None:
    """6,291,556 bytes pass, one more does not."""
    fits = await lab.run("functions/behaviour:big", 6_291_554)
    assert fits.function_error is None
    assert len(fits.payload) == 6_291_556
    refused = await lab.run("functions/behaviour:big", 6_291_555)
    assert refused.payload == (
        '{"errorType":"Function.ResponseSizeTooLarge","errorMessage":'
        '"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}'
    )
    assert refused.function_error == "Unhandled"


async def test_a_large_event_arrives_whole(lab: Lab) -> None:
    """An event of several socket buffers comes back as it went."""
    text = "y" * 5_000_000
    assert json.loads((await lab.run("functions/behaviour:echo", text)).payload) == text


async def test_a_loud_handler_keeps_its_end(lab: Lab) -> None:
    """5 MB of output neither block a handler nor are kept: the last 256 KiB are."""
    result = await lab.run("functions/behaviour:loud", 5_000)
    assert result.payload == '"heard"'
    assert len(result.log) < 300_000
    assert "the end\nEND RequestId: " in result.log
    assert "bytes of log dropped" in result.log


async def test_the_log_is_lambdas(lab: Lab) -> None:
    """START, what logging, a subprocess and stderr wrote, END and REPORT; each invocation has only its own."""
    (first, second) = await lab.run_all("functions/behaviour:logs", [None, None], request_id="r-1")
    for result in (first, second):
        lines = result.log.splitlines()
        assert lines[0] == "START RequestId: r-1 Version: $LATEST"
        level, _, request_id, message = lines[1].split("\t")
        assert (level, request_id, message) == ("[INFO]", "r-1", "listing")
        assert lines[2:5] == ["from a subprocess", "to stderr", "END RequestId: r-1"]
        assert lines[5].startswith("REPORT RequestId: r-1\tDuration: ")
        assert "\tMemory Size: 256 MB\tMax Memory Used: " in lines[5]


async def test_memory_beyond_the_functions_is_fatal(lab: Lab) -> None:
    """A handler may use its memory; where it asks for more, the environment is killed."""
    fits = await lab.run("functions/behaviour:use_memory", 100, memory_mb=128)
    assert fits.function_error is None
    killed = await lab.run("functions/behaviour:use_memory", 400, memory_mb=128)
    assert json.loads(killed.payload)["errorMessage"].endswith("Runtime exited with error: signal: killed")


async def test_threads_do_not_count_as_memory(lab: Lab) -> None:
    """Sixty-four threads run in 128 MB, as they do on Lambda."""
    assert (await lab.run("functions/behaviour:many_threads", 64, memory_mb=128)).payload == "64"


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        (
            "functions/bad_import:handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'functions/bad_import': No module named 'no_such_library_at_all'",
        ),
        ("functions/behaviour:nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module"),
        ("functions/bad_start:handler", "RuntimeError", "no configuration"),
    ],
)
async def test_a_module_that_fails_to_load_fails_its_calls(
    lab: Lab, handler: str, error_type: str, message: str
) -> None:
    """What goes wrong before the handler is called has the name that AWS's runtime gives it, and no request id."""
    result = await lab.run(handler)
    error = json.loads(result.payload)
    assert error["errorType"] == error_type
    assert message in error["errorMessage"]
    assert error["requestId"] == ""
    assert result.function_error == "Unhandled"


async def test_a_syntax_error_is_named(lab: Lab, tmp_path: Path) -> None:
    """A module that isn't Python is Runtime.UserCodeSyntaxError."""
    (tmp_path / "wrong.py").write_text("def handler(:\n")
    result = await lab.run(f"{tmp_path}/wrong.py:handler")
    error = json.loads(result.payload)
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["stackTrace"] == [f'  File "{tmp_path}/wrong.py" Line 1\n    def handler(:\n']


async def test_a_users_module_does_not_shadow_the_standard_library_at_start(lab: Lab, tmp_path: Path) -> None:
    """A folder with a socket.py and a json.py of its own still starts; the handler itself sees its neighbours."""
    (tmp_path / "socket.py").write_text("raise ImportError('not yours')\n")
    (tmp_path / "neighbour.py").write_text("NAME = 'next door'\n")
    (tmp_path / "own.py").write_text("import neighbour\ndef handler(event, context):\n    return neighbour.NAME\n")
    assert (await lab.run(f"{tmp_path}/own:handler")).payload == '"next door"'


@pytest.mark.parametrize("handler", ["functions/behaviour:Grouped.handler", "functions.behaviour.echo"])
async def test_other_forms_of_a_handler_reference(lab: Lab, handler: str) -> None:
    """A method of a class and Lambda's dotted form are handlers too."""
    assert (await lab.run(handler)).function_error is None


async def test_s3_from_a_handler_reaches_the_account(lab: Lab) -> None:
    """A file-like body goes out as its bytes, and a body comes back as a stream."""
    result = await lab.run("functions/aws:round_trip", "contents")
    assert json.loads(result.payload) == {"body": "contents", "etag": '"e"', "status": 200, "retries": 0}
    assert lab.bucket.objects["k ü+"] == b"contents"


async def test_a_modelled_error_is_the_clients_own(lab: Lab) -> None:
    """The account's NoSuchKey is the exception that boto3's S3 client declares."""
    result = await lab.run("functions/aws:missing")
    assert json.loads(result.payload) == (
        "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist."
    )


async def test_a_resource_speaks_python_types(lab: Lab) -> None:
    """boto3's Table turns values into DynamoDB's types and back, around the call that the account sees."""
    result = await lab.run("functions/aws:table")
    assert result.payload == "3"
    assert lab.bucket.items["a"] == {"pk": {"S": "a"}, "n": {"N": "3"}, "tags": {"SS": ["x"]}}


async def test_parameters_are_validated_in_the_handler(lab: Lab) -> None:
    """A call without a required parameter raises boto3's own ParamValidationError."""
    result = await lab.run("functions/aws:invalid")
    error = json.loads(result.payload)
    assert error["errorType"] == "ParamValidationError"
    assert 'Missing required parameter in input: "Key"' in error["errorMessage"]


async def test_botocore_retries_what_falls_through(lab: Lab) -> None:
    """A 503 over HTTP meets botocore's own retries; attempts of one call share its number."""
    lab.bucket.requests.clear()
    lab.bucket.failures = 1
    result = await lab.run("functions/aws:round_trip", "again")
    assert json.loads(result.payload) == {"body": "over HTTP", "etag": '"slow"', "status": 200, "retries": 1}
    first, second = lab.bucket.requests
    assert (first.service, first.operation, first.region) == ("s3", "GetObject", "eu-west-1")
    assert first.call == second.call
    assert (first.attempt, second.attempt) == (0, 1)


async def test_any_service_works_over_http(lab: Lab) -> None:
    """An operation that isn't fast reaches the account as the request that AWS would have had."""
    result = await lab.run("functions/aws:identity")
    assert result.payload == '"123456789012"'
    request = lab.bucket.requests[-1]
    assert (request.service, request.method) == ("sts", "POST")
    assert b"Action=GetCallerIdentity" in request.body


async def test_an_endpoint_on_this_machine_is_called(lab: Lab) -> None:
    """A loopback endpoint_url, named on purpose, is not the account's business."""
    assert (await lab.run("functions/aws:local")).payload == '"EndpointConnectionError"'


async def test_threads_of_a_handler_share_the_way_to_the_account(lab: Lab) -> None:
    """Forty calls from eight threads: each gets its own answer."""
    result = await lab.run("functions/aws:parallel", 20)
    assert json.loads(result.payload) == [str(number) for number in range(20)]


async def test_waiting_for_another_function_takes_no_room(lab: Lab) -> None:
    """Handlers that fill the pool and invoke another function through it are all answered."""
    other = lab.pool.worker(lab.code("functions/behaviour:echo"))

    def on_invoke(reply: Callable[[HttpReply], None]) -> None:
        other.invoke(replace(CALL, event='"inner"'), lambda result: reply(HttpReply(200, {}, result.payload.encode())))

    lab.bucket.on_invoke = on_invoke
    results = await lab.run_all("functions/aws:invoke_other", [None, None])
    assert [result.payload for result in results] == ['"\\"inner\\""'] * 2


async def test_more_functions_than_environments(lab: Lab) -> None:
    """The environment idle longest makes room for a seventh function."""
    for _ in range(2):
        for handler in ("echo", "count", "describe", "a_set", "decimals", "Grouped.handler", "lazily"):
            await lab.run(f"functions/behaviour:{handler}")
    assert json.loads((await lab.run("functions/behaviour:decimals")).payload) == {"amount": 12.34, "blob": "text"}


async def test_short_invocations_of_many_functions_all_come_to_their_end(anyio_backend: str) -> None:
    """However many environments the first ones take, the others have theirs."""
    results: list[str] = []
    ended = anyio.Event()

    def done(result: InvocationResult) -> None:
        results.append(result.payload)
        if len(results) == 300:
            ended.set()

    async with ProcessPool(max_environments=4) as pool:
        lab = Lab(pool, Bucket())
        workers = [pool.worker(lab.code("functions/behaviour:echo")) for _ in range(6)]
        for number in range(300):
            workers[0 if number < 100 else number % 6].invoke(replace(CALL, event=str(number)), done)
        with anyio.fail_after(30):
            await ended.wait()
    assert sorted(map(int, results)) == list(range(300))


async def test_the_launcher_is_replaced(anyio_backend: str) -> None:
    """Where the launcher is killed, what ran under it has crashed, and the next call has another."""
    crashes: list[InvocationResult] = []
    crashed = anyio.Event()

    def done(result: InvocationResult) -> None:
        crashes.append(result)
        crashed.set()

    async with ProcessPool(2) as pool:
        lab = Lab(pool, Bucket())
        pool.worker(lab.code("functions/behaviour:hang")).invoke(CALL, done)
        launcher = int((await lab.run("functions/behaviour:parent")).payload)
        os.kill(launcher, signal.SIGKILL)
        with anyio.fail_after(10):
            await crashed.wait()
        assert (await lab.run("functions/behaviour:echo", 1)).payload == "1"
        assert int((await lab.run("functions/behaviour:parent")).payload) != launcher
    assert "Runtime exited with error: signal: killed" in crashes[0].payload


async def test_the_callers_own_exception_leaves_the_pool_as_it_is(anyio_backend: str) -> None:
    """What is raised inside ``async with`` is not wrapped in a group."""

    async def divide() -> None:
        async with ProcessPool(1) as pool:
            await Lab(pool, Bucket()).run("functions/behaviour:echo")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await divide()


async def test_a_broken_account_breaks_the_pool(anyio_backend: str) -> None:
    """An exception of the account's own code is no answer to a handler: it ends the pool."""

    def http(request: HttpRequest, invocation: Invocation, reply: Callable[[HttpReply], None]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        async with ProcessPool(1, http=http) as pool:
            await Lab(pool, Bucket()).run("functions/aws:identity")
    assert raised.group_contains(ZeroDivisionError)


async def test_without_an_account_calls_are_not_implemented(anyio_backend: str) -> None:
    """A pool that was given no account answers AWS calls with 501, which botocore does not retry."""
    async with ProcessPool(1) as pool:
        result = await Lab(pool, Bucket()).run("functions/aws:identity")
    assert json.loads(result.payload)["errorMessage"].startswith("An error occurred (501)")


async def test_spawned_environments_do_the_same(anyio_backend: str) -> None:
    """Without fork, an environment is a fresh interpreter that answers and reaches the account alike."""
    bucket = Bucket()
    async with ProcessPool(1, api=bucket.api, http=bucket.http, fast_operations=FAST, start_method="spawn") as pool:
        result = await Lab(pool, bucket).run("functions/aws:round_trip", "contents")
    assert json.loads(result.payload)["body"] == "contents"


async def test_nothing_is_left_after_close(anyio_backend: str) -> None:
    """Leaving the pool ends every process, the handlers' own children too, and calls nobody back."""
    results: list[InvocationResult] = []
    pids: list[int] = []
    told = anyio.Event()

    def http(request: HttpRequest, invocation: Invocation, reply: Callable[[HttpReply], None]) -> None:
        pids.extend(json.loads(request.body))
        told.set()

    async with ProcessPool(1, http=http) as pool:
        worker = pool.worker(FunctionCode("Behave", "functions/aws_children:tell_and_hang", HERE))
        worker.invoke(CALL, results.append)
        worker.invoke(CALL, results.append)
        await told.wait()
        assert all(alive(pid) for pid in pids)
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)
    assert results == []
    with pytest.raises(RuntimeError, match="not open"):
        worker.invoke(CALL, results.append)


async def test_nothing_is_left_after_the_parent_is_killed(anyio_backend: str) -> None:
    """SIGKILL of the pool's own process ends the launcher, the environments and their children."""
    script = HERE / "functions" / "lonely_pool.py"
    async with await anyio.open_process([sys.executable, str(script)], stderr=None) as process:
        assert process.stdout is not None
        pids = json.loads(await process.stdout.receive())
        assert all(alive(pid) for pid in pids)
        process.kill()
        await process.wait()
    with anyio.fail_after(10):
        for pid in pids:
            while alive(pid):
                await anyio.lowlevel.checkpoint()
