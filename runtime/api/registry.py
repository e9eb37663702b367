"""What one account has in one region, and what all operations work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stepsim.runtime.account import Account
from stepsim.runtime.api.execution_store import ExecutionStore
from stepsim.runtime.api.records import ActivityRecord, ExecutionRecord, Home, MachineRecord
from stepsim.runtime.cloud.call import ApiError


class Observers:
    """Who wants to know what happens; each is a no-op until somebody sets it."""

    def __init__(self) -> None:
        self.execution_started: list[Callable[[ExecutionRecord], None]] = []
        """Called when an execution was made, before its first event; also for one that is redriven."""
        self.execution_ended: list[Callable[[ExecutionRecord], None]] = []
        self.machine_changed: list[Callable[[MachineRecord], None]] = []
        """Called when a machine, or one of its versions, aliases or tags, was made or changed."""
        self.machine_deleted: list[Callable[[MachineRecord], None]] = []
        self.activity_changed: list[Callable[[ActivityRecord], None]] = []
        self.activity_deleted: list[Callable[[ActivityRecord], None]] = []


class Registry:
    """The Step Functions resources of one home."""

    def __init__(self, home: Home, account: Account, observers: Observers, registries: Registries) -> None:
        self.home = home
        self.account = account
        self.observers = observers
        self.registries = registries
        self.machines: dict[str, MachineRecord] = {}
        self.activities: dict[str, ActivityRecord] = {}
        self.store = ExecutionStore()
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
        """The machine of an ARN. Raises ApiError StateMachineDoesNotExist."""
        record = self.machines.get(arn)
        if record is None:
            raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return record

    def execution(self, arn: str) -> ExecutionRecord:
        """The execution of an ARN. Raises ApiError ExecutionDoesNotExist."""
        record = self.store.get(arn)
        if record is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return record


class Registries:
    """The registries of all homes, made when first asked for."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.observers = Observers()
        self._registries: dict[Home, Registry] = {}

    def __getitem__(self, home: Home) -> Registry:
        registry = self._registries.get(home)
        if registry is None:
            registry = self._registries[home] = Registry(home, self.account, self.observers, self)
        return registry

    def __iter__(self) -> Iterator[Registry]:
        return iter(list(self._registries.values()))
