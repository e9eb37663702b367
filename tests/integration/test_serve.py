"""`stepsim serve` as people meet it: a process of its own, with boto3, the AWS CLI and bare sockets as clients."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

BIN = Path(sys.executable).parent
ROLE = "arn:aws:iam::123456789012:role/test"
PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Result": {"done": True}, "End": True}}}
WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
HANDLER = """
import boto3

def handle(event, context):
    states = boto3.client("stepfunctions")
    if "machine" in event:
        return states.start_sync_execution(stateMachineArn=event["machine"])["output"]
    boto3.client("sqs").create_queue(QueueName="from-code")
    return [machine["name"] for machine in states.list_state_machines()["stateMachines"]]
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Server:
    """A server process, and what speaks to it."""

    def __init__(self, *options: str) -> None:
        command = [str(BIN / "stepsim"), "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.port = int(self.said.rpartition(":")[2] or 0)
        self.url = f"http://127.0.0.1:{self.port}"

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the server."""
        config = Config(inject_host_prefix=False, retries={"total_max_attempts": 1}, max_pool_connections=64)
        named: dict[str, Any] = {
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": config,
            **options,
        }
        factory: Any = boto3.session.Session()
        return factory.client(service, **named)

    def machine(self, name: str, definition: dict[str, Any] = PASS, kind: str = "STANDARD") -> str:
        """The ARN of a machine."""
        states = self.client("stepfunctions")
        made = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind)
        return str(made["stateMachineArn"])

    def raw(self, data: bytes) -> bytes:
        """What is answered to some bytes, until the server closes or a whole answer has come."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(data)
            answer = b""
            while True:
                head, blank, rest = answer.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                if blank and length is not None and len(rest) >= int(length[1]):
                    return answer
                more = connection.recv(65536)
                if not more:
                    return answer
                answer += more

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop it: its exit status and what it had to say on standard error."""
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=20)
        return self.process.returncode, told


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for the tests of this file."""
    server = Server()
    try:
        yield server
    finally:
        status, told = server.stop()
    assert status == 0
    assert "Traceback" not in told


@pytest.fixture
def stopped() -> Iterator[list[Server]]:
    """Servers that a test starts for itself."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)
        for pipe in (server.process.stdout, server.process.stderr):
            assert pipe is not None
            pipe.close()


def test_one_line_says_where_it_listens(server: Server) -> None:
    """Once it answers; its health is told in JSON."""
    assert re.fullmatch(r"stepsim listens on http://127\.0\.0\.1:\d+\n", server.said)
    with urllib.request.urlopen(f"{server.url}/_stepsim/health") as answer:
        health = json.load(answer)
    assert health["ready"] is True
    assert re.match(r"\d+\.", health["version"])


def test_boto3_drives_step_functions(server: Server) -> None:
    """From creating a machine to reading its history."""
    states = server.client("stepfunctions")
    arn = server.machine("driven", kind="EXPRESS")
    ended = states.start_sync_execution(stateMachineArn=arn, input='{"a": 1}')
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '{"done":true}')
    running = states.start_execution(stateMachineArn=server.machine("waits", WAIT))["executionArn"]
    states.stop_execution(executionArn=running, error="Enough", cause="of that")
    types = [event["type"] for event in states.get_execution_history(executionArn=running)["events"]]
    assert types == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.describe_state_machine(stateMachineArn=f"{arn}-none")


def test_objects_of_any_size_come_back(server: Server) -> None:
    """In one piece, in parts, by a presigned URL, and by range."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="objects")
    large = os.urandom(1024) * 12_000
    s3.put_object(Bucket="objects", Key="a b/ü+%", Body=b"hello", Metadata={"x": "y"})
    s3.upload_fileobj(io.BytesIO(large), "objects", "large")
    read = s3.get_object(Bucket="objects", Key="large")["Body"].read()
    assert read == large
    got = s3.get_object(Bucket="objects", Key="a b/ü+%", Range="bytes=1-3")
    assert (got["Body"].read(), got["Metadata"]) == (b"ell", {"x": "y"})
    assert s3.head_object(Bucket="objects", Key="large")["ContentLength"] == len(large)
    params = {"Bucket": "objects", "Key": "a b/ü+%"}
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=params)) as answer:
        assert answer.read() == b"hello"
    upload = s3.generate_presigned_url("put_object", Params={"Bucket": "objects", "Key": "up"})
    urllib.request.urlopen(urllib.request.Request(upload, data=b"up", method="PUT")).close()
    assert sorted(one["Key"] for one in s3.list_objects_v2(Bucket="objects")["Contents"]) == ["a b/ü+%", "large", "up"]


def test_functions_run_and_reach_the_account(server: Server) -> None:
    """Also with calls that wait: a function may start an execution and wait for its end."""
    server.client("iam").create_role(RoleName="test", AssumeRolePolicyDocument=json.dumps(TRUST))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("code.py", HANDLER)
    functions = server.client("lambda")
    functions.create_function(
        FunctionName="f", Runtime="python3.12", Handler="code.handle", Role=ROLE, Code={"ZipFile": archive.getvalue()}
    )
    arn = server.machine("called", kind="EXPRESS")
    answer = functions.invoke(FunctionName="f", Payload=b"{}", LogType="Tail")
    assert "called" in json.loads(answer["Payload"].read())
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert server.client("sqs").get_queue_url(QueueName="from-code")["QueueUrl"].startswith(server.url)
    answer = functions.invoke(FunctionName="f", Payload=json.dumps({"machine": arn}))
    assert json.loads(answer["Payload"].read()) == '{"done":true}'
    assert functions.invoke(FunctionName="f", Payload=b"1")["FunctionError"] == "Unhandled"


def test_the_aws_cli_works(server: Server, tmp_path: Path) -> None:
    """As it is installed from PyPI."""
    nowhere = str(tmp_path / "none")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
    }

    def aws(*arguments: str) -> Any:
        command = [sys.executable, str(BIN / "aws"), "--endpoint-url", server.url, "--output", "json", *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(ended.stdout) if ended.stdout.startswith("{") else ended.stdout

    definition = tmp_path / "pass.asl.json"
    definition.write_text(json.dumps(PASS))
    create = ("stepfunctions", "create-state-machine", "--name", "by-cli", "--role-arn", ROLE)
    arn = aws(*create, "--definition", f"file://{definition}")["stateMachineArn"]
    assert arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:by-cli"
    started = aws("stepfunctions", "start-execution", "--state-machine-arn", arn, "--name", "one")
    assert started["executionArn"].endswith(":by-cli:one")
    aws("s3", "mb", "s3://by-cli")
    aws("s3", "cp", str(definition), "s3://by-cli/a/b.json")
    assert "b.json" in aws("s3", "ls", "s3://by-cli/a/")


def test_the_region_that_is_signed_for_decides(server: Server) -> None:
    """And the access key, where it is an account's id."""
    far = server.client("stepfunctions", region_name="ap-south-1", aws_access_key_id="000000000042")
    made = far.create_state_machine(name="far", definition=json.dumps(PASS), roleArn=ROLE)
    assert made["stateMachineArn"] == "arn:aws:states:ap-south-1:000000000042:stateMachine:far"


def test_many_clients_are_served_at_once(server: Server) -> None:
    """While hundreds of executions wait, and connections stay open."""
    arn = server.machine("many", WAIT)
    states = server.client("stepfunctions")
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    with ThreadPoolExecutor(16) as threads:
        started = list(threads.map(lambda n: states.start_execution(stateMachineArn=arn, name=f"n{n}"), range(200)))
    assert len({one["executionArn"] for one in started}) == 200
    listed = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING", maxResults=1000)
    assert len(listed["executions"]) == 200
    for connection in idle:
        connection.close()


def test_a_poll_of_a_client_that_has_gone_takes_no_task(server: Server) -> None:
    """The task goes to the next who asks."""
    states = server.client("stepfunctions")
    activity = states.create_activity(name="work")["activityArn"]
    state = {"Type": "Task", "Resource": activity, "End": True}
    arn = server.machine("works", {"StartAt": "Work", "States": {"Work": state}})
    body = json.dumps({"activityArn": activity}).encode()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.GetActivityTask\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as gone:
        gone.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # The server has read it once it answers somebody who came later.
        states.list_activities()
    states.list_activities()
    states.start_execution(stateMachineArn=arn, input='"task"')
    assert states.get_activity_task(activityArn=activity)["input"] == '"task"'


@pytest.mark.parametrize(
    ("request_text", "status", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, b"evil.example"),
        (b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n", 403, b"evil.example"),
        (b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, b"<Code>"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.Nope\r\n\r\n",
            400,
            b"UnknownOperation",
        ),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.Nope\r\n\r\n", 404, b"UnknownOperation"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.StartExecution\r\n"
            b"Content-Length: 3\r\n\r\n\xff{}",
            400,
            b"SerializationException",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.ListStateMachines\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            200,
            b"stateMachines",
        ),
        (b"GET http://localhost/_stepsim/health HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, b"ready"),
        (b"GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n", 501, b"NotImplemented"),
        (b"nonsense\r\n\r\n", 400, b""),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"x" * 100_000, 400, b""),
    ],
)
def test_whatever_is_sent_is_answered(server: Server, request_text: bytes, status: int, expected: bytes) -> None:
    """With a status of HTTP's, in AWS's shape where it got as far."""
    answer = server.raw(request_text)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert expected in answer


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    """On one connection."""
    one = b"GET /_stepsim/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /_stepsim/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(one + one + last)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200") == 3


def test_a_body_may_be_compressed_and_may_be_too_large(server: Server) -> None:
    """Compressed bodies are read; a request of Step Functions ends at a megabyte."""
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.ListStateMachines\r\n"
    packed = gzip.compress(b"{}")
    answer = server.raw(head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
    assert answer.startswith(b"HTTP/1.1 200")
    large = b" " * 2_000_000
    assert server.raw(head + b"Content-Length: %d\r\n\r\n" % len(large) + large).startswith(b"HTTP/1.1 413")


def test_a_queue_is_waited_at_while_others_are_served(server: Server) -> None:
    """A long poll gets the message that is sent meanwhile."""
    queues = server.client("sqs")
    url = queues.create_queue(QueueName="polled")["QueueUrl"]
    got: list[Any] = []
    poll = threading.Thread(target=lambda: got.append(queues.receive_message(QueueUrl=url, WaitTimeSeconds=20)))
    poll.start()
    queues.send_message(QueueUrl=url, MessageBody="hello")
    poll.join()
    assert got[0]["Messages"][0]["Body"] == "hello"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told(stopped: list[Server], number: int) -> None:
    """Whatever runs or waits: exit status 0, no traceback, and a word about what was running."""
    server = Server()
    stopped.append(server)
    states = server.client("stepfunctions")
    arn = server.machine("waits", WAIT)
    states.start_execution(stateMachineArn=arn)
    activity = states.create_activity(name="a")["activityArn"]
    waiting = socket.create_connection(("127.0.0.1", server.port), 10)
    body = json.dumps({"activityArn": activity}).encode()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.GetActivityTask\r\n"
    waiting.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    states.list_activities()
    status, told = server.stop(number)
    waiting.close()
    assert (status, told) == (0, "1 execution was still running.\n")


def test_a_port_that_is_taken_is_said_in_a_sentence(server: Server) -> None:
    """With exit status 2."""
    command = [str(BIN / "stepsim"), "serve", "--port", str(server.port)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 2
    told = f"Port {server.port} of 127.0.0.1 is in use already: stop what listens there, or choose another with --port."
    assert ended.stderr.strip().endswith(f"Error: {told}")


def test_a_door_that_is_open_to_others_is_warned_of(stopped: list[Server]) -> None:
    """Binding beyond this machine is possible, and said."""
    server = Server("--host", "0.0.0.0")
    stopped.append(server)
    assert server.raw(b"GET /_stepsim/health HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    _, told = server.stop()
    assert told == "Warning: 0.0.0.0 can be reached from other machines, and whoever reaches it can run code here.\n"
