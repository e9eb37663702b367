"""The life of one execution environment, in its own process: become the function, then work its invocations off."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import signal
import socket
import sys
import time
import traceback
import types
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import NoReturn

from stepsim.workers.aws_bridge import AwsBridge
from stepsim.workers.frames import Invoke, Ready, Result, Setup
from stepsim.workers.lambda_context import LambdaContext, client_context
from stepsim.workers.lambda_errors import (
    RESPONSE_BYTES_MAX,
    Fault,
    error_payload,
    response_too_large,
    stack_trace,
)
from stepsim.workers.lambda_json import marshal, unmarshal
from stepsim.workers.memory_limit import limit_memory, max_memory_mb
from stepsim.workers.parent_link import ParentLink
from stepsim.workers.variables import Variables

HOST_VARIABLES = (
    "PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""What a function sees of this machine's own environment variables; everything else is Lambda's or its own."""

DUMMY_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

Handler = Callable[[object, LambdaContext], object]

Frames = Callable[[types.TracebackType | None], list[str]]


class Invocations:
    """What the log handler needs to know: which invocation runs."""

    def __init__(self) -> None:
        self.request_id = ""


def run_environment(control: socket.socket, log_fd: int, bridge: AwsBridge) -> NoReturn:
    """Be an environment until the pool is gone. What the handler does to the process ends it, as on AWS."""
    try:
        _serve(control, log_fd, bridge)
    except MemoryError:
        # Lambda's sandbox is killed when the function's memory is used up.
        os.kill(os.getpid(), signal.SIGKILL)
    except SystemExit as exit_:
        _end(exit_.code)
    except BaseException:
        traceback.print_exc()
        _end(1)
    _end(0)


def _serve(control: socket.socket, log_fd: int, bridge: AwsBridge) -> None:
    link = ParentLink(control)
    setup = link.receive()
    assert isinstance(setup, Setup)
    _redirect_output(log_fd)
    _enter(setup)
    current = Invocations()
    _set_up_logging(current)
    bridge.connect(link.call, frozenset(setup.fast_operations))
    limit_memory(setup.memory_mb)
    started = time.perf_counter()
    handler, error = _load(setup)
    _flush()
    link.send(Ready((time.perf_counter() - started) * 1000, error))
    if handler is None:
        return
    variables = Variables()
    frames = partial(_frames, setup)
    while True:
        invoke = link.receive()
        assert isinstance(invoke, Invoke)
        current.request_id = invoke.request_id
        variables.show(invoke.variables)
        payload, failed = _invoke(handler, invoke, frames)
        if failed:
            _log_error(payload)
        _flush()
        link.send(Result(payload, failed, max_memory_mb()))


def _invoke(handler: Handler, invoke: Invoke, frames: Frames) -> tuple[str, bool]:
    """Call the handler: what it returned, or the error object and True."""
    context = LambdaContext(
        invoke.request_id, invoke.function_arn, invoke.timeout_ms, os.environ, client_context(invoke.client_context)
    )
    try:
        payload = marshal(handler(unmarshal(invoke.event), context))
    except MemoryError:
        raise
    except Fault as fault:
        return error_payload(fault.message, fault.error_type, invoke.request_id, fault.stack_trace), True
    except Exception as error:
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        return error_payload(str(error), type(error).__name__, invoke.request_id, frames(trace)), True
    if len(payload) > RESPONSE_BYTES_MAX // 4 and len(payload.encode()) > RESPONSE_BYTES_MAX:
        return response_too_large(), True
    return payload, False


def _load(setup: Setup) -> tuple[Handler | None, str | None]:
    """The handler, or the error object of its failing to load."""
    try:
        return _import_handler(setup), None
    except MemoryError:
        raise
    except Fault as fault:
        payload = error_payload(fault.message, fault.error_type, "", fault.stack_trace)
    except Exception as error:
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        payload = error_payload(str(error), type(error).__name__, "", _frames(setup, trace))
    _log_error(payload)
    return None, payload


def _frames(setup: Setup, trace: types.TracebackType | None) -> list[str]:
    """The frames of a traceback; a package's files lie where Lambda would have put them."""
    if setup.shown_root is None:
        return stack_trace(trace)
    here, shown = f'  File "{setup.task_root}/', f'  File "{setup.shown_root}/'
    return [shown + line[len(here) :] if line.startswith(here) else line for line in stack_trace(trace)]


def _import_handler(setup: Setup) -> Handler:
    """The handler's function; raises Fault with the names and words of AWS's runtime."""
    label = setup.label
    if not setup.function:
        raise Fault(
            "Runtime.MalformedHandlerName", f"Bad handler '{label}': not enough values to unpack (expected 2, got 1)"
        )
    if setup.module.partition(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {label} as a handler module")
    _open_folders(setup)
    try:
        module = importlib.import_module(setup.module)
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{label}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{label}': {error}", trace) from error
    try:
        handler: Handler = attrgetter(setup.function)(module)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{setup.function}' missing on module '{label}'") from None
    return handler


def _open_folders(setup: Setup) -> None:
    """Make the folders on the way to the handler's file packages, where they aren't.

    A folder without __init__.py would lose to any installed package of its name.
    """
    folder, name = Path(setup.task_root), ""
    for part in setup.module.split(".")[:-1]:
        folder = folder / part
        name = f"{name}.{part}" if name else part
        if not folder.is_dir() or (folder / "__init__.py").exists() or name in sys.modules:
            return
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def _redirect_output(log_fd: int) -> None:
    """Send what this process and its own subprocesses write to the log pipe; there is nothing to read."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.close(null)
    os.close(log_fd)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = _text_stream(1)
    sys.stderr = _text_stream(2)


def _text_stream(fd: int) -> io.TextIOWrapper:
    raw = open(fd, "wb", closefd=False)  # noqa: SIM115 - lives as long as the process
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _enter(setup: Setup) -> None:
    """Take on the function's variables, working directory and import path, as Lambda sets them."""
    host = {name: os.environ[name] for name in HOST_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(host)
    os.environ.update(setup.environment)
    os.environ.update(_lambda_variables(setup))
    time.tzset()
    os.chdir(setup.task_root)
    sys.path[:0] = setup.paths
    sys.argv = [setup.function_name]


def _lambda_variables(setup: Setup) -> dict[str, str]:
    """The variables that Lambda reserves: a function's own environment cannot change them."""
    stream = setup.log_stream or f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{setup.version}]{os.urandom(16).hex()}"
    return _credentials(setup) | {
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "_HANDLER": f"{setup.label}.{setup.function}",
        "LAMBDA_TASK_ROOT": setup.task_root,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": setup.function_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(setup.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": setup.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": setup.log_group or f"/aws/lambda/{setup.function_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": setup.region,
        "AWS_DEFAULT_REGION": setup.region,
    }


def _credentials(setup: Setup) -> dict[str, str]:
    """Credentials that mean nothing. An access key of twelve digits names an account, wherever it is looked at."""
    if setup.account is None:
        return DUMMY_CREDENTIALS
    return DUMMY_CREDENTIALS | {"AWS_ACCESS_KEY_ID": setup.account}


class _LogHandler(logging.Handler):
    """The root logger's handler in Lambda: level, time, request id and message, between tabs, on stdout."""

    def __init__(self, current: Invocations) -> None:
        super().__init__()
        self._current = current
        formatter = logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record to the log."""
        record.aws_request_id = self._current.request_id
        sys.stdout.write(self.format(record))


def _set_up_logging(current: Invocations) -> None:
    logging.getLogger().addHandler(_LogHandler(current))


def _log_error(payload: str) -> None:
    """Write an error object as Lambda's runtime logs it."""
    error = json.loads(payload)
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}"]
    if "stackTrace" in error:
        lines += ["Traceback (most recent call last):", *(line.rstrip("\n") for line in error["stackTrace"])]
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write("\n".join(lines) + "\n")


def _flush() -> None:
    """Hand over what the handler wrote before its result goes. A handler may have closed the streams."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _end(code: object) -> NoReturn:
    """End the process as the interpreter would for SystemExit(code), without waiting for the handler's threads."""
    if code is not None and not isinstance(code, int):
        with contextlib.suppress(OSError, ValueError):
            print(code, file=sys.stderr)
    _flush()
    os._exit(0 if code is None else code & 0xFF if isinstance(code, int) else 1)
