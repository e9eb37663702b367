"""What one account has in one region, and what all operations work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from stepsim.runtime.account import Account
from stepsim.runtime.api.arns import parse_machine_arn
from stepsim.runtime.api.execution_store import ExecutionStore
from stepsim.runtime.api.records import ActivityRecord, Alias, ExecutionRecord, Home, MachineRecord, Version
from stepsim.runtime.api.start_limits import StartLimits
from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.map_run import MapRun

if TYPE_CHECKING:
    from stepsim.runtime.api.mocked_starts import MockedStarts


class Observers:
    """Who wants to know what happens; each is a no-op until somebody sets it."""

    def __init__(self) -> None:
        self.execution_started: list[Callable[[ExecutionRecord], None]] = []
        """Called when an execution was made, before its first event; also for one that is redriven."""
        self.execution_ended: list[Callable[[ExecutionRecord], None]] = []
        self.machine_changed: list[Callable[[MachineRecord], None]] = []
        """Called when a machine, or one of its versions, aliases or tags, was made or changed."""
        self.machine_deleting: list[Callable[[MachineRecord], None]] = []
        """Called when DeleteStateMachine was asked for a machine whose executions still run: they are to fail at their
        next transition. The machine is deleted when the last one has ended."""
        self.machine_deleted: list[Callable[[MachineRecord], None]] = []
        self.activity_changed: list[Callable[[ActivityRecord], None]] = []
        self.activity_deleted: list[Callable[[ActivityRecord], None]] = []


class Addressed(NamedTuple):
    """What the ARN of a machine, of a version or of an alias leads to."""

    record: MachineRecord
    version: Version | None = None
    alias: Alias | None = None


class Registry:
    """The Step Functions resources of one home."""

    def __init__(self, home: Home, account: Account, observers: Observers, registries: Registries) -> None:
        self.home = home
        self.account = account
        self.observers = observers
        self.registries = registries
        self.machines: dict[str, MachineRecord] = {}
        self.activities: dict[str, ActivityRecord] = {}
        self.store = registries.new_store(self)
        self.starts = StartLimits(account.engine.capacity.quotas)
        self._numbers = 0

    @property
    def now_ms(self) -> int:
        """The scheduler's time."""
        return self.account.scheduler.now_ms

    def new_uuid(self, purpose: str) -> str:
        """A version-4 UUID that nobody has had."""
        self._numbers += 1
        return self.account.dice.uuid4(purpose, *self.home, self._numbers)

    def machine(self, arn: str) -> MachineRecord:
        """The machine of an ARN without a version or an alias.

        Raises ApiError StateMachineDoesNotExist, InvalidArn, and ValidationException for a labelled ARN.
        """
        record = self.machines.get(arn)
        if record is None:
            parse_machine_arn(arn)
            raise does_not_exist(arn)
        return record

    def active_machine(self, arn: str) -> MachineRecord:
        """As `machine`, of a machine that is not being deleted. Raises ApiError StateMachineDeleting, too."""
        return active(self.machine(arn))

    def addressed(self, arn: str) -> Addressed:
        """What an ARN of a machine, a version or an alias leads to. Raises as `machine` does."""
        record = self.machines.get(arn)
        if record is not None:
            return Addressed(record)
        parsed = parse_machine_arn(arn)
        record = self.machines.get(parsed.unqualified)
        if record is None or parsed.qualifier is None:
            raise does_not_exist(arn)
        version = None if parsed.version is None else record.versions.get(parsed.version)
        alias = record.aliases.get(parsed.qualifier)
        if version is None and alias is None:
            raise does_not_exist(arn)
        return Addressed(record, version, alias)

    def machine_changed(self, record: MachineRecord) -> None:
        """Tell the observers."""
        for observer in self.observers.machine_changed:
            observer(record)

    def execution(self, arn: str) -> ExecutionRecord:
        """The execution of an ARN. Raises ApiError ExecutionDoesNotExist."""
        record = self.store.get(arn)
        if record is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return record

    def map_run(self, arn: str) -> MapRun:
        """The map run of an ARN. Raises ApiError ResourceNotFound."""
        run = self.store.map_run(arn)
        if run is None:
            raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'", extra={"resourceName": arn})
        return run


def active(record: MachineRecord) -> MachineRecord:
    """A machine that is not being deleted. Raises ApiError StateMachineDeleting."""
    if record.status == "DELETING":
        raise ApiError("StateMachineDeleting", f"State Machine is being deleted: '{record.arn}'")
    return record


def does_not_exist(arn: str) -> ApiError:
    """The StateMachineDoesNotExist of an ARN."""
    return ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


class Registries:
    """The registries of all homes, made when first asked for."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.observers = Observers()
        self.new_store: Callable[[Registry], ExecutionStore] = lambda _: ExecutionStore()
        """Makes the store of a home; to be set before anything is asked of the home."""
        self.log_group_exists: Callable[[str], bool] | None = None
        """Whether there is a log group, by its ARN without ``:*``; None: whoever names one is believed."""
        self.mocked: MockedStarts | None = None
        """The test cases that executions may be started with."""
        self._registries: dict[Home, Registry] = {}

    def __getitem__(self, home: Home) -> Registry:
        registry = self._registries.get(home)
        if registry is None:
            registry = self._registries[home] = Registry(home, self.account, self.observers, self)
        return registry

    def __iter__(self) -> Iterator[Registry]:
        return iter(list(self._registries.values()))
