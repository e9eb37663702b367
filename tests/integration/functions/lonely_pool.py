"""A program with a pool, to be killed: prints the pids of an environment and its child, then waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio

from stepsim.workers.frames import HttpReply, HttpRequest
from stepsim.workers.function_code import FunctionCode
from stepsim.workers.pool import ProcessPool
from stepsim.workers.worker import Invocation, InvocationResult


def tell(request: HttpRequest, invocation: Invocation, reply: Callable[[HttpReply], None]) -> None:
    print(request.body.decode(), flush=True)


def ended(result: InvocationResult) -> None:
    print(result.payload, result.log, flush=True)


async def main() -> None:
    async with ProcessPool(1, http=tell) as pool:
        code = FunctionCode("Hang", "aws_children:tell_and_hang", Path(__file__).parent)
        pool.worker(code).invoke(Invocation("r-1", "Hang", "arn:aws:lambda:us-east-1:1:f", "null", 60_000, 128), ended)
        await anyio.sleep_forever()


anyio.run(main)
