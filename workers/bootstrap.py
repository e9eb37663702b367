"""The child side of the process pool: ``python -P -m stepsim.workers.bootstrap launcher|environment …``.

``-P`` keeps the working directory out of sys.path, so that none of the user's modules can stand in for the standard
library's before the handler itself is imported.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Literal, NoReturn

import boto3
import botocore.loaders

from stepsim.workers.aws_bridge import AwsBridge
from stepsim.workers.environment import DUMMY_CREDENTIALS, run_environment
from stepsim.workers.launcher import Begin, Launcher, die_with_parent

_WARM_SERVICES: tuple[Literal["s3", "dynamodb"], ...] = ("s3", "dynamodb")
"""Whose clients are made once before any fork, so that a handler's own cost 5 ms and not 100."""


def main(arguments: list[str]) -> NoReturn:
    """Be the launcher (``launcher fork|spawn SOCKET``), or one environment (``environment CONTROL LOG``)."""
    os.environ.update(DUMMY_CREDENTIALS)
    bridge = AwsBridge()
    bridge.install()
    match arguments:
        case ["launcher", method, fd]:
            die_with_parent(signal.SIGTERM)
            Launcher(socket.socket(fileno=int(fd)), _forking(bridge) if method == "fork" else None).run()
        case ["environment", control, log]:
            die_with_parent(signal.SIGKILL)
            run_environment(socket.socket(fileno=int(control)), int(log), bridge)
        case _:
            sys.exit(f"bootstrap: unknown arguments {arguments}")


def _forking(bridge: AwsBridge) -> Begin:
    """What a fork does; everything that all environments need is in memory before the first."""
    _share_service_models()
    boto3.setup_default_session()
    for service in _WARM_SERVICES:
        boto3.client(service_name=service, region_name="us-east-1")

    def begin(control: socket.socket, log_fd: int) -> NoReturn:
        run_environment(control, log_fd, bridge)

    return begin


def _share_service_models() -> None:
    """Read each of botocore's model files once for all sessions of a process and of its forks."""
    reader: Any = botocore.loaders.JSONFileLoader
    load_file: Callable[[object, str], object] = reader.load_file
    loaded: dict[str, object] = {}

    def load_once(loader: object, path: str) -> object:
        if path not in loaded:
            loaded[path] = load_file(loader, path)
        return loaded[path]

    reader.load_file = load_once


if __name__ == "__main__":
    main(sys.argv[1:])
