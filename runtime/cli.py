"""The command line: ``stepsim`` and its commands.

Each command imports what it needs when it runs, so that asking for help costs nothing.
"""

from __future__ import annotations

import io
import sys

import click

from stepsim.runtime.cli_explore import explore
from stepsim.runtime.cli_import import import_history
from stepsim.runtime.cli_replay import replay
from stepsim.runtime.cli_run import run, simulate
from stepsim.runtime.cli_serve import serve
from stepsim.runtime.cli_sweep import sweep
from stepsim.runtime.cli_validate import validate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="stepsim", prog_name="stepsim")
def main() -> None:
    """Run and simulate AWS Step Functions state machines on this computer.

    Exit status: 0 for success, 1 for a run that failed or broke an expectation or a definition with errors, 2 for bad
    usage or input.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows another one; it does not end a run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


main.add_command(run)
main.add_command(simulate)
main.add_command(sweep)
main.add_command(serve)
main.add_command(validate)
main.add_command(import_history)
main.add_command(explore)
main.add_command(replay)
