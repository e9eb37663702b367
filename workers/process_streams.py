"""What goes between the pool and one environment, for as long as it lives: tasks of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio

from stepsim.workers.frames import FromEnvironment
from stepsim.workers.process import EnvironmentProcess, LauncherProcess

Handle = Callable[[EnvironmentProcess, FromEnvironment], None]
Silent = Callable[[EnvironmentProcess], None]


async def serve(environment: EnvironmentProcess, handle: Handle, silent: Silent) -> None:
    """Read what an environment says and writes, and send what it could not take at once, until its scope is cancelled.

    `handle` gets each message; `silent` is called once when no more can come. Its ends are closed afterwards.
    """
    try:
        with environment.scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_read_log, environment)
                tasks.start_soon(_write_control, environment)
                await _read_control(environment, handle)
                silent(environment)
                # The pipes stay open until the launcher has told how it ended, and all is read.
                await anyio.sleep_forever()
    finally:
        environment.close()


def take_in(environment: EnvironmentProcess, handle: Handle) -> bool:
    """Handle what has come; False at the end of it."""
    more = environment.read()
    while (message := environment.next_message()) is not None:
        handle(environment, message)
    return more


async def until_gone(launcher: LauncherProcess) -> None:
    """Wait until a dismissed launcher has ended, and every environment before it."""
    more = True
    while more:
        await anyio.wait_readable(launcher.socket)
        more = launcher.read() is not None


async def _read_control(environment: EnvironmentProcess, handle: Handle) -> None:
    """Handle what an environment says until it says no more.

    The event loop calls back for as long as that lasts: to wait anew for each message takes as long as the rest.
    """
    loop = asyncio.get_running_loop()
    over = anyio.Event()
    failures: list[Exception] = []

    def readable() -> None:
        try:
            if take_in(environment, handle):
                return
        except Exception as error:
            failures.append(error)
        loop.remove_reader(environment.control)
        over.set()

    loop.add_reader(environment.control, readable)
    try:
        await over.wait()
    finally:
        loop.remove_reader(environment.control)
    if failures:
        raise failures[0]


async def _read_log(environment: EnvironmentProcess) -> None:
    while environment.drain_log():
        await anyio.wait_readable(environment.log_fd)


async def _write_control(environment: EnvironmentProcess) -> None:
    """Send on what the socket had no room for."""
    while True:
        await environment.blocked.wait()
        environment.blocked = anyio.Event()
        while environment.outgoing:
            await anyio.wait_writable(environment.control)
            environment.flush()
