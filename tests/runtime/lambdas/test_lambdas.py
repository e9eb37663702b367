"""runtime/lambdas: functions that clients create run for real, and answer as Lambda does."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from typing import Any

import anyio
import pytest

from stepsim.runtime.cloud.call import ApiError

pytestmark = pytest.mark.anyio

ECHO = "def handler(event, context):\n    return event\n"


async def test_nothing_is_started_before_the_first_invocation(stand: Any) -> None:
    """The pool is asked for once, when it is needed."""
    stand.create("first", ECHO)
    assert stand.pools_asked_for == 0
    assert await stand.value("first", {"a": [1]}) == {"a": [1]}
    assert await stand.value("first", None) is None
    assert stand.pools_asked_for == 1


async def test_a_function_knows_what_it_is(stand: Any) -> None:
    """Its variables, its version, its ARN as the caller named it, and its limits."""
    code = """
import os
def handler(event, context):
    return [os.environ["TABLE"], os.environ["AWS_LAMBDA_FUNCTION_VERSION"], context.invoked_function_arn,
            context.function_version, context.memory_limit_in_mb, context.log_group_name, os.environ["AWS_REGION"]]
"""
    arn = stand.create("known", code, Environment={"Variables": {"TABLE": "t"}}, MemorySize=256)
    latest = ["t", "$LATEST", arn, "$LATEST", "256", "/aws/lambda/known", "us-east-1"]
    assert await stand.value("known") == latest
    assert await stand.value("123456789012:function:known") == latest
    assert (await stand.value("known", Qualifier="$LATEST"))[2] == f"{arn}:$LATEST"
    stand.call("PublishVersion", FunctionName="known")
    stand.call("CreateAlias", FunctionName="known", Name="live", FunctionVersion="1")
    assert (await stand.value(f"{arn}:1"))[1:4] == ["1", f"{arn}:1", "1"]
    assert (await stand.value("known:live"))[1:4] == ["1", f"{arn}:live", "1"]
    assert (await stand.invoke("known", Qualifier="live")).executed_version == "1"


async def test_a_published_version_keeps_its_code_and_settings(stand: Any) -> None:
    """The latest code changes, and so do its environments."""
    stand.create("versioned", "import os\ndef handler(event, context):\n    return ['one', os.environ.get('V')]\n")
    stand.call("PublishVersion", FunctionName="versioned")
    assert await stand.value("versioned") == ["one", None]
    stand.call("UpdateFunctionConfiguration", FunctionName="versioned", Environment={"Variables": {"V": "2"}})
    assert await stand.value("versioned") == ["one", "2"]
    inline = b"import os\ndef handler(event, context):\n    return ['two', os.environ.get('V')]\n"
    stand.call("UpdateFunctionCode", FunctionName="versioned", ZipFile=inline)
    assert await stand.value("versioned") == ["two", "2"]
    assert await stand.value("versioned:1") == ["one", None]


async def test_an_alias_with_weights_goes_both_ways(stand: Any) -> None:
    """About as often as the weights say."""
    stand.create("weighed", "import os\ndef handler(event, context):\n    return os.environ.get('V')\n")
    stand.call("PublishVersion", FunctionName="weighed")
    stand.call("UpdateFunctionConfiguration", FunctionName="weighed", Environment={"Variables": {"V": "2"}})
    stand.call("PublishVersion", FunctionName="weighed")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    stand.call("CreateAlias", FunctionName="weighed", Name="some", FunctionVersion="1", RoutingConfig=routing)
    seen = [(await stand.invoke("weighed:some")).executed_version for _ in range(30)]
    assert 5 < seen.count("2") < 25


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("def handler(event, context):\n    raise KeyError('x')\n", "KeyError", "'x'"),
        ("import nowhere\n", "Runtime.ImportModuleError", "Unable to import module 'index': No module named 'nowhere'"),
        ("handler = 1 +\n", "Runtime.UserCodeSyntaxError", None),
        ("def other(event, context): pass\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("import os\ndef handler(event, context):\n    os._exit(1)\n", "Runtime.ExitError", None),
        ("def handler(event, context):\n    return bytearray(1 << 30)\n", "Runtime.ExitError", None),
        ("def handler(event, context):\n    while True: pass\n", "Sandbox.Timedout", None),
    ],
)
async def test_a_function_fails_as_on_aws(stand: Any, code: str, error_type: str, message: str | None) -> None:
    """Invoke succeeds, and says so; everybody else is unharmed."""
    stand.create("healthy", ECHO)
    stand.create("failing", code, Timeout=1)
    try:
        response = await stand.invoke("failing")
        assert (response.status, response.function_error, response.executed_version) == (200, "Unhandled", "$LATEST")
        failure = json.loads(response.payload)
        assert failure["errorType"] == error_type
        assert message is None or failure["errorMessage"] == message
        assert await stand.value("healthy", 1) == 1
    finally:
        stand.call("DeleteFunction", FunctionName="failing")
        stand.call("DeleteFunction", FunctionName="healthy")


async def test_a_stack_trace_names_files_as_on_aws(stand: Any) -> None:
    """A package lies in /var/task."""
    stand.create("traced", {"index.py": "import inner\nhandler = inner.handler\n", "inner.py": "handler = 1 / 0\n"})
    stand.call("UpdateFunctionConfiguration", FunctionName="traced", Handler="inner.handler")
    response = await stand.invoke("traced")
    assert '  File "/var/task/inner.py", line 1, in <module>' in json.loads(response.payload)["stackTrace"][-1]
    stand.call("UpdateFunctionCode", FunctionName="traced", ZipFile=b"def handler(event, context):\n    return 1 / 0\n")
    stand.call("UpdateFunctionConfiguration", FunctionName="traced", Handler="index.handler")
    failure = json.loads((await stand.invoke("traced")).payload)
    assert failure["stackTrace"] == ['  File "/var/task/index.py", line 2, in handler\n    return 1 / 0\n']


async def test_a_crash_names_the_request(stand: Any) -> None:
    """The message has the invocation's own id."""
    stand.create("crashing", "import sys\ndef handler(event, context):\n    sys.exit(1)\n")
    response = await stand.invoke("crashing")
    assert json.loads(response.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {response.request_id} Error: Runtime exited with error: exit status 1",
    }


async def test_the_log_is_kept_and_its_end_returned(stand: Any) -> None:
    """One stream an environment, in the function's group, or where LoggingConfig says."""
    code = """
def handler(event, context):
    print('line one')
    print('line two')
    return context.log_stream_name
"""
    stand.create("logging", code)
    response = await stand.invoke("logging", LogType="Tail")
    stream = json.loads(response.payload)
    lines = stand.logged("/aws/lambda/logging")
    assert lines[0] == f"START RequestId: {response.request_id} Version: $LATEST\n"
    assert lines[1:3] == ["line one\n", "line two\n"]
    assert lines[4].startswith(f"REPORT RequestId: {response.request_id}\tDuration: ")
    streams = stand.cloud.client("logs").describe_log_streams(logGroupName="/aws/lambda/logging")["logStreams"]
    assert [one["logStreamName"] for one in streams] == [stream]
    assert "[$LATEST]" in stream
    assert response.members()["LogResult"] == b64encode("".join(lines).encode()[-4096:]).decode()
    stand.call("UpdateFunctionConfiguration", FunctionName="logging", LoggingConfig={"LogGroup": "shared"})
    assert "/logging[$LATEST]" in await stand.value("logging")
    assert len(stand.logged("shared")) == 5
    configuration = stand.call("GetFunctionConfiguration", FunctionName="logging")
    assert configuration["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "shared"}


async def test_a_client_context_comes_to_the_handler(stand: Any) -> None:
    """As AWS's runtime shows it."""
    stand.create("asked", "def handler(event, context):\n    return context.client_context.custom\n")
    encoded = b64encode(b'{"custom": {"a": 1}}').decode()
    assert await stand.value("asked", ClientContext=encoded) == {"a": 1}


async def test_a_dry_run_and_an_event_have_no_payload(stand: Any) -> None:
    """An event is worked off later."""
    stand.create("evented", "def handler(event, context):\n    print('seen', event)\n")
    response = await stand.invoke("evented", 1, InvocationType="DryRun")
    assert response.members() == {"StatusCode": 204, "Payload": b""}
    response = await stand.invoke("evented", 2, InvocationType="Event")
    assert response.members() == {"StatusCode": 202, "Payload": b""}
    lines = await stand.until(lambda: stand.logged("/aws/lambda/evented"))
    assert f"START RequestId: {response.request_id} Version: $LATEST\n" in lines
    assert "seen 2\n" in lines
    assert "seen 1\n" not in lines


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"FunctionName": "gone"}, "ResourceNotFoundException", "Function not found: ARN:gone:$LATEST"),
        ({"FunctionName": "there:9"}, "ResourceNotFoundException", "Function not found: ARN:there:9"),
        (
            {"FunctionName": "there", "Qualifier": "live"},
            "ResourceNotFoundException",
            "Function not found: ARN:there:live",
        ),
        ({"FunctionName": "there:1", "Qualifier": "2"}, "InvalidParameterValueException", "The derived qualifier"),
        ({"FunctionName": "no such!"}, "ValidationException", "1 validation error detected: Value 'no such!'"),
        (
            {"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:there"},
            "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        ({"FunctionName": "there", "Payload": b"{"}, "InvalidRequestContentException", "Could not parse request body"),
        ({"FunctionName": "there", "ClientContext": "#"}, "InvalidRequestContentException", "Client context must be"),
        ({"FunctionName": "there", "InvocationType": "Now"}, "ValidationException", "1 validation error detected"),
        (
            {"FunctionName": "there", "Payload": b'"' + b"x" * 6_291_455 + b'"'},
            "RequestEntityTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        ),
        (
            {"FunctionName": "there", "Payload": b'"' + b"x" * 1_048_575 + b'"', "InvocationType": "Event"},
            "RequestEntityTooLargeException",
            "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
        ),
    ],
)
async def test_refusals(stand: Any, params: dict[str, Any], code: str, message: str) -> None:
    """In Lambda's words."""
    if "there" not in [one["FunctionName"] for one in stand.call("ListFunctions")["Functions"]]:
        stand.create("there", ECHO)
    answer = await stand.answer(params)
    assert isinstance(answer, ApiError)
    assert answer.code == code
    assert answer.message.startswith(message.replace("ARN", "arn:aws:lambda:us-east-1:123456789012:function"))


async def test_reserved_concurrency_throttles(stand: Any) -> None:
    """With none reserved, nothing runs."""
    stand.create("reserved", ECHO)
    stand.call("PutFunctionConcurrency", FunctionName="reserved", ReservedConcurrentExecutions=0)
    answer = await stand.answer({"FunctionName": "reserved"})
    assert isinstance(answer, ApiError)
    assert (answer.code, answer.status, answer.message) == ("TooManyRequestsException", 429, "Rate Exceeded.")
    assert answer.extra["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    stand.call("DeleteFunctionConcurrency", FunctionName="reserved")
    assert await stand.value("reserved", 5) == 5
    assert stand.statistics.functions["reserved"].throttles == 1


def test_100_of_the_concurrency_stay_unreserved(stand: Any) -> None:
    """PutFunctionConcurrency refuses what would leave less to the other functions; a function may change its own."""
    stand.create("one", ECHO)
    stand.create("two", ECHO)
    for name, wanted in (("one", 500), ("two", 400), ("two", 300)):
        stand.call("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=wanted)
    with pytest.raises(ApiError, match=r"UnreservedConcurrentExecution below its minimum value of \[100\]") as caught:
        stand.call("PutFunctionConcurrency", FunctionName="two", ReservedConcurrentExecutions=401)
    assert caught.value.code == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"Runtime": "nodejs22.x"}, "the runtime nodejs22.x"),
        ({"PackageType": "Image", "Code": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/a:b"}}, "container images"),
    ],
)
async def test_what_cannot_be_run_says_so(stand: Any, settings: dict[str, Any], named: str) -> None:
    """It can be created; invoking it names what is not there, and the log says so, too."""
    stand.create("foreign", {"index.js": "exports.handler = 1"}, **settings)
    try:
        answer = await stand.answer({"FunctionName": "foreign"})
        assert isinstance(answer, ApiError)
        assert (answer.code, answer.status) == ("InvalidRuntimeException", 502)
        assert f"stepsim cannot run {named} yet" in answer.message
        assert answer.message in stand.logged("/aws/lambda/foreign")[-1]
    finally:
        stand.call("DeleteFunction", FunctionName="foreign")


async def test_layers_are_imported_from(stand: Any) -> None:
    """What lies in their folder python."""
    content = {"ZipFile": stand.zipped({"python/layered.py": "VALUE = 7\n"})}
    layer = stand.call("PublishLayerVersion", LayerName="shared", Content=content)
    code = "import layered\ndef handler(event, context):\n    return layered.VALUE\n"
    stand.create("layering", code, Layers=[layer["LayerVersionArn"]])
    assert await stand.value("layering") == 7


async def test_a_handler_can_wait_for_other_functions(stand: Any) -> None:
    """More of them at once than processes run at once."""
    outer = """
import json, boto3
def handler(event, context):
    if event == 0:
        return 0
    answer = boto3.client("lambda").invoke(FunctionName="nested", Payload=json.dumps(event - 1))
    return 1 + json.loads(answer["Payload"].read())
"""
    stand.create("nested", outer)
    assert await stand.value("nested", 6) == 6


async def test_a_handler_is_told_how_another_failed(stand: Any) -> None:
    """As boto3 tells it."""
    stand.create("callee", "def handler(event, context):\n    raise ValueError('why')\n")
    caller = """
import boto3
def handler(event, context):
    client = boto3.client("lambda")
    answer = client.invoke(FunctionName="callee")
    try:
        client.invoke(FunctionName="nobody")
    except client.exceptions.ResourceNotFoundException as error:
        return [answer["FunctionError"], str(error)]
"""
    stand.create("caller", caller)
    failed, missing = await stand.value("caller")
    assert failed == "Unhandled"
    assert "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody:$LATEST" in missing


async def test_functions_of_other_regions_are_others(stand: Any) -> None:
    """They have names of their own there, and the region in their environment."""
    region = "import os\ndef handler(event, context):\n    return os.environ['AWS_REGION']\n"
    stand.create("regional", ECHO)
    arn = stand.create("regional", region, ("123456789012", "eu-west-1"))
    answer = await stand.answer({"FunctionName": "regional"}, ("123456789012", "eu-west-1"))
    assert answer.payload == b'"eu-west-1"'
    task = {"Type": "Task", "Resource": arn, "End": True}
    execution = await stand.run({"StartAt": "T", "States": {"T": task}})
    assert execution.output.value == "eu-west-1"


async def test_deleting_a_function_ends_its_environments(stand: Any) -> None:
    """Its process is gone, and so is the function."""
    stand.create("mortal", "import os\ndef handler(event, context):\n    return os.getpid()\n")
    process = await stand.value("mortal")
    stand.call("DeleteFunction", FunctionName="mortal")

    def gone() -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False

    with anyio.fail_after(10):
        while not gone():
            await anyio.lowlevel.checkpoint()
    answer = await stand.answer({"FunctionName": "mortal"})
    assert isinstance(answer, ApiError)


async def test_tasks_call_versions_and_aliases(stand: Any) -> None:
    """By ARN with a qualifier, and by FunctionName with a Qualifier; the version that ran is told."""
    arn = stand.create("tasked", "def handler(event, context):\n    return context.invoked_function_arn\n")
    stand.call("PublishVersion", FunctionName="tasked")
    stand.call("CreateAlias", FunctionName="tasked", Name="live", FunctionVersion="1")
    direct: dict[str, Any] = {"Type": "Task", "Resource": f"{arn}:live", "Next": "I"}
    parameters = {"FunctionName": "tasked", "Qualifier": "1", "LogType": "Tail"}
    invoke: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}
    invoke |= {"ResultPath": "$.invoked", "End": True}
    direct["ResultSelector"] = {"direct.$": "$"}
    execution = await stand.run({"StartAt": "D", "States": {"D": direct, "I": invoke}})
    output = execution.output.value
    assert output["direct"] == f"{arn}:live"
    assert (output["invoked"]["Payload"], output["invoked"]["ExecutedVersion"]) == (f"{arn}:1", "1")
    assert "LogResult" in output["invoked"]


async def test_a_crash_fails_the_task_by_its_name(stand: Any) -> None:
    """Step Functions takes the errorType."""
    arn = stand.create("crashed", "import os\ndef handler(event, context):\n    os._exit(1)\n")
    execution = await stand.run({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": arn, "End": True}}})
    assert (execution.status, execution.error) == ("FAILED", "Runtime.ExitError")
    assert '"errorType": "Runtime.ExitError"' in execution.cause
