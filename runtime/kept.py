"""A run that outlives its process: a folder that holds what it was asked for, and everything that it has done.

``run.json``        what was run, how often, and whatever the command line wants to find again
``stepsim.sqlite``  its executions, histories, map runs and children, and what they left in buckets and tables
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepsim.asl.payload import JSON
from stepsim.runtime.api.redrive import redrive_execution
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.execution import Execution
from stepsim.runtime.persistence.archive import FILE_NAME, Archive
from stepsim.runtime.persistence.archivist import Archivist
from stepsim.runtime.persistence.journal import Ending
from stepsim.runtime.simulation import INTERRUPTED

if TYPE_CHECKING:
    from stepsim.runtime.api.registry import Registries, Registry
    from stepsim.runtime.persistence.executions import StoredMapRun

FACTS_NAME = "run.json"

_ENDING = Ending(INTERRUPTED, "The run was interrupted", "The run ended without a word")


_NEVER_BEGAN = "was to keep a run that was ended before it began: remove the folder, and run it again with --keep."


class KeptError(Exception):
    """A folder cannot be what a run is kept in, or cannot be gone on with; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """The folder of a run, and what is known of it before the run begins."""

    folder: Path
    scenario: str
    """The scenario's name."""
    seed: int
    attempts: int = 0
    """How often it was begun, or gone on with, before."""
    execution_arn: str | None = None
    arguments: Mapping[str, JSON] | None = None
    """What the command line was given."""

    @classmethod
    def new(cls, folder: Path, scenario: str, seed: int, arguments: Mapping[str, JSON] | None = None) -> KeptRun:
        """A folder for a run that has not begun. Raises KeptError where it is not empty or cannot be made."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            used = next(folder.iterdir(), None)
        except OSError as error:
            raise KeptError(f"{folder} cannot be made: {error.strerror}.") from None
        if _never_began(folder):
            raise KeptError(f"{folder} {_NEVER_BEGAN}")
        if used is not None:
            raise KeptError(f"{folder} is not empty: {used.name} is in it. To go on with a run, redrive it.")
        return cls(folder, scenario, seed, arguments=arguments)

    @classmethod
    def of_folder(cls, folder: Path) -> KeptRun:
        """The run that is kept in a folder, to be gone on with. Raises KeptError where there is none."""
        folder = folder.parent if folder.name in (FILE_NAME, FACTS_NAME) else folder
        try:
            facts = msgspec.json.decode((folder / FACTS_NAME).read_bytes(), type=_Facts)
        except OSError as error:
            if _never_began(folder):
                raise KeptError(f"{folder} {_NEVER_BEGAN}") from None
            raise KeptError(f"{folder} keeps no run: {FACTS_NAME} cannot be read: {error.strerror}.") from None
        except msgspec.MsgspecError as error:
            raise KeptError(f"{folder} keeps no run: {FACTS_NAME} is not what a run writes: {error}.") from None
        return cls(folder, facts.scenario, facts.seed, facts.attempts, facts.execution_arn, facts.arguments)

    @property
    def dice_seed(self) -> int | str:
        """The seed of this attempt's ids: none of an earlier attempt's comes again."""
        return f"{self.seed}#{self.attempts}" if self.attempts else self.seed

    def begun(self, execution_arn: str) -> None:
        """Write down that the run begins, or goes on."""
        facts = _Facts(self.scenario, self.seed, self.attempts + 1, execution_arn, self.arguments)
        text = msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n"
        fresh = self.folder / f"{FACTS_NAME}.new"
        try:
            fresh.write_bytes(text)
            fresh.replace(self.folder / FACTS_NAME)
        except OSError as error:
            raise KeptError(f"{self.folder} cannot be written: {error.strerror}.") from None


def _never_began(folder: Path) -> bool:
    return (folder / FILE_NAME).exists() and not (folder / FACTS_NAME).exists()


class _Facts(msgspec.Struct):
    """run.json."""

    scenario: str
    seed: int
    attempts: int
    execution_arn: str
    arguments: Mapping[str, JSON] | None = None


class Keeping:
    """A kept run at work: its archive, open. Whatever is done with it may raise ArchiveError."""

    def __init__(self, run: KeptRun, registries: Registries, parts: ExitStack) -> None:
        """Before anything is asked of the registries; what the archive holds is in them then."""
        self._run = run
        self._archivist = Archivist(registries, run.folder, ending=_ENDING)
        self.earlier: Sequence[StoredMapRun] = ()
        """The map runs of earlier attempts, as they stood when this one began."""
        parts.callback(self._archivist.close)

    def keep_account(self, parts: ExitStack) -> None:
        """Put back what earlier attempts have left in the account, and write down what this one will."""
        from stepsim.runtime.persistence.account_rows import AccountRows  # runs without an account load no moto

        def rows(archive: Archive, ask: Callable[[], None]) -> AccountRows:
            return AccountRows(archive, ask)

        account = self._archivist.write_beside(rows)
        account.restore()
        parts.enter_context(account.listening())

    def begun(self, execution: Execution) -> None:
        """The run's execution has been started."""
        self._run.begun(execution.me.arn)
        self._archivist.commit()

    def redrive(self, registry: Registry) -> Execution:
        """Let the run's execution go on. Raises KeptError where that is not possible, in AWS's words."""
        arn = self._run.execution_arn
        assert arn is not None
        self.earlier = self._archivist.map_runs()
        try:
            redrive_execution(registry, {"executionArn": arn})
        except ApiError as error:
            raise KeptError(f"{self._run.folder}: {error.message}.") from None
        execution = registry.execution(arn).execution
        self.begun(execution)
        return execution
