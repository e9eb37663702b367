"""Handlers that behave in every way a handler can."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

calls = 0


def echo(event: Any, context: Any) -> Any:
    return event


def count(event: Any, context: Any) -> list[int]:
    global calls
    calls += 1
    return [os.getpid(), calls]


def parent(event: Any, context: Any) -> int:
    return os.getppid()


def describe(event: Any, context: Any) -> dict[str, Any]:
    return {
        "request_id": context.aws_request_id,
        "name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "log_group": context.log_group_name,
        "remaining": context.get_remaining_time_in_millis(),
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
    }


def fail(event: Any, context: Any) -> None:
    raise ValueError("kein Glück ☂")


def hang(event: Any, context: Any) -> None:
    while True:
        time.sleep(60)


def hang_with_child(event: Any, context: Any) -> None:
    child = subprocess.Popen(["sleep", "600"])
    print(f"child {child.pid} of {os.getpid()}", flush=True)
    time.sleep(600)


def exit_three(event: Any, context: Any) -> None:
    sys.exit(3)


def exit_zero(event: Any, context: Any) -> None:
    sys.exit(0)


def exit_hard(event: Any, context: Any) -> None:
    os._exit(7)


def segfault(event: Any, context: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def close_everything(event: Any, context: Any) -> None:
    os.closerange(3, 256)
    time.sleep(600)


def a_set(event: Any, context: Any) -> set[int]:
    return {1}


def decimals(event: Any, context: Any) -> dict[str, Any]:
    return {"amount": Decimal("12.340"), "blob": b"text"}


def big(event: Any, context: Any) -> str:
    return "x" * int(event)


def loud(event: Any, context: Any) -> str:
    for _ in range(event):
        sys.stdout.write("x" * 1023 + "\n")
    print("the end")
    return "heard"


def logs(event: Any, context: Any) -> None:
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("mine").info("listing")
    subprocess.run(["echo", "from a subprocess"], check=True)
    print("to stderr", file=sys.stderr)


def use_memory(event: Any, context: Any) -> int:
    return len(bytearray(event << 20))


def many_threads(event: Any, context: Any) -> int:
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait) for _ in range(event)]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join()
    return len(threads)


def overflow_stack(event: Any, context: Any) -> None:
    ctypes.string_at(0)


def lazily(event: Any, context: Any) -> Iterator[int]:
    yield 1


class Grouped:
    @staticmethod
    def handler(event: Any, context: Any) -> str:
        return "grouped"
