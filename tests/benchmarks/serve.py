"""`stepsim serve` under load: ``serve.py MEASURE SIZE``, which prints one line of JSON.

MEASURE is ``startup`` (seconds from being started to the first answered call; SIZE is how often), ``executions``
(executions a second, each started, described until it has ended, and its history read, by eight clients), ``waiting``
(so many executions wait at once: seconds to start them, the server's threads and its memory in MB) or ``connections``
(so many connections at once, each with calls under way: calls a second).

The client speaks HTTP over bare sockets: boto3 would measure itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

STEPSIM = Path(sys.executable).with_name("stepsim")
SHORT = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Pass", "Result": {"n": 1}, "Next": "Which"},
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "Last"}]},
        "Last": {"Type": "Succeed"},
    },
}
LONG = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
CLIENTS = 8


class Connection:
    """One connection that is kept alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def call(self, operation: str, **params: Any) -> Any:
        """One call of Step Functions."""
        body = json.dumps(params).encode()
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.{operation}\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"content-length: (\d+)", answer)
        assert length is not None, answer
        value = json.loads(await self._reader.readexactly(int(length[1])))
        assert answer.startswith("http/1.1 200"), (operation, value)
        return value

    def close(self) -> None:
        """Close it."""
        self._writer.close()


class Served:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    async def connect(self) -> Connection:
        """A connection to it."""
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port))

    def status(self, field: str) -> int:
        """A number of the process, as Linux tells it."""
        found = re.search(rf"^{field}:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1])


@asynccontextmanager
async def server() -> AsyncIterator[Served]:
    """A server of its own."""
    process = subprocess.Popen([str(STEPSIM), "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Served(process, int(process.stdout.readline().rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait(10)


async def machine(connection: Connection, definition: dict[str, Any]) -> str:
    """The ARN of a machine made anew."""
    made = await connection.call(
        "CreateStateMachine",
        name="bench",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/bench",
    )
    return str(made["stateMachineArn"])


async def startup(times: int) -> dict[str, float]:
    taken = []
    for _ in range(times):
        started_s = perf_counter()
        async with server() as served:
            connection = await served.connect()
            await machine(connection, SHORT)
            taken.append(perf_counter() - started_s)
            connection.close()
    return {"seconds": min(taken)}


async def executions(count: int) -> dict[str, float]:
    async with server() as served:
        connections = [await served.connect() for _ in range(CLIENTS)]
        arn = await machine(connections[0], SHORT)

        async def run(connection: Connection, number: int) -> None:
            for _ in range(number):
                started = await connection.call("StartExecution", stateMachineArn=arn)
                execution = {"executionArn": started["executionArn"]}
                while (await connection.call("DescribeExecution", **execution))["status"] == "RUNNING":
                    pass
                events = (await connection.call("GetExecutionHistory", **execution))["events"]
                assert events[-1]["type"] == "ExecutionSucceeded"

        started_s = perf_counter()
        await asyncio.gather(*(run(connection, count // CLIENTS) for connection in connections))
        seconds = perf_counter() - started_s
        for connection in connections:
            connection.close()
        return {"executions_per_s": count // CLIENTS * CLIENTS / seconds, "rss_mb": served.status("VmRSS") / 1024}


async def waiting(count: int) -> dict[str, float]:
    async with server() as served:
        connection = await served.connect()
        arn = await machine(connection, LONG)
        started_s = perf_counter()
        for _ in range(count):
            await connection.call("StartExecution", stateMachineArn=arn)
        seconds = perf_counter() - started_s
        listed_s = perf_counter()
        await connection.call("ListExecutions", stateMachineArn=arn)
        answer_ms = (perf_counter() - listed_s) * 1000
        connection.close()
        threads, rss_mb = served.status("Threads"), served.status("VmRSS") / 1024
        return {"seconds": seconds, "threads": threads, "rss_mb": rss_mb, "list_ms": answer_ms}


async def connections(count: int) -> dict[str, float]:
    async with server() as served:
        opened = await asyncio.gather(*(served.connect() for _ in range(count)))
        await machine(opened[0], SHORT)
        started_s = perf_counter()
        for _ in range(3):
            await asyncio.gather(*(connection.call("ListStateMachines") for connection in opened))
        seconds = perf_counter() - started_s
        for connection in opened:
            connection.close()
        return {"calls_per_s": 3 * count / seconds}


MEASURES = {"startup": startup, "executions": executions, "waiting": waiting, "connections": connections}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(MEASURES[sys.argv[1]](int(sys.argv[2])))))
