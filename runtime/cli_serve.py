"""``stepsim serve``: the account behind one address, for boto3, the AWS CLI and whatever else speaks to AWS."""

from __future__ import annotations

import errno
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepsim.runtime.cli_given import BadInput

if TYPE_CHECKING:
    import socket


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=4566, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 picks one.")
@click.option(
    "--name", "names", multiple=True, metavar="NAME", help="A further host name that clients call it by. Repeatable."
)
@click.option(
    "--persist",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep machines, activities, executions and their histories in this directory, over restarts.",
)
@click.option(
    "--code-folder",
    "code_folders",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Functions may be created from folders below this one (S3Bucket=hot-reload). Repeatable.",
)
@click.option(
    "--processes",
    metavar="N",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="How many functions run at once, each in a process of its own.",
)
@click.option(
    "--mock-config",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SFN_MOCK_CONFIG",
    help="Mocks of tasks, for executions started on STATE_MACHINE_ARN#TEST_CASE; by default $SFN_MOCK_CONFIG.",
)
def serve(
    host: str,
    port: int,
    names: tuple[str, ...],
    persist: Path | None,
    code_folders: tuple[Path, ...],
    processes: int,
    mock_config: Path | None,
) -> None:
    """Serve one AWS endpoint: Step Functions and Lambda run here, moto answers for the rest.

    \b
    stepsim serve &
    aws --endpoint-url http://127.0.0.1:4566 stepfunctions list-state-machines

    Any credentials will do; an access key of twelve digits is the account's id. Ctrl-C ends it, and the account with
    it.

    With --persist the next start goes on where this one ended, but for executions that were running: those are ABORTED
    then. What moto holds (buckets, queues, tables) is not kept.

    Exit status: 0 when stopped, 1 when the directory cannot be written any more, 2 for an address or a directory that
    cannot be had.
    """
    import anyio

    try:
        from stepsim.runtime.endpoint.server import listen
    except ModuleNotFoundError as error:
        if error.name != "uvicorn":
            raise
        raise click.UsageError("`stepsim serve` needs uvicorn: pip install 'stepsim[serve]'") from None
    try:
        listener = listen(host, port)
    except OSError as error:
        raise click.UsageError(_why_not(host, port, error)) from None
    if not is_loopback(listener):
        click.echo(
            f"Warning: {host} can be reached from other machines, and whoever reaches it can run code here.", err=True
        )
    from stepsim.runtime.mocks.reading import MockConfigError
    from stepsim.runtime.persistence.archive import ArchiveError

    options = {
        "names": names if host in ("", "0.0.0.0", "::") else (*names, host),
        "persist": persist,
        "code_folders": code_folders,
        "processes": processes,
        "mock_config": mock_config,
    }
    try:
        with listener:
            anyio.run(_serve, listener, options)
    except ArchiveError as error:
        raise click.UsageError(str(error)) from None
    except MockConfigError as error:
        raise BadInput(str(error)) from None


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use already: stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} is the system's: choose one above 1023 with --port."
    return f"{host}:{port} cannot be listened on: {error.strerror}"


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


async def _serve(listener: socket.socket, options: dict[str, Any]) -> None:
    """Serve until told to stop; `options` are `open_emulator`'s, and what it raises is raised."""
    from importlib.metadata import version

    import msgspec

    from stepsim.runtime.emulator import open_emulator
    from stepsim.runtime.endpoint.asgi import Application
    from stepsim.runtime.endpoint.server import serving, stop_signals

    with stop_signals() as stopped:
        async with open_emulator(**options) as emulator:
            emulator.when_archive_fails = stopped.set
            health = msgspec.json.encode({"version": version("stepsim"), "ready": True})
            application = Application(emulator.answer, lambda: health)
            host, port = listener.getsockname()[:2]
            async with serving(application, listener):
                click.echo(f"stepsim listens on http://{f'[{host}]' if ':' in host else host}:{port}")
                await stopped.wait()
            running, failure = emulator.running, emulator.archive_failure
    if failure is not None:
        raise click.ClickException(str(failure))
    if running:
        click.echo(f"{running} execution{' was' if running == 1 else 's were'} still running.", err=True)
